package postgres_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// together runs f n times at the same time and reports their errors.
func together(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	var all sync.WaitGroup
	failed := make(chan error, n)
	for i := range n {
		all.Go(func() {
			if err := f(i); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
}

// Batches of overlapping orders from many sides at once, new ones and known ones: none fails, none is lost, and each order
// shows its newest look.
func TestApplyLooks_manyAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const writers, rounds, orders = 12, 8, 40
	together(t, writers, func(i int) error {
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		for range rounds {
			var batch []doorzet.Look
			for range 15 {
				second := 1 + rng.IntN(50)
				status := []string{"on-hold", "processing", "completed", "shipped"}[second%4]
				batch = append(batch, look(1+rng.Int64N(orders), status, second))
			}
			slices.SortFunc(batch, func(a, b doorzet.Look) int { return a.Modified.Compare(b.Modified) })
			if _, err := b.db.ApplyLooks(t.Context(), b.context(), batch); err != nil {
				return err
			}
		}
		return nil
	})
	var final []doorzet.Look
	for id := int64(1); id <= orders; id++ {
		final = append(final, look(id, "completed", 100))
	}
	together(t, 4, func(int) error {
		_, err := b.db.ApplyLooks(t.Context(), b.context(), final)
		return err
	})
	if n := one[int](t, b, `SELECT count(*) FROM order_states WHERE state = 'due' AND status = 'completed'`); n != orders {
		t.Errorf("%d orders are due with their newest status, want %d", n, orders)
	}
	if n := one[int](t, b, `SELECT count(*) FROM bookings`); n != orders {
		t.Errorf("%d bookings of %d orders", n, orders)
	}
}

// The same new orders, seen for the first time from many sides: one row each, and every side hears of it.
func TestApplyLooks_firstSeenByManyAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var news [10]int
	together(t, len(news), func(i int) error {
		var batch []doorzet.Look
		for id := int64(1); id <= 30; id++ {
			batch = append(batch, look(id, "processing", 0))
		}
		if i%2 == 1 {
			slices.Reverse(batch)
		}
		applied, err := b.db.ApplyLooks(t.Context(), b.context(), batch)
		for _, a := range applied {
			if a.BookingID == 0 {
				return fmt.Errorf("order %d has no booking", a.WooID)
			}
			if a.New {
				news[i]++
			}
		}
		return err
	})
	total := 0
	for _, n := range news {
		total += n
	}
	if n := one[int](t, b, `SELECT count(*) FROM orders`); n != 30 || total != 30 {
		t.Errorf("%d orders, %d times called new, want 30", n, total)
	}
}

// Looks lock orders before bookings, endings of pushes the other way round: neither may fail of that.
func TestLooksAndEndingsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const orders = 8
	var ids [orders]int64
	for i := range ids {
		ids[i] = b.due(t, int64(i+1))
	}
	together(t, orders, func(i int) error {
		for n := range 15 {
			if i%2 == 0 {
				var batch []doorzet.Look
				for id := int64(1); id <= orders; id++ {
					batch = append(batch, look(id, "processing", n))
				}
				if _, err := b.db.ApplyLooks(t.Context(), b.context(), batch); err != nil {
					return err
				}
				continue
			}
			for _, id := range ids {
				job, err := b.db.ClaimPush(t.Context(), id)
				if errors.Is(err, doorzet.ErrNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				if err := b.db.RecordHeld(t.Context(), job.Claim, "4.1 step 8", "Held."); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
