package reconcile

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// full takes all turns.
func full(t *testing.T) *Turns {
	t.Helper()
	turns := &Turns{}
	for range turnsAtOnce {
		if err := turns.take(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	return turns
}

func (t *Turns) waits() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

// queue lets nights wait one after another, and gives the order in which they had their turns.
func queue(t *testing.T, turns *Turns, had ...time.Duration) []time.Duration {
	t.Helper()
	var order []time.Duration
	var done sync.WaitGroup
	for i, h := range had {
		done.Go(func() {
			if err := turns.take(context.Background(), h); err != nil {
				t.Error(err)
			}
			order = append(order, h) // one turn goes round, so never two at the same time
			turns.pass()
		})
		for turns.waits() != i+1 {
			runtime.Gosched()
		}
	}
	turns.pass()
	done.Wait()
	return order
}

func TestTurns_whoHasHadTheLeastGoesFirst(t *testing.T) {
	t.Parallel()
	got := queue(t, full(t), 9, 5, 1, 3)
	// The fourth turn goes to who waits longest, which by then is the only one.
	if want := []time.Duration{1, 3, 5, 9}; !slices.Equal(got, want) {
		t.Errorf("turns went to %v, want %v", got, want)
	}
}

// A night that has had much is not kept waiting for ever by ones that have had nothing.
func TestTurns_nobodyStarves(t *testing.T) {
	t.Parallel()
	got := queue(t, full(t), 9, 0, 0, 0, 0, 0, 0, 0)
	if at := slices.Index(got, 9); at != patience-1 {
		t.Errorf("the large one had turn %d of %v, want turn %d", at+1, got, patience)
	}
}

// Who stops waiting loses no turn for the others, also when it comes at the same moment.
func TestTurns_noTurnIsLost(t *testing.T) {
	t.Parallel()
	turns := full(t)
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error)
		go func() { got <- turns.take(ctx, 0) }()
		for turns.waits() == 0 {
			runtime.Gosched()
		}
		var both sync.WaitGroup
		both.Go(cancel)
		both.Go(turns.pass)
		err := <-got
		both.Wait()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if err != nil { // it was passed on to nobody: take it again
			if err := turns.take(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range turnsAtOnce {
		turns.pass()
	}
	if turns.held != 0 {
		t.Errorf("%d turns are held by nobody", turns.held)
	}
}
