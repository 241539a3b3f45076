package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
)

// rehearse is a night's dry-run.
func (c *cli) rehearse(ctx context.Context, s *stack.Stack, shop doorzet.Shop) error {
	books, err := s.DB.Books(ctx, shop.BooksID)
	if err != nil {
		return err
	}
	d := &dryRun{shop: shop, seller: books.Seller, rates: func() ([]woo.TaxRate, error) { return s.Client(shop, nil).TaxRates(ctx) }}
	n, err := s.Rehearsal().Rehearse(ctx, shop.ID, d.see)
	if err != nil {
		return errors.Join(c.otherShop(ctx, s, shop), err)
	}
	n.Pushed, n.Held, n.Failed = len(d.would), d.held, n.Unread
	v := viewNight(n)
	v.DryRun, v.WouldPush = true, d.would
	return c.show(v, func(w io.Writer) {
		writeNight(w, n, shop)
		for _, o := range d.would {
			_, _ = fmt.Fprintf(w, "Would push order %d (%s), status %s, %s\n", o.ID, oneLine(o.Number), oneLine(o.Status), o.Total)
		}
	})
}

// otherShop says what differs when it is another shop that answers (R14): that is why a night does not run.
func (c *cli) otherShop(ctx context.Context, s *stack.Stack, shop doorzet.Shop) error {
	m, err := c.meet(ctx, s, shop)
	if err != nil {
		return nil // the night's own error says it
	}
	if why := doorzet.SameShop(shop, m.home, m.storeID); why != "" {
		return errors.New(why)
	}
	return nil
}

// dryRun sorts what a night would make due into what would be pushed and what would be held.
type dryRun struct {
	shop   doorzet.Shop
	seller doorzet.Seller
	rates  func() ([]woo.TaxRate, error) // of the shop, for orders that do not name theirs

	asked     bool
	countries map[int64]string
	percents  map[int64]decimal.Decimal
	would     []wouldPush
	held      int
}

func (d *dryRun) see(l doorzet.Look, _ doorzet.Applied) {
	if d.holds(l) {
		d.held++
		return
	}
	d.would = append(d.would, wouldPush{ID: l.WooID, Number: l.Number, Status: l.Status, Total: l.Total.StringFixed(2)})
}

// holds tells whether no correct document can be made of an order, as far as it was read.
func (d *dryRun) holds(l doorzet.Look) bool {
	if l.Document == nil {
		return false
	}
	order, err := woo.DecodeOrder(l.Document)
	if err != nil {
		return true
	}
	in := doorzet.ComposeInput{
		Seller: d.seller, Zone: d.shop.Location(), Reference: doorzet.Reference(d.shop.Prefix, l.WooID, 1), FirstDue: time.Now(),
		RateCountries: d.countries, RatePercents: d.percents,
	}
	var held *doorzet.HeldError
	if _, err = doorzet.Compose(order, in); !errors.As(err, &held) {
		return false
	}
	if !d.ask() {
		return true
	}
	in.RateCountries, in.RatePercents = d.countries, d.percents
	_, err = doorzet.Compose(order, in)
	return errors.As(err, &held)
}

// ask asks the shop for its rates, once; it tells whether they are new.
func (d *dryRun) ask() bool {
	if d.asked {
		return false
	}
	d.asked = true
	list, err := d.rates()
	if err != nil {
		return false
	}
	d.countries, d.percents = map[int64]string{}, map[int64]decimal.Decimal{}
	for _, r := range list {
		d.countries[r.ID], d.percents[r.ID] = r.Country, r.Percent
	}
	return true
}
