package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestR10_ignoreAndBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.see(t, look(1, "on-hold", 0), look(2, "on-hold", 0))
	b.due(t, 3)
	found, err := b.db.Ignore(t.Context(), b.shop.ID, []int64{1, 3, 99}, "a test order", "anna")
	if err != nil || len(found) != 2 {
		t.Fatalf("ignored %v, %v", found, err)
	}
	for id, want := range map[int64]doorzet.OrderState{1: doorzet.StateIgnored, 2: doorzet.StateOpen, 3: doorzet.StateIgnored} {
		if o := b.order(t, id); o.State != want {
			t.Errorf("order %d is %s, want %s", id, o.State, want)
		}
	}
	if o := b.order(t, 1); o.IgnoredBy != "anna" || o.IgnoredWhy != "a test order" {
		t.Errorf("ignored by %q, %q", o.IgnoredBy, o.IgnoredWhy)
	}
	b.see(t, look(1, "processing", 5))
	if o := b.order(t, 1); o.State != doorzet.StateIgnored {
		t.Errorf("a chosen status made an ignored order %s", o.State)
	}
	if _, err := b.db.Unignore(t.Context(), b.shop.ID, []int64{1, 3}, "piet"); err != nil {
		t.Fatal(err)
	}
	b.see(t, look(1, "processing", 9))
	for _, id := range []int64{1, 3} {
		if o := b.order(t, id); o.State != doorzet.StateDue {
			t.Errorf("order %d is %s, want due", id, o.State)
		}
	}
	events, err := b.db.Events(t.Context(), b.shop.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	var journal strings.Builder
	for _, e := range events {
		journal.WriteString(e.Actor + ": " + e.Text + "\n")
	}
	for _, want := range []string{"anna: Ignored: a test order.", "piet: No longer ignored."} {
		if !strings.Contains(journal.String(), want) {
			t.Errorf("the journal lacks %q:\n%s", want, journal.String())
		}
	}
}

// An order in some state, pushed by hand.
func TestR10_pushByHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		before func(t *testing.T, b *bundle)
		shown  doorzet.OrderState // "" = refused
		why    string
	}{
		{"open, with no chosen status", func(t *testing.T, b *bundle) { b.see(t, look(1, "pending", 0)) }, doorzet.StateDue, ""},
		{"ignored", func(t *testing.T, b *bundle) {
			b.see(t, look(1, "pending", 0))
			b.exec(t, `UPDATE orders SET ignored_at = now()`)
		}, doorzet.StateDue, ""},
		{"R12 before the start date", func(t *testing.T, b *bundle) {
			b.see(t, look(1, "pending", 0))
			b.exec(t, `UPDATE orders SET created_at = '2019-01-01'`)
		}, doorzet.StateDue, ""},
		{"R4 expired", func(t *testing.T, b *bundle) {
			b.see(t, look(1, "pending", 0))
			b.exec(t, `UPDATE orders SET expired_at = now()`)
		}, doorzet.StateDue, ""},
		{"due already", func(t *testing.T, b *bundle) { b.due(t, 1) }, doorzet.StateDue, ""},
		{"withdrawn", func(t *testing.T, b *bundle) {
			b.due(t, 1)
			b.see(t, look(1, "cancelled", 5))
		}, doorzet.StateDue, ""},
		{"refused", func(t *testing.T, b *bundle) {
			id := b.due(t, 1)
			if err := b.db.RecordRefused(t.Context(), b.sent(t, id).Claim, "The account is closed."); err != nil {
				t.Fatal(err)
			}
		}, doorzet.StateDue, ""},
		{"booked", func(t *testing.T, b *bundle) {
			if err := b.db.RecordBooked(t.Context(), b.sent(t, b.due(t, 1)).Claim, doorzet.Receipt{RemoteID: "x"}, ""); err != nil {
				t.Fatal(err)
			}
		}, "", "in the books already"},
		{"being sent", func(t *testing.T, b *bundle) { b.sent(t, b.due(t, 1)) }, "", "being pushed right now"},
		{"unknown", func(t *testing.T, b *bundle) {
			if err := b.db.RecordUnknown(t.Context(), b.sent(t, b.due(t, 1)).Claim, 0, 0, ""); err != nil {
				t.Fatal(err)
			}
		}, "", "being pushed right now"},
		{"R14 another order under its id", func(t *testing.T, b *bundle) {
			b.due(t, 1)
			l := look(1, "processing", 5)
			l.OrderKey = "wc_order_other"
			b.see(t, l)
		}, "", "another order under this id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c.before(t, b)
			was := b.order(t, 1)
			id, err := b.db.PushByHand(t.Context(), b.shop, 1, "anna")
			if c.shown == "" {
				var input *doorzet.InputError
				if !errors.As(err, &input) || !strings.Contains(input.Reason, c.why) {
					t.Errorf("refused with %v, want %q", err, c.why)
				}
				if is := b.order(t, 1); is.State != was.State {
					t.Errorf("refused, yet it went from %s to %s", was.State, is.State)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if o := b.order(t, 1); o.State != c.shown {
				t.Errorf("it is %s, want %s", o.State, c.shown)
			}
			job := b.claim(t, id)
			if !job.ByHand || job.Frozen != nil || job.Attempts != 1 {
				t.Errorf("claimed as %+v", job)
			}
			b.see(t, look(1, "cancelled", 20))
			if err := b.db.Send(t.Context(), job.Claim, document("WC-1"), job.Books.ID); err != nil {
				t.Errorf("a status sent back what was pushed by hand: %v", err)
			}
		})
	}
	b := setup(t)
	if _, err := b.db.PushByHand(t.Context(), b.shop, 404, "anna"); !errors.Is(err, doorzet.ErrNotFound) {
		t.Errorf("an order that is not there: %v", err)
	}
}

// What changed choices mean for orders that are due.
func TestR1_R11_changedChoices(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.see(t, look(1, "processing", 0), look(2, "completed", 0), look(3, "shipped", 0), look(4, "processing", 0), look(5, "processing", 0))
	b.see(t, look(4, "completed", 5)) // due by processing, moved on to completed
	if _, err := b.db.PushByHand(t.Context(), b.shop, 5, "anna"); err != nil {
		t.Fatal(err)
	}
	held := b.due(t, 6)
	if err := b.db.RecordHeld(t.Context(), b.claim(t, held).Claim, "rule", "why"); err != nil {
		t.Fatal(err)
	}
	sending := b.due(t, 7)
	b.sent(t, sending)
	would, err := b.db.CountWouldPush(t.Context(), b.shop.ID, []string{"completed", "shipped"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "open orders that the new choice pushes", would, []int64{3})
	choose(t, b, "completed", "shipped")
	for id, want := range map[int64]doorzet.OrderState{
		1: doorzet.StateOpen, 2: doorzet.StateDue, 3: doorzet.StateOpen, 4: doorzet.StateDue, 5: doorzet.StateDue, 6: doorzet.StateOpen, 7: doorzet.StateDue,
	} {
		if o := b.order(t, id); o.State != want {
			t.Errorf("order %d (%s) is %s, want %s", id, o.Status, o.State, want)
		}
	}
	if o := b.order(t, 1); !o.Verdict.Tell || !strings.Contains(o.Verdict.Sentence, "processing, which made it due, is no longer chosen") {
		t.Errorf("the owner is told %+v", o.Verdict)
	}
}
