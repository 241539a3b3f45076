package doorzet

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// Compose makes the invoice of an order: the shop's own amounts, kept to the cent, put into VAT groups. It is pure: the
// same order and input give the same document.
//
// A *HeldError means that the order cannot be a correct document as it stands: its Rule names the step of the accounting
// rules that says so ("4.1 step 8"), its Reason is a sentence for the bookkeeper. ErrNothingToBook means that the order
// has no amounts. Any other error is a fault of the caller. The status of the order is not looked at: whether it is to be
// pushed is decided elsewhere.
func Compose(o ShopOrder, in ComposeInput) (Document, error) {
	if !o.Full || in.Zone == nil || in.Seller.Country == "" {
		return Document{}, fmt.Errorf("compose order %d: a fully read order, a time zone and a seller are needed", o.ID)
	}
	c := &composer{order: o, in: in, home: vatCountry(in.Seller.Country), rates: map[int64]rate{}}
	steps := []func() error{
		c.refuseNoSale,   // 4.3
		c.readAmounts,    // 4.1 steps 1 and 3
		c.nothingToBook,  // step 4
		c.readRates,      // step 2
		c.setDates,       // 4.4
		c.groupParts,     // steps 5 to 8, with the reasons of 4.2
		c.checkFees,      // step 9
		c.keepShopsVAT,   // step 10
		c.keepTotal,      // steps 11 and 12
		c.checkVAT,       // step 13
		c.setTotals,      // step 14 and 4.9
		c.setParties,     // 4.11
		c.setDescription, // 4.5
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return Document{}, err
		}
	}
	return c.doc, nil
}

// composer is a document in the making. The fields are filled from top to bottom by the steps of Compose.
type composer struct {
	order ShopOrder
	in    ComposeInput
	home  string // the seller's country, as VAT knows it

	total    Cents // of the order: what the customer pays beside vouchers
	vouchers Cents // redeemed: a means of payment, not a discount
	parts    []part
	rates    map[int64]rate
	groups   []group
	doc      Document
}

// part is a line, shipping line or fee on its way to a line of the document.
type part struct {
	OrderPart
	net, tax Cents
	group    int
	split    bool // one of several shares of a part with more than one rate
	rest     bool // the share of a negative fee that carries no VAT
}

func (p part) gross() Cents { return p.net + p.tax }

// readAmounts is steps 1 and 3: exact cents of all that counts, and no parts without amounts. prices_include_tax, the
// lines' subtotals, coupons and taxes[].total are never amounts.
func (c *composer) readAmounts() error {
	if c.order.Currency == "" {
		return Held("4.1 step 1", "The order has no currency. Look at the order in the shop, and book it by hand.")
	}
	if !twoDecimals(c.order.Currency) {
		return Held("4.1 step 1", "The order is in %q, which is not known as a currency with two decimals. Book this order by hand.", c.order.Currency)
	}
	var err error
	if c.total, err = c.cents("the order's total", c.order.Total); err != nil {
		return err
	}
	if c.vouchers, err = c.redeemed(); err != nil {
		return err
	}
	for _, list := range [][]OrderPart{c.order.Lines, c.order.Shipment, c.order.Fees} {
		for _, op := range list {
			p := part{OrderPart: op}
			if p.net, err = c.cents("the net amount of "+quoted(op), op.Net); err != nil {
				return err
			}
			if p.tax, err = c.cents("the VAT of "+quoted(op), op.Tax); err != nil {
				return err
			}
			if p.net != 0 || p.tax != 0 {
				c.parts = append(c.parts, p)
			}
		}
	}
	return nil
}

// largestAmount keeps sums and products of amounts far away from the end of an int64.
var largestAmount = decimal.New(1, 10)

// cents converts an amount exactly, or holds the order.
func (c *composer) cents(what string, amount decimal.Decimal) (Cents, error) {
	if amount.Abs().GreaterThan(largestAmount) {
		return 0, Held("4.1 step 1", "%s is %s, which is no amount of a web shop. Correct the order in the shop.", upperFirst(what), amount)
	}
	v, err := CentsOf(amount)
	if err != nil {
		return 0, Held("4.1 step 1", "%s is %s, which has more than two decimals. Read the order again with the shop's default decimals, or book it by hand.", upperFirst(what), amount)
	}
	return v, nil
}

// nothingToBook is step 4.
func (c *composer) nothingToBook() error {
	switch {
	case len(c.parts) > 0:
		return nil
	case c.total == 0:
		return ErrNothingToBook
	}
	return Held("4.1 step 4", "The order's total is %s %s, but it has no lines, shipping or fees with an amount. Look at the order in the shop and book it by hand.",
		c.total, c.order.Currency)
}

// keepTotal is steps 11 and 12: the parts must add up to what the customer was asked to pay. A difference of up to two
// cents is the shop's rounding, and goes to the group with the largest gross: a line of its own at 0 % would need a
// reason.
func (c *composer) keepTotal() error {
	want := c.total + c.vouchers
	var have Cents
	for _, p := range c.parts {
		have += p.gross()
	}
	d := want - have
	if d.Abs() > 2 {
		return Held("4.1 step 11", "The order's lines, shipping and fees say %s %s, the order says %s. Look in the shop what makes the difference of %s (a gift card, a deposit, an edit by hand?) and book this order by hand.",
			have, c.order.Currency, want, d)
	}
	if d == 0 {
		return nil
	}
	largest := 0
	for i := range c.groups {
		if c.groupGross(i).Abs() > c.groupGross(largest).Abs() {
			largest = i
		}
	}
	c.parts = append(c.parts, part{OrderPart: OrderPart{Name: "Afronding"}, net: d, group: largest})
	return nil
}

// setTotals is step 14: the document's parts, groups and totals, and what must be true of them.
func (c *composer) setTotals() error {
	d := &c.doc
	for _, g := range c.groups {
		d.Groups = append(d.Groups, VATGroup{Reason: g.Reason, Country: g.Country, Percent: g.Percent})
	}
	for _, p := range c.parts {
		d.Parts = append(d.Parts, DocumentPart{Kind: p.Kind, Text: p.text(), SKU: oneSpace(p.SKU), Net: p.net, VAT: p.tax, Group: p.group})
		d.Groups[p.group].Net += p.net
		d.Groups[p.group].VAT += p.tax
		d.Net += p.net
		d.VAT += p.tax
	}
	d.Currency = c.order.Currency
	d.Total = d.Net + d.VAT
	d.Vouchers = c.vouchers
	if want := c.total + c.vouchers; d.Total != want {
		return Held("4.1 step 14", "The document would say %s %s, the order says %s. Book this order by hand.", d.Total, d.Currency, want)
	}
	if d.Total < 0 {
		return Held("4.1 step 14", "The order's total is %s %s: an invoice cannot be below zero. Book this order by hand.", d.Total, d.Currency)
	}
	if c.paidOnline() {
		d.PaidThen = c.total
	}
	if home := HomeCurrency(c.in.Seller.Country); d.Currency != home && c.chargesVAT() {
		return Held("4.9", "The order is in %s and has %s VAT, which must be declared in %s; no exchange rate is known. Book this order by hand with the rate of the day.",
			d.Currency, d.VAT, home)
	}
	return nil
}

// setDescription fills in what the document says of itself and of the order (4.5 mode c: nobody numbers).
func (c *composer) setDescription() error {
	d := &c.doc
	d.Kind = KindInvoice
	d.Reference = c.in.Reference
	d.OrderID = c.order.ID
	d.Number = oneSpace(c.order.Number)
	d.Seller = c.in.Seller
	d.PaymentMethod = c.order.PaymentMethod
	d.PaymentTitle = oneSpace(c.order.PaymentTitle)
	d.TransactionID = oneSpace(c.order.TransactionID)
	d.Notes = []string{"Boekingsdocument, geen factuur"}
	return nil
}

// text is what a line of the document says: the quantity stands in the text, since a line's quantity is always one.
func (p part) text() string {
	name := oneSpace(p.Name)
	if name == "" {
		name = map[PartKind]string{PartShipping: "Verzending", PartFee: "Toeslag"}[p.Kind]
	}
	if name == "" {
		name = "Artikel"
	}
	if p.Kind == PartLine && !p.Quantity.Equal(decimal.NewFromInt(1)) && !p.Quantity.IsZero() {
		return p.Quantity.String() + " x " + name
	}
	return name
}

// quoted is a part's name for a sentence.
func quoted(p OrderPart) string {
	return `"` + part{OrderPart: OrderPart{Kind: p.Kind, Name: p.Name, Quantity: decimal.NewFromInt(1)}}.text() + `"`
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
