package stack

import (
	"slices"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// The same night and the same bookings are enqueued again and again, with several workers to take them: each is done once, and the shop
// is asked nothing twice.
func TestR9_liveCopiesOfTheSameTasks(t *testing.T) {
	t.Parallel()
	e := prepare(t, orders{open: 150, recent: 60, old: 20, cancelled: 10, unseenDue: 60, unseenOpen: 20})
	var workers []*child
	for i := range 3 {
		workers = append(workers, e.start(t, "worker", nameOf("worker", i)))
	}
	e.fall(t)
	awaitOr(t, "the night is over", func() bool {
		if err := e.Queue.WakeNights(t.Context(), doorzet.WakeUps(doorzet.Shop{ID: e.bundle.shop}, slices.Repeat([]int64{e.night}, 4)...)); err != nil {
			t.Fatal(err)
		}
		due := e.db.Ints(t, `SELECT id FROM bookings WHERE state IN ('due', 'sending') ORDER BY random() LIMIT 20`)
		if err := e.Queue.WakePushes(t.Context(), doorzet.WakeUps(doorzet.Shop{ID: e.bundle.shop}, slices.Repeat(due, 3)...)); err != nil {
			t.Fatal(err)
		}
		return e.over(t)
	}, func() string { return e.how(t) })
	for _, w := range workers {
		w.leave(t)
	}
	e.right(t)
	if again := e.shop.repeated(nil); len(again) > 0 {
		t.Errorf("asked again: %q", again)
	}
	if _, counts := e.shop.questions(); counts[""] > 4 {
		t.Errorf("whose shop it is was asked %d times: one night asks 4", counts[""])
	}
}

// A worker that is told to stop in the middle of a night gives it back at the end of its drain: another one goes on without waiting
// for any lease, and asks nothing that was answered.
func TestAWorkerThatIsToldToStopGivesItsNightBack(t *testing.T) {
	t.Parallel()
	e := prepare(t, thousand)
	e.fake.Fail(wootest.Fault{Kind: "latency", DelayMS: 150})
	e.fall(t)
	leaver := e.start(t, "worker", "leaver", "DOORZET_DRAIN=1s")
	asks := make(chan struct{})
	e.shop.on(func(q *question, s stage) {
		if s == answered && q.n == 8 {
			close(asks)
		}
	})
	receive(t, "the night asks the shop", asks)
	leaver.leave(t)
	e.shop.ended(t)
	n, err := e.DB.Night(t.Context(), e.night)
	if err != nil || n.State != doorzet.NightPlanned || time.Until(n.NextTry) > 0 || n.Error != "" {
		t.Errorf("given back, the night is %s, again at %s, %q, %v", n.State, n.NextTry, n.Error, err)
	}
	if held := e.db.Int(t, `SELECT count(*) FROM bookings WHERE claimed_until IS NOT NULL AND state <> 'booked'`); held > 0 {
		t.Errorf("%d pushes are still claimed", held)
	}
	other := e.start(t, "worker", "other")
	e.sweep(t)
	await(t, "another one goes on", func() bool {
		return e.db.Int(t, `SELECT count(*) FROM nights WHERE state <> 'planned' AND id = $1`, e.night) == 1
	})
	e.ends(t)
	other.leave(t)
	e.right(t)
	if again := e.shop.repeated(e.later); len(again) > 0 {
		t.Errorf("asked again: %q", again)
	}
}
