package reconcile

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

const (
	// turnsAtOnce is how many nights of a process record at the same time what their shops answered: enough to keep a
	// Postgres busy, and fewer than the connections that the process has.
	turnsAtOnce = 6
	// patience is after how many turns one goes to the night that waits longest, whatever it has had: a large shop's night
	// goes on also while small ones never end.
	patience = 4
)

// Turns divides a process over its nights. A night mostly waits for its shop and costs nothing then; to record what the shop
// answered it needs a turn. When several nights want one, it goes to the night that has had the least so far: the night of a
// large shop never holds up those of small ones, and a shop that hangs holds up nobody.
type Turns struct {
	// Nights is how many nights the process runs at the same time. A quarter of them may be nights of shops that were in
	// trouble the last time: those tend to take long and to come to nothing. 0 = no limit.
	Nights int

	suspects atomic.Int32

	mu      sync.Mutex
	held    int
	given   int
	waiting []*waiter // in the order in which they came
}

// waiter is a night that waits for a turn.
type waiter struct {
	had  time.Duration
	turn chan struct{} // closed when it is its turn
}

// share is what one night has had of its process.
type share struct {
	turns *Turns
	had   atomic.Int64 // nanoseconds
}

// turn does work when it is the night's turn. The only errors besides those of work are the context's.
func (s *share) turn(ctx context.Context, work func() error) error {
	if err := s.turns.take(ctx, time.Duration(s.had.Load())); err != nil {
		return err
	}
	began := time.Now()
	defer func() {
		s.had.Add(int64(time.Since(began)))
		s.turns.pass()
	}()
	return work()
}

// admit lets a night begin or go on, unless too many of shops in trouble run already.
func (t *Turns) admit(n doorzet.Night) (leave func(), ok bool) {
	if n.Troubles == 0 || t.Nights == 0 {
		return func() {}, true
	}
	if int(t.suspects.Add(1)) > max(1, t.Nights/4) {
		t.suspects.Add(-1)
		return nil, false
	}
	return func() { t.suspects.Add(-1) }, true
}

// take waits for a turn.
func (t *Turns) take(ctx context.Context, had time.Duration) error {
	t.mu.Lock()
	if t.held < turnsAtOnce {
		t.held++
		t.mu.Unlock()
		return nil
	}
	w := &waiter{had: had, turn: make(chan struct{})}
	t.waiting = append(t.waiting, w)
	t.mu.Unlock()
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	i := slices.Index(t.waiting, w)
	if i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 {
		t.pass() // the turn came at the same moment
	}
	return ctx.Err()
}

// pass gives a turn on: to who has had the least, now and then to who waits longest.
func (t *Turns) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.held--
		return
	}
	t.given++
	next := 0
	if t.given%patience != 0 {
		least := slices.MinFunc(t.waiting, func(a, b *waiter) int { return cmp.Compare(a.had, b.had) })
		next = slices.Index(t.waiting, least)
	}
	close(t.waiting[next].turn)
	t.waiting = slices.Delete(t.waiting, next, next+1)
}
