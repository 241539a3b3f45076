package stack

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/accounting/files"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/push"
	"github.com/doorzet/doorzet/internal/queue"
	"github.com/doorzet/doorzet/internal/reconcile"
	"github.com/doorzet/doorzet/internal/woo"
)

// topUpAfter is after how many ended pushes of a shop a worker fetches more of its due rows, without waiting for the sweep.
const topUpAfter = doorzet.WakePerShop / 2

// pushShare is which part of a worker's pushes may be those of one shop: one in so many.
const pushShare = 4

// Worker runs nights and pushes until ctx is done, then drains.
func (s *Stack) Worker(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return ignoreCanceled(ctx, err)
	}
	if err := s.learn(ctx); err != nil {
		return ignoreCanceled(ctx, err)
	}
	defer s.watching(ctx)()
	var exports sync.WaitGroup
	exports.Go(func() { s.every(ctx, "export files", doorzet.SweepEvery, s.export) })
	defer exports.Wait()
	done := &exported{DB: s.DB}
	exports.Go(func() { s.every(ctx, "record the exports", recordExports, done.record) })
	server := &queue.Server{
		Client: s.Queue, Lanes: s.lanes(done), Servers: s.Config.WorkerServers, Drain: s.Config.Drain, Log: s.Log,
	}
	s.Log.Info("worker started", "queues", s.Config.WorkerQueues, "pool", s.Config.WorkerPool)
	err := server.Run(ctx)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRecord)
	defer cancel()
	if err := done.record(last); err != nil {
		s.Log.Warn("some files will be written once more", "error", err)
	}
	return ignoreCanceled(ctx, err)
}

// lastRecord is how long a worker that ends may take to record its last exports.
const lastRecord = 2 * time.Second

// lanes are the kinds of work of a worker; what its pushes export is recorded by done.
func (s *Stack) lanes(done *exported) []queue.Lane {
	var lanes []queue.Lane
	for _, name := range s.Config.WorkerQueues {
		switch name {
		case queue.Reconcile:
			lanes = append(lanes, queue.Lane{Kind: queue.KindReconcile, Pool: s.Config.WorkerPool, Concurrency: s.Config.WorkerReconcile, Handle: s.Reconciler().Run})
		case queue.Push:
			p := s.pusher()
			p.Store = done
			lanes = append(lanes, queue.Lane{
				Kind: queue.KindPush, Pool: s.Config.WorkerPool, Concurrency: s.Config.WorkerPush,
				PerShop: max(1, s.Config.WorkerPush/pushShare), Handle: s.guarded(p),
			})
		}
	}
	return lanes
}

// Reconciler runs nights.
func (s *Stack) Reconciler() *reconcile.Reconciler {
	return &reconcile.Reconciler{
		Store: s.DB, Shop: s.nightShop, Push: s.WakeShop, Keep: keep, Turns: s.turns, PublicURL: s.Config.PublicURL, Now: time.Now, Log: s.Log,
	}
}

// Rehearsal runs nights that keep nothing and push nothing.
func (s *Stack) Rehearsal() *reconcile.Reconciler {
	r := s.Reconciler()
	r.Store = s.DB.Rehearsal()
	r.Push = func(context.Context, int64) error { return nil }
	return r
}

func (s *Stack) pusher() *push.Pusher {
	return &push.Pusher{
		Store: s.DB, Open: OpenBooks, Read: s.read, Decode: woo.DecodeOrder, Rates: s.rates, Keep: keep, Ended: s.topUp(),
		Now: time.Now, Log: s.Log,
	}
}

// topUp counts ended pushes per shop and enqueues more of a shop's due rows now and then. Each of them is a newer mark.
func (s *Stack) topUp() func(ctx context.Context, shopID int64) {
	var mu sync.Mutex
	ended := map[int64]int{}
	return func(ctx context.Context, shopID int64) {
		s.pushEnded()
		mu.Lock()
		ended[shopID]++
		enough := ended[shopID] >= topUpAfter
		if enough {
			delete(ended, shopID)
		}
		mu.Unlock()
		if !enough {
			return
		}
		if err := s.WakeShop(ctx, shopID); err != nil {
			s.Log.Warn("pushes wait for the sweep", "shop", shopID, "error", err)
		}
	}
}

// OpenBooks gives the adapter of a connection to books.
func OpenBooks(b doorzet.Books) (push.Books, error) {
	if b.Kind == "files" {
		return files.Books{Dir: b.Dir}, nil
	}
	return nil, doorzet.Refused("Books of kind %q are not known to this version.", b.Kind)
}

// export writes booked files whose folder does not have them yet. One that its folder does not take holds up no other.
func (s *Stack) export(ctx context.Context) error {
	const limit = 500
	var failed []error
	for after := int64(0); ; {
		list, err := s.DB.ToExport(ctx, after, limit)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, e := range list {
			after = e.BookingID
			if err := s.exportOne(ctx, e); err != nil && len(failed) < 10 {
				failed = append(failed, err)
			}
		}
		if len(list) < limit {
			return errors.Join(failed...)
		}
	}
}

func (s *Stack) exportOne(ctx context.Context, e doorzet.Export) error {
	if err := (files.Books{Dir: e.Dir}).Export(e.Name, e.Content); err != nil {
		return err
	}
	return s.DB.Exported(ctx, e.BookingID)
}
