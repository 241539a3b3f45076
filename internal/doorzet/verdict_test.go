package doorzet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// before is what is known of an order, after what a look showed, verdict what follows.
type verdictCase struct {
	name    string
	before  doorzet.Facts
	look    doorzet.Look
	verdict doorzet.Verdict // of its Sentence only a part
}

var (
	now     = time.Date(2026, 11, 22, 1, 10, 0, 0, time.UTC)
	since   = now.Add(-doorzet.WindowShort)
	inside  = since.Add(24 * time.Hour)
	outside = since.Add(-time.Second)
)

func owner() doorzet.Shop {
	return doorzet.Shop{
		Statuses: []string{"completed", "processing"}, TimeZone: "Europe/Amsterdam",
		StartDate: doorzet.Date{Year: 2026, Month: time.January, Day: 1},
	}
}

// judge runs cases. Orders are inside the window, known and seen by the night unless a case says otherwise.
func judge(t *testing.T, cases []verdictCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.look.By == "" {
				c.look.By = doorzet.ByNight
			}
			if c.look.Created.IsZero() {
				c.look.Created = inside
			}
			if c.look.StartedAt.IsZero() {
				c.look.StartedAt = now
			}
			if c.before.Known && c.before.Created.IsZero() {
				c.before.Created = c.look.Created
			}
			got := doorzet.Judge(owner(), since, c.before, c.look)
			if got.Move != c.verdict.Move || got.Rule != c.verdict.Rule || got.Tell != c.verdict.Tell {
				t.Errorf("%s by %s, tell %t; want %s by %s, tell %t\n%s", got.Move, got.Rule, got.Tell, c.verdict.Move, c.verdict.Rule, c.verdict.Tell, got.Sentence)
			}
			if !strings.Contains(got.Sentence, c.verdict.Sentence) || !strings.HasSuffix(got.Sentence, ".") {
				t.Errorf("the sentence is %q, want %q in it", got.Sentence, c.verdict.Sentence)
			}
			if again := doorzet.Judge(owner(), since, c.before, c.look); again != got {
				t.Error("judged twice, two verdicts")
			}
		})
	}
}

func seen(status string) doorzet.Look { return doorzet.Look{Status: status} }

func stays(rule, sentence string) doorzet.Verdict {
	return doorzet.Verdict{Move: doorzet.Stay, Rule: rule, Sentence: sentence}
}

func moves(move doorzet.Move, rule, sentence string) doorzet.Verdict {
	return doorzet.Verdict{Move: move, Rule: rule, Sentence: sentence}
}

func tells(v doorzet.Verdict) doorzet.Verdict {
	v.Tell = true
	return v
}

func TestR1_R2_waitingOrders(t *testing.T) {
	t.Parallel()
	open := doorzet.Facts{Known: true, Status: "on-hold"}
	never := doorzet.Facts{}
	back := doorzet.Facts{Known: true, Status: "on-hold", Booking: doorzet.BookingWithdrawn, DueStatus: "processing"}
	judge(t, []verdictCase{
		{"first seen with a chosen status", never, seen("processing"), moves(doorzet.MakeDue, "R1", "Status processing is chosen")},
		{"first seen with another", never, seen("pending"), stays("R2", "Status pending; chosen: completed, processing")},
		{"reaches a chosen status", open, seen("completed"), moves(doorzet.MakeDue, "R1", "Status completed is chosen")},
		{"still waits", open, seen("on-hold"), stays("R2", "Status on-hold")},
		{"waits with a status that nobody knows", open, seen("wacht-op-levering"), stays("R2", "Status wacht-op-levering")},
		{"in the trash", open, seen("trash"), stays("R2", "Status trash")},
		{"withdrawn, and reaches a chosen status again", back, seen("processing"), moves(doorzet.MakeDue, "R1", "chosen")},
		{"withdrawn, and still waits", back, seen("cancelled"), stays("R2", "Status cancelled")},
		{"a draft", never, seen("checkout-draft"), stays("R2", "no customer has placed it")},
		{"a draft that was placed", doorzet.Facts{Known: true, Status: "checkout-draft"}, seen("processing"), moves(doorzet.MakeDue, "R1", "chosen")},
		{"nothing to book, and it has amounts now", doorzet.Facts{Known: true, Booking: doorzet.BookingNothing}, doorzet.Look{Status: "processing", Total: decimal.NewFromInt(5)}, moves(doorzet.MakeDue, "R1", "chosen")},
		{"nothing to book, still", doorzet.Facts{Known: true, Booking: doorzet.BookingNothing}, seen("processing"), stays("R9", "nothing to book")},
	})
}

func TestR1_dueOrders(t *testing.T) {
	t.Parallel()
	due := func(by string) doorzet.Facts {
		return doorzet.Facts{Known: true, Status: by, Booking: doorzet.BookingDue, DueStatus: by}
	}
	hand := doorzet.Facts{Known: true, Status: "pending", Booking: doorzet.BookingDue, DueStatus: "pending", DueByHand: true}
	cases := []verdictCase{
		{"moves on to another chosen status", due("processing"), seen("completed"), stays("R1", "Status completed is chosen")},
		{"moves on to a status of the shop's own", due("processing"), seen("shipped"), stays("R1", "moved on to shipped")},
		{"its status was un-chosen and it has not moved", due("shipped"), seen("shipped"), tells(moves(doorzet.Withdraw, "R1", "Status shipped, which made it due, is no longer chosen, nor is shipped"))},
		{"its status was un-chosen and it moved on to one that is not chosen", due("shipped"), seen("delivered"), tells(moves(doorzet.Withdraw, "R1", "no longer chosen"))},
		{"its status was un-chosen, but the one it has now is chosen", due("shipped"), seen("completed"), stays("R1", "Status completed is chosen")},
		{"pushed by hand: its status was never chosen", hand, seen("pending"), stays("R10", "Pushed by hand")},
		{"expired while it was due", doorzet.Facts{Known: true, Booking: doorzet.BookingDue, DueStatus: "processing", Created: outside}, doorzet.Look{Status: "shipped", Created: outside}, stays("R1", "moved on")},
		{"goes back after it left the window", doorzet.Facts{Known: true, Booking: doorzet.BookingDue, DueStatus: "processing", Created: outside}, doorzet.Look{Status: "on-hold", Created: outside}, tells(moves(doorzet.Withdraw, "R1", "which is not chosen. It has left the window: push it by hand"))},
	}
	for _, status := range []string{"pending", "on-hold", "cancelled", "failed", "refunded", "trash"} {
		cases = append(cases,
			verdictCase{"goes back to " + status, due("processing"), seen(status), tells(moves(doorzet.Withdraw, "R1", "went back to "+status+", which is not chosen"))},
			verdictCase{"pushed by hand, goes to " + status, hand, seen(status), stays("R10", "Pushed by hand")})
	}
	judge(t, cases)
}

func TestR1_aChosenStatusNeverSendsBack(t *testing.T) {
	t.Parallel()
	shop := owner()
	shop.Statuses = []string{"on-hold"}
	f := doorzet.Facts{Known: true, Status: "on-hold", Created: inside, Booking: doorzet.BookingDue, DueStatus: "processing"}
	v := doorzet.Judge(shop, since, f, doorzet.Look{By: doorzet.ByPush, Status: "on-hold", Created: inside})
	if v.Move != doorzet.Stay {
		t.Errorf("on-hold is chosen, yet: %s, %s", v.Move, v.Sentence)
	}
}

func TestR9_whatWasSentIsNotPushedAgain(t *testing.T) {
	t.Parallel()
	var cases []verdictCase
	for _, status := range []string{"processing", "completed", "cancelled", "trash", "shipped"} {
		for _, c := range []struct {
			state    doorzet.BookingState
			rule     string
			sentence string
		}{
			{doorzet.BookingBooked, "R9", "In the books"}, {doorzet.BookingSending, "R9", "Being pushed"},
			{doorzet.BookingUnknown, "R9", "Being pushed"}, {doorzet.BookingRefused, "R10", "Refused"},
		} {
			cases = append(cases, verdictCase{string(c.state) + " and seen as " + status,
				doorzet.Facts{Known: true, Status: "processing", Booking: c.state, DueStatus: "processing", InBooks: c.state != doorzet.BookingRefused},
				seen(status), stays(c.rule, c.sentence)})
		}
	}
	judge(t, cases)
}

func TestR10_R12_exceptedOrders(t *testing.T) {
	t.Parallel()
	start := time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC) // 1 January 00:00 in Amsterdam
	wide := doorzet.Look{Status: "processing"}
	at := func(created time.Time) doorzet.Look {
		l := wide
		l.Created = created
		return l
	}
	judge(t, []verdictCase{
		{"ignored, and reaches a chosen status", doorzet.Facts{Known: true, Ignored: true}, seen("processing"), stays("R10", "Ignored")},
		{"ignored, and leaves the window", doorzet.Facts{Known: true, Ignored: true}, doorzet.Look{Status: "on-hold", Created: outside}, stays("R10", "Ignored")},
		{"a second before the start date", doorzet.Facts{}, at(start.Add(-time.Second)), stays("R12", "before the start date 2026-01-01")},
		{"a second before it, seen by webhook", doorzet.Facts{Known: true}, doorzet.Look{By: doorzet.ByWebhook, Status: "processing", Created: start.Add(-time.Second)}, stays("R12", "start date")},
		{"exactly at the start date, outside the window at its first look", doorzet.Facts{}, at(start), moves(doorzet.MakeDue, "R1", "chosen")},
		{"before the start date, in no window", doorzet.Facts{}, doorzet.Look{Status: "on-hold", Created: start.Add(-time.Second)}, stays("R12", "start date")},
	})
}

func TestR4_leavingTheWindow(t *testing.T) {
	t.Parallel()
	old := func(by doorzet.LookBy, status string) doorzet.Look {
		return doorzet.Look{By: by, Status: status, Created: outside}
	}
	open := doorzet.Facts{Known: true, Status: "on-hold"}
	expired := doorzet.Facts{Known: true, Status: "on-hold", Expired: true}
	cases := []verdictCase{
		{"the last look shows a chosen status", open, old(doorzet.ByNight, "completed"), moves(doorzet.MakeDue, "R1", "chosen")},
		{"the last look shows none", open, old(doorzet.ByNight, "on-hold"), moves(doorzet.Expire, "R4", "this was the last look")},
		{"the first look finds it outside already", doorzet.Facts{}, old(doorzet.ByImport, "pending"), moves(doorzet.Expire, "R4", "last look")},
		{"the first look finds it outside, with a chosen status", doorzet.Facts{}, old(doorzet.ByImport, "processing"), moves(doorzet.MakeDue, "R1", "chosen")},
		{"exactly at the window's beginning", open, doorzet.Look{Status: "on-hold", Created: since}, stays("R2", "Status on-hold")},
		{"expired, seen again without a chosen status", expired, old(doorzet.ByImport, "cancelled"), stays("R4", "Left the window with status cancelled")},
		{"expired, a webhook shows a chosen status", expired, old(doorzet.ByWebhook, "completed"), moves(doorzet.MakeDue, "R1", "chosen")},
		{"expired, a webhook shows another", expired, old(doorzet.ByWebhook, "cancelled"), stays("R4", "Left the window")},
		{"expired, the window widened", expired, doorzet.Look{Status: "on-hold", Created: since}, moves(doorzet.Reopen, "R4", "Inside the window again")},
		{"expired, the window widened, with a chosen status", expired, seen("completed"), moves(doorzet.MakeDue, "R1", "chosen")},
	}
	for _, by := range []doorzet.LookBy{doorzet.ByNight, doorzet.ByImport, doorzet.ByHand} {
		cases = append(cases, verdictCase{"expired, seen with a chosen status by " + string(by), expired, old(by, "completed"),
			tells(stays("R4", "had left the window: push it by hand"))})
	}
	judge(t, cases)
}

func TestR14_anotherOrderUnderTheSameID(t *testing.T) {
	t.Parallel()
	judge(t, []verdictCase{
		{"pushed before", doorzet.Facts{Known: true, OrderKey: "wc_order_a", Booking: doorzet.BookingBooked, InBooks: true}, doorzet.Look{OrderKey: "wc_order_b", Status: "processing"}, tells(moves(doorzet.Conflict, "R14", "another order"))},
		{"open before", doorzet.Facts{Known: true, OrderKey: "wc_order_a"}, doorzet.Look{OrderKey: "wc_order_b", Status: "processing"}, tells(moves(doorzet.Conflict, "R14", "another order"))},
		{"the shop sent no key", doorzet.Facts{Known: true, OrderKey: "wc_order_a"}, seen("processing"), moves(doorzet.MakeDue, "R1", "chosen")},
		{"no key was known", doorzet.Facts{Known: true}, doorzet.Look{OrderKey: "wc_order_b", Status: "processing"}, moves(doorzet.MakeDue, "R1", "chosen")},
	})
}

// Gone is two answers "no such order", a day apart; the numbers of hours are those of one night to the next.
func TestR2_missingAndGone(t *testing.T) {
	t.Parallel()
	none := doorzet.Look{Missing: true, StartedAt: now}
	missed := func(ago time.Duration) doorzet.Facts {
		return doorzet.Facts{Known: true, MissingSince: now.Add(-ago)}
	}
	due := missed(doorzet.GoneAfter)
	due.Booking = doorzet.BookingDue
	judge(t, []verdictCase{
		{"the first answer", doorzet.Facts{Known: true}, none, moves(doorzet.Missing, "R2", "asked again on another day")},
		{"again within the hour", missed(time.Hour), none, stays("R2", "asked again on another day")},
		{"again a second too early", missed(doorzet.GoneAfter - time.Second), none, stays("R2", "asked again")},
		{"again a day later", missed(doorzet.GoneAfter), none, moves(doorzet.Gone, "R2", "deleted there")},
		{"again a day later, and it was to be pushed", due, none, tells(moves(doorzet.Gone, "R2", "deleted there"))},
		{"in the books", doorzet.Facts{Known: true, InBooks: true, Booking: doorzet.BookingBooked}, none, tells(stays("R9", "The shop no longer has this order"))},
	})
	if doorzet.GoneAfter > 24*time.Hour || doorzet.GoneAfter < 23*time.Hour {
		t.Errorf("two answers must lie a day apart, as two nights do: %s", doorzet.GoneAfter)
	}
}
