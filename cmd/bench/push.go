package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/doorzet/doorzet/internal/postgres/postgresbench"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// pushSize is how many due orders are pushed.
type pushSize struct {
	shops  []int // in how many shops, a row each
	orders int   // in all
	floor  time.Duration
}

// pushAtOnce is how many bookings a worker pushes at the same time unless it is told otherwise.
const pushAtOnce = 16

// mostRoundTrips is the target for each booking.
const mostRoundTrips = 4

// pushes measures how fast one worker books what is due, whose documents are fresh.
func pushes(ctx context.Context, b *bench) ([]table, error) {
	t := table{
		title: "Pushes to files by one worker",
		head: []string{
			"shops", "bookings", "took", "bookings a second", "bare commits a second", "commits per booking", "statements (round trips) per booking",
			"worker's CPU per booking", "peak memory",
		},
	}
	for _, shops := range b.size.push.shops {
		if err := b.pushOnce(ctx, shops, &t); err != nil {
			return nil, fmt.Errorf("%d shops: %w", shops, err)
		}
	}
	t.note("Commits per booking: how many bare commits of one row Postgres makes in the time of one booking, by %d connections, in the same run.", pushAtOnce)
	return []table{t}, nil
}

func (b *bench) pushOnce(ctx context.Context, shops int, t *table) (err error) {
	p, err := b.rig.newPlace(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	f, err := b.rig.fakes(ctx, shops)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.process.stop()) }()
	b.say("%s bookings of %d shops become due", count(b.size.push.orders), shops)
	if err := p.fill(ctx, f.shops, b.size.push.orders/shops); err != nil {
		return err
	}
	b.say("they are pushed")
	commits, err := postgresbench.Commits(ctx, p.watching, pushAtOnce, b.size.push.floor)
	if err != nil {
		return err
	}
	got, w, err := p.drain(ctx)
	if err != nil {
		return err
	}
	perBooking := got.Took.Seconds() / float64(got.Booked)
	t.add(strconv.Itoa(shops), count(got.Booked), span(got.Took), rate(got.Booked, got.Took), perSecond(commits),
		strconv.FormatFloat(perBooking*commits, 'f', 1, 64), b.rig.statements(w.statements, got.Booked),
		span(w.busy/time.Duration(got.Booked)), memory(w.peak))
	if b.rig.counts {
		t.target(w.statements.RoundTrips <= mostRoundTrips*got.Booked, fmt.Sprintf("at most %d round trips per booking", mostRoundTrips),
			each(w.statements.RoundTrips, got.Booked))
	}
	return nil
}

// fill makes orders of all shops due: they are imported by a worker that pushes nothing.
func (p *place) fill(ctx context.Context, shops []*fakeShop, each int) error {
	if err := p.connect(ctx, shops); err != nil {
		return err
	}
	w, err := p.worker(ctx, "DOORZET_WORKER_QUEUES=reconcile")
	if err != nil {
		return err
	}
	created := time.Now().Add(-24 * time.Hour)
	for _, shop := range shops {
		if _, err := shop.add(ctx, wootest.Order{Status: "processing", Count: each, Created: created}); err != nil {
			return err
		}
		if _, err := p.night(ctx, shop.id); err != nil {
			return err
		}
	}
	return errors.Join(p.stop(w), p.db.Settle(ctx))
}

// worked is what a worker used.
type worked struct {
	statements postgresbench.Count
	busy       time.Duration
	peak       int64
}

// drain lets one worker, and a scheduler that sweeps, book all that is due. Each order must then be booked exactly once.
func (p *place) drain(ctx context.Context) (got postgresbench.Pushes, used worked, err error) {
	w, err := p.worker(ctx)
	if err != nil {
		return got, used, err
	}
	if err := p.countAnew(ctx); err != nil {
		return got, used, err
	}
	if _, err := p.scheduler(ctx); err != nil {
		return got, used, err
	}
	err = until(ctx, "all is pushed", 10*lookEvery, nightTimeout, func(ctx context.Context) (bool, error) {
		left, err := p.db.Unpushed(ctx)
		return left == 0, err
	})
	if err != nil {
		return got, used, err
	}
	if used.statements, err = p.statements(ctx); err != nil {
		return got, used, err
	}
	used.busy, used.peak = busy(w.pid()), peak(w.pid())
	got, err = p.db.Pushes(ctx)
	if err == nil && (got.Booked != got.All || got.Twice > 0 || got.Booked == 0) {
		err = fmt.Errorf("of %d bookings %d are booked, %d orders have two", got.All, got.Booked, got.Twice)
	}
	return got, used, err
}
