package stack

import (
	"context"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// The timetable of the scheduler.
const (
	planEvery  = 5 * time.Second
	pruneEvery = time.Hour
	batch      = 1000
)

// Scheduler plans nights and sweeps due rows until ctx is done. Any number of schedulers may run.
func (s *Stack) Scheduler(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return ignoreCanceled(ctx, err)
	}
	defer s.watching(ctx)()
	var jobs sync.WaitGroup
	jobs.Go(func() { s.every(ctx, "look whether Redis was emptied", emptiedEvery, s.refill) })
	jobs.Go(func() { s.every(ctx, "plan the nights", planEvery, s.plan) })
	jobs.Go(func() { s.every(ctx, "sweep the nights", doorzet.SweepEvery, s.sweepNights) })
	jobs.Go(func() { s.every(ctx, "sweep the bookings", doorzet.SweepEvery, s.sweepBookings) })
	jobs.Go(func() { s.every(ctx, "prune the archive", pruneEvery, s.Queue.Prune) })
	s.Log.Info("scheduler started")
	jobs.Wait()
	return nil
}

// plan makes the rows of the nights whose time has come, and enqueues them.
func (s *Stack) plan(ctx context.Context) error {
	for {
		now, err := s.DB.Now(ctx)
		if err != nil {
			return err
		}
		shops, nights, err := s.DB.PlanNights(ctx, now, batch)
		if err != nil {
			return err
		}
		if err := s.Queue.WakeNights(ctx, nights); err != nil {
			return err
		}
		if len(nights) > 0 {
			s.Log.Info("nights planned", "count", len(nights))
		}
		if shops < batch {
			return nil
		}
	}
}

func (s *Stack) sweepNights(ctx context.Context) error {
	ids, err := s.DB.SweepNights(ctx, batch)
	if err != nil {
		return err
	}
	return s.Queue.WakeNights(ctx, ids)
}

func (s *Stack) sweepBookings(ctx context.Context) error {
	ids, err := s.DB.Wake(ctx, 0, 10*batch)
	if err != nil {
		return err
	}
	return s.Queue.WakePushes(ctx, ids)
}
