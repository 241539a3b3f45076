package files_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/accounting/accountingtest"
	"github.com/doorzet/doorzet/internal/accounting/files"
	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestTheRulesThemselvesFire(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	good := render(t, accountingtest.Document("WC-1"))
	dutch := accountingtest.Document("WC-2")
	dutch.Buyer.KVKNumber = "87654321"
	goodDutch := render(t, dutch)
	wrong := j.wrong(t, map[string][]byte{
		"good.xml":       good,
		"good-dutch.xml": goodDutch,
		"total.xml":      bytes.Replace(good, []byte(">54.91</cbc:TaxInclusiveAmount>"), []byte(">54.92</cbc:TaxInclusiveAmount>"), 1),
		"currency.xml":   bytes.ReplaceAll(good, []byte(`currencyID="EUR"`), []byte(`currencyID="EUX"`)),
		"order.xml":      bytes.Replace(good, []byte("<cbc:IssueDate>2026-11-20</cbc:IssueDate>"), nil, 1),
		"dutch.xml":      bytes.Replace(goodDutch, []byte(`<cbc:CompanyID schemeID="0106">87654321</cbc:CompanyID>`), nil, 1),
	})
	for name, assert := range map[string]string{"total.xml": "BR-CO-15", "currency.xml": "BR-CL-03", "order.xml": "XSD", "dutch.xml": "BR-NL-10"} {
		if !strings.Contains(strings.Join(wrong[name], "\n"), assert) {
			t.Errorf("%s: %s does not fire; wrong: %v", name, assert, wrong[name])
		}
	}
	for _, name := range []string{"good.xml", "good-dutch.xml"} {
		if len(wrong[name]) != 0 {
			t.Errorf("%s: %v", name, wrong[name])
		}
	}
}

// TestEveryReasonMakesAValidFile: also those that no order leads to without a mapping.
func TestEveryReasonMakesAValidFile(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	documents := map[string][]byte{}
	for _, reason := range []doorzet.VATReason{
		doorzet.ReasonExempt, doorzet.ReasonExport, doorzet.ReasonEUGoods, doorzet.ReasonReverse, doorzet.ReasonOutside, doorzet.ReasonZeroRate,
	} {
		doc := accountingtest.Document("WC-1")
		doc.Buyer.Country, doc.Buyer.VATNumber = "DE", "DE123456789"
		doc.Delivery = doorzet.Place{Country: "DE", Zip: "10115", City: "Berlin"}
		doc.Groups[1].Reason, doc.Groups[1].Percent, doc.Groups[1].VAT = reason, decimal.Zero, 0
		doc.Parts[1].VAT, doc.Parts[2].VAT = 0, 0
		doc.VAT, doc.Total, doc.PaidThen = 606, 5326, 0
		documents[string(reason)+".xml"] = render(t, doc)
	}
	both := accountingtest.Document("WC-1")
	both.Parts[1].VAT, both.Parts[2].VAT, both.VAT, both.Total, both.PaidThen = 427, -42, 991, 5711, 0
	both.Groups = []doorzet.VATGroup{
		{Reason: doorzet.ReasonDomestic, Country: "NL", Percent: decimal.NewFromInt(21), Net: 2886, VAT: 606},
		{Reason: doorzet.ReasonOSS, Country: "BE", Percent: decimal.NewFromInt(21), Net: 1834, VAT: 385},
	}
	documents["same-percent.xml"] = render(t, both)
	exempt := accountingtest.Export("WC-1")
	exempt.Groups = []doorzet.VATGroup{{Reason: doorzet.ReasonExempt, Country: "NL", Net: 4131}, {Reason: doorzet.ReasonOutside, Country: "NL", Net: 1900}}
	exempt.Parts[1].Group = 1
	documents["two-reasons.xml"] = render(t, exempt)
	cash := accountingtest.Document("WC-1")
	cash.VATDate, cash.Vouchers, cash.PaidThen = doorzet.Date{Year: 2026, Month: time.December, Day: 1}, 1000, 4000
	documents["vouchers.xml"] = render(t, cash)
	report(t, j.wrong(t, documents))
	if want := []byte(`<cbc:PrepaidAmount currencyID="EUR">50.00</cbc:PrepaidAmount>`); !bytes.Contains(documents["vouchers.xml"], want) {
		t.Errorf("no %s", want)
	}
}

func TestRenderTakesOutWhatXMLForbids(t *testing.T) {
	t.Parallel()
	doc := accountingtest.Document("WC-1")
	doc.Buyer.Name = "a\x00\x1f\ufffe\uffff\xffb\n c"
	doc.Parts[0].Text = "\x01"
	doc.Parts[1].Text = `<b>&"']]>`
	got := string(render(t, doc))
	for _, want := range []string{"<cbc:RegistrationName>ab c</cbc:RegistrationName>", "<cbc:Name>Artikel</cbc:Name>", "<cbc:Name>&lt;b&gt;&amp;&#34;&#39;]]&gt;</cbc:Name>"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestRenderIsNLCIUSOnlyBetweenDutchBusinesses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*doorzet.Document)
		want   bool
	}{
		{"buyer with a trade register number", func(*doorzet.Document) {}, true},
		{"buyer without one", func(d *doorzet.Document) { d.Buyer.KVKNumber = "" }, false},
		{"buyer elsewhere", func(d *doorzet.Document) { d.Buyer.Country = "BE" }, false},
		{"seller elsewhere", func(d *doorzet.Document) { d.Seller.Country = "BE" }, false},
		{"buyer without a street", func(d *doorzet.Document) { d.Buyer.Street = " " }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			doc := accountingtest.Document("WC-1")
			doc.Buyer.KVKNumber = "87654321"
			test.change(&doc)
			if got := bytes.Contains(render(t, doc), []byte("nlcius")); got != test.want {
				t.Errorf("claims NLCIUS: %t, want %t", got, test.want)
			}
		})
	}
}

func TestRenderRefusesWhatCannotBeAFile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*doorzet.Document)
	}{
		{"a credit note", func(d *doorzet.Document) { d.Kind = doorzet.KindCredit }},
		{"a reference that leads out of the folder", func(d *doorzet.Document) { d.Reference = "../x" }},
		{"no date", func(d *doorzet.Document) { d.Date = doorzet.Date{} }},
		{"no lines", func(d *doorzet.Document) { d.Parts = nil }},
		{"a line without a group", func(d *doorzet.Document) { d.Parts[0].Group = 9 }},
		{"lines that do not add up", func(d *doorzet.Document) { d.Parts[0].Net++ }},
		{"a total that is no sum", func(d *doorzet.Document) { d.Total++ }},
		{"foreign currency with VAT", func(d *doorzet.Document) { d.Currency = "USD" }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			doc := accountingtest.Document("WC-1")
			test.change(&doc)
			if _, err := files.Render(doc); err == nil {
				t.Error("it was rendered")
			}
		})
	}
}

func render(t *testing.T, doc doorzet.Document) []byte {
	t.Helper()
	content, err := files.Render(doc)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// report fails the test for the first few files that are wrong.
func report(t *testing.T, wrong map[string][]string) {
	t.Helper()
	for i, name := range slices.Sorted(maps.Keys(wrong)) {
		if i == 10 {
			t.Errorf("and %d files more", len(wrong)-i)
			return
		}
		t.Errorf("%s: %s", name, strings.Join(wrong[name], "\n\t"))
	}
}
