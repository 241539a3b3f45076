package doorzet

import "github.com/shopspring/decimal"

// inKOR tells whether the seller was exempt as a small business (kleineondernemersregeling) on the document's date.
func (c *composer) inKOR() bool { return covered(c.in.Seller.KOR, c.doc.Date) }

// korGroup is 4.2 a: under the KOR there is no VAT at all.
func (c *composer) korGroup() (group, error) {
	g := group{Reason: ReasonExempt, Country: c.home, Percent: decimal.Zero}
	for _, t := range c.order.TaxLines {
		if !t.Tax.IsZero() || !t.ShippingTax.IsZero() {
			return g, c.vatUnderKOR()
		}
	}
	if c.chargesVAT() {
		return g, c.vatUnderKOR()
	}
	return g, nil
}

func (c *composer) vatUnderKOR() error {
	return Held("4.2 a", "The seller is in the small business scheme (KOR) on %s, yet the shop charged VAT. Switch taxes off in the shop, correct the seller's KOR period, or book this order by hand.", c.doc.Date)
}

// zeroReason is 4.2: why a part has 0 % VAT, as far as the order and the seller's settings tell. The first rule that fits
// wins; where none does the order is held: a reason is never guessed, and a tax line of 0 % decides nothing.
func (c *composer) zeroReason(p part) (VATReason, error) {
	if c.inKOR() {
		g, err := c.korGroup()
		return g.Reason, err
	}
	if err := c.followsGoods(p); err != nil {
		return "", err
	}
	where, err := c.placeOfSupply()
	if err != nil {
		return "", err
	}
	what := quoted(p.OrderPart)
	switch {
	case where.outsideEU():
		if !c.shipsGoods() {
			return "", Held("4.2 d", "%s went to %s without VAT, and nothing was shipped. Goods would be an export, a service outside the scope of Dutch VAT: which it is, the order does not tell. Book this order by hand.", what, where.country)
		}
		return ReasonExport, nil
	case where.country == c.home:
		return "", Held("4.2 g", "%s has no VAT, in the seller's own country. Whether it is exempt, reverse charged or no sale at all (a donation, a voucher) is not known. Book this order by hand.", what)
	case c.buyerVATNumber() != "":
		return "", Held("4.2 f", "%s went to %s without VAT, to a buyer with VAT number %s. That number has not been checked, so it is not sure that this is an intra-community supply. Check the number in VIES and book this order by hand.",
			what, where.country, c.buyerVATNumber())
	}
	return "", Held("4.2 f", "%s has no VAT on a delivery to a consumer in %s. Switch on the tax rates of %s in the shop, and book this order by hand.", what, where.country, where.country)
}

// followsGoods holds a shipping line or fee without VAT beside goods with VAT: they follow the largest goods part. The
// untaxed share of a negative fee comes from untaxed goods, so it follows those.
func (c *composer) followsGoods(p part) error {
	if p.Kind == PartLine {
		return nil
	}
	var largest *part
	for i := range c.parts {
		q := &c.parts[i]
		if q.Kind != PartLine || p.rest && q.tax != 0 {
			continue
		}
		if largest == nil || q.gross().Abs() > largest.gross().Abs() {
			largest = q
		}
	}
	if largest == nil && !p.rest || largest != nil && largest.tax == 0 {
		return nil
	}
	return Held("4.2", "%s of %s has no VAT, while the goods it belongs to have. Give it the goods' tax class in the shop, or book this order by hand.", quoted(p.OrderPart), p.net)
}
