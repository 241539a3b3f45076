package doorzet_test

import (
	"encoding/json"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestComposeBuyer(t *testing.T) {
	t.Parallel()
	t.Run("a company before its person", func(t *testing.T) {
		t.Parallel()
		doc := compose(t, with(sale(), func(o *doorzet.ShopOrder) { o.Billing.Company = "  Acme \t B.V." }), input())
		if b := doc.Buyer; b.Name != "Acme B.V." || b.Company != "Acme B.V." || b.Person != "Jan de Vries" || b.Country != "NL" || b.Email != "jan@shop.example" {
			t.Errorf("%+v", b)
		}
	})
	t.Run("nobody is a consumer in the country of the VAT", func(t *testing.T) {
		t.Parallel()
		doc := compose(t, with(sale(), func(o *doorzet.ShopOrder) { o.Billing, o.Shipping = doorzet.Address{}, doorzet.Address{} }), input())
		if doc.Buyer.Name != "Consument" || doc.Buyer.Country != "NL" || doc.Delivery != (doorzet.Place{}) {
			t.Errorf("%+v, %+v", doc.Buyer, doc.Delivery)
		}
	})
	t.Run("nobody, and no VAT", func(t *testing.T) {
		t.Parallel()
		o := with(untaxed("NL", ""), func(o *doorzet.ShopOrder) { o.Billing, o.Shipping = doorzet.Address{}, doorzet.Address{} })
		in := with(input(), func(in *doorzet.ComposeInput) { in.Seller.KOR = []doorzet.Period{{}} })
		holds(t, o, in, "4.11", "country")
	})
	t.Run("the shipping address stands in for an empty billing address", func(t *testing.T) {
		t.Parallel()
		doc := compose(t, with(sale(), func(o *doorzet.ShopOrder) { o.Billing = doorzet.Address{Email: "a@shop.example"} }), input())
		if doc.Buyer.Name != "Jan de Vries" || doc.Buyer.City != "Amsterdam" || doc.Buyer.Email != "a@shop.example" {
			t.Errorf("%+v", doc.Buyer)
		}
	})
	t.Run("no country code", func(t *testing.T) {
		t.Parallel()
		holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.Shipping.Country = "ZZ" }), input(), "4.11", `"ZZ"`)
	})
	t.Run("what is picked up was delivered at the shop", func(t *testing.T) {
		t.Parallel()
		doc := compose(t, with(sale(), func(o *doorzet.ShopOrder) { o.Shipment[0].MethodID = "local_pickup"; o.Shipping.Country = "DE" }), input())
		if doc.Delivery.Country != "NL" || doc.Delivery.Street != "Kade 1" {
			t.Errorf("%+v", doc.Delivery)
		}
	})
	t.Run("control characters are no text", func(t *testing.T) {
		t.Parallel()
		doc := compose(t, with(sale(), func(o *doorzet.ShopOrder) { o.Billing.FirstName = "J\x00a\xff\x07n"; o.Lines[0].Name = "\x01" }), input())
		if doc.Buyer.Name != "Jan de Vries" || doc.Parts[0].Text != "3 x Artikel" {
			t.Errorf("%q, %q", doc.Buyer.Name, doc.Parts[0].Text)
		}
	})
}

func TestComposeReadsVATNumbers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		country string
		meta    []doorzet.Meta
		want    string
	}{
		{"NL", nil, ""},
		{"NL", []doorzet.Meta{meta("_billing_vat_number", "nl 0012.34.567.B01")}, "NL001234567B01"},
		{"NL", []doorzet.Meta{meta("_vat_number", "NL999999999B99"), meta("_billing_vat_number", "NL001234567B01")}, "NL001234567B01"},
		{"NL", []doorzet.Meta{meta("_billing_vat_number", ""), meta("_vat_number", "001234567B01")}, "NL001234567B01"},
		{"GR", []doorzet.Meta{meta("vat_number", "123456789")}, "EL123456789"},
		{"GR", []doorzet.Meta{meta("vat_number", "EL123456789")}, "EL123456789"},
		{"AT", []doorzet.Meta{meta("VAT Number", "U12345678")}, "ATU12345678"},
		{"NL", []doorzet.Meta{meta("_billing_vat", "n.v.t.")}, ""},
		{"NL", []doorzet.Meta{meta("_billing_vat", "12345678901234567890")}, ""},
		{"NL", []doorzet.Meta{{Key: "_eu_vat_data", Value: json.RawMessage(`{"vat_number":"NL001234567B01","valid":true}`)}}, "NL001234567B01"},
		{"BE", []doorzet.Meta{meta("_wc_other/my-vat/vat-number", "BE 0123.456.789")}, "BE0123456789"},
		{"BE", []doorzet.Meta{meta("_wc_billing/shop/btw_nummer", "BE0123456789")}, "BE0123456789"},
		{"BE", []doorzet.Meta{meta("_wc_billing/shop/remarks", "BE0123456789")}, ""},
	}
	for _, test := range tests {
		doc := compose(t, with(sale(), func(o *doorzet.ShopOrder) { o.Billing.Country, o.Meta = test.country, test.meta }), input())
		if doc.Buyer.VATNumber != test.want {
			t.Errorf("%s %v: %q, want %q", test.country, test.meta, doc.Buyer.VATNumber, test.want)
		}
	}
}

func TestComposeReadsTradeRegisterNumbers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ key, value, want string }{
		{"_billing_kvk", "87654321", "87654321"},
		{"kvk", "8765 4321", "87654321"},
		{"coc_number", "87.65.43.21", "87654321"},
		{"_wc_other/shop/kvk-nummer", "87654321", "87654321"},
		{"_billing_kvk", "8765432", ""},
		{"_billing_kvk", "geen", ""},
		{"_other", "87654321", ""},
	} {
		doc := compose(t, with(sale(), func(o *doorzet.ShopOrder) { o.Meta = []doorzet.Meta{meta(test.key, test.value)} }), input())
		if doc.Buyer.KVKNumber != test.want {
			t.Errorf("%s %s: %q, want %q", test.key, test.value, doc.Buyer.KVKNumber, test.want)
		}
	}
}
