package doorzet

import (
	"sort"

	"github.com/shopspring/decimal"
)

// Apportion divides an amount by weights so that the shares add up to it exactly: each share is the exact one rounded
// towards zero, and the cents left over go to those that lost most, the earlier one first. Weights count without their
// sign. When all weights are zero the first share gets all. There must be at least one weight.
func Apportion(amount Cents, weights []decimal.Decimal) []Cents {
	shares := make([]Cents, len(weights))
	sum := decimal.Zero
	for _, w := range weights {
		sum = sum.Add(w.Abs())
	}
	if sum.IsZero() {
		shares[0] = amount
		return shares
	}
	lost := make([]decimal.Decimal, len(weights))
	order := make([]int, len(weights))
	left := amount.Abs()
	for i, w := range weights {
		// Quotient and remainder in whole numbers: a rounded quotient could make the shares exceed the amount.
		q, r := decimal.NewFromInt(int64(amount.Abs())).Mul(w.Abs()).QuoRem(sum, 0)
		shares[i], lost[i], order[i] = Cents(q.IntPart()), r, i
		left -= shares[i]
	}
	sort.SliceStable(order, func(a, b int) bool { return lost[order[a]].GreaterThan(lost[order[b]]) })
	for _, i := range order[:left] {
		shares[i]++
	}
	if amount < 0 {
		for i := range shares {
			shares[i] = -shares[i]
		}
	}
	return shares
}

// taxShare is what one rate did to a part: the tax it gave, the base that explains that tax, and how far rounding of the
// tax can have moved that base. Base and play are in cents, not rounded.
type taxShare struct {
	rateID     int64
	tax        decimal.Decimal
	base, play decimal.Decimal
}

// newTaxShare computes base = tax x 100 / percent and play = 51 / percent + 1.
func newTaxShare(id int64, tax, percent decimal.Decimal) taxShare {
	return taxShare{
		rateID: id,
		tax:    tax,
		base:   tax.Abs().Shift(2).Mul(decimal.NewFromInt(100)).Div(percent),
		play:   decimal.NewFromInt(51).Div(percent).Add(decimal.NewFromInt(1)),
	}
}

// splitPart is step 8: a part with more than one rate becomes one part per rate, when the taxes explain its net amount.
// The sign of the part is kept.
func (c *composer) splitPart(p part, shares []taxShare) ([]part, error) {
	net := decimal.NewFromInt(int64(p.net.Abs()))
	base, play, oneBase := decimal.Zero, decimal.Zero, true
	for _, s := range shares {
		if s.tax.Sign()*p.Tax.Sign() < 0 {
			return nil, Held("4.1 step 8", "The VAT of %s has shares above and below zero. Book this order by hand.", quoted(p.OrderPart))
		}
		base, play = base.Add(s.base), play.Add(s.play)
		oneBase = oneBase && s.base.Sub(net).Abs().LessThanOrEqual(s.play)
	}
	switch {
	case net.Sub(base).Abs().LessThanOrEqual(play):
		return divide(p, p.net, shares), nil
	case oneBase:
		return nil, Held("4.1 step 8", "%s of %s has two VAT rates on one and the same amount. That is no Dutch or European VAT: correct the tax rates in the shop and book this order by hand.",
			quoted(p.OrderPart), p.net)
	case p.Kind == PartFee && p.net < 0 && net.GreaterThan(base):
		taxed := -Cents(base.Round(0).IntPart())
		parts := divide(p, taxed, shares)
		rest := p
		rest.net, rest.tax, rest.Taxes, rest.split, rest.rest = p.net-taxed, 0, nil, true, true
		if rest.net != 0 {
			parts = append(parts, rest)
		}
		return parts, nil
	}
	return nil, Held("4.1 step 8", "%s has %s net and %s VAT of several rates; that VAT belongs to %s net. The two cannot be made to agree: book this order by hand.",
		quoted(p.OrderPart), p.net, p.tax, base.Shift(-2).StringFixed(2))
}

// divide makes one part per rate: the net by the bases, the tax by the taxes. A share without amounts is left out.
func divide(p part, net Cents, shares []taxShare) []part {
	bases, taxes := make([]decimal.Decimal, len(shares)), make([]decimal.Decimal, len(shares))
	for i, s := range shares {
		bases[i], taxes[i] = s.base, s.tax
	}
	nets, vats := Apportion(net, bases), Apportion(p.tax, taxes)
	var parts []part
	for i, s := range shares {
		if nets[i] == 0 && vats[i] == 0 {
			continue
		}
		q := p
		q.net, q.tax, q.split = nets[i], vats[i], true
		q.Taxes = []PartTax{{RateID: s.rateID, Total: s.tax}}
		parts = append(parts, q)
	}
	return parts
}
