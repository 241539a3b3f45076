package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgresbench"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// nightSize is one shop whose nights are measured.
type nightSize struct {
	open  int
	times int  // the median is told
	told  bool // its first import is told as well
}

// soldMost is how many orders a shop sold in the last 14 days, at most: a tenth of those that are open.
const soldMost = 2_000

// A real shop's time, of a shop of two cores: starting up for each request, a whole order of a list, and one with few fields.
const (
	startUpMS  = 60
	perOrderMS = 8
	perRowMS   = 2.7
)

// ranNight is one night that was measured.
type ranNight struct {
	night      doorzet.Night
	took, bare time.Duration
	asked      asked
	statements postgresbench.Count
	peak       int64
	busy       time.Duration // the worker
}

func (r ranNight) ratio() float64 { return ratio(r.took.Seconds(), r.bare.Seconds()) }

// nights measures a plain night, of a shop whose orders are known, for each size; and the first import of large shops.
func nights(ctx context.Context, b *bench) ([]table, error) {
	plain := table{
		title: "A plain night of one shop",
		head: []string{
			"open orders", "requests: list", "single", "other", "real shop: night", "bare HTTP", "ratio", "shop that answers at once: night",
			"bare HTTP", "ratio", "statements (round trips) per order", "worker's CPU per order", "peak memory",
		},
	}
	first := table{
		title: "The first import of a shop that answers at once",
		head:  []string{"orders", "requests", "took", "orders a second", "bare HTTP", "ratio", "worker's CPU", "peak memory"},
	}
	var targets nightTargets
	for _, size := range b.size.nights {
		if err := b.oneShop(ctx, size, &plain, &first, &targets); err != nil {
			return nil, fmt.Errorf("%d open orders: %w", size.open, err)
		}
	}
	targets.tell(&plain)
	first.note("With an order's pushes behind it: what was sold in the last 14 days is booked meanwhile by the same worker.")
	return []table{plain, first}, nil
}

// oneShop measures the nights of one shop. Each begins with the same rows: a copy of those after the first import.
func (b *bench) oneShop(ctx context.Context, size nightSize, plain, first *table, targets *nightTargets) (err error) {
	base, err := b.rig.newPlace(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.close(ctx)) }()
	f, err := b.rig.fakes(ctx, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.process.stop()) }()
	shop := f.shops[0]
	if err := errors.Join(base.connect(ctx, f.shops), shop.seed(ctx, size.open)); err != nil {
		return err
	}
	b.say("%s open orders: the first import", count(size.open))
	imported, err := base.measureNight(ctx, shop)
	if err != nil {
		return err
	}
	if size.told {
		orders := imported.night.Imported
		first.add(count(orders), count(len(imported.asked.Requests)), span(imported.took), rate(orders, imported.took), span(imported.bare),
			times(imported.ratio()), span(imported.busy), memory(imported.peak))
	}
	if err := errors.Join(base.db.Settle(ctx), base.leave()); err != nil {
		return err
	}
	if err := shop.sell(ctx); err != nil {
		return err
	}
	b.say("%s open orders: plain nights", count(size.open))
	slow, err := b.plainNights(ctx, base, shop, size, true)
	if err != nil {
		return err
	}
	instant, err := b.plainNights(ctx, base, shop, size, false)
	if err != nil {
		return err
	}
	targets.saw(slow)
	looked := slow.night.LookedAt
	plain.add(count(size.open), count(slow.asked.Counts["list"]), count(slow.asked.Counts["single"]), count(slow.asked.Counts["other"]),
		span(slow.took), span(slow.bare), times(slow.ratio()), span(instant.took), span(instant.bare), times(instant.ratio()),
		b.rig.statements(slow.statements, looked), span(instant.busy/time.Duration(max(looked, 1))), memory(max(slow.peak, instant.peak)))
	return nil
}

// statements are how many for each of something, where Postgres counts them.
func (r *rig) statements(n postgresbench.Count, of int) string {
	if !r.counts {
		return "-"
	}
	return each(n.Statements, of) + " (" + each(n.RoundTrips, of) + ")"
}

// plainNights measures some nights, each on a copy of the same rows, and gives the one whose ratio is the median.
func (b *bench) plainNights(ctx context.Context, base *place, shop *fakeShop, size nightSize, slow bool) (ranNight, error) {
	if err := shop.recover(ctx); err != nil {
		return ranNight{}, err
	}
	if slow {
		if err := shop.beReal(ctx, 1); err != nil {
			return ranNight{}, err
		}
	}
	var all []ranNight
	var ratios []float64
	for range size.times {
		one, err := b.plainNight(ctx, base, shop)
		if err != nil {
			return ranNight{}, err
		}
		all = append(all, one)
		ratios = append(ratios, one.ratio())
	}
	median := percentile(ratios, 50)
	for _, one := range all {
		if one.ratio() == median {
			return one, nil
		}
	}
	return all[0], nil
}

func (b *bench) plainNight(ctx context.Context, base *place, shop *fakeShop) (_ ranNight, err error) {
	p, err := b.rig.newPlace(ctx, base)
	if err != nil {
		return ranNight{}, err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	return p.measureNight(ctx, shop)
}

// measureNight runs a night by a fresh worker, waits for its pushes, and asks the shop for the same once more.
func (p *place) measureNight(ctx context.Context, shop *fakeShop) (r ranNight, err error) {
	w, err := p.worker(ctx)
	if err != nil {
		return r, err
	}
	if err := shop.forget(ctx); err != nil {
		return r, err
	}
	if err := p.countAnew(ctx); err != nil {
		return r, err
	}
	if r.night, err = p.night(ctx, shop.id); err != nil {
		return r, err
	}
	r.took = r.night.FinishedAt.Sub(r.night.StartedAt)
	if r.statements, err = p.statements(ctx); err != nil {
		return r, err
	}
	if r.asked, err = shop.asked(ctx); err != nil {
		return r, err
	}
	if err := p.pushed(ctx); err != nil {
		return r, err
	}
	r.peak, r.busy = peak(w.pid()), busy(w.pid())
	if err := p.stop(w); err != nil {
		return r, err
	}
	r.bare, err = shop.replay(ctx, r.asked.Requests)
	return r, err
}

// nightTimeout is how long a night may take here before something must be wrong.
const nightTimeout = 15 * time.Minute

// night runs a night by hand and waits for its end, which must be a good one.
func (p *place) night(ctx context.Context, shopID int64) (doorzet.Night, error) {
	n, _, err := p.wokenNight(ctx, shopID)
	if err == nil && (n.State != doorzet.NightDone || n.Error != "" || n.Unread > 0) {
		err = fmt.Errorf("the night ended %s: %s %s", n.State, n.Error, strings.Join(n.Notes, " "))
	}
	return n, err
}

// wokenNight runs a night by hand, waits for its end, and tells when it was enqueued.
func (p *place) wokenNight(ctx context.Context, shopID int64) (n doorzet.Night, woken time.Time, err error) {
	shop, err := p.own.DB.Shop(ctx, shopID)
	if err != nil {
		return n, woken, err
	}
	id, err := p.own.DB.AskNight(ctx, shop, watchingRole)
	if err != nil {
		return n, woken, err
	}
	woken = time.Now()
	if err := p.own.Queue.WakeNights(ctx, doorzet.WakeUps(shop, id)); err != nil {
		return n, woken, err
	}
	err = until(ctx, "the night is over", lookEvery, nightTimeout, func(ctx context.Context) (bool, error) {
		state, err := p.db.NightState(ctx, id)
		return state == string(doorzet.NightDone) || state == string(doorzet.NightFailed), err
	})
	if err != nil {
		return n, woken, err
	}
	n, err = p.own.DB.Night(ctx, id)
	return n, woken, err
}

// pushed waits until all that is due is booked. There is no scheduler whose sweep takes what was left over.
func (p *place) pushed(ctx context.Context) error {
	return until(ctx, "all is pushed", 10*lookEvery, nightTimeout, func(ctx context.Context) (bool, error) {
		left, err := p.db.Unpushed(ctx)
		if err != nil || left == 0 {
			return err == nil, err
		}
		ids, err := p.own.DB.Wake(ctx, 0, 1000)
		if err != nil || len(ids) == 0 {
			return false, err
		}
		return false, p.own.Queue.WakePushes(ctx, ids)
	})
}

// seed makes the orders of a shop: those that are open, spread over the window, and some that were sold.
func (s *fakeShop) seed(ctx context.Context, open int) error {
	if err := s.spread(ctx, openStatus, open, 20); err != nil {
		return err
	}
	return s.spread(ctx, "completed", min(open/10, soldMost), 13)
}

// spread adds orders that were created, and not touched since, over some days until an hour and more ago.
func (s *fakeShop) spread(ctx context.Context, status string, n, days int) error {
	now := time.Now().Add(-2 * time.Hour)
	var orders []wootest.Order
	for day := range days {
		if part := n*(day+1)/days - n*day/days; part > 0 {
			orders = append(orders, wootest.Order{Status: status, Count: part, Created: now.AddDate(0, 0, day-days)})
		}
	}
	ids, err := s.add(ctx, orders...)
	if status == openStatus {
		s.open = append(s.open, ids...)
	}
	return err
}

// openStatus is that of the orders that are open.
const openStatus = "on-hold"

// sell gives one open order of a hundred a chosen status: half of them lately, half of them before the bulk fetch looks.
func (s *fakeShop) sell(ctx context.Context) error {
	n := max(len(s.open)/100, 1)
	var lately, before []int64
	for i := range n {
		id := s.open[i*len(s.open)/n]
		if i%2 == 0 {
			lately = append(lately, id)
		} else {
			before = append(before, id)
		}
	}
	s.sold += n
	now := time.Now()
	return errors.Join(
		s.change(ctx, lately, wootest.Order{Status: "processing", Modified: now.Add(-2 * time.Hour)}),
		s.change(ctx, before, wootest.Order{Status: "processing", Modified: now.AddDate(0, 0, -15)}),
	)
}

// beReal makes a shop so many times as slow as a real one.
func (s *fakeShop) beReal(ctx context.Context, slow float64) error {
	return s.fail(ctx, wootest.Fault{Kind: "latency", DelayMS: int(startUpMS * slow), PerOrderMS: perOrderMS * slow, PerRowMS: perRowMS * slow})
}
