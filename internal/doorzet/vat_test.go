package doorzet_test

import (
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestZeroReasonIsExportOutsideTheEU(t *testing.T) {
	t.Parallel()
	for _, place := range []struct{ country, zip string }{
		{"US", ""},
		{"CH", "8001"},
		{"GB", "SW1A 1AA"},
		{"GB", "b1 1aa"},
		{"NO", "0010"},
		{"ES", "35001"},
		{"ES", "38 001"},
		{"ES", "51001"},
		{"ES", "ES-52001"},
		{"DE", "27498"},
		{"DE", "D-78266"},
		{"IT", "23041"},
		{"IT", "22061"},
		{"FI", "22100"},
		{"FI", "FI-22100"},
		{"AX", "22100"},
		{"FR", "97400"},
		{"FR", "98800"},
		{"RE", "97400"},
		{"GR", "630 86"},
		{"EL", "63086"},
		{"GG", "GY1 1AA"},
		{"IM", "IM1 1AA"},
	} {
		doc := compose(t, untaxed(place.country, place.zip), input())
		if g := doc.Groups[0]; g.Reason != doorzet.ReasonExport || g.Country != "NL" || !g.Percent.IsZero() || g.VAT != 0 {
			t.Errorf("%s %s: %+v", place.country, place.zip, g)
		}
	}
}

func TestZeroReasonIsHeldInsideTheEU(t *testing.T) {
	t.Parallel()
	for _, place := range []struct{ country, zip string }{
		{"BE", "1000"},
		{"ES", "28001"},
		{"ES", ""},
		{"ES", "03501"},
		{"DE", "78267"},
		{"DE", "27499"},
		{"IT", "23042"},
		{"FI", "00100"},
		{"FR", "75001"},
		{"FR", "98000"}, // Monaco
		{"MC", "98000"},
		{"GR", "63087"},
		{"GB", "BT1 1AA"},
		{"GB", "bt11aa"},
		{"XI", "BT1 1AA"},
	} {
		holds(t, untaxed(place.country, place.zip), input(), "4.2 f", "consumer")
		o := with(untaxed(place.country, place.zip), func(o *doorzet.ShopOrder) { o.Meta = []doorzet.Meta{meta("_vat_number", "BE0123456789")} })
		holds(t, o, input(), "4.2 f", "BE0123456789", "has not been checked")
	}
}

func TestZeroReasonPlace(t *testing.T) {
	t.Parallel()
	pickup := func(method string) func(o *doorzet.ShopOrder) {
		return func(o *doorzet.ShopOrder) { o.Shipment[0].MethodID = method }
	}
	t.Run("what is picked up is supplied at the shop", func(t *testing.T) {
		t.Parallel()
		for _, method := range []string{"local_pickup", "pickup_location"} {
			holds(t, with(untaxed("US", ""), pickup(method)), input(), "4.2 g", "own country")
		}
	})
	t.Run("one part picked up and another sent", func(t *testing.T) {
		t.Parallel()
		o := with(untaxed("US", ""), pickup("local_pickup"))
		o.Shipment = append(o.Shipment, shipping("1.00", "0"))
		o.Total = dec("41.00")
		holds(t, o, input(), "4.2 c", "picked up")
	})
	t.Run("the billing address stands in for the shipping address", func(t *testing.T) {
		t.Parallel()
		o := with(untaxed("US", ""), func(o *doorzet.ShopOrder) { o.Shipping = doorzet.Address{} })
		compose(t, o, input())
		o.Billing.Country = ""
		holds(t, o, input(), "4.2 c", "no country")
	})
	t.Run("the shipping address wins", func(t *testing.T) {
		t.Parallel()
		holds(t, with(untaxed("US", ""), func(o *doorzet.ShopOrder) { o.Shipping.Country = "BE" }), input(), "4.2 f", "BE")
	})
	t.Run("without shipping nobody knows whether it is goods or a service", func(t *testing.T) {
		t.Parallel()
		o := with(untaxed("US", ""), func(o *doorzet.ShopOrder) { o.Shipment, o.Total = nil, dec("30.00") })
		holds(t, o, input(), "4.2 d", "Mok", "US", "service")
	})
	t.Run("free shipping is shipping too", func(t *testing.T) {
		t.Parallel()
		compose(t, with(untaxed("US", ""), func(o *doorzet.ShopOrder) { o.Shipment[0].Net, o.Total = dec("0"), dec("30.00") }), input())
	})
	t.Run("0 % at home only by mapping, tax line or not", func(t *testing.T) {
		t.Parallel()
		holds(t, untaxed("NL", ""), input(), "4.2 g", "Mok")
		holds(t, with(untaxed("NL", ""), func(o *doorzet.ShopOrder) {
			o.TaxLines = tl(taxLine(3, "0", "0"))
			o.Lines[0] = taxes(o.Lines[0], tax(3, "0"))
		}), input(), "4.2 g", "Mok")
	})
	t.Run("home is where the seller is", func(t *testing.T) {
		t.Parallel()
		belgian := with(input(), func(in *doorzet.ComposeInput) { in.Seller.Country = "BE" })
		holds(t, untaxed("BE", ""), belgian, "4.2 g")
		holds(t, untaxed("NL", ""), belgian, "4.2 f")
	})
}

func TestZeroShippingFollowsTheGoods(t *testing.T) {
	t.Parallel()
	o := of("139.00", tl(taxLine(1, "21.00", "0")), line("100.00", "21.00", 1), line("8.00", "0"), shipping("10.00", "0"))
	o.Billing.Country, o.Shipping.Country = "US", "US"
	holds(t, o, input(), "4.2", "PostNL", "10.00")
	o.Lines[0], o.Lines[1] = line("1.00", "0.21", 1), line("107.00", "0")
	o.TaxLines, o.Total = tl(taxLine(1, "0.21", "0")), dec("118.21")
	doc := compose(t, o, input())
	if len(doc.Groups) != 2 || doc.Groups[doc.Parts[2].Group].Reason != doorzet.ReasonExport {
		t.Errorf("%+v in %+v", doc.Parts, doc.Groups)
	}
}

func TestKORHasNoVATAtAll(t *testing.T) {
	t.Parallel()
	kor := func(p doorzet.Period) doorzet.ComposeInput {
		return with(input(), func(in *doorzet.ComposeInput) { in.Seller.KOR = []doorzet.Period{p} })
	}
	that := doorzet.Period{From: date(2026, 11, 21), To: date(2026, 11, 21)}
	for _, country := range []string{"NL", "DE", "US"} {
		doc := compose(t, untaxed(country, ""), kor(that))
		if g := doc.Groups[0]; g.Reason != doorzet.ReasonExempt || len(doc.Groups) != 1 {
			t.Errorf("%s: %+v", country, doc.Groups)
		}
	}
	holds(t, sale(), kor(that), "4.2 a", "KOR", "2026-11-21")
	holds(t, with(untaxed("NL", ""), func(o *doorzet.ShopOrder) { o.TaxLines = tl(taxLine(1, "0.01", "0")) }), kor(that), "4.2 a")
	compose(t, sale(), kor(doorzet.Period{To: date(2026, 11, 20)}))
	compose(t, sale(), kor(doorzet.Period{From: date(2026, 11, 22)}))
}
