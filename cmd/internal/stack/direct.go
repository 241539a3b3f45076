package stack

import (
	"context"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/push"
)

// The pace of work without a queue.
const (
	directEvery = 500 * time.Millisecond
	directPush  = 2 * time.Minute // how long one push may take
)

// Errand is work on one shop that somebody waits for.
type Errand struct {
	ShopID   int64
	NightID  int64   // 0 = none
	Bookings []int64 // to be pushed, besides those that are due anyway
}

// Direct does by itself what workers do, for one errand and without the queue, until ctx is done: it runs the night, and the
// pushes of the shop that are due. Claims keep it apart from workers that come up meanwhile. When Redis does not answer nobody
// tells whether Postgres was restored: then the books are asked before every first create.
func (s *Stack) Direct(ctx context.Context, e Errand) {
	due := make(chan struct{}, 1)
	nights := s.Reconciler()
	nights.Push = func(context.Context, int64) error {
		select {
		case due <- struct{}{}:
		default:
		}
		return nil
	}
	var work sync.WaitGroup
	defer work.Wait()
	if e.NightID != 0 {
		work.Go(func() {
			s.every(ctx, "run the night", time.Second, func(ctx context.Context) error { return nights.Run(ctx, e.NightID) })
		})
	}
	pusher := s.pusher()
	pusher.Ended = func(context.Context, int64) { s.pushEnded() }
	_, _, unsure := s.compare(ctx)
	pusher.AskAlways = unsure != nil
	defer s.watching(ctx)()
	s.pushAll(ctx, pusher, e.Bookings)
	tick := time.NewTicker(directEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		rows, err := s.DB.Wake(ctx, e.ShopID, doorzet.WakePerShop)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("take due pushes", "error", err)
		}
		ids := make([]int64, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		if s.pushAll(ctx, pusher, ids); len(ids) > 0 {
			continue
		}
		select {
		case <-due:
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// pushAll pushes bookings, as many at the same time as a worker does, and waits for them.
func (s *Stack) pushAll(ctx context.Context, pusher *push.Pusher, ids []int64) {
	next, push := make(chan int64), s.guarded(pusher)
	var work sync.WaitGroup
	for range min(max(s.Config.WorkerPush, 1), len(ids)) {
		work.Go(func() {
			for id := range next {
				ctx, cancel := context.WithTimeout(ctx, directPush)
				if err := push(ctx, id); err != nil && ctx.Err() == nil {
					s.Log.Error("push", "booking", id, "error", err)
				}
				cancel()
			}
		})
	}
	for _, id := range ids {
		if ctx.Err() != nil {
			break
		}
		next <- id
	}
	close(next)
	work.Wait()
}
