package postgres_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestClaimPush_oneOfManyGetsIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, 1)
	got := make(chan doorzet.PushJob, 16)
	together(t, 16, func(int) error {
		job, err := b.db.ClaimPush(t.Context(), id)
		if errors.Is(err, doorzet.ErrNotFound) {
			return nil
		}
		got <- job
		return err
	})
	if len(got) != 1 {
		t.Fatalf("%d workers have the claim", len(got))
	}
	if job := <-got; job.Attempts != 1 || job.State != doorzet.BookingDue || job.Frozen != nil || job.Shop.Key != "ck_verysecret" {
		t.Errorf("the one gets %+v", job)
	}
}

// A claim ends by Postgres' clock; whoever lost it records nothing.
func TestClaimPush_isFenced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, 1)
	old := b.claim(t, id)
	if _, err := b.db.ClaimPush(t.Context(), id); !errors.Is(err, doorzet.ErrNotFound) {
		t.Fatalf("claimed while it is held: %v", err)
	}
	b.leaseOver(t)
	fresh := b.claim(t, id)
	if fresh.Claim.Token <= old.Claim.Token || fresh.Attempts != 2 || fresh.State != doorzet.BookingDue {
		t.Errorf("taken over as %+v", fresh)
	}
	ctx, c := t.Context(), old.Claim
	for what, err := range map[string]error{
		"renew": b.db.RenewPush(ctx, c), "send": b.db.Send(ctx, c, document("WC-1"), old.Books.ID),
		"booked": b.db.RecordBooked(ctx, c, doorzet.Receipt{RemoteID: "x"}, ""), "held": b.db.RecordHeld(ctx, c, "", ""),
		"nothing": b.db.RecordNothing(ctx, c), "refused": b.db.RecordRefused(ctx, c, ""),
		"later": b.db.RecordLater(ctx, c, 0, ""), "unknown": b.db.RecordUnknown(ctx, c, 0, 0, ""),
	} {
		if !errors.Is(err, doorzet.ErrLost) {
			t.Errorf("%s with a lost claim: %v, want ErrLost", what, err)
		}
	}
	if err := b.db.Release(ctx, c); err != nil {
		t.Error(err)
	}
	if err := b.db.RenewPush(ctx, fresh.Claim); err != nil {
		t.Errorf("the new holder cannot go on: %v", err)
	}
	if err := b.db.Send(ctx, fresh.Claim, document("WC-1"), fresh.Books.ID); err != nil {
		t.Errorf("the new holder cannot send: %v", err)
	}
}

func TestRenewPush_notAfterTheLease(t *testing.T) {
	t.Parallel()
	b := setup(t)
	job := b.claim(t, b.due(t, 1))
	b.leaseOver(t)
	if err := b.db.RenewPush(t.Context(), job.Claim); !errors.Is(err, doorzet.ErrLost) {
		t.Errorf("renewed after its end: %v", err)
	}
	if err := b.db.Send(t.Context(), job.Claim, document("WC-1"), job.Books.ID); !errors.Is(err, doorzet.ErrLost) {
		t.Errorf("sent after its end: %v", err)
	}
}

// Between the claim and the send a person, a look or a setting may have said no.
func TestSend_refusesWhatMayNotBeSentAnyMore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		between func(t *testing.T, b *bundle)
		hand    bool
		sends   bool
	}{
		{"nothing happened", func(*testing.T, *bundle) {}, false, true},
		{"R10 ignored", func(t *testing.T, b *bundle) {
			if _, err := b.db.Ignore(t.Context(), b.shop.ID, []int64{1}, "", "anna"); err != nil {
				t.Fatal(err)
			}
		}, false, false},
		{"paused", func(t *testing.T, b *bundle) {
			if err := b.db.Pause(t.Context(), b.shop.ID, "anna"); err != nil {
				t.Fatal(err)
			}
		}, false, false},
		{"R14 another shop answers", func(t *testing.T, b *bundle) {
			s := b.shop
			s.BlockedWhy = "Another shop answers."
			if err := b.db.SawShop(t.Context(), s, "night 1"); err != nil {
				t.Fatal(err)
			}
		}, false, false},
		{"R14 another order has its id", func(t *testing.T, b *bundle) {
			l := look(1, "processing", 10)
			l.OrderKey = "wc_order_other"
			b.see(t, l)
		}, false, false},
		{"R1 its status was un-chosen", func(t *testing.T, b *bundle) { choose(t, b, "shipped") }, false, false},
		{"R1 its status was un-chosen, pushed by hand", func(t *testing.T, b *bundle) { choose(t, b, "shipped") }, true, true},
		{"R1 it went back", func(t *testing.T, b *bundle) { b.see(t, look(1, "cancelled", 10)) }, false, false},
		{"R1 it went back, pushed by hand", func(t *testing.T, b *bundle) { b.see(t, look(1, "cancelled", 10)) }, true, true},
		{"it moved on", func(t *testing.T, b *bundle) { b.see(t, look(1, "shipped", 10)) }, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.due(t, 1)
			if c.hand {
				if _, err := b.db.PushByHand(t.Context(), b.shop, 1, "anna"); err != nil {
					t.Fatal(err)
				}
			}
			job := b.claim(t, id)
			c.between(t, b)
			err := b.db.Send(t.Context(), job.Claim, document("WC-1"), job.Books.ID)
			if c.sends != (err == nil) || !c.sends && !errors.Is(err, doorzet.ErrLost) {
				t.Errorf("sent: %v, want it sent: %t", err, c.sends)
			}
			if state := one[string](t, b, `SELECT state FROM bookings`); (state == "sending") != c.sends {
				t.Errorf("the booking is %s", state)
			}
		})
	}
}

func choose(t *testing.T, b *bundle, statuses ...string) {
	t.Helper()
	s := b.reload(t, b.shop.ID)
	s.Statuses = statuses
	if err := b.db.SetShop(t.Context(), doorzet.Shop{}, s, nil, "anna"); err != nil {
		t.Fatal(err)
	}
}

// A worker that died while sending leaves an unknown outcome, with the document as it was sent.
func TestClaimPush_whatWasBeingSentIsUnknown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, 1)
	b.sent(t, id)
	if _, err := b.db.ClaimPush(t.Context(), id); !errors.Is(err, doorzet.ErrNotFound) {
		t.Fatalf("claimed while it is being sent: %v", err)
	}
	b.see(t, look(1, "cancelled", 10)) // R1 no longer applies
	if err := b.db.Pause(t.Context(), b.shop.ID, "anna"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.Ignore(t.Context(), b.shop.ID, []int64{1}, "", "anna"); err != nil {
		t.Fatal(err)
	}
	b.leaseOver(t)
	job := b.claim(t, id) // the look-up is claimed whatever happened since
	if job.State != doorzet.BookingUnknown || job.Frozen == nil || job.Frozen.Total != 1210 || job.SentAt.IsZero() || job.Lookups != 0 {
		t.Errorf("taken over as %+v", job)
	}
	if o := b.order(t, 1); o.State != doorzet.StateDue {
		t.Errorf("the order is shown as %s", o.State)
	}
}

// How each ending leaves the booking and the order.
func TestEndings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		sent  bool
		end   func(b *bundle, t *testing.T, claim doorzet.Claim) error
		state string
		shown doorzet.OrderState
		again bool // it is tried again by itself
		kept  bool // the frozen document is kept
	}{
		{"booked", true, func(b *bundle, t *testing.T, c doorzet.Claim) error {
			return b.db.RecordBooked(t.Context(), c, doorzet.Receipt{RemoteID: "WC-1.xml", Number: "7", Total: 1210, Content: []byte("<x/>")}, "Done.")
		}, "booked", doorzet.StatePushed, false, true},
		{"nothing to book", false, func(b *bundle, t *testing.T, c doorzet.Claim) error { return b.db.RecordNothing(t.Context(), c) }, "nothing", doorzet.StateNothing, false, false},
		{"held", false, func(b *bundle, t *testing.T, c doorzet.Claim) error {
			return b.db.RecordHeld(t.Context(), c, "4.1 step 8", "The VAT does not add up.")
		}, "due", doorzet.StateHeld, false, false},
		{"refused", true, func(b *bundle, t *testing.T, c doorzet.Claim) error {
			return b.db.RecordRefused(t.Context(), c, "The account is closed.")
		}, "refused", doorzet.StateRefused, false, true},
		{"later, before it was sent", false, func(b *bundle, t *testing.T, c doorzet.Claim) error {
			return b.db.RecordLater(t.Context(), c, time.Hour, "Down.")
		}, "due", doorzet.StateDue, true, false},
		{"later, surely not made", true, func(b *bundle, t *testing.T, c doorzet.Claim) error {
			return b.db.RecordLater(t.Context(), c, time.Hour, "Down.")
		}, "due", doorzet.StateDue, true, false},
		{"unknown", true, func(b *bundle, t *testing.T, c doorzet.Claim) error {
			return b.db.RecordUnknown(t.Context(), c, 1, time.Hour, "No answer.")
		}, "unknown", doorzet.StateDue, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.due(t, 1)
			var job doorzet.PushJob
			if c.sent {
				job = b.sent(t, id)
			} else {
				job = b.claim(t, id)
			}
			if err := c.end(b, t, job.Claim); err != nil {
				t.Fatal(err)
			}
			state := one[string](t, b, `SELECT state FROM bookings`)
			kept := one[bool](t, b, `SELECT document IS NOT NULL FROM bookings`)
			again := one[bool](t, b, `SELECT next_try_at IS NOT NULL FROM bookings`)
			if state != c.state || kept != c.kept || again != c.again {
				t.Errorf("state %s, frozen %t, again %t; want %s, %t, %t", state, kept, again, c.state, c.kept, c.again)
			}
			if o := b.order(t, 1); o.State != c.shown {
				t.Errorf("shown as %s, want %s", o.State, c.shown)
			}
			if err := b.db.RecordRefused(t.Context(), job.Claim, "once more"); state == "booked" && !errors.Is(err, doorzet.ErrLost) {
				t.Errorf("an ended push ended again: %v", err)
			}
			if _, err := b.db.ClaimPush(t.Context(), id); !errors.Is(err, doorzet.ErrNotFound) {
				t.Errorf("claimed before its time: %v", err)
			}
		})
	}
}

// A held order that a look finds due still is made again of what was read.
func TestR3_heldOrdersAreTriedAfterEachLook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, 1)
	if err := b.db.RecordHeld(t.Context(), b.claim(t, id).Claim, "rule", "why"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.ClaimPush(t.Context(), id); !errors.Is(err, doorzet.ErrNotFound) {
		t.Fatalf("a held order was claimed by itself: %v", err)
	}
	if a := b.see(t, look(1, "processing", 10))[0]; !a.Wake {
		t.Error("the look does not wake it")
	}
	job := b.claim(t, id)
	if err := b.db.RecordBooked(t.Context(), job.Claim, doorzet.Receipt{RemoteID: "x", Total: 1210}, "Done."); err != nil {
		t.Fatal(err)
	}
	if o := b.order(t, 1); o.State != doorzet.StatePushed || o.HeldWhy != "" {
		t.Errorf("it is %s (%s)", o.State, o.HeldWhy)
	}
}

func TestR1_aHeldOrderThatGoesBackIsNoLongerHeld(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, 1)
	if err := b.db.RecordHeld(t.Context(), b.claim(t, id).Claim, "rule", "why"); err != nil {
		t.Fatal(err)
	}
	b.see(t, look(1, "cancelled", 10))
	if o := b.order(t, 1); o.State != doorzet.StateOpen {
		t.Errorf("it is %s", o.State)
	}
}

func TestExportsFollowBookings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for id := int64(1); id <= 3; id++ {
		job := b.sent(t, b.due(t, id))
		if err := b.db.RecordBooked(t.Context(), job.Claim, doorzet.Receipt{RemoteID: job.Reference + ".xml", Total: 1210, Content: []byte(job.Reference)}, ""); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := b.db.ToExport(t.Context(), 0, 10); err != nil || len(list) != 0 {
		t.Errorf("the worker that booked them is given its time: %d, %v", len(list), err)
	}
	b.exec(t, `UPDATE bookings SET booked_at = booked_at - interval '11 seconds' WHERE woo_id > 1`)
	list, err := b.db.ToExport(t.Context(), 0, 10)
	if err != nil || len(list) != 2 || list[0].Name != "WC-2.xml" || string(list[0].Content) != "WC-2" || list[0].Dir != "/nowhere/WC" {
		t.Fatalf("to export: %+v, %v", list, err)
	}
	if err := b.db.Exported(t.Context(), list[0].BookingID); err != nil {
		t.Fatal(err)
	}
	if list, err = b.db.ToExport(t.Context(), 0, 10); err != nil || len(list) != 1 {
		t.Errorf("to export: %+v, %v", list, err)
	}
	all, err := b.db.ExportsOf(t.Context(), b.shop.BooksID, 0, 2)
	if err != nil || len(all) != 2 {
		t.Fatalf("the first batch: %d, %v", len(all), err)
	}
	rest, err := b.db.ExportsOf(t.Context(), b.shop.BooksID, all[1].BookingID, 2)
	if err != nil || len(rest) != 1 {
		t.Fatalf("the rest: %d, %v", len(rest), err)
	}
}

func TestEachBooking(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.due(t, 2)
	b.due(t, 1)
	b.due(t, 3)
	b.see(t, look(3, "cancelled", 5))
	var got []int64
	err := b.db.EachBooking(t.Context(), b.shop.ID, 0, 0, func(r doorzet.BookingRow) error {
		got = append(got, r.Order)
		if r.Total != "12.10" || r.State != doorzet.BookingDue {
			t.Errorf("listed as %+v", r)
		}
		return nil
	})
	if err != nil || !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("listed %v, %v; withdrawn ones are left out", got, err)
	}
}
