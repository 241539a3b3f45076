package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/woo"
)

// rehearse is a night's dry-run.
func (c *cli) rehearse(ctx context.Context, s *stack.Stack, shop doorzet.Shop) error {
	books, err := s.DB.Books(ctx, shop.BooksID)
	if err != nil {
		return err
	}
	d := &dryRun{
		DB: s.DB.Rehearsal(), shop: shop, seller: books.Seller, seen: map[int64]bool{},
		rates: func() ([]woo.TaxRate, error) { return s.Client(shop, nil).TaxRates(ctx) },
	}
	night := s.Rehearsal()
	night.Store = d
	n, err := night.Rehearse(ctx, shop.ID, nil)
	if err != nil {
		return errors.Join(c.otherShop(ctx, s, shop), err)
	}
	n.Pushed, n.Held, n.Failed, n.StillOpen = len(d.would), d.held, n.Unread, n.Open+d.opened
	v := viewNight(n)
	v.DryRun, v.WouldPush = true, append([]wouldPush{}, d.would...)
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
		return nil //nolint:nilerr // the night's own error says it
	}
	if why := doorzet.SameShop(shop, m.home, m.storeID); why != "" {
		return errors.New(why)
	}
	return nil
}

// dryRun is the store of a rehearsal: it keeps nothing, and sees what every look would change.
type dryRun struct {
	*postgres.DB
	shop   doorzet.Shop
	seller doorzet.Seller
	rates  func() ([]woo.TaxRate, error) // of the shop, for orders that do not name theirs

	mu        sync.Mutex
	seen      map[int64]bool
	asked     bool
	countries map[int64]string
	percents  map[int64]decimal.Decimal
	would     []wouldPush
	held      int
	opened    int // open orders inside the window that would be more, or fewer
}

// ApplyLooks is what becomes of looks, if it were kept.
func (d *dryRun) ApplyLooks(ctx context.Context, a doorzet.LookContext, looks []doorzet.Look) ([]doorzet.Applied, error) {
	applied, err := d.DB.ApplyLooks(ctx, a, looks)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	byID := make(map[int64]doorzet.Look, len(looks))
	for _, l := range looks {
		byID[l.WooID] = l
	}
	for _, ap := range applied {
		if d.seen[ap.WooID] {
			continue
		}
		d.seen[ap.WooID] = true
		if err := d.note(ctx, a, byID[ap.WooID], ap); err != nil {
			return nil, err
		}
	}
	return applied, nil
}

// note counts what one look would change.
func (d *dryRun) note(ctx context.Context, a doorzet.LookContext, l doorzet.Look, ap doorzet.Applied) error {
	if ap.Wake {
		d.judge(l)
	}
	before := doorzet.OrderRow{State: doorzet.StateDraft, Created: l.Created}
	if !ap.New {
		var err error
		if before, err = d.Order(ctx, d.shop.ID, l.WooID); err != nil {
			return err
		}
	}
	if before.Created.Before(a.Since) {
		return nil
	}
	was, is := before.State == doorzet.StateOpen, opens(before.State, l, ap.Verdict)
	switch {
	case was && !is:
		d.opened--
	case !was && is:
		d.opened++
	}
	return nil
}

// opens tells whether an order inside the window is open after a look.
func opens(before doorzet.OrderState, l doorzet.Look, v doorzet.Verdict) bool {
	switch v.Move {
	case doorzet.MakeDue, doorzet.Expire, doorzet.Gone, doorzet.Conflict:
		return false
	case doorzet.Withdraw, doorzet.Reopen:
		return true
	case doorzet.Stay, doorzet.Missing:
	}
	if before == doorzet.StateDraft || before == doorzet.StateOpen {
		return v.Rule == "R2" && (l.Missing || !doorzet.Draft(l.Status))
	}
	return false
}

// judge tells what would become of an order's push, as far as it was read.
func (d *dryRun) judge(l doorzet.Look) {
	var held *doorzet.HeldError
	switch err := d.compose(l); {
	case errors.As(err, &held):
		d.held++
	case !errors.Is(err, doorzet.ErrNothingToBook):
		d.would = append(d.would, wouldPush{ID: l.WooID, Number: l.Number, Status: l.Status, Total: l.Total.StringFixed(2)})
	}
}

// compose makes the document of an order, as a push would. The shop is asked for its rates only when they may matter.
func (d *dryRun) compose(l doorzet.Look) error {
	if l.Document == nil {
		return nil
	}
	order, err := woo.DecodeOrder(l.Document)
	if err != nil {
		return doorzet.Held("4.1 step 1", "The shop's answer about this order cannot be read: %s.", err.Error())
	}
	in := doorzet.ComposeInput{
		Seller: d.seller, Zone: d.shop.Location(), Reference: doorzet.Reference(d.shop.Prefix, l.WooID, 1), FirstDue: time.Now(),
		RateCountries: d.countries, RatePercents: d.percents,
	}
	var held *doorzet.HeldError
	if _, err = doorzet.Compose(order, in); errors.As(err, &held) && d.ask() {
		in.RateCountries, in.RatePercents = d.countries, d.percents
		_, err = doorzet.Compose(order, in)
	}
	return err
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
