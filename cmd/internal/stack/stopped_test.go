package stack

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// waiting tells how many connections of a process wait for a lock.
func (e *evening) waiting(t *testing.T, c *child) int {
	t.Helper()
	return e.db.Int(t, `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`, c.name)
}

// one is an evening whose night is over but for one push, that of an order whose document must be read again.
func one(t *testing.T) (e *evening, order int64) {
	t.Helper()
	e = prepare(t, orders{open: 3})
	order = e.unseen(t, "processing", 1)[0]
	e.due[order] = true
	e.fall(t)
	if n := e.goOn(t, e.night); n.State != doorzet.NightDone {
		t.Fatalf("the night ended %s: %s", n.State, n.Error)
	}
	e.exec(t, `UPDATE documents SET read_at = now() - interval '1 hour'`)
	e.want.LookedAt, e.want.Imported, e.want.Pushed, e.want.StillOpen = 3, 1, 1, 3
	e.http.CloseIdleConnections()
	return e, order
}

// takenOver lets the leases of a stopped worker end and another one end its work; then the stopped one goes on, and must record
// nothing. Meanwhile is called when the other one works.
func (e *evening) takenOver(t *testing.T, stopped *child, meanwhile func(other *child)) {
	t.Helper()
	since := time.Now()
	e.leasesOfStoppedEnd(t)
	other := e.start(t, "worker", "other")
	e.sweep(t)
	meanwhile(other)
	e.ends(t)
	// A night saves at most once a second how far it is, and learns by that that it was lost. No lease ends in less.
	await(t, "the stopped one stood still for more than a second", func() bool { return time.Since(since) > time.Second+100*time.Millisecond })
	before := e.content(t)
	e.shop.on(nil)
	stopped.goOn(t)
	stopped.leave(t) // it ends what it was doing
	if after := e.content(t); after != before {
		t.Errorf("the stopped worker went on and changed what is stored:\n%safter it\n%s", before, after)
	}
	other.leave(t)
}

// goesOnInVain lets a stopped worker go on while another one has the only booking: that stays as it is.
func (e *evening) goesOnInVain(t *testing.T, stopped *child, release func()) {
	t.Helper()
	const booking = `SELECT row_to_json(b)::text FROM bookings b`
	before := e.db.Text(t, booking)
	release()
	stopped.goOn(t)
	stopped.leave(t)
	if after := e.db.Text(t, booking); after != before || len(e.files(t)) > 0 {
		t.Errorf("the stopped worker went on with the other one's claim: %s, before it %s; files %q", after, before, e.files(t))
	}
}

// leasesOfStoppedEnd is leasesEnd for workers that stand still. What they had sent to Postgres is still done there: a claim that comes
// late has to end as well.
func (e *evening) leasesOfStoppedEnd(t *testing.T) {
	t.Helper()
	const claims = `SELECT (SELECT count(*) FROM nights WHERE claimed_until >= now()) + (SELECT count(*) FROM bookings WHERE claimed_until >= now())`
	e.leasesEnd(t)
	quiet := 0
	await(t, "no claim comes late", func() bool {
		if quiet++; e.db.Int(t, claims) > 0 {
			e.leasesEnd(t)
			quiet = 0
		}
		return quiet >= 30
	})
	e.shop.stands()
}

// A worker that stands still in the middle of a push, longer than its claim holds: another one takes over, and the stopped one
// records nothing when it goes on. One document, one file.
func TestR9_aPushThatStandsStill(t *testing.T) {
	t.Parallel()

	t.Run("while it reads the order again", func(t *testing.T) {
		t.Parallel()
		e, order := one(t)
		held, release := e.shop.hold(t, func(q *question) bool { return q.step == "single" })
		worker := e.start(t, "worker", "stopped")
		receive(t, "the order is read again", held)
		worker.stop(t)
		// What the stopped one is about to hear is older than what the other one hears.
		if err := e.fake.Change(order, wootest.Order{Status: "completed", Number: "a newer number"}); err != nil {
			t.Fatal(err)
		}
		e.takenOver(t, worker, func(*child) { e.ends(t); release() })
		e.right(t)
		if o := e.order(t, order); o.Number != "a newer number" || o.Status != "completed" {
			t.Errorf("the older look overwrote the newer one: %s, %s", o.Number, o.Status)
		}
	})

	// It goes on while the other one is not further than it was itself.
	t.Run("while both read the order again", func(t *testing.T) {
		t.Parallel()
		e, order := one(t)
		held, release := e.shop.hold(t, func(q *question) bool { return q.step == "single" })
		worker := e.start(t, "worker", "stopped")
		receive(t, "the order is read again", held)
		worker.stop(t)
		if err := e.fake.Change(order, wootest.Order{Status: "completed"}); err != nil {
			t.Fatal(err)
		}
		e.leasesOfStoppedEnd(t)
		held, releaseOther := e.shop.hold(t, func(q *question) bool { return q.step == "single" })
		other := e.start(t, "worker", "other")
		e.sweep(t)
		receive(t, "the other one reads it as well", held)
		e.goesOnInVain(t, worker, release)
		releaseOther()
		e.ends(t)
		other.leave(t)
		e.right(t)
	})

	// Both have written to the books: what the stopped one records comes while the other one's claim holds.
	t.Run("between sending and recording", func(t *testing.T) {
		t.Parallel()
		e, _ := one(t)
		e.exec(t, `UPDATE documents SET read_at = now()`)
		const recording = "SET state = 'booked'"
		database, held, release := e.heldUp(t, "stopped", recording)
		worker := e.start(t, "worker", "stopped", database)
		receive(t, "the push is being recorded", held)
		worker.stop(t)
		e.leasesOfStoppedEnd(t)
		database, held, releaseOther := e.heldUp(t, "other", recording)
		other := e.start(t, "worker", "other", database)
		e.sweep(t)
		receive(t, "the other one records it as well", held)
		e.goesOnInVain(t, worker, release)
		releaseOther()
		e.ends(t)
		other.leave(t)
		e.right(t)
	})

	// It holds locks that the other one needs. Postgres ends its transaction.
	t.Run("in a transaction", func(t *testing.T) {
		t.Parallel()
		e, _ := one(t)
		lock := postgrestest.Connect(t, e.url)
		lock.Exec(t, `BEGIN`)
		lock.Exec(t, `SELECT FROM documents FOR UPDATE`) // the last that is written of what was read again
		// A second instead of ten, so that the test need not wait for so long.
		worker := e.start(t, "worker", "stopped", e.database(t, "stopped", "idle_in_transaction_session_timeout", "1s"))
		await(t, "what was read again is being recorded", func() bool { return e.waiting(t, worker) == 1 })
		worker.stop(t)
		lock.Exec(t, `COMMIT`)
		await(t, "the stopped one is in a transaction", func() bool {
			return e.db.Int(t, `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stopped' AND state LIKE 'idle in transaction%'`) == 1
		})
		e.takenOver(t, worker, func(*child) {})
		e.right(t)
	})
}

// receive waits for a channel to be closed.
func receive(t *testing.T, what string, from <-chan struct{}) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-from:
	case <-late.C:
		t.Fatalf("after %s it is still not so that %s", patience, what)
	}
}

// A worker that stands still at some moment of a night with many pushes, and goes on after another one has ended it all.
func TestR9_aWorkerThatStandsStillInManyPushes(t *testing.T) {
	t.Parallel()
	moments := int(seed(t))
	e := prepare(t, orders{open: 150, recent: 60, unseenDue: 60})
	e.fall(t)
	var stopped []*child
	for i := range 3 {
		worker := e.start(t, "worker", nameOf("stopped", i))
		e.sweep(t)
		until := 10 + 30*i + moments%20
		moments /= 20
		awaitOr(t, "some are booked", func() bool {
			return e.db.Int(t, `SELECT count(*) FROM bookings WHERE state = 'booked'`) >= until
		}, func() string { return e.how(t) })
		worker.stop(t)
		stopped = append(stopped, worker)
		e.leasesOfStoppedEnd(t)
	}
	last := e.start(t, "worker", "last")
	e.sweep(t)
	e.ends(t)
	before := e.content(t)
	for _, worker := range stopped {
		worker.goOn(t)
	}
	for _, worker := range stopped {
		worker.leave(t)
	}
	if after := e.content(t); after != before {
		t.Errorf("the stopped workers went on and changed what is stored:\n%safter them\n%s", before, after)
	}
	last.leave(t)
	e.right(t)
}

// A night's worker that stands still while it waits for an answer of the shop, and hears it after another worker has ended the night:
// what it hears is older than what the shop said since, and changes nothing.
func TestANightThatStandsStill(t *testing.T) {
	t.Parallel()
	for step, o := range map[string]orders{
		"bulk": {open: 150, recent: 20}, "remainder": {open: 150, old: 20}, "single": {open: 20, recent: 5}, "import": {open: 10, unseenDue: 5},
	} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			e := prepare(t, o)
			e.fall(t)
			held, release := e.shop.hold(t, func(q *question) bool { return q.step == step })
			worker := e.start(t, "worker", "stopped")
			receive(t, "the step "+step+" asks the shop", held)
			worker.stop(t)
			log, _ := e.shop.questions()
			order, now := e.turn(&log[slices.IndexFunc(log, func(q question) bool { return q.step == step })])
			if err := e.fake.Change(order, wootest.Order{Status: now}); err != nil {
				t.Fatal(err)
			}
			e.takenOver(t, worker, func(*child) { e.ends(t); release() })
			if o := e.order(t, order); o.Status != now {
				t.Errorf("the older look overwrote the newer one: order %d is %s, want %s", order, o.Status, now)
			}
			e.right(t)
			if again := e.shop.repeated(e.later); len(again) > 0 {
				t.Errorf("asked again: %q", again)
			}
		})
	}
}

// turn chooses an order of the answer to a question, and the status that makes what must come of it another one: a due one is due no
// more, an open one becomes due.
func (e *evening) turn(q *question) (order int64, now string) {
	due := slices.Collect(maps.Keys(e.due)) // what a list without ids answers
	if len(q.ids) > 0 {
		id, err := strconv.ParseInt(q.ids[len(q.ids)-1], 10, 64)
		if err != nil {
			return 0, ""
		}
		if !e.due[id] {
			e.due[id] = true
			e.want.Pushed++
			e.want.StillOpen--
			if e.want.Strategy == doorzet.Bulk {
				e.want.RemainderFound++
			}
			return id, "completed"
		}
		due = []int64{id}
	}
	delete(e.due, due[0])
	e.want.Pushed--
	e.want.StillOpen++
	switch q.step {
	case "bulk":
		e.want.BulkFound--
	case "remainder":
		e.want.RemainderFound--
	}
	return due[0], "on-hold"
}
