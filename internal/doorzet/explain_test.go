package doorzet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Every order says why it is where it is, what happens next and when (R2).
func TestR2_everyStateHasItsSentence(t *testing.T) {
	t.Parallel()
	night := at(t, "2026-11-23T02:10:00+01:00")
	shop := owner()
	shop.NextNightAt = night
	paused, blocked, widened := shop, shop, shop
	paused.PausedAt = now
	blocked.BlockedWhy = "Another shop answers."
	widened.WebhooksOn = true
	created := at(t, "2026-11-10T09:00:00+01:00")
	verdict := doorzet.Verdict{Sentence: "The verdict."}
	for _, c := range []struct {
		name  string
		shop  doorzet.Shop
		order doorzet.OrderRow
		want  string
		look  bool // the night looks at it
	}{
		{"open", shop, doorzet.OrderRow{State: doorzet.StateOpen, Status: "on-hold"}, "Status on-hold; chosen: completed, processing. Next look 23 November 02:10. Leaves the window on 1 December.", true},
		{"open, with webhooks", widened, doorzet.OrderRow{State: doorzet.StateOpen, Status: "on-hold"}, "Leaves the window on 10 February.", true},
		{"open, its status was chosen since", shop, doorzet.OrderRow{State: doorzet.StateOpen, Status: "completed"}, "Status completed, which has been chosen since it was last seen: the coming night looks at it first.", true},
		{"open, the shop is paused", paused, doorzet.OrderRow{State: doorzet.StateOpen, Status: "on-hold"}, "The shop is paused: no night runs.", false},
		{"open, the shop is another", blocked, doorzet.OrderRow{State: doorzet.StateOpen, Status: "on-hold"}, "No night runs: Another shop answers.", false},
		{"open again", shop, doorzet.OrderRow{State: doorzet.StateOpen, Status: "on-hold", Booking: doorzet.BookingWithdrawn}, "The verdict. Status on-hold", true},
		{"open, missing once", shop, doorzet.OrderRow{State: doorzet.StateOpen, Status: "on-hold", MissingSince: now}, "The verdict. Status on-hold", true},
		{"due", shop, doorzet.OrderRow{State: doorzet.StateDue, Booking: doorzet.BookingDue}, "To be pushed: The verdict.", false},
		{"due, paused", paused, doorzet.OrderRow{State: doorzet.StateDue}, "To be pushed when the shop is resumed.", false},
		{"due, blocked", blocked, doorzet.OrderRow{State: doorzet.StateDue}, "pushes are stopped: Another shop answers.", false},
		{"due, tried before", shop, doorzet.OrderRow{State: doorzet.StateDue, Attempts: 3, Error: "The books do not answer.", NextTry: night}, "To be pushed. Attempt 3: The books do not answer. Next attempt 23 November 02:10.", false},
		{"sending", shop, doorzet.OrderRow{State: doorzet.StateDue, Booking: doorzet.BookingSending}, "Being pushed now.", false},
		{"unknown", shop, doorzet.OrderRow{State: doorzet.StateDue, Booking: doorzet.BookingUnknown}, "as no answer came or Postgres was restored: it is looked up", false},
		{"pushed", shop, doorzet.OrderRow{State: doorzet.StatePushed, Reference: "WC-7"}, "In the books as WC-7.", false},
		{"held", shop, doorzet.OrderRow{State: doorzet.StateHeld, HeldWhy: "The VAT does not add up."}, "Held: The VAT does not add up.", true},
		{"refused", shop, doorzet.OrderRow{State: doorzet.StateRefused, Error: "The account is closed."}, "Refused: The account is closed. It is not tried again by itself.", false},
		{"expired", shop, doorzet.OrderRow{State: doorzet.StateExpired}, "The verdict. It is no longer checked by itself: check it or push it by hand.", false},
		{"ignored", shop, doorzet.OrderRow{State: doorzet.StateIgnored, IgnoredBy: "anna", IgnoredWhy: "a test"}, "Ignored by anna: a test.", false},
		{"ignored without a reason", shop, doorzet.OrderRow{State: doorzet.StateIgnored, IgnoredBy: "anna"}, "Ignored by anna.", false},
		{"before start", shop, doorzet.OrderRow{State: doorzet.StateBeforeStart}, "Created before the start date 2026-01-01: pushed only by hand.", false},
		{"nothing to book", shop, doorzet.OrderRow{State: doorzet.StateNothing}, "there is nothing to book", false},
		{"gone", shop, doorzet.OrderRow{State: doorzet.StateGone}, "The verdict.", false},
		{"draft", shop, doorzet.OrderRow{State: doorzet.StateDraft}, "no customer has placed it", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.order.Created, c.order.Verdict = created, verdict
			e := doorzet.Explain(c.shop, c.order)
			if !strings.Contains(e.Why, c.want) {
				t.Errorf("said %q, want %q", e.Why, c.want)
			}
			if e.NextLook.IsZero() == c.look {
				t.Errorf("next look %s, want one: %t", e.NextLook, c.look)
			}
			if open := c.order.State == doorzet.StateOpen; e.LeavesWindow.IsZero() == open {
				t.Errorf("leaves the window on %s, want that: %t", e.LeavesWindow, open)
			}
		})
	}
}

func TestR2_theSentenceIsInTheShopsOwnTime(t *testing.T) {
	t.Parallel()
	shop := owner()
	shop.TimeZone, shop.NextNightAt = "America/New_York", at(t, "2026-11-23T06:30:00Z")
	e := doorzet.Explain(shop, doorzet.OrderRow{State: doorzet.StateOpen, Status: "on-hold", Created: at(t, "2026-11-11T04:30:00Z")})
	if !strings.Contains(e.Why, "Next look 23 November 01:30.") || !strings.Contains(e.Why, "Leaves the window on 1 December.") {
		t.Errorf("said %q", e.Why)
	}
	if want := at(t, "2026-11-11T04:30:00Z").Add(21 * 24 * time.Hour); !e.LeavesWindow.Equal(want) {
		t.Errorf("leaves %s, want %s", e.LeavesWindow, want)
	}
}
