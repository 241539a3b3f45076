package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// restored says that Postgres was restored now, and lets the pause after it pass.
func (b *bundle) restored(t *testing.T) doorzet.Restore {
	t.Helper()
	r, err := b.db.Restored(t.Context(), time.Time{}, "anna")
	if err != nil {
		t.Fatal(err)
	}
	b.exec(t, `UPDATE bookings SET next_try_at = now() WHERE next_try_at IS NOT NULL`)
	return r
}

// What becomes of a booking when Postgres was restored: what is not in the books is asked for, the rest stays as it is.
func TestRestored_bookings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		before func(t *testing.T, b *bundle, id int64)
		state  doorzet.BookingState
		tries  bool // it is worked on by itself
	}{
		{"due", func(*testing.T, *bundle, int64) {}, doorzet.BookingUnknown, true},
		{"due, claimed", func(t *testing.T, b *bundle, id int64) { b.claim(t, id) }, doorzet.BookingUnknown, true},
		{"due, later", func(t *testing.T, b *bundle, id int64) {
			b.must(t, b.db.RecordLater(t.Context(), b.claim(t, id).Claim, time.Hour, "down"))
		}, doorzet.BookingUnknown, true},
		{"held", func(t *testing.T, b *bundle, id int64) {
			b.must(t, b.db.RecordHeld(t.Context(), b.claim(t, id).Claim, "4.2", "no"))
		}, doorzet.BookingUnknown, true},
		{"due, the order is ignored", func(t *testing.T, b *bundle, _ int64) {
			b.exec(t, `UPDATE orders SET ignored_at = now()`)
		}, doorzet.BookingUnknown, true},
		{"due, the shop is paused", func(t *testing.T, b *bundle, _ int64) {
			b.must(t, b.db.Pause(t.Context(), b.shop.ID, "anna"))
		}, doorzet.BookingUnknown, true},
		{"sending", func(t *testing.T, b *bundle, id int64) { b.sent(t, id) }, doorzet.BookingUnknown, true},
		{"unknown", func(t *testing.T, b *bundle, id int64) {
			b.must(t, b.db.RecordUnknown(t.Context(), b.sent(t, id).Claim, 1, time.Hour, "No answer."))
		}, doorzet.BookingUnknown, true},
		{"booked", func(t *testing.T, b *bundle, id int64) {
			b.must(t, b.db.RecordBooked(t.Context(), b.sent(t, id).Claim, doorzet.Receipt{RemoteID: "x", Total: 1210}, ""))
		}, doorzet.BookingBooked, false},
		{"refused", func(t *testing.T, b *bundle, id int64) {
			b.must(t, b.db.RecordRefused(t.Context(), b.claim(t, id).Claim, "no"))
		}, doorzet.BookingRefused, false},
		{"nothing to book", func(t *testing.T, b *bundle, id int64) {
			b.must(t, b.db.RecordNothing(t.Context(), b.claim(t, id).Claim))
		}, doorzet.BookingNothing, false},
		{"withdrawn", func(t *testing.T, b *bundle, _ int64) { b.see(t, look(1, "cancelled", 5)) }, doorzet.BookingWithdrawn, false},
		{"R14 the order is another", func(t *testing.T, b *bundle, _ int64) {
			b.exec(t, `UPDATE orders SET conflict_key = 'wc_order_other'`)
		}, doorzet.BookingDue, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.due(t, 1)
			c.before(t, b, id)
			r := b.restored(t)
			if state := one[string](t, b, `SELECT state FROM bookings`); state != string(c.state) {
				t.Errorf("it is %s, want %s", state, c.state)
			}
			if want := map[bool]int{true: 1}[c.state == doorzet.BookingUnknown]; r.Bookings != want || r.Shops != 1 || r.By != "anna" {
				t.Errorf("recorded as %+v, want %d bookings", r, want)
			}
			job, err := b.db.ClaimPush(t.Context(), id)
			if tries := err == nil; tries != c.tries {
				t.Fatalf("claimed: %v", err)
			}
			if c.tries && (job.State != doorzet.BookingUnknown || job.Lookups != 0 || !job.RestoredAt.Equal(r.At) || !job.AskFirst) {
				t.Errorf("claimed as %+v", job)
			}
		})
	}
}

func (b *bundle) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Whoever held a claim when it was recorded records nothing any more, and nothing is looked up while somebody may still write.
func TestRestored_endsClaims(t *testing.T) {
	t.Parallel()
	b := setup(t)
	due, sent := b.claim(t, b.due(t, 1)), b.sent(t, b.due(t, 2))
	night, err := b.db.AskNight(t.Context(), b.shop, "test")
	b.must(t, err)
	n, err := b.db.ClaimNight(t.Context(), night)
	b.must(t, err)
	r, err := b.db.Restored(t.Context(), time.Time{}, "anna")
	b.must(t, err)
	for what, err := range map[string]error{
		"send": b.db.Send(t.Context(), due.Claim, document("WC-1"), due.Books.ID), "night": b.db.SaveNight(t.Context(), n),
		"booked": b.db.RecordBooked(t.Context(), sent.Claim, doorzet.Receipt{RemoteID: "x"}, ""),
	} {
		if !errors.Is(err, doorzet.ErrLost) {
			t.Errorf("%s: %v, want ErrLost", what, err)
		}
	}
	if wait := one[time.Time](t, b, `SELECT min(next_try_at) FROM bookings`).Sub(r.At); wait != doorzet.ClaimLease {
		t.Errorf("looked up after %s, want %s", wait, doorzet.ClaimLease)
	}
	if woken, err := b.db.SweepNights(t.Context(), 10, false); err != nil || len(woken) != 1 {
		t.Errorf("nights woken: %v, %v", woken, err)
	}
	if _, err := b.db.ClaimNight(t.Context(), night); err != nil {
		t.Errorf("the night does not go on: %v", err)
	}
}

func TestRestored_theCallersMoment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, `UPDATE shops SET full_import_at = now()`)
	var refused *doorzet.InputError
	if _, err := b.db.Restored(t.Context(), time.Now().Add(time.Minute), "anna"); !errors.As(err, &refused) || !strings.Contains(err.Error(), "is yet to come") {
		t.Errorf("a moment to come: %v", err)
	}
	if last, err := b.db.LastRestore(t.Context()); err != nil || !last.At.IsZero() {
		t.Errorf("after a refusal: %+v, %v", last, err)
	}
	late := time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
	for _, c := range []struct {
		at time.Time
		by string
	}{{late, "anna"}, {late, "anna"}, {late.Add(-time.Hour), "bert"}} {
		r, err := b.db.Restored(t.Context(), c.at, c.by)
		b.must(t, err)
		if last, err := b.db.LastRestore(t.Context()); err != nil || !last.At.Equal(late) || !r.At.Equal(late) || last.By != "anna" {
			t.Errorf("said %s: recorded %+v, the last is %+v, %v; want %s", c.at, r, last, err, late)
		}
	}
	if full := one[bool](t, b, `SELECT full_import_at IS NOT NULL FROM shops`); full {
		t.Error("the coming night does not compare all orders")
	}
	text := one[string](t, b, `SELECT text FROM events WHERE kind = 'restored' ORDER BY id LIMIT 1`)
	if !strings.Contains(text, "says anna") || !strings.Contains(text, "compares all orders") {
		t.Errorf("the journal says %q", text)
	}
}

// A booking first made after a restore is asked for when its order may be from before it: to the second.
func TestClaimPush_asksFirstAfterARestore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		created time.Duration // after the restore
		hand    bool
		never   bool // restored
		asks    bool
		knows   bool // of the restore
	}{
		{"before it", -time.Hour, false, false, true, true},
		{"a second less than a day after it", doorzet.RestoreMargin - time.Second, false, false, true, true},
		{"a day after it", doorzet.RestoreMargin, false, false, false, false},
		{"a day after it, by hand", doorzet.RestoreMargin, true, false, true, false},
		{"by hand, before it", -time.Hour, true, false, true, true},
		{"never restored", -time.Hour, false, true, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			at := time.Now().UTC().Add(-48 * time.Hour).Truncate(time.Second)
			if !c.never {
				_, err := b.db.Restored(t.Context(), at, "anna")
				b.must(t, err)
			}
			l := look(1, "processing", 0)
			l.Created = at.Add(c.created)
			id := b.see(t, l)[0].BookingID
			b.exec(t, `UPDATE bookings SET by_hand = $1`, c.hand)
			if job := b.claim(t, id); job.AskFirst != c.asks || job.RestoredAt.IsZero() == c.knows || job.State != doorzet.BookingDue {
				t.Errorf("asks first: %t, want %t; restored at %s", job.AskFirst, c.asks, job.RestoredAt)
			}
		})
	}
}

// An order that ends its worker each time is tried less and less often; one that ended properly in between is not.
func TestClaimPush_anOrderThatEndsWorkers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, 1)
	waits := func() time.Duration {
		return one[time.Time](t, b, `SELECT next_try_at FROM bookings`).Sub(one[time.Time](t, b, `SELECT clock_timestamp()`))
	}
	for lost, want := range []time.Duration{0, 0, 0, time.Minute, 3 * time.Minute, 9 * time.Minute, 27 * time.Minute, time.Hour, time.Hour} {
		b.claim(t, id)
		b.leaseOver(t)
		if wait := waits(); wait > want || wait < want-5*time.Second && want > 0 {
			t.Errorf("after %d claims that ran out it waits %s, want %s", lost+1, wait, want)
		}
		if want > 0 {
			if _, err := b.db.ClaimPush(t.Context(), id); !errors.Is(err, doorzet.ErrNotFound) {
				t.Errorf("claimed before its time: %v", err)
			}
		}
		b.exec(t, `UPDATE bookings SET next_try_at = now()`)
	}
	if why := one[string](t, b, `SELECT error FROM bookings`); !strings.Contains(why, "The worker was lost 8 times in a row") {
		t.Errorf("it says %q", why)
	}
	b.must(t, b.db.RecordLater(t.Context(), b.claim(t, id).Claim, 0, "The books do not answer"))
	b.claim(t, id)
	b.leaseOver(t)
	b.claim(t, id)
	if wait := waits(); wait > 0 || one[int](t, b, `SELECT takeovers FROM bookings`) != 1 {
		t.Errorf("after an ending and one lost claim it waits %s", wait)
	}
}

// The books do not have it: it is due as it was, under the same claim.
func TestRecordAbsent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, sent := b.due(t, 1), b.due(t, 2)
	b.sent(t, sent)
	b.restored(t)
	job, other := b.claim(t, id), b.claim(t, sent)
	if err := b.db.RecordAbsent(t.Context(), other.Claim); !errors.Is(err, doorzet.ErrLost) {
		t.Errorf("one that was sent: %v, want ErrLost", err)
	}
	b.must(t, b.db.RecordAbsent(t.Context(), job.Claim))
	if err := b.db.RecordAbsent(t.Context(), job.Claim); !errors.Is(err, doorzet.ErrLost) {
		t.Errorf("once more: %v, want ErrLost", err)
	}
	if v := b.see(t, look(1, "cancelled", 5))[0].Verdict.Move; v != doorzet.Withdraw {
		t.Errorf("cancelled then: %s, want %s", v, doorzet.Withdraw)
	}
	if err := b.db.Send(t.Context(), job.Claim, document("WC-1"), job.Books.ID); !errors.Is(err, doorzet.ErrLost) {
		t.Errorf("sent all the same: %v", err)
	}
}

// What was woken in a Redis that was emptied is woken anew; what is held, waits or is at its end is not.
func TestWakeAll(t *testing.T) {
	t.Parallel()
	b := setup(t)
	woken, held, later := b.due(t, 1), b.due(t, 2), b.due(t, 3)
	b.must(t, b.db.RecordLater(t.Context(), b.claim(t, later).Claim, time.Hour, "down"))
	if ids := b.wake(t, 0); len(ids) != 2 {
		t.Fatalf("woken %v", ids)
	}
	b.claim(t, held)
	other := b.addShop(t, "TWO", "https://two.example")
	waiting, err := b.db.AskNight(t.Context(), b.shop, "test")
	b.must(t, err)
	running, err := b.db.AskNight(t.Context(), other, "test")
	b.must(t, err)
	_, err = b.db.ClaimNight(t.Context(), running)
	b.must(t, err)
	if ids, err := b.db.SweepNights(t.Context(), 10, false); err != nil || len(ids) != 0 || len(b.wake(t, 0)) != 0 {
		t.Fatalf("woken again before their pauses: %v, %v", ids, err)
	}
	bookings, nights, err := b.db.WakeAll(t.Context())
	if err != nil || bookings != 1 || nights != 1 {
		t.Errorf("%d bookings and %d nights, %v; want 1 and 1", bookings, nights, err)
	}
	if ids := b.wake(t, 0); len(ids) != 1 || ids[0] != woken {
		t.Errorf("woken %v, want %d", ids, woken)
	}
	if ids, err := b.db.SweepNights(t.Context(), 10, false); err != nil || len(ids) != 1 || ids[0].ID != waiting {
		t.Errorf("nights woken %v, %v; want %d", ids, err, waiting)
	}
}
