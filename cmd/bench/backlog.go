package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// backlogSize is how many pushes of one shop wait, and how many orders of another become due meanwhile, one a second.
type backlogSize struct {
	due, fresh int
	alone      time.Duration // how long the backlog is watched before
}

// freshTarget is how long a fresh order may take from due to booked.
const freshTarget = 5 * time.Second

// backlogs measures how long fresh orders of one shop take while another shop has a backlog.
func backlogs(ctx context.Context, b *bench) (_ []table, err error) {
	size := b.size.backlog
	p, err := b.rig.newPlace(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	f, err := b.rig.fakes(ctx, 2)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.process.stop()) }()
	large, small := f.shops[0], f.shops[1]
	b.say("%s bookings of one shop become due", count(size.due))
	if err := p.fill(ctx, f.shops[:1], size.due); err != nil {
		return nil, err
	}
	if err := p.connect(ctx, f.shops[1:]); err != nil {
		return nil, err
	}
	b.say("they are pushed, and an order of another shop becomes due each second, %d in all", size.fresh)
	w, err := p.worker(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := p.scheduler(ctx); err != nil {
		return nil, err
	}
	alone, err := p.pace(ctx, large, size.alone)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	before, err := p.db.BookedOf(ctx, large.id)
	if err != nil {
		return nil, err
	}
	if err := p.trickle(ctx, small, size.fresh); err != nil {
		return nil, err
	}
	took := time.Since(began)
	after, err := p.db.BookedOf(ctx, large.id)
	if err != nil {
		return nil, err
	}
	waits, err := p.db.DueToBooked(ctx, small.id)
	if err != nil {
		return nil, err
	}
	if after >= size.due {
		b.say("the backlog was gone before the fresh orders were: it says little")
	}
	t := table{
		title: "Fresh orders beside a backlog of another shop, one worker",
		head:  []string{"backlog", "fresh orders", "due to booked: p50", "max", "backlog alone", "backlog meanwhile", "peak memory"},
	}
	worst := percentile(waits, 100)
	t.add(count(size.due), count(len(waits)), span(percentile(waits, 50)), span(worst), alone, rate(after-before, took), memory(peak(w.pid())))
	t.target(worst < freshTarget, "a backlog of 50,000 pushes of one shop delays a fresh one of another by less than 5 s", "at most "+span(worst))
	t.note("Due to booked: from the moment that the night records the order as due until its booking is recorded.")
	return []table{t}, nil
}

// pace is how many bookings of a shop a worker makes in a second, once it has begun.
func (p *place) pace(ctx context.Context, shop *fakeShop, while time.Duration) (string, error) {
	booked := func() (int, error) { return p.db.BookedOf(ctx, shop.id) }
	err := until(ctx, "the first is booked", lookEvery, time.Minute, func(context.Context) (bool, error) {
		n, err := booked()
		return n > 0, err
	})
	if err != nil {
		return "", err
	}
	before, err := booked()
	if err != nil {
		return "", err
	}
	began := time.Now()
	if err := pause(ctx, while); err != nil {
		return "", err
	}
	after, err := booked()
	return rate(after-before, time.Since(began)), err
}

// trickle makes an order of a shop due each second: the shop gets one, and a night finds it. It returns when all are booked.
func (p *place) trickle(ctx context.Context, shop *fakeShop, n int) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for range n {
		if _, err := shop.add(ctx, wootest.Order{Status: "processing"}); err != nil {
			return err
		}
		if _, err := p.night(ctx, shop.id); err != nil {
			return err
		}
		select {
		case <-second.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return until(ctx, fmt.Sprintf("all %d fresh orders are booked", n), lookEvery, nightTimeout, func(ctx context.Context) (bool, error) {
		booked, err := p.db.BookedOf(ctx, shop.id)
		return booked == n, err
	})
}
