package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// wakeAll plans the nights of shops, all due at the same time, and wakes them in that order.
func (p *place) wakeAll(ctx context.Context, shops []*fakeShop) ([]int64, time.Time, error) {
	ids := make([]int64, len(shops))
	for i, s := range shops {
		ids[i] = s.id
	}
	nights, err := p.db.PlanNow(ctx, ids)
	if err != nil {
		return nil, time.Time{}, err
	}
	woken := time.Now()
	return nights, woken, p.own.Queue.WakeNights(ctx, doorzet.WakeUps(doorzet.Shop{}, nights...))
}

// importAll runs the first import of all shops by one worker.
func (p *place) importAll(ctx context.Context, shops []*fakeShop) error {
	w, err := p.worker(ctx)
	if err != nil {
		return err
	}
	var nights []int64
	for _, s := range shops {
		id, err := p.own.DB.AskNight(ctx, doorzet.Shop{ID: s.id, TimeZone: "UTC"}, watchingRole)
		if err != nil {
			return err
		}
		nights = append(nights, id)
	}
	if err := p.own.Queue.WakeNights(ctx, doorzet.WakeUps(doorzet.Shop{}, nights...)); err != nil {
		return err
	}
	err = until(ctx, "all orders are imported", 10*lookEvery, nightTimeout, func(ctx context.Context) (bool, error) {
		left, err := p.db.NightsLeft(ctx, nights)
		return left == 0, err
	})
	if err != nil {
		return err
	}
	now, err := p.db.NightsNow(ctx, nights)
	if err != nil {
		return err
	}
	for _, n := range now {
		if n.State != string(doorzet.NightDone) {
			return fmt.Errorf("the first import of shop %d ended %s: %s", n.Shop, n.State, n.Error)
		}
	}
	return errors.Join(p.pushed(ctx), p.stop(w), p.db.Settle(ctx))
}
