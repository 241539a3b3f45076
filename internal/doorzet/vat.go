package doorzet

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/shopspring/decimal"
)

// rate is a tax rate of the shop: what it is, and whose.
type rate struct {
	percent decimal.Decimal
	country string // ISO 3166 alpha-2; "" for a rate of 0 %, where nobody asks
	label   string
}

// group is what a part belongs to: one reason, country and percentage.
type group struct {
	Reason  VATReason
	Country string
	Percent decimal.Decimal
}

func (g group) String() string { return fmt.Sprintf("%s %s %%", g.Country, g.Percent) }

// rateCode is how WooCommerce begins the code of a rate that has a country: "NL-BTW 21%-1".
var rateCode = regexp.MustCompile(`^([A-Z]{2})-`)

// readRates is step 2, for the rates that any amount depends on. The country of a rate is never taken from where the
// goods went: that is what has to be checked against it.
func (c *composer) readRates() error {
	used := map[int64]bool{}
	for _, p := range c.parts {
		for _, t := range p.Taxes {
			used[t.RateID] = true
		}
	}
	for _, t := range c.order.TaxLines {
		if !used[t.RateID] && t.Tax.IsZero() && t.ShippingTax.IsZero() {
			continue
		}
		if t.Compound {
			return Held("4.1 step 2", "The tax rate %q is a compound rate (a tax on a tax). That does not exist in European VAT: correct the rate in the shop and book this order by hand.", t.Label)
		}
		r := rate{percent: t.Percent, label: t.Label}
		if !t.HasPercent {
			percent, known := c.in.RatePercents[t.RateID]
			if !known {
				return Held("4.1 step 2", "The tax rate %q (number %d) has no percentage in this order, and the shop does not know the rate any more. Book this order by hand.", t.Label, t.RateID)
			}
			r.percent = percent
		}
		if r.percent.IsNegative() || r.percent.GreaterThan(decimal.NewFromInt(100)) {
			return Held("4.1 step 2", "The tax rate %q is %s %%, which is no VAT rate. Correct it in the shop and book this order by hand.", t.Label, r.percent)
		}
		r.country = c.rateCountry(t)
		if r.country == "" && r.percent.IsPositive() {
			return Held("4.1 step 2", "The tax rate %q (number %d) of %s %% does not say of which country it is. Give the rate a country in the shop's tax settings, or book this order by hand.",
				t.Label, t.RateID, r.percent)
		}
		c.rates[t.RateID] = r
	}
	return nil
}

// rateCountry is whose rate it is: what the shop's tax settings say, else what its code says.
func (c *composer) rateCountry(t TaxLine) string {
	if country := c.in.RateCountries[t.RateID]; country != "" {
		return vatCountry(country)
	}
	if m := rateCode.FindStringSubmatch(t.RateCode); len(m) == 2 && KnownCountry(m[1]) {
		return vatCountry(m[1])
	}
	return ""
}

// groupParts is steps 5 to 8: every part, or every share of it, finds its group.
func (c *composer) groupParts() error {
	var grouped []part
	for _, p := range c.parts {
		shares, err := c.taxShares(p)
		if err != nil {
			return err
		}
		parts := []part{p}
		if len(shares) > 1 {
			if parts, err = c.splitPart(p, shares); err != nil {
				return err
			}
		}
		for _, q := range parts {
			g, err := c.groupOf(q, shares)
			if err != nil {
				return err
			}
			q.group = c.groupIndex(g)
			grouped = append(grouped, q)
		}
	}
	c.parts = grouped
	return nil
}

// taxShares is step 5: the rates above zero that a part was taxed with. WooCommerce lists every rate of the order under
// every line of an order that was edited by hand, with an empty tax for those that do not apply: beside a rate that gave
// tax, one that gave none does not count.
func (c *composer) taxShares(p part) ([]taxShare, error) {
	sums, gave := map[int64]decimal.Decimal{}, false
	for _, t := range p.Taxes {
		sums[t.RateID] = sums[t.RateID].Add(t.Total)
		gave = gave || !t.Total.IsZero()
	}
	var shares []taxShare
	for id, tax := range sums {
		if gave && tax.IsZero() {
			continue
		}
		r, known := c.rates[id]
		if !known {
			return nil, Held("4.1 step 5", "%s was taxed with rate number %d, which is not among the order's tax lines. Let the shop recalculate the order, or book it by hand.", quoted(p.OrderPart), id)
		}
		if r.percent.IsPositive() {
			shares = append(shares, newTaxShare(id, tax, r.percent))
		}
	}
	if len(shares) == 0 && p.tax != 0 {
		return nil, Held("4.1 step 5", "%s has %s VAT, but no tax rate that explains it. Let the shop recalculate the order, or book it by hand.", quoted(p.OrderPart), p.tax)
	}
	sort.Slice(shares, func(a, b int) bool { return shares[a].rateID < shares[b].rateID })
	return shares, nil
}

// groupOf is steps 6 and 7 for a part with at most one rate.
func (c *composer) groupOf(p part, shares []taxShare) (group, error) {
	switch {
	case len(shares) == 0 || p.rest:
		reason, err := c.zeroReason(p)
		return group{Reason: reason, Country: c.home, Percent: decimal.Zero}, err
	case len(shares) == 1:
		return c.rateGroup(shares[0].rateID)
	}
	return c.rateGroup(p.Taxes[0].RateID) // a share of a split part
}

// rateGroup is step 7: whose rate it is decides why it is charged.
func (c *composer) rateGroup(id int64) (group, error) {
	r := c.rates[id]
	g := group{Reason: ReasonDomestic, Country: r.country, Percent: r.percent}
	switch {
	case c.inKOR():
		return c.korGroup()
	case r.country == c.home:
		return g, nil
	case !inEU(r.country):
		return g, Held("4.1 step 7", "The order has VAT of %s (%s, %s %%), which is outside the EU and cannot be declared here. Book this order by hand.", r.country, r.label, r.percent)
	case !covered(c.in.Seller.OSS, c.doc.Date):
		return g, Held("4.2 OSS", "The order has VAT of %s (%s, %s %%), but the seller has no Union one stop shop (OSS) on %s. Fill in the seller's OSS period if there is one, or book this order by hand.",
			r.country, r.label, r.percent, c.doc.Date)
	}
	g.Reason = ReasonOSS
	return g, nil
}

// groupIndex is the place of a group in the document, made when it is new.
func (c *composer) groupIndex(g group) int {
	for i, have := range c.groups {
		if have.Reason == g.Reason && have.Country == g.Country && have.Percent.Equal(g.Percent) {
			return i
		}
	}
	c.groups = append(c.groups, g)
	return len(c.groups) - 1
}

// groupGross is the sum of a group's parts with VAT.
func (c *composer) groupGross(index int) Cents {
	var sum Cents
	for _, p := range c.parts {
		if p.group == index {
			sum += p.gross()
		}
	}
	return sum
}

// keepShopsVAT is step 10: a group's VAT is what the customer's own invoice prints, the sum of the tax lines. Where the
// shop rounds at the subtotal its lines say a few cents more or less: those move inside the largest part, so that its
// gross amount stays.
func (c *composer) keepShopsVAT() error {
	printed := make([]Cents, len(c.groups))
	for _, t := range c.order.TaxLines {
		vat, err := c.cents("the VAT of rate "+t.Label, t.Tax.Add(t.ShippingTax))
		if err != nil {
			return err
		}
		if vat == 0 {
			continue
		}
		if c.rates[t.RateID].percent.IsZero() {
			return Held("4.1 step 10", "The order has %s VAT of the rate %q, which is 0 %%. Let the shop recalculate the order, or book it by hand.", vat, t.Label)
		}
		g, err := c.rateGroup(t.RateID)
		if err != nil {
			return err
		}
		known := len(c.groups)
		i := c.groupIndex(g)
		if i == known {
			return Held("4.1 step 10", "The order's tax lines have %s VAT of %s, but nothing in the order was taxed with it. Let the shop recalculate the order, or book it by hand.", vat, g)
		}
		printed[i] += vat
	}
	for i, want := range printed {
		if err := c.moveVAT(i, want); err != nil {
			return err
		}
	}
	return nil
}

// moveVAT makes the VAT of one group's parts what it must be.
func (c *composer) moveVAT(index int, want Cents) error {
	var have Cents
	count, largest := 0, -1
	for i, p := range c.parts {
		if p.group != index {
			continue
		}
		have += p.tax
		count++
		if largest < 0 || p.gross().Abs() > c.parts[largest].gross().Abs() {
			largest = i
		}
	}
	d := want - have
	if d.Abs() > Cents(count) {
		return Held("4.1 step 10", "VAT of %s: the order's tax lines say %s, its lines, shipping and fees say %s. Let the shop recalculate the order, or book it by hand.", c.groups[index], want, have)
	}
	if d != 0 {
		c.parts[largest].tax += d
		c.parts[largest].net -= d
	}
	return nil
}

// checkVAT is step 13: the VAT of each group must be what its percentage makes of its net amount, but for a cent per part
// (a share of a split part may be off by two).
func (c *composer) checkVAT() error {
	for i, g := range c.groups {
		var net, vat Cents
		play := 0
		for _, p := range c.parts {
			if p.group != i {
				continue
			}
			net, vat = net+p.net, vat+p.tax
			switch {
			case p.Kind == "": // the rounding line was no part of the order
			case p.split:
				play += 2
			default:
				play++
			}
		}
		want := Cents(net.Decimal().Mul(g.Percent).Round(0).IntPart()) // cents: amount x percent / 100 x 100
		if (vat - want).Abs() > Cents(max(1, play)) {
			return Held("4.1 step 13", "VAT of %s: the order has %s on %s net, but %s %% of that is %s. Look at the tax of the order in the shop, or book it by hand.",
				g, vat, net, g.Percent, want)
		}
	}
	return nil
}

// chargesVAT tells whether the order has any VAT.
func (c *composer) chargesVAT() bool {
	for _, p := range c.parts {
		if p.tax != 0 {
			return true
		}
	}
	return false
}

// covered tells whether a day lies in one of the periods.
func covered(periods []Period, d Date) bool {
	for _, p := range periods {
		if p.Covers(d) {
			return true
		}
	}
	return false
}

// vatCountry is a country's code as we write it: WooCommerce's own, with two old habits undone.
func vatCountry(code string) string {
	switch code = strings.ToUpper(strings.TrimSpace(code)); code {
	case "EL":
		return "GR"
	case "UK":
		return "GB"
	}
	return code
}
