package stack

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/queue"
)

// The timetable of the scheduler.
const (
	planEvery  = 5 * time.Second
	pruneEvery = time.Hour
	planBatch  = 5000
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

// plan makes the rows of the nights whose time has come, and enqueues them: those of one batch while the next is planned.
func (s *Stack) plan(ctx context.Context) error {
	now, err := s.DB.Now(ctx)
	if err != nil {
		return err
	}
	planned := make(chan []doorzet.WakeUp, 1)
	woken := make(chan error, 1)
	go func() { woken <- s.wakePlanned(ctx, planned) }()
	count, err := s.planAll(ctx, now, planned)
	close(planned)
	err = errors.Join(err, <-woken)
	if count > 0 {
		s.Log.Info("nights planned", "count", count)
	}
	return err
}

// planAll plans batch after batch, and hands on what is to be enqueued.
func (s *Stack) planAll(ctx context.Context, now time.Time, planned chan<- []doorzet.WakeUp) (count int, err error) {
	for after := int64(0); ; {
		p, err := s.DB.PlanNights(ctx, now, after, planBatch)
		if err != nil {
			return count, err
		}
		planned <- p.Nights
		count += len(p.Nights)
		if p.Shops < planBatch {
			return count, nil
		}
		after = p.Last
	}
}

// wakePlanned enqueues what was planned. After the first failure it leaves the rest to the sweep: planning goes on while Redis is down.
func (s *Stack) wakePlanned(ctx context.Context, planned <-chan []doorzet.WakeUp) error {
	var failed error
	for nights := range planned {
		if failed == nil {
			failed = s.Queue.WakeNights(ctx, nights)
		}
	}
	return failed
}

// sweepNights enqueues nights that are due. While many wait in the queue already, only those that a worker left behind.
func (s *Stack) sweepNights(ctx context.Context) error {
	waiting, err := s.Queue.Waiting(ctx, queue.KindReconcile)
	if err != nil {
		return err
	}
	ids, err := s.DB.SweepNights(ctx, batch, waiting >= doorzet.SweepNightsUpTo)
	if err != nil {
		return err
	}
	return s.Queue.WakeNights(ctx, ids)
}

// sweepBookings enqueues bookings that are due, unless very many wait in the queue already.
func (s *Stack) sweepBookings(ctx context.Context) error {
	waiting, err := s.Queue.Waiting(ctx, queue.KindPush)
	if err != nil || waiting >= doorzet.SweepBookingsUpTo {
		return err
	}
	ids, err := s.DB.Wake(ctx, 0, 10*batch)
	if err != nil {
		return err
	}
	return s.Queue.WakePushes(ctx, ids)
}
