package doorzet_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestApportion(t *testing.T) {
	t.Parallel()
	tests := []struct {
		amount  doorzet.Cents
		weights []string
		want    []doorzet.Cents
	}{
		{100, []string{"1"}, []doorzet.Cents{100}},
		{100, []string{"1", "1", "1"}, []doorzet.Cents{34, 33, 33}},
		{-100, []string{"1", "1", "1"}, []doorzet.Cents{-34, -33, -33}},
		{2, []string{"1", "1", "1"}, []doorzet.Cents{1, 1, 0}},
		{10, []string{"0.04", "0.06"}, []doorzet.Cents{4, 6}},
		{10, []string{"-1", "-1"}, []doorzet.Cents{5, 5}},
		{1, []string{"1", "2"}, []doorzet.Cents{0, 1}},
		{7, []string{"0", "0"}, []doorzet.Cents{7, 0}},
		{7, []string{"0", "3", "0"}, []doorzet.Cents{0, 7, 0}},
		{0, []string{"1", "2"}, []doorzet.Cents{0, 0}},
	}
	for _, test := range tests {
		var weights []decimal.Decimal
		for _, w := range test.weights {
			weights = append(weights, dec(w))
		}
		if got := doorzet.Apportion(test.amount, weights); !slices.Equal(got, test.want) {
			t.Errorf("%s by %v: %v, want %v", test.amount, test.weights, got, test.want)
		}
	}
}

// TestApportionIsFair: shares add up, none is more than a cent from the exact one or of another sign, a larger weight never
// gets less, and a mirrored amount gives mirrored shares.
func TestApportionIsFair(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		amount := doorzet.Cents(random.IntN(2_000_001) - 1_000_000)
		var weights []decimal.Decimal
		sum := decimal.Zero
		for range 1 + random.IntN(6) {
			w := decimal.New(random.Int64N(1_000_000), int32(-random.IntN(7)))
			weights, sum = append(weights, w), sum.Add(w)
		}
		if sum.IsZero() {
			continue
		}
		shares, mirrored := doorzet.Apportion(amount, weights), doorzet.Apportion(-amount, weights)
		var have doorzet.Cents
		for i, share := range shares {
			have += share
			exact := decimal.NewFromInt(int64(amount)).Mul(weights[i]).Div(sum)
			if off := decimal.NewFromInt(int64(share)).Sub(exact).Abs(); off.GreaterThanOrEqual(decimal.NewFromInt(1)) {
				t.Fatalf("%s by %v: share %d is %s cents off", amount, weights, i, off)
			}
			if share != 0 && (share < 0) != (amount < 0) || mirrored[i] != -share {
				t.Fatalf("%s by %v: %v, mirrored %v", amount, weights, shares, mirrored)
			}
			for j := range i {
				if weights[i].GreaterThan(weights[j]) && share.Abs() < shares[j].Abs() {
					t.Fatalf("%s by %v: %v", amount, weights, shares)
				}
			}
		}
		if have != amount {
			t.Fatalf("%s by %v: shares add up to %s", amount, weights, have)
		}
	}
}

// TestComposeSplitsWhatAShopSplits: a shipping line over two rates, with the taxes a shop would round, always becomes two
// parts whose nets and taxes add up to it.
func TestComposeSplitsWhatAShopSplits(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		high, low := decimal.New(int64(1+random.IntN(99999)), -2), decimal.New(int64(1+random.IntN(99999)), -2)
		highTax, lowTax := high.Mul(dec("0.21")).Round(2), low.Mul(dec("0.09")).Round(2)
		p := shipping("0", "0")
		p.Net, p.Tax = high.Add(low), highTax.Add(lowTax)
		p.Taxes = []doorzet.PartTax{{RateID: 1, Total: highTax}, {RateID: 2, Total: lowTax}}
		o := of("0", tl(taxLine(1, "0", highTax.String()), taxLine(2, "0", lowTax.String())), p)
		o.Total = p.Net.Add(p.Tax)
		if highTax.IsZero() != lowTax.IsZero() {
			continue // then one rate is left, and may not explain the net
		}
		doc := compose(t, o, input())
		if !doc.Net.Decimal().Equal(p.Net) || !doc.VAT.Decimal().Equal(p.Tax) || len(doc.Groups) > 2 {
			t.Fatalf("%s + %s became %+v", p.Net, p.Tax, doc.Parts)
		}
	}
}
