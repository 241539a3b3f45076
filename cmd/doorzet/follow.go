package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/queue"
)

// The pace at which work is followed.
const (
	lookEvery    = 250 * time.Millisecond
	workersEvery = 2 * time.Second
	wakeEvery    = 3 * time.Second
	patience     = 3 * time.Minute  // without any change
	queueing     = 30 * time.Minute // the same while the work waits for its turn
)

// errand is work that somebody waits for: workers do it, or this process when there are none.
type errand struct {
	stack.Errand
	// look tells whether the work is done, and where it stands: a mark that changes as long as it goes on.
	look func(ctx context.Context) (mark string, done bool, err error)
	// queues tells whether it waits for its turn: workers may be busy with others' work for long. nil: it never does.
	queues func() bool
	// wake asks workers for it once more.
	wake func(ctx context.Context) error
}

func (e errand) patience() time.Duration {
	if e.queues != nil && e.queues() {
		return queueing
	}
	return patience
}

// errStuck means that work is not done, and does not go on either.
var errStuck = errors.New("nothing happens any more")

// follow waits until an errand is done. It returns errStuck, or the context's error when it was told to stop.
func (c *cli) follow(ctx context.Context, s *stack.Stack, e errand) error {
	here := &helper{stack: s, errand: e.Errand, say: c.say}
	defer here.stop()
	look, workers, wake := time.NewTicker(lookEvery), time.NewTicker(workersEvery), time.NewTicker(wakeEvery)
	defer look.Stop()
	defer workers.Stop()
	defer wake.Stop()
	if !here.needed(ctx) {
		here.wake(ctx, e)
	}
	seen, since := "", time.Now()
	for {
		mark, done, err := e.look(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil || done:
			return err
		case mark != seen:
			seen, since = mark, time.Now()
		case time.Since(since) > e.patience():
			return errStuck
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-look.C:
				waiting = false
			case <-workers.C:
				here.needed(ctx)
			case <-wake.C:
				here.wake(ctx, e)
			}
		}
	}
}

// helper does an errand in this process when no worker does.
type helper struct {
	stack  *stack.Stack
	errand stack.Errand
	say    func(format string, args ...any)
	cancel context.CancelFunc // nil: not started
	work   sync.WaitGroup
}

// needed tells whether the errand is done here, and begins with it when there are no workers.
func (h *helper) needed(ctx context.Context) bool {
	if h.cancel != nil {
		return true
	}
	why := h.alone(ctx)
	if why == "" || ctx.Err() != nil {
		return false
	}
	h.say("%s: this command does the work itself.", why)
	ctx, h.cancel = context.WithCancel(ctx)
	h.work.Go(func() { h.stack.Direct(ctx, h.errand) })
	return true
}

// alone says why no worker can be waited for; "" when there are some.
func (h *helper) alone(ctx context.Context) string {
	for _, name := range []string{queue.Push, queue.Reconcile} {
		if name == queue.Reconcile && h.errand.NightID == 0 {
			continue
		}
		n, err := h.stack.Queue.Workers(ctx, name)
		switch {
		case err != nil:
			return "Redis does not answer"
		case n == 0:
			return "No worker serves the queue " + name
		}
	}
	return ""
}

// wake asks the workers once more. What cannot be enqueued is no trouble: it is asked again, or done here.
func (h *helper) wake(ctx context.Context, e errand) {
	if h.cancel != nil || ctx.Err() != nil {
		return
	}
	if err := e.wake(ctx); err != nil {
		h.stack.Log.Warn("the workers could not be woken", "error", err)
	}
}

// stop ends the work here: what is not done stays in its rows.
func (h *helper) stop() {
	if h.cancel != nil {
		h.cancel()
	}
	h.work.Wait()
}

// followPushes waits until none of some bookings is on its way any more. It may leave some: a sentence on stderr says so.
func (c *cli) followPushes(ctx context.Context, s *stack.Stack, shop doorzet.Shop, bookings []int64) error {
	if len(bookings) == 0 {
		return nil
	}
	bar := c.progress()
	defer bar.end()
	err := c.follow(ctx, s, errand{
		Errand: stack.Errand{ShopID: shop.ID, Bookings: bookings},
		wake: func(ctx context.Context) error {
			return s.Queue.WakePushes(ctx, doorzet.WakeUps(shop, bookings...))
		},
		look: func(ctx context.Context) (string, bool, error) {
			underway, booked, err := s.DB.CountUnsettled(ctx, bookings)
			bar.show("push", len(bookings)-underway, len(bookings))
			return fmt.Sprint(underway, booked), underway == 0, err
		},
	})
	switch {
	case errors.Is(err, errStuck):
		return fmt.Errorf("the push does not get further: it goes on by itself when it can (see: doorzet booking list --shop %d)", shop.ID)
	case ctx.Err() != nil:
		return errors.New("stopped: the push goes on by itself when a worker runs")
	}
	return err
}
