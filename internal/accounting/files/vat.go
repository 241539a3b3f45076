package files

import (
	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// category is how EN 16931 writes a reason: its code (UNCL 5305) and, where VAT is not charged, why.
type category struct{ id, reasonCode, reason string }

// categories are all the reasons. What is outside the scope of VAT is written as exempt with a text: category O may not
// stand beside another one, nor beside VAT numbers (BR-O-02, BR-O-11).
var categories = map[doorzet.VATReason]category{
	doorzet.ReasonDomestic: {id: "S"},
	doorzet.ReasonOSS:      {id: "S"},
	doorzet.ReasonZeroRate: {id: "Z"},
	doorzet.ReasonExempt:   {id: "E", reason: "Vrijgesteld van btw"},
	doorzet.ReasonOutside:  {id: "E", reason: "Buiten de reikwijdte van de btw"},
	doorzet.ReasonExport:   {id: "G", reasonCode: "VATEX-EU-G", reason: "Uitvoer buiten de EU"},
	doorzet.ReasonEUGoods:  {id: "K", reasonCode: "VATEX-EU-IC", reason: "Intracommunautaire levering"},
	doorzet.ReasonReverse:  {id: "AE", reasonCode: "VATEX-EU-AE", reason: "Btw verlegd"},
}

// lineCategory is a group as a line names it: without the reason, which stands in the totals.
func lineCategory(g doorzet.VATGroup) ublCategory {
	return ublCategory{ID: categories[g.Reason].id, Percent: g.Percent.String(), Scheme: ublTaxScheme{"VAT"}}
}

// subtotal is the sum of all groups that EN 16931 cannot tell apart: it knows category and percentage, not the country.
type subtotal struct {
	category
	percent  decimal.Decimal
	net, vat doorzet.Cents
}

// taxTotals is the VAT of the document, and once more in the seller's own currency when the document is in another. That
// one is always 0.00: VAT in a foreign currency is not rendered.
func taxTotals(doc doorzet.Document) []ublTaxTotal {
	var sums []subtotal
	for _, g := range doc.Groups {
		sums = addGroup(sums, g)
	}
	first := ublTaxTotal{Amount: amount(doc, doc.VAT)}
	for _, s := range sums {
		first.Subtotals = append(first.Subtotals, ublTaxSubtotal{
			Net: amount(doc, s.net),
			VAT: amount(doc, s.vat),
			Category: ublCategory{
				ID: s.id, Percent: s.percent.String(), ReasonCode: s.reasonCode, Reason: s.reason, Scheme: ublTaxScheme{"VAT"},
			},
		})
	}
	totals := []ublTaxTotal{first}
	if home := doorzet.HomeCurrency(doc.Seller.Country); home != "" && home != doc.Currency {
		totals = append(totals, ublTaxTotal{Amount: ublAmount{Currency: home, Value: doorzet.Cents(0).String()}})
	}
	return totals
}

// addGroup adds a group to the subtotal of its category and percentage. Two different reasons within one category are both
// named.
func addGroup(sums []subtotal, g doorzet.VATGroup) []subtotal {
	c := categories[g.Reason]
	for i := range sums {
		s := &sums[i]
		if s.id != c.id || !s.percent.Equal(g.Percent) {
			continue
		}
		s.net, s.vat = s.net+g.Net, s.vat+g.VAT
		if s.reason != c.reason {
			s.reason += "; " + c.reason
		}
		return sums
	}
	return append(sums, subtotal{category: c, percent: g.Percent, net: g.Net, vat: g.VAT})
}
