package doorzet_test

import (
	"errors"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestComposeAnOrdinarySale(t *testing.T) {
	t.Parallel()
	doc := compose(t, sale(), input())
	if doc.Kind != doorzet.KindInvoice || doc.Reference != "WC-1002" || doc.Number != "1002" || doc.OrderID != 1002 || doc.Currency != "EUR" {
		t.Errorf("%s %s of order %d (%s) in %s", doc.Kind, doc.Reference, doc.OrderID, doc.Number, doc.Currency)
	}
	if doc.Date != date(2026, 11, 21) || doc.VATDate != doc.Date {
		t.Errorf("dates %s and %s, want the day of payment in the shop's zone", doc.Date, doc.VATDate)
	}
	if doc.Total != 3992 || doc.VAT != 693 || doc.PaidThen != 3992 || doc.Vouchers != 0 {
		t.Errorf("total %s, VAT %s, paid %s", doc.Total, doc.VAT, doc.PaidThen)
	}
	if len(doc.Parts) != 2 || doc.Parts[0].Text != "3 x Mok" || doc.Parts[1].Text != "PostNL" || len(doc.Groups) != 1 {
		t.Errorf("parts %+v in groups %+v", doc.Parts, doc.Groups)
	}
	if g := doc.Groups[0]; g.Reason != doorzet.ReasonDomestic || g.Country != "NL" || !g.Percent.Equal(dec("21")) {
		t.Errorf("group %+v", g)
	}
	if len(doc.Notes) != 1 || doc.Notes[0] != "Boekingsdocument, geen factuur" {
		t.Errorf("notes %q", doc.Notes)
	}
}

func TestComposeNeedsAWholeOrder(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func() error{
		"a field list": func() error {
			_, err := doorzet.Compose(with(sale(), func(o *doorzet.ShopOrder) { o.Full = false }), input())
			return err
		},
		"no zone": func() error {
			_, err := doorzet.Compose(sale(), with(input(), func(in *doorzet.ComposeInput) { in.Zone = nil }))
			return err
		},
	} {
		var held *doorzet.HeldError
		if err := call(); err == nil || errors.As(err, &held) {
			t.Errorf("%s: %v, want a fault of the caller", name, err)
		}
	}
}

func TestComposeSteps1To5(t *testing.T) {
	t.Parallel()
	t.Run("step 1: more than two decimals", func(t *testing.T) {
		t.Parallel()
		holds(t, of("12.10", tl(taxLine(1, "2.10", "0")), line("10.001", "2.10", 1)), input(), "4.1 step 1", "Mok", "10.001")
		holds(t, of("12.10", tl(taxLine(1, "2.10", "0")), line("10", "2.099", 1)), input(), "4.1 step 1", "Mok", "2.099")
		holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.Total = dec("39.9201") }), input(), "4.1 step 1", "total", "39.9201")
		holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.TaxLines[0].Tax = dec("6.061") }), input(), "4.1 step 1", "6.931")
		compose(t, with(sale(), func(o *doorzet.ShopOrder) { o.Total = dec("39.920000") }), input())
	})
	t.Run("step 1: amounts that are no money", func(t *testing.T) {
		t.Parallel()
		holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.Total = dec("100000000000") }), input(), "4.1 step 1", "100000000000")
	})
	t.Run("step 1: currencies", func(t *testing.T) {
		t.Parallel()
		for _, currency := range []string{"JPY", "KWD", "BTC", "eur"} {
			holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.Currency = currency }), input(), "4.1 step 1", `"`+currency+`"`)
		}
		holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.Currency = "" }), input(), "4.1 step 1", "no currency")
	})
	t.Run("step 2: the percentage comes from the order, else from the shop", func(t *testing.T) {
		t.Parallel()
		old := with(sale(), func(o *doorzet.ShopOrder) { o.TaxLines[0].HasPercent, o.TaxLines[0].Percent = false, decimal.Zero })
		holds(t, old, input(), "4.1 step 2", "no percentage")
		compose(t, old, with(input(), func(in *doorzet.ComposeInput) { in.RatePercents = map[int64]decimal.Decimal{1: dec("21.0000")} }))
		holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.TaxLines[0].Percent = dec("121") }), input(), "4.1 step 2", "121")
	})
	t.Run("step 2: the country comes from the shop, else from the code, never from the address", func(t *testing.T) {
		t.Parallel()
		nameless := with(sale(), func(o *doorzet.ShopOrder) { o.TaxLines[0].RateCode = "BTW 21%-1" })
		holds(t, nameless, input(), "4.1 step 2", "of which country")
		holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.TaxLines[0].RateCode = "ZZ-1" }), input(), "4.1 step 2")
		doc := compose(t, nameless, with(input(), func(in *doorzet.ComposeInput) { in.RateCountries = map[int64]string{1: "NL"} }))
		if doc.Groups[0].Country != "NL" {
			t.Errorf("group %+v", doc.Groups[0])
		}
		doc = compose(t, sale(), with(input(), func(in *doorzet.ComposeInput) { in.RateCountries = map[int64]string{1: "BE"} }))
		if doc.Groups[0].Reason != doorzet.ReasonOSS {
			t.Errorf("group %+v", doc.Groups[0])
		}
	})
	t.Run("step 2: compound rates", func(t *testing.T) {
		t.Parallel()
		holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.TaxLines[0].Compound = true }), input(), "4.1 step 2", "compound")
		unused := taxLine(2, "0", "0")
		unused.Compound = true
		compose(t, with(sale(), func(o *doorzet.ShopOrder) { o.TaxLines = append(o.TaxLines, unused) }), input())
	})
	t.Run("step 3: parts without amounts and coupons are no lines", func(t *testing.T) {
		t.Parallel()
		doc := compose(t, with(sale(), func(o *doorzet.ShopOrder) {
			o.Lines = append(o.Lines, line("0", "0", 9))
			o.Coupons = []doorzet.Coupon{{Code: "zomer10", Kind: "percent", Discount: dec("4.27")}}
		}), input())
		if len(doc.Parts) != 2 {
			t.Errorf("parts %+v", doc.Parts)
		}
	})
	t.Run("step 4: nothing to book", func(t *testing.T) {
		t.Parallel()
		if _, err := doorzet.Compose(of("0", nil), input()); !errors.Is(err, doorzet.ErrNothingToBook) {
			t.Errorf("no lines: %v", err)
		}
		if _, err := doorzet.Compose(of("0.00", tl(taxLine(2, "0", "0")), line("0", "0", 2)), input()); !errors.Is(err, doorzet.ErrNothingToBook) {
			t.Errorf("a free line: %v", err)
		}
		holds(t, of("0.01", nil), input(), "4.1 step 4", "0.01")
	})
	t.Run("step 5: taxes that nothing explains", func(t *testing.T) {
		t.Parallel()
		holds(t, of("12.10", tl(taxLine(1, "2.10", "0")), line("10.00", "2.10", 7)), input(), "4.1 step 5", "number 7")
		holds(t, of("12.10", nil, line("10.00", "2.10")), input(), "4.1 step 5", "2.10")
		holds(t, of("12.10", tl(taxLine(3, "0", "0")), line("10.00", "2.10", 3)), input(), "4.1 step 5", "2.10")
	})
	t.Run("step 5: an entry without tax beside one with tax does not count", func(t *testing.T) {
		t.Parallel()
		doc := compose(t, of("12.10", tl(taxLine(1, "2.10", "0"), taxLine(2, "0", "0")), taxes(line("10.00", "2.10"), tax(1, "2.10"), tax(2, "0"), tax(8, "0"))), input())
		if len(doc.Groups) != 1 || len(doc.Parts) != 1 {
			t.Errorf("groups %+v", doc.Groups)
		}
	})
	t.Run("step 5: a tax that rounds to nothing keeps its rate", func(t *testing.T) {
		t.Parallel()
		doc := compose(t, of("0.02", tl(taxLine(2, "0", "0")), taxes(line("0.02", "0"), tax(2, "0"))), input())
		if doc.Groups[0].Reason != doorzet.ReasonDomestic || !doc.Groups[0].Percent.Equal(dec("9")) {
			t.Errorf("groups %+v", doc.Groups)
		}
	})
}

func TestComposeSteps7And8(t *testing.T) {
	t.Parallel()
	t.Run("step 7: another EU state's rate is OSS, with the seller's setting of that day", func(t *testing.T) {
		t.Parallel()
		german := of("119.00", tl(taxLine(4, "19.00", "0")), line("100.00", "19.00", 4))
		doc := compose(t, german, input())
		if g := doc.Groups[0]; g.Reason != doorzet.ReasonOSS || g.Country != "DE" {
			t.Errorf("group %+v", g)
		}
		for _, period := range []doorzet.Period{{To: date(2026, 11, 20)}, {From: date(2026, 11, 22)}} {
			holds(t, german, with(input(), func(in *doorzet.ComposeInput) { in.Seller.OSS = []doorzet.Period{period} }), "4.2 OSS", "DE", "19 %", "2026-11-21")
		}
		compose(t, german, with(input(), func(in *doorzet.ComposeInput) {
			in.Seller.OSS = []doorzet.Period{{From: date(2026, 11, 21), To: date(2026, 11, 21)}}
		}))
	})
	t.Run("step 7: a rate from outside the EU", func(t *testing.T) {
		t.Parallel()
		holds(t, of("120.00", tl(taxLine(5, "20.00", "0")), line("100.00", "20.00", 5)), input(), "4.1 step 7", "GB", "20 %")
	})
	t.Run("step 7: a seller elsewhere has another home", func(t *testing.T) {
		t.Parallel()
		in := with(input(), func(in *doorzet.ComposeInput) { in.Seller.Country = "DE" })
		doc := compose(t, of("119.00", tl(taxLine(4, "19.00", "0")), line("100.00", "19.00", 4)), in)
		if doc.Groups[0].Reason != doorzet.ReasonDomestic {
			t.Errorf("group %+v", doc.Groups[0])
		}
		if doc = compose(t, sale(), in); doc.Groups[0].Reason != doorzet.ReasonOSS {
			t.Errorf("group %+v", doc.Groups[0])
		}
	})
	both := tl(taxLine(1, "0", "2.10"), taxLine(2, "0", "0.90"))
	t.Run("step 8: two rates that explain the net split it", func(t *testing.T) {
		t.Parallel()
		doc := compose(t, of("23.00", both, taxes(shipping("20.00", "3.00"), tax(1, "2.10"), tax(2, "0.90"))), input())
		if len(doc.Parts) != 2 || doc.Parts[0].Net != 1000 || doc.Parts[0].VAT != 210 || doc.Parts[1].Net != 1000 || doc.Parts[1].VAT != 90 {
			t.Errorf("parts %+v", doc.Parts)
		}
	})
	t.Run("step 8: as far as rounding of the taxes reaches", func(t *testing.T) {
		t.Parallel()
		// The bases are 10.00 each; play is 51/21 + 1 + 51/9 + 1 = 10.095 cents.
		compose(t, of("23.10", both, taxes(shipping("20.10", "3.00"), tax(1, "2.10"), tax(2, "0.90"))), input())
		holds(t, of("23.11", both, taxes(shipping("20.11", "3.00"), tax(1, "2.10"), tax(2, "0.90"))), input(), "4.1 step 8", "20.11", "20.00")
		compose(t, of("22.90", both, taxes(shipping("19.90", "3.00"), tax(1, "2.10"), tax(2, "0.90"))), input())
		holds(t, of("22.89", both, taxes(shipping("19.89", "3.00"), tax(1, "2.10"), tax(2, "0.90"))), input(), "4.1 step 8", "19.89")
	})
	t.Run("step 8: two rates on one base", func(t *testing.T) {
		t.Parallel()
		holds(t, of("13.00", tl(taxLine(1, "2.10", "0"), taxLine(2, "0.90", "0")), taxes(line("10.00", "3.00"), tax(1, "2.10"), tax(2, "0.90"))), input(), "4.1 step 8", "one and the same amount")
	})
	t.Run("step 8: shares of both signs", func(t *testing.T) {
		t.Parallel()
		holds(t, of("11.20", tl(taxLine(1, "2.10", "0"), taxLine(2, "-0.90", "0")), taxes(line("10.00", "1.20"), tax(1, "2.10"), tax(2, "-0.90"))), input(), "4.1 step 8", "above and below")
	})
	t.Run("step 8: the untaxed rest of a negative fee follows untaxed goods", func(t *testing.T) {
		t.Parallel()
		o := of("212.00", tl(taxLine(1, "18.90", "0"), taxLine(2, "8.10", "0")),
			line("100.00", "21.00", 1), line("100.00", "9.00", 2), line("15.00", "0"),
			taxes(fee("Korting", "-30.00", "-3.00"), tax(1, "-2.10"), tax(2, "-0.90")))
		o.Billing.Country, o.Shipping.Country = "US", "US"
		o.Shipment = []doorzet.OrderPart{shipping("0", "0")}
		doc := compose(t, o, input())
		if len(doc.Parts) != 6 || doc.Parts[5].Net != -1000 || doc.Groups[doc.Parts[5].Group].Reason != doorzet.ReasonExport {
			t.Errorf("parts %+v in %+v", doc.Parts, doc.Groups)
		}
		o.Lines, o.Total = o.Lines[:2], dec("197.00")
		holds(t, o, input(), "4.2", "Korting")
	})
}

func TestComposeSteps9To14(t *testing.T) {
	t.Parallel()
	t.Run("step 9: a negative fee that carries no VAT and takes VAT", func(t *testing.T) {
		t.Parallel()
		o := of("94.00", tl(taxLine(1, "16.31", "0")), line("86.00", "18.06", 1), fee("Korting", "-8.31", "-1.75", 1))
		compose(t, o, input())
		o.Fees[0].TaxStatus = "none"
		holds(t, o, input(), "4.1 step 9", "Korting", "-8.31", "1.75", "means of payment")
	})
	t.Run("step 9: a voucher redeemed as a fee", func(t *testing.T) {
		t.Parallel()
		o := of("94.00", tl(taxLine(1, "16.31", "0")), line("86.00", "18.06", 1), fee("Cadeaubon ABC", "-8.31", "-1.75", 1))
		holds(t, o, input(), "4.1 step 9", "Cadeaubon ABC")
	})
	t.Run("step 10: VAT is what the tax lines print, moved inside the largest part", func(t *testing.T) {
		t.Parallel()
		for _, printed := range []string{"6.91", "6.92", "6.94"} {
			doc := compose(t, with(sale(), func(o *doorzet.ShopOrder) { o.TaxLines = tl(taxLine(1, printed, "0")) }), input())
			if !doc.VAT.Decimal().Equal(dec(printed)) || doc.Parts[0].Net+doc.Parts[0].VAT != 3492 || doc.Parts[1].VAT != 87 {
				t.Errorf("%s: VAT %s, parts %+v", printed, doc.VAT, doc.Parts)
			}
		}
		holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.TaxLines = tl(taxLine(1, "6.95", "0")) }), input(), "4.1 step 13", "6.95", "32.97")
		for _, printed := range []string{"6.90", "6.96"} {
			holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.TaxLines = tl(taxLine(1, printed, "0")) }), input(), "4.1 step 10", printed, "6.93")
		}
	})
	t.Run("step 10: tax lines of what was not sold", func(t *testing.T) {
		t.Parallel()
		holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.TaxLines = append(o.TaxLines, taxLine(2, "0.01", "0")) }), input(), "4.1 step 10", "NL 9 %", "0.01")
		holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.TaxLines = append(o.TaxLines, taxLine(3, "0.01", "0")) }), input(), "4.1 step 10", "0 %")
	})
	t.Run("steps 11 and 12: up to two cents are a rounding line in the largest group", func(t *testing.T) {
		t.Parallel()
		for total, cents := range map[string]doorzet.Cents{"39.90": -2, "39.91": -1, "39.93": 1, "39.94": 2} {
			doc := compose(t, with(sale(), func(o *doorzet.ShopOrder) { o.Total = dec(total) }), input())
			last := doc.Parts[len(doc.Parts)-1]
			if last.Text != "Afronding" || last.Net != cents || last.VAT != 0 || last.Group != 0 || last.Kind != "" || len(doc.Groups) != 1 {
				t.Errorf("%s: %+v", total, last)
			}
		}
		for _, total := range []string{"39.89", "39.95"} {
			holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.Total = dec(total) }), input(), "4.1 step 11", "39.92", total)
		}
	})
	t.Run("step 12: the largest group by gross", func(t *testing.T) {
		t.Parallel()
		doc := compose(t, of("33.91", tl(taxLine(1, "2.10", "0"), taxLine(2, "1.80", "0")), line("10.00", "2.10", 1), line("20.00", "1.80", 2)), input())
		if last := doc.Parts[2]; !doc.Groups[last.Group].Percent.Equal(dec("9")) || last.Net != 1 {
			t.Errorf("%+v in %+v", last, doc.Groups)
		}
	})
	t.Run("step 13: VAT that its percentage does not explain", func(t *testing.T) {
		t.Parallel()
		sold := func(tax string) doorzet.ShopOrder {
			o := of("0", tl(taxLine(1, tax, "0")), line("10.00", tax, 1))
			o.Total = dec("10.00").Add(dec(tax))
			return o
		}
		compose(t, sold("2.09"), input())
		compose(t, sold("2.11"), input())
		holds(t, sold("2.08"), input(), "4.1 step 13", "NL 21 %", "2.08", "10.00", "2.10")
		holds(t, sold("2.12"), input(), "4.1 step 13", "2.12")
	})
	t.Run("step 14: below zero", func(t *testing.T) {
		t.Parallel()
		holds(t, of("-12.10", tl(taxLine(1, "-2.10", "0")), line("-10.00", "-2.10", 1)), input(), "4.1 step 14", "-12.10")
	})
	t.Run("4.9: foreign currency", func(t *testing.T) {
		t.Parallel()
		holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.Currency = "USD" }), input(), "4.9", "USD", "6.93", "EUR")
		doc := compose(t, with(untaxed("US", ""), func(o *doorzet.ShopOrder) { o.Currency = "USD" }), input())
		if doc.Currency != "USD" || doc.Total != 4000 {
			t.Errorf("%s %s", doc.Currency, doc.Total)
		}
		holds(t, sale(), with(input(), func(in *doorzet.ComposeInput) { in.Seller.Country = "SE" }), "4.9", "SEK")
	})
}
