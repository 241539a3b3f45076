package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// What is seen of an order, look after look, and what its row says then.
func TestApplyLooks(t *testing.T) {
	t.Parallel()
	asWebhook := func(l doorzet.Look) doorzet.Look {
		l.By, l.REST, l.Document = doorzet.ByWebhook, false, nil
		return l
	}
	late := func(l doorzet.Look, second int) doorzet.Look { // asked and answered later than the shop changed it
		l.StartedAt = seenAt.Add(time.Duration(second) * time.Second)
		l.ReceivedAt = l.StartedAt.Add(100 * time.Millisecond)
		return l
	}
	keyed := func(l doorzet.Look, key string) doorzet.Look {
		l.OrderKey = key
		return l
	}
	day := 24 * 3600
	for _, c := range []struct {
		name   string
		looks  []doorzet.Look // one after the other
		status string
		state  doorzet.OrderState
		moves  []doorzet.Move
		counts []bool
	}{
		{"new and open", []doorzet.Look{look(1, "on-hold", 0)}, "on-hold", doorzet.StateOpen, []doorzet.Move{doorzet.Stay}, []bool{true}},
		{"new and due", []doorzet.Look{look(1, "processing", 0)}, "processing", doorzet.StateDue, []doorzet.Move{doorzet.MakeDue}, []bool{true}},
		{"becomes due", []doorzet.Look{look(1, "on-hold", 0), look(1, "completed", 5)}, "completed", doorzet.StateDue, []doorzet.Move{doorzet.Stay, doorzet.MakeDue}, []bool{true, true}},
		{"R1 due moves on", []doorzet.Look{look(1, "processing", 0), look(1, "shipped", 5)}, "shipped", doorzet.StateDue, []doorzet.Move{doorzet.MakeDue, doorzet.Stay}, []bool{true, true}},
		{"R1 due goes back", []doorzet.Look{look(1, "processing", 0), look(1, "cancelled", 5)}, "cancelled", doorzet.StateOpen, []doorzet.Move{doorzet.MakeDue, doorzet.Withdraw}, []bool{true, true}},
		{"R1 due goes back and comes again", []doorzet.Look{look(1, "processing", 0), look(1, "on-hold", 5), look(1, "completed", 9)}, "completed", doorzet.StateDue, []doorzet.Move{doorzet.MakeDue, doorzet.Withdraw, doorzet.MakeDue}, []bool{true, true, true}},
		{"an older answer comes late", []doorzet.Look{look(1, "completed", 60), look(1, "on-hold", 0)}, "completed", doorzet.StateDue, []doorzet.Move{doorzet.MakeDue, ""}, []bool{true, false}},
		{"a late webhook of an older state", []doorzet.Look{look(1, "on-hold", 60), late(asWebhook(look(1, "processing", 0)), 90)}, "on-hold", doorzet.StateOpen, []doorzet.Move{doorzet.Stay, ""}, []bool{true, false}},
		{"a webhook of a newer state", []doorzet.Look{look(1, "on-hold", 0), late(asWebhook(look(1, "processing", 60)), 90)}, "processing", doorzet.StateDue, []doorzet.Move{doorzet.Stay, doorzet.MakeDue}, []bool{true, true}},
		{"the shop set a modified time back", []doorzet.Look{look(1, "on-hold", 60), late(look(1, "processing", 0), 90)}, "processing", doorzet.StateDue, []doorzet.Move{doorzet.Stay, doorzet.MakeDue}, []bool{true, true}},
		{"missing once", []doorzet.Look{look(1, "on-hold", 0), missing(1, 10)}, "on-hold", doorzet.StateOpen, []doorzet.Move{doorzet.Stay, doorzet.Missing}, []bool{true, true}},
		{"missing twice on one day", []doorzet.Look{look(1, "on-hold", 0), missing(1, 10), missing(1, 3600)}, "on-hold", doorzet.StateOpen, []doorzet.Move{doorzet.Stay, doorzet.Missing, doorzet.Stay}, []bool{true, true, true}},
		{"missing twice, a day apart", []doorzet.Look{look(1, "on-hold", 0), missing(1, 10), missing(1, 10+day)}, "on-hold", doorzet.StateGone, []doorzet.Move{doorzet.Stay, doorzet.Missing, doorzet.Gone}, []bool{true, true, true}},
		{"missing once, there again, missing once", []doorzet.Look{look(1, "on-hold", 0), missing(1, 10), look(1, "on-hold", 3600), missing(1, 10+day)}, "on-hold", doorzet.StateOpen, []doorzet.Move{doorzet.Stay, doorzet.Missing, doorzet.Stay, doorzet.Missing}, []bool{true, true, true, true}},
		{"gone and restored from a backup of the shop", []doorzet.Look{look(1, "on-hold", 0), missing(1, 10), missing(1, 10+day), look(1, "processing", 20+day)}, "processing", doorzet.StateDue, []doorzet.Move{doorzet.Stay, doorzet.Missing, doorzet.Gone, doorzet.MakeDue}, []bool{true, true, true, true}},
		{"due and gone", []doorzet.Look{look(1, "processing", 0), missing(1, 10), missing(1, 10+day)}, "processing", doorzet.StateGone, []doorzet.Move{doorzet.MakeDue, doorzet.Missing, doorzet.Gone}, []bool{true, true, true}},
		{"R14 another order under the id", []doorzet.Look{look(1, "on-hold", 0), keyed(look(1, "processing", 10), "wc_order_other")}, "on-hold", doorzet.StateHeld, []doorzet.Move{doorzet.Stay, doorzet.Conflict}, []bool{true, true}},
		{"R14 and the one we knew is back", []doorzet.Look{look(1, "on-hold", 0), keyed(look(1, "processing", 10), "wc_order_other"), look(1, "on-hold", 20)}, "on-hold", doorzet.StateOpen, []doorzet.Move{doorzet.Stay, doorzet.Conflict, doorzet.Stay}, []bool{true, true, true}},
		{"a draft", []doorzet.Look{look(1, "checkout-draft", 0)}, "checkout-draft", doorzet.StateDraft, []doorzet.Move{doorzet.Stay}, []bool{true}},
		{"a draft that was placed", []doorzet.Look{look(1, "checkout-draft", 0), look(1, "processing", 5)}, "processing", doorzet.StateDue, []doorzet.Move{doorzet.Stay, doorzet.MakeDue}, []bool{true, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for i, l := range c.looks {
				a := b.see(t, l)[0]
				if a.Verdict.Move != c.moves[i] || a.Counted != c.counts[i] || a.New != (i == 0) {
					t.Errorf("look %d: %q, counted %t, new %t; want %q, %t", i+1, a.Verdict.Move, a.Counted, a.New, c.moves[i], c.counts[i])
				}
			}
			o := b.order(t, 1)
			if o.Status != c.status || o.State != c.state {
				t.Errorf("status %s, %s; want %s, %s", o.Status, o.State, c.status, c.state)
			}
			if open := one[bool](t, b, `SELECT EXISTS (SELECT FROM open_orders)`); open != (c.state == doorzet.StateOpen) {
				t.Errorf("among the open orders: %t, its state is %s", open, c.state)
			}
		})
	}
}

func TestApplyLooks_missingIsNothingForAnOrderNeverSeen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if got := b.see(t, missing(9, 0)); len(got) != 0 {
		t.Errorf("recorded: %+v", got)
	}
	if n := one[int](t, b, `SELECT count(*) FROM orders`); n != 0 {
		t.Errorf("%d orders", n)
	}
}

func TestApplyLooks_ofOneOrderTwiceInABatchTheLastCounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if got := b.see(t, look(2, "on-hold", 0), look(1, "on-hold", 0), look(1, "completed", 5)); len(got) != 2 {
		t.Fatalf("%d results, want 2", len(got))
	}
	if o := b.order(t, 1); o.Status != "completed" || o.Looks != 1 {
		t.Errorf("status %s after %d looks", o.Status, o.Looks)
	}
}

func TestApplyLooks_keepsWhatWasSeen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := look(1, "processing", 0)
	l.Total, l.Currency, l.Number = decimal.RequireFromString("1234.565"), "USD", "A-0001"
	b.see(t, l)
	o := b.order(t, 1)
	if o.Total != "1234.57" || o.Currency != "USD" || o.Number != "A-0001" || !o.Created.Equal(l.Created) || !o.Modified.Equal(l.Modified) {
		t.Errorf("kept as %+v", o)
	}
	if o.Verdict.Rule != "R1" || !strings.Contains(o.Verdict.Sentence, "processing is chosen") {
		t.Errorf("the verdict is %+v", o.Verdict)
	}
	job := b.claim(t, b.see(t, look(1, "processing", 1))[0].BookingID)
	if string(job.Document) != `{"id":1}` || job.Reference != "WC-1" || job.DueStatus != "processing" || job.WooID != 1 {
		t.Errorf("the push gets %+v", job)
	}
	if !job.ReadAt.Equal(seenAt.Add(time.Second)) {
		t.Errorf("the document was read at %s", job.ReadAt)
	}
}

// A verdict is written when it changes, and the journal says each status and each verdict once.
func TestApplyLooks_journal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.see(t, look(1, "on-hold", 0))
	b.see(t, look(1, "on-hold", 1))
	b.see(t, look(1, "on-hold", 2))
	b.see(t, look(1, "processing", 3))
	events, err := b.db.Events(t.Context(), b.shop.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		got = append(got, e.Kind+": "+e.Text)
	}
	want := []string{"status: on-hold → processing", "verdict: Status processing is chosen. (R1)"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("the journal says %q, want %q", got, want)
	}
	if o := b.order(t, 1); o.Looks != 4 {
		t.Errorf("%d looks, want 4", o.Looks)
	}
}

// What becomes due again keeps the moment at which a chosen status was first seen, its booking and its reference.
func TestR9_oneBookingHoweverOftenItBecomesDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.due(t, 1)
	dueAt := one[time.Time](t, b, `SELECT due_at FROM bookings`)
	for i := range 3 {
		b.see(t, look(1, "on-hold", 10*i+1))
		if again := b.see(t, look(1, "completed", 10*i+2))[0]; again.BookingID != first || !again.Wake {
			t.Errorf("round %d: booking %d, wake %t", i, again.BookingID, again.Wake)
		}
	}
	if !one[time.Time](t, b, `SELECT due_at FROM bookings`).Equal(dueAt) {
		t.Error("the moment it was first due is lost")
	}
	if state := one[string](t, b, `SELECT state || ' by ' || due_status FROM bookings`); state != "due by completed" {
		t.Errorf("it is %s", state)
	}
}

// Whether a status is chosen is asked when the look is recorded: a night that began under other choices must not use those.
func TestR1_theChoicesOfTheMomentCount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	night := b.context() // as it was when the night began
	changed := b.shop
	changed.Statuses = []string{"shipped"}
	if err := b.db.SetShop(t.Context(), doorzet.Shop{}, changed, nil, "anna"); err != nil {
		t.Fatal(err)
	}
	b.seeAs(t, night, look(1, "processing", 0), look(2, "shipped", 0))
	if o := b.order(t, 1); o.State != doorzet.StateOpen {
		t.Errorf("processing is no longer chosen, the order is %s", o.State)
	}
	if o := b.order(t, 2); o.State != doorzet.StateDue {
		t.Errorf("shipped is chosen now, the order is %s", o.State)
	}
}
