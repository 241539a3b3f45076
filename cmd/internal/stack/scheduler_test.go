package stack

import (
	"errors"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/queue"
	"github.com/doorzet/doorzet/internal/queue/queuetest"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// Nights are planned while Redis is down, and the sweep enqueues them when it is back.
func TestNightsArePlannedWithoutRedis(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, `UPDATE shops SET next_night_at = now() - interval '1 hour'`)
	up := b.Queue
	down, err := queue.Open("redis://127.0.0.1:1/0", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = down.Close() })
	b.Queue = down
	if err := b.plan(t.Context()); err == nil {
		t.Error("nobody hears that the nights were not enqueued")
	}
	b.Queue = up
	nights, err := b.DB.Nights(t.Context(), b.shop, 0)
	if err != nil || len(nights) != 1 || nights[0].State != doorzet.NightPlanned {
		t.Fatalf("the nights are %+v, %v", nights, err)
	}
	b.exec(t, `UPDATE nights SET wake_at = now()`)
	if err := b.sweepNights(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !postgrestest.One[bool](t, b.url, `SELECT wake_at > now() FROM nights`) {
		t.Error("the night was not swept")
	}
}

// While workers are away, sweeps do not fill Redis with the same wake-ups again and again; what a worker left behind is swept also
// then.
func TestSweepsAddNothingToALongQueue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "processing", 3, 5*days)
	b.done(t)
	night := b.ask(t, start)
	many := func(n int) []doorzet.WakeUp { return make([]doorzet.WakeUp, n) }
	if err := errors.Join(b.Queue.WakeNights(t.Context(), many(doorzet.SweepNightsUpTo)), b.Queue.WakePushes(t.Context(), many(doorzet.SweepBookingsUpTo))); err != nil {
		t.Fatal(err)
	}
	sweep := func() (bookings, nights bool) {
		t.Helper()
		b.exec(t, `UPDATE bookings SET wake_at = now() - interval '1 second'`)
		b.exec(t, `UPDATE nights SET wake_at = now() - interval '1 second', claimed_until = now() - interval '1 second'`)
		if err := errors.Join(b.sweepBookings(t.Context()), b.sweepNights(t.Context())); err != nil {
			t.Fatal(err)
		}
		return postgrestest.One[bool](t, b.url, `SELECT bool_or(wake_at > now()) FROM bookings`),
			postgrestest.One[bool](t, b.url, `SELECT wake_at > now() FROM nights WHERE id = `+itoa(night))
	}
	if bookings, nights := sweep(); bookings || nights {
		t.Errorf("swept into a long queue: bookings %t, nights %t", bookings, nights)
	}
	b.exec(t, `UPDATE nights SET state = 'running' WHERE id = $1`, night)
	if _, nights := sweep(); !nights {
		t.Error("a night that was left behind waits for the queue")
	}
	empty, err := queue.Open(queuetest.Redis(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = empty.Close() })
	b.Queue = empty
	if bookings, _ := sweep(); !bookings {
		t.Error("not swept when there is room")
	}
}

// When a shop is set to another time zone, its nights follow: the coming one, or where that would put it off, those after it.
func TestR3_nightsFollowTheShopsZone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.done(t) // the shop says its zone for the first time
	b.fake.Identify(wootest.Identity{TimeZone: "Asia/Tokyo"})
	b.done(t)
	s, err := b.DB.Shop(t.Context(), b.shop)
	if err != nil || s.TimeZone != "Asia/Tokyo" {
		t.Fatalf("the zone is %s, %v", s.TimeZone, err)
	}
	if _, err := b.DB.PlanNights(t.Context(), s.NextNightAt, 0, 10); err != nil {
		t.Fatal(err)
	}
	if s, err = b.DB.Shop(t.Context(), b.shop); err != nil {
		t.Fatal(err)
	}
	if local := s.NextNightAt.In(s.Location()); local.Hour() < 1 || local.Hour() > 5 {
		t.Errorf("the next night begins at %s", local)
	}
}
