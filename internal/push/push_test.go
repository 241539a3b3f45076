package push_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/accounting/accountingtest"
	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestPush_booked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, order(7, "processing", "12.10"))
	for range 3 {
		b.push(t, id)
	}
	if r := b.is(t, id, doorzet.BookingBooked); r.Total != "12.10" || r.RemoteID != "1" || r.Attempts != 1 || r.Reference != "WC-7" {
		t.Errorf("booked as %+v", r)
	}
	b.asked(t, 1, 1)
	b.shown(t, 7, doorzet.StatePushed)
	if b.reads != 0 {
		t.Errorf("an order that was just read was read %d times more", b.reads)
	}
	b.see(t, 7)
	b.push(t, id)
	b.asked(t, 1, 1)
}

// The four endings: what the books say, and what becomes of the booking.
func TestPush_endings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		trouble accountingtest.Trouble
		order   func() doorzet.ShopOrder
		state   doorzet.BookingState
		shown   doorzet.OrderState
		why     string
		waits   time.Duration // about, until it is tried again
	}{
		{"the books are down", accountingtest.Down, nil, doorzet.BookingDue, doorzet.StateDue, "The books do not answer", time.Minute},
		{"the books refuse", accountingtest.Refusing, nil, doorzet.BookingRefused, doorzet.StateRefused, "the ledger account is closed", 0},
		{"no answer", accountingtest.TimeOutAfterCommit, nil, doorzet.BookingUnknown, doorzet.StateDue, "The books did not answer: no answer in time.", 0},
		{"held", accountingtest.None, func() doorzet.ShopOrder {
			o := order(7, "processing", "12.10")
			o.Total = decimal.RequireFromString("13.10")
			return o
		}, doorzet.BookingDue, doorzet.StateHeld, "", 0},
		{"nothing to book", accountingtest.None, func() doorzet.ShopOrder {
			o := order(7, "processing", "0.00")
			o.Lines, o.TaxLines = nil, nil
			return o
		}, doorzet.BookingNothing, doorzet.StateNothing, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			o := order(7, "processing", "12.10")
			if c.order != nil {
				o = c.order()
			}
			id := b.due(t, o)
			b.fake.Make(c.trouble)
			b.push(t, id)
			r := b.is(t, id, c.state)
			if !strings.Contains(r.Error, c.why) || c.shown == doorzet.StateHeld && r.Error == "" {
				t.Errorf("said %q, want %q", r.Error, c.why)
			}
			if wait := time.Until(r.NextTry); c.waits > 0 && (wait < c.waits*8/10 || wait > c.waits*12/10) {
				t.Errorf("again in %s, want about %s", wait, c.waits)
			}
			b.shown(t, 7, c.shown)
			b.push(t, id)
			if again := b.booking(t, id); c.state != doorzet.BookingUnknown && again.Attempts != 1 {
				t.Errorf("tried again before its time: %d attempts", again.Attempts)
			}
		})
	}
}

// While the books are down the pauses grow, and the order is pushed when they are back.
func TestPush_laterAndLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, order(7, "processing", "12.10"))
	b.fake.Make(accountingtest.Down)
	var last time.Duration
	for attempt := range 6 {
		b.push(t, id)
		wait := time.Until(b.is(t, id, doorzet.BookingDue).NextTry)
		if wait < time.Minute-5*time.Second || wait > 75*time.Minute || attempt > 3 && wait < last*3/2 && last < 40*time.Minute {
			t.Errorf("attempt %d: again in %s, before that in %s", attempt+1, wait, last)
		}
		last = wait
		b.later(t)
	}
	b.fake.Make(accountingtest.None)
	b.push(t, id)
	b.is(t, id, doorzet.BookingBooked)
}

// The answer to a create never came. What the books hold then decides.
func TestPush_unknown(t *testing.T) {
	t.Parallel()
	changed := func(b *bundle) {
		o := order(7, "cancelled", "99.00") // the shop says something else since: that is drift
		o.Modified = o.Modified.Add(time.Minute)
		b.has(o)
	}
	for _, c := range []struct {
		name    string
		trouble accountingtest.Trouble
		between func(t *testing.T, b *bundle)
		state   doorzet.BookingState
		creates int
		held    int
		why     string
	}{
		{"the books have it: adopted", accountingtest.TimeOutAfterCommit, func(*testing.T, *bundle) {}, doorzet.BookingBooked, 1, 1, ""},
		{"the books have it not: sent once more, as it was", accountingtest.TimeOutBeforeCommit, func(*testing.T, *bundle) {}, doorzet.BookingBooked, 2, 1, ""},
		{"the order changed since", accountingtest.TimeOutBeforeCommit, func(_ *testing.T, b *bundle) { changed(b) }, doorzet.BookingBooked, 2, 1, ""},
		{"the order changed and was seen since", accountingtest.TimeOutBeforeCommit, func(t *testing.T, b *bundle) {
			t.Helper()
			changed(b)
			b.see(t, 7)
			b.stale(t)
		}, doorzet.BookingBooked, 2, 1, ""},
		{"the shop is paused: looked up all the same", accountingtest.TimeOutAfterCommit, func(t *testing.T, b *bundle) {
			t.Helper()
			if err := b.db.Pause(t.Context(), b.shop.ID, "anna"); err != nil {
				t.Fatal(err)
			}
		}, doorzet.BookingBooked, 1, 1, ""},
		{"the shop is paused: not sent again", accountingtest.TimeOutBeforeCommit, func(t *testing.T, b *bundle) {
			t.Helper()
			if err := b.db.Pause(t.Context(), b.shop.ID, "anna"); err != nil {
				t.Fatal(err)
			}
		}, doorzet.BookingUnknown, 1, 0, ""},
		{"the order is ignored: looked up all the same", accountingtest.TimeOutAfterCommit, func(t *testing.T, b *bundle) {
			t.Helper()
			if _, err := b.db.Ignore(t.Context(), b.shop.ID, []int64{7}, "", "anna"); err != nil {
				t.Fatal(err)
			}
		}, doorzet.BookingBooked, 1, 1, ""},
		{"another document stands there", accountingtest.TimeOutBeforeCommit, func(_ *testing.T, b *bundle) {
			b.fake.Put("WC-7", doorzet.Found{Receipt: doorzet.Receipt{RemoteID: "x", Total: 5000}, Kind: doorzet.KindInvoice, Currency: "EUR"})
		}, doorzet.BookingRefused, 1, 1, "its total is 50.00, not 12.10"},
		{"two documents stand there", accountingtest.TimeOutAfterCommit, func(_ *testing.T, b *bundle) {
			b.fake.Put("WC-7", doorzet.Found{Receipt: doorzet.Receipt{RemoteID: "x", Total: 1210}, Kind: doorzet.KindInvoice, Currency: "EUR"})
		}, doorzet.BookingRefused, 1, 2, "The books hold 2 documents under WC-7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.due(t, order(7, "processing", "12.10"))
			b.fake.MakeNext(1, c.trouble)
			b.push(t, id)
			b.is(t, id, doorzet.BookingUnknown)
			c.between(t, b)
			b.later(t)
			b.push(t, id)
			r := b.is(t, id, c.state)
			b.asked(t, c.creates, c.held)
			if !strings.Contains(r.Error, c.why) {
				t.Errorf("said %q, want %q", r.Error, c.why)
			}
			if c.state == doorzet.BookingBooked && r.Total != "12.10" {
				t.Errorf("booked with a total of %s", r.Total)
			}
			if b.reads != 0 {
				t.Errorf("an unknown one was read %d times in the shop", b.reads)
			}
		})
	}
}

// A look-up waits until the books have settled, and a second one as long again.
func TestPush_unknownWaitsForTheBooksToSettle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fake.Settling = time.Minute
	id := b.due(t, order(7, "processing", "12.10"))
	b.fake.MakeNext(1, accountingtest.TimeOutBeforeCommit)
	b.push(t, id)
	for _, c := range []struct {
		since string
		finds int
		state doorzet.BookingState
	}{
		{"58 seconds", 0, doorzet.BookingUnknown}, {"62 seconds", 1, doorzet.BookingUnknown}, {"118 seconds", 1, doorzet.BookingUnknown}, {"122 seconds", 2, doorzet.BookingBooked},
	} {
		b.later(t)
		b.sentAgo(t, c.since)
		b.push(t, id)
		b.is(t, id, c.state)
		if _, finds := b.fake.Asked(); finds != c.finds {
			t.Errorf("%s after it was sent: looked up %d times, want %d", c.since, finds, c.finds)
		}
	}
	b.asked(t, 2, 1)
}

// The books are down while an unknown one is looked up, or sent again: it stays what it is, with what was sent.
func TestPush_anUnknownOneStaysFrozen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, order(7, "processing", "12.10"))
	b.fake.MakeNext(1, accountingtest.TimeOutBeforeCommit)
	b.push(t, id)
	b.later(t)
	b.books = half{b.fake} // looking up works, making does not
	b.fake.Make(accountingtest.Down)
	b.push(t, id)
	r := b.is(t, id, doorzet.BookingUnknown)
	if wait := time.Until(r.NextTry); wait < 20*time.Second {
		t.Errorf("again in %s", wait)
	}
	o := order(7, "cancelled", "99.00")
	b.has(o)
	b.see(t, 7)
	b.books = b.fake
	b.later(t)
	b.push(t, id) // now looking up does not work either
	b.is(t, id, doorzet.BookingUnknown)
	b.fake.Make(accountingtest.None)
	b.later(t)
	b.push(t, id)
	if r := b.is(t, id, doorzet.BookingBooked); r.Total != "12.10" {
		t.Errorf("booked with a total of %s", r.Total)
	}
	if n := b.fake.Held("WC-7"); n != 1 {
		t.Errorf("%d documents", n)
	}
}

// Documents older than a quarter of an hour are read and judged again before an invoice is made of them.
func TestR1_anOldDocumentIsReadAndJudgedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		order func(b *bundle)
		hand  bool
		state doorzet.BookingState
		shown doorzet.OrderState
		total string
	}{
		{"nothing changed", func(*bundle) {}, false, doorzet.BookingBooked, doorzet.StatePushed, "12.10"},
		{"its amount changed", func(b *bundle) { b.has(order(7, "processing", "24.20")) }, false, doorzet.BookingBooked, doorzet.StatePushed, "24.20"},
		{"it moved on", func(b *bundle) { b.has(order(7, "shipped", "12.10")) }, false, doorzet.BookingBooked, doorzet.StatePushed, "12.10"},
		{"it went back", func(b *bundle) { b.has(order(7, "cancelled", "12.10")) }, false, "", doorzet.StateOpen, ""},
		{"it went back, pushed by hand", func(b *bundle) { b.has(order(7, "on-hold", "12.10")) }, true, doorzet.BookingBooked, doorzet.StatePushed, "12.10"},
		{"R14 it is another order", func(b *bundle) {
			o := order(7, "processing", "12.10")
			o.OrderKey = "wc_order_other"
			b.has(o)
		}, false, doorzet.BookingDue, doorzet.StateHeld, "12.10"},
		{"the shop has it not", func(b *bundle) {
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.orders, 7)
		}, false, doorzet.BookingDue, doorzet.StateDue, "12.10"},
		{"the shop is down", func(b *bundle) {
			b.down = &doorzet.ShopError{Kind: doorzet.ShopDown, Advice: "The shop could not be reached.", RetryAfter: 2 * time.Hour}
		}, false, doorzet.BookingDue, doorzet.StateDue, "12.10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.due(t, order(7, "processing", "12.10"))
			if c.hand {
				if _, err := b.db.PushByHand(t.Context(), b.shop, 7, "anna"); err != nil {
					t.Fatal(err)
				}
			}
			b.stale(t)
			c.order(b)
			b.push(t, id)
			if r := b.is(t, id, c.state); r.Total != c.total {
				t.Errorf("its total is %q, want %q", r.Total, c.total)
			}
			b.shown(t, 7, c.shown)
			if b.reads != 1 {
				t.Errorf("read %d times", b.reads)
			}
			b.push(t, id)
			if b.reads != 1 {
				t.Errorf("read again at once: %d times", b.reads)
			}
		})
	}
}

func TestR1_aDocumentOfAQuarterOfAnHourIsFresh(t *testing.T) {
	t.Parallel()
	for age, reads := range map[time.Duration]int{doorzet.FreshFor - 2*time.Second: 0, doorzet.FreshFor + time.Second: 1} {
		b := setup(t)
		id := b.due(t, order(7, "processing", "12.10"))
		p, at := b.pusher(), time.Now().Add(age)
		p.Now = func() time.Time { return at }
		if err := p.Push(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		b.is(t, id, doorzet.BookingBooked)
		if b.reads != reads {
			t.Errorf("a document of %s was read %d times again, want %d", age, b.reads, reads)
		}
	}
}

// A push by hand asks the books first.
func TestR10_aPushByHandLooksFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.has(order(7, "pending", "12.10"))
	b.see(t, 7)
	id, err := b.db.PushByHand(t.Context(), b.shop, 7, "anna")
	if err != nil {
		t.Fatal(err)
	}
	b.push(t, id) // no document was kept of an order that was not due, so it is read
	b.is(t, id, doorzet.BookingBooked)
	if c, finds := b.fake.Asked(); c != 1 || finds != 1 {
		t.Errorf("%d creates after %d look-ups", c, finds)
	}
	// The same document stands in the books of an earlier connection: adopted, nothing made.
	o := order(8, "processing", "12.10")
	other := b.due(t, o)
	if _, err := b.db.PushByHand(t.Context(), b.shop, 8, "anna"); err != nil {
		t.Fatal(err)
	}
	made, err := b.fake.Find(t.Context(), "WC-7")
	if err != nil {
		t.Fatal(err)
	}
	b.fake.Put("WC-8", made[0])
	b.push(t, other)
	b.is(t, other, doorzet.BookingBooked)
	if c, _ := b.fake.Asked(); c != 1 {
		t.Errorf("%d creates", c)
	}
}

func TestPush_aTotalThatDiffersIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.books = wrongTotal{b.fake}
	id := b.due(t, order(7, "processing", "12.10"))
	b.push(t, id)
	if r := b.is(t, id, doorzet.BookingRefused); !strings.Contains(r.Error, "The books made 1 of EUR 12.11; the order says 12.10. Correct it in the books.") {
		t.Errorf("said %q", r.Error)
	}
}

func TestPush_booksThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, order(7, "processing", "12.10"))
	p := b.pusher()
	p.Rates = nil // not needed for an order that names its rates
	b.books = broken{b.fake}
	if err := p.Push(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if r := b.is(t, id, doorzet.BookingUnknown); !strings.Contains(r.Error, "something strange") {
		t.Errorf("an error without a meaning counts as an unknown outcome: %q", r.Error)
	}
	if err := p.Push(t.Context(), 999); err != nil {
		t.Errorf("a booking that is not there: %v", err)
	}
}

var errStrange = errors.New("something strange")
