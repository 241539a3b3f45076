package doorzet_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// line is a product with one rate; rate 0 = no tax.
func line(net, tax string, rates ...int64) doorzet.OrderPart {
	p := doorzet.OrderPart{Kind: doorzet.PartLine, Name: "Mok", Quantity: dec("3"), Net: dec(net), Tax: dec(tax)}
	for _, id := range rates {
		p.Taxes = append(p.Taxes, doorzet.PartTax{RateID: id, Total: dec(tax)})
	}
	return p
}

func shipping(net, tax string, rates ...int64) doorzet.OrderPart {
	p := line(net, tax, rates...)
	p.Kind, p.Name, p.MethodID, p.Quantity = doorzet.PartShipping, "PostNL", "flat_rate", dec("1")
	return p
}

func fee(name, net, tax string, rates ...int64) doorzet.OrderPart {
	p := line(net, tax, rates...)
	p.Kind, p.Name, p.TaxStatus, p.Quantity = doorzet.PartFee, name, "taxable", dec("1")
	return p
}

// taxes replaces a part's taxes.
func taxes(p doorzet.OrderPart, entries ...doorzet.PartTax) doorzet.OrderPart {
	p.Taxes = entries
	return p
}

func tax(id int64, total string) doorzet.PartTax {
	return doorzet.PartTax{RateID: id, Total: dec(total)}
}

// taxLine is one of the rates 1 (NL 21 %), 2 (NL 9 %), 3 (NL 0 %), 4 (DE 19 %), 5 (GB 20 %).
func taxLine(id int64, tax, shippingTax string) doorzet.TaxLine {
	rates := map[int64][2]string{1: {"NL-BTW 21%-1", "21"}, 2: {"NL-BTW 9%-1", "9"}, 3: {"NL-BTW 0%-1", "0"}, 4: {"DE-MWST-1", "19"}, 5: {"GB-VAT-1", "20"}}
	return doorzet.TaxLine{
		RateID: id, RateCode: rates[id][0], Label: rates[id][0][3:], Percent: dec(rates[id][1]), HasPercent: true, Tax: dec(tax), ShippingTax: dec(shippingTax),
	}
}

func meta(key, value string) doorzet.Meta {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return doorzet.Meta{Key: key, Value: raw}
}

// sale is an order of 3 mugs with shipping: 28.86 + 6.06 and 4.13 + 0.87 at 21 %, 39.92 in all, paid online.
func sale() doorzet.ShopOrder {
	a := doorzet.Address{FirstName: "Jan", LastName: "de Vries", Street: "Damrak 12", City: "Amsterdam", Zip: "1012 LG", Country: "NL", Email: "jan@shop.example"}
	return doorzet.ShopOrder{
		ID: 1002, Number: "1002", Status: "processing", Currency: "EUR", Total: dec("39.92"), Full: true,
		Paid: time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC), PaymentMethod: "mollie_wc_gateway_ideal", PaymentTitle: "iDEAL",
		Billing: a, Shipping: a,
		Lines:    []doorzet.OrderPart{line("28.86", "6.06", 1)},
		Shipment: []doorzet.OrderPart{shipping("4.13", "0.87", 1)},
		TaxLines: []doorzet.TaxLine{taxLine(1, "6.06", "0.87")},
	}
}

// untaxed is a sale of 30.00 and 10.00 shipping without VAT to a country.
func untaxed(country, zip string) doorzet.ShopOrder {
	o := sale()
	o.Total, o.TaxLines = dec("40.00"), nil
	o.Lines, o.Shipment = []doorzet.OrderPart{line("30.00", "0")}, []doorzet.OrderPart{shipping("10.00", "0")}
	o.Billing.Country, o.Shipping.Country, o.Shipping.Zip = country, country, zip
	return o
}

// of makes an order of other parts.
func of(total string, taxLines []doorzet.TaxLine, parts ...doorzet.OrderPart) doorzet.ShopOrder {
	o := sale()
	o.Total, o.TaxLines, o.Lines, o.Shipment = dec(total), taxLines, nil, nil
	for _, p := range parts {
		switch p.Kind {
		case doorzet.PartLine:
			o.Lines = append(o.Lines, p)
		case doorzet.PartShipping:
			o.Shipment = append(o.Shipment, p)
		case doorzet.PartFee:
			o.Fees = append(o.Fees, p)
		}
	}
	return o
}

func tl(lines ...doorzet.TaxLine) []doorzet.TaxLine { return lines }

func seller() doorzet.Seller {
	return doorzet.Seller{
		Name: "De Boekenwinkel", Street: "Kade 1", Zip: "1011 AA", City: "Amsterdam", Country: "NL", VATNumber: "NL001234567B01", KVKNumber: "12345678",
		IBAN: "NL91ABNA0417164300", Email: "info@shop.example", Scheme: doorzet.SchemeInvoice,
		OSS: []doorzet.Period{{From: date(2026, 1, 1), To: date(2026, 12, 31)}},
	}
}

func date(y int, m time.Month, d int) doorzet.Date { return doorzet.Date{Year: y, Month: m, Day: d} }

func input() doorzet.ComposeInput {
	return doorzet.ComposeInput{
		Seller: seller(), Zone: time.FixedZone("+01:00", 3600), Reference: "WC-1002", FirstDue: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
	}
}

// with is a changed copy.
func with[T any](v T, changes ...func(*T)) T {
	for _, change := range changes {
		change(&v)
	}
	return v
}

func compose(t *testing.T, o doorzet.ShopOrder, in doorzet.ComposeInput) doorzet.Document {
	t.Helper()
	doc, err := doorzet.Compose(o, in)
	if err != nil {
		t.Fatal(err)
	}
	addsUp(t, o, doc)
	return doc
}

// addsUp is what must be true of every document.
func addsUp(t *testing.T, o doorzet.ShopOrder, doc doorzet.Document) {
	t.Helper()
	var net, vat, groupNet, groupVAT doorzet.Cents
	for _, p := range doc.Parts {
		net, vat = net+p.Net, vat+p.VAT
	}
	for _, g := range doc.Groups {
		groupNet, groupVAT = groupNet+g.Net, groupVAT+g.VAT
	}
	if net != doc.Net || vat != doc.VAT || groupNet != doc.Net || groupVAT != doc.VAT || net+vat != doc.Total {
		t.Errorf("parts %s + %s, groups %s + %s, document %s + %s = %s", net, vat, groupNet, groupVAT, doc.Net, doc.VAT, doc.Total)
	}
	if want := o.Total.Add(doc.Vouchers.Decimal()); !doc.Total.Decimal().Equal(want) {
		t.Errorf("total %s, want %s", doc.Total, want)
	}
}

// holds checks that an order is held by a rule, with a sentence that names what it must.
func holds(t *testing.T, o doorzet.ShopOrder, in doorzet.ComposeInput, rule string, says ...string) {
	t.Helper()
	doc, err := doorzet.Compose(o, in)
	var held *doorzet.HeldError
	if !errors.As(err, &held) {
		t.Fatalf("composed (%+v) or another error: %v", doc.Groups, err)
	}
	if held.Rule != rule {
		t.Errorf("held by %q (%s), want %q", held.Rule, held.Reason, rule)
	}
	for _, want := range says {
		if !strings.Contains(held.Reason, want) {
			t.Errorf("%q does not say %q", held.Reason, want)
		}
	}
	if !strings.HasSuffix(held.Reason, ".") || strings.Contains(held.Reason, "%!") {
		t.Errorf("%q is no sentence", held.Reason)
	}
}
