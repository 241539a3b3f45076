package stack

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/push"
)

// The pace at which Postgres is compared with what is known of it.
const (
	watchEvery   = 3 * time.Second
	watchPause   = 500 * time.Millisecond // from one comparison to the next, however many pushes end
	watchTimeout = 5 * time.Second        // of one comparison
	emptiedEvery = 5 * time.Second        // how often a scheduler looks whether Redis was emptied
)

// restoreWatch is what the watch over Postgres needs in one process.
type restoreWatch struct {
	ended chan struct{} // a push ended: there may be a newer mark

	mu           sync.Mutex
	installation string // "" = not read yet
}

// installation is the name of this installation, read once.
func (s *Stack) installation(ctx context.Context) (string, error) {
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	if s.watch.installation != "" {
		return s.watch.installation, nil
	}
	id, err := s.DB.Installation(ctx)
	if err == nil {
		s.watch.installation = id
	}
	return id, err
}

// notice is compare, and mirrors what Postgres holds now in Redis.
func (s *Stack) notice(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	mirrored, now, err := s.compare(ctx)
	if err != nil || !now.Newer(mirrored) {
		return err
	}
	id, err := s.installation(ctx)
	if err != nil {
		return err
	}
	return s.Queue.RaiseMark(ctx, id, now)
}

// compare compares Postgres with what this process and, by the mark in Redis, all others have seen in it. When it does not hold that,
// it was restored, which is recorded, once. An error means that it cannot be told.
func (s *Stack) compare(ctx context.Context) (mirrored, now doorzet.Mark, err error) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	id, err := s.installation(ctx)
	if err != nil {
		return mirrored, now, err
	}
	// Redis first: what is mirrored there was in Postgres before, so it must be there now. It is remembered also while Postgres
	// does not answer: that may be the restore.
	mirrored, unread := s.Queue.Mark(ctx, id)
	s.DB.Know(mirrored)
	now, err = s.DB.Mark(ctx)
	if errors.Is(err, doorzet.ErrRestored) {
		now, err = s.restored(ctx)
	}
	return mirrored, now, errors.Join(err, unread)
}

// restored records that Postgres was restored, unless another process did so already, and gives the mark from which it goes on.
func (s *Stack) restored(ctx context.Context) (doorzet.Mark, error) {
	r, mine, err := s.DB.RecordRestored(ctx)
	if err != nil {
		return doorzet.Mark{}, err
	}
	if mine {
		s.Log.Warn("Postgres was restored from an older backup: what is not in the books as far as it knows is looked up there first, and the coming nights compare all orders",
			"restored_at", r.At, "bookings", r.Bookings, "shops", r.Shops)
	}
	return s.DB.Mark(ctx)
}

// learn waits until it is known what others have seen in Postgres: no work may be taken before. A Redis that only takes nothing in,
// because it is full, keeps nobody from working.
func (s *Stack) learn(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, 10*time.Second) {
		_, _, err := s.compare(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.Log.Warn("waiting for Redis, which tells whether Postgres was restored", "error", err)
		if pause(ctx, wait) != nil {
			return ctx.Err()
		}
	}
}

// watching keeps the mark in Redis near behind Postgres until stop is called, and mirrors it once more then. It outlives ctx: a
// worker that is told to stop still ends its pushes.
func (s *Stack) watching(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for trouble := false; ; {
			trouble = s.watchOnce(ctx, trouble)
			if pause(ctx, watchPause) != nil {
				break
			}
			select {
			case <-tick.C:
			case <-s.watch.ended:
			case <-ctx.Done():
			}
		}
		s.watchOnce(context.WithoutCancel(ctx), true)
	})
	return func() {
		cancel()
		work.Wait()
	}
}

// watchOnce says what it cannot do when that begins, not each time. It tells whether it is in trouble.
func (s *Stack) watchOnce(ctx context.Context, before bool) bool {
	err := s.notice(ctx)
	if err != nil && !before && ctx.Err() == nil {
		s.Log.Warn("it cannot be told for now whether Postgres was restored", "error", err)
	}
	return err != nil
}

// pushEnded tells the watch that there may be a newer mark.
func (s *Stack) pushEnded() {
	select {
	case s.watch.ended <- struct{}{}:
	default:
	}
}

// guarded is a push that meets a restored Postgres: the restore is recorded instead, and the booking is swept again after it.
func (s *Stack) guarded(pusher *push.Pusher) func(ctx context.Context, bookingID int64) error {
	return func(ctx context.Context, bookingID int64) error {
		err := pusher.Push(ctx, bookingID)
		if errors.Is(err, doorzet.ErrRestored) {
			return s.notice(ctx)
		}
		return err
	}
}

// refill gives out again what was given out in a Redis that was emptied since, at once and not after its pauses. One scheduler
// does so. The first one that ever starts finds an empty Redis too.
func (s *Stack) refill(ctx context.Context) error {
	id, err := s.installation(ctx)
	if err != nil {
		return err
	}
	mine, err := s.Queue.ClaimEmptied(ctx, id)
	if err != nil || !mine {
		return err
	}
	bookings, nights, err := s.DB.WakeAll(ctx)
	if err != nil {
		return errors.Join(err, s.Queue.ReleaseEmptied(context.WithoutCancel(ctx), id))
	}
	s.Log.Info("Redis is new or was emptied: what is due is given out anew. If Postgres was restored from a backup as well, say so: doorzet restored",
		"bookings", bookings, "nights", nights)
	err = s.sweepBookings(ctx)
	// All of them now: each sweep by itself takes only a part, because nights wait long for a worker, and are not to pile up.
	for ; err == nil && nights > 0; nights -= batch {
		err = s.sweepNights(ctx)
	}
	return err
}
