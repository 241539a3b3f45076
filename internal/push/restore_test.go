package push_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/accounting/accountingtest"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/push"
)

// backup keeps the database; what restores it also lets the process notice that, and the pause after it pass.
func (b *bundle) backup(t *testing.T) (restore func()) {
	t.Helper()
	swap := postgrestest.Backup(t, b.url)
	b.reconnect(t)
	return func() {
		t.Helper()
		b.knows(t)
		swap()
		b.reconnect(t)
		if _, err := b.db.Mark(t.Context()); !errors.Is(err, doorzet.ErrRestored) {
			t.Fatalf("the restored Postgres is not noticed: %v", err)
		}
		if _, mine, err := b.db.RecordRestored(t.Context()); err != nil || !mine {
			t.Fatalf("recorded: %t, %v", mine, err)
		}
		b.pausePasses(t)
	}
}

// knows lets the process see what Postgres holds, as it does every few seconds.
func (b *bundle) knows(t *testing.T) {
	t.Helper()
	if _, err := b.db.Mark(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (b *bundle) reconnect(t *testing.T) {
	t.Helper()
	for range 20 {
		if b.db.Ping(t.Context()) == nil {
			return
		}
	}
	t.Fatal("no connection")
}

// pausePasses lets the time pass in which a worker from before the restore could still write.
func (b *bundle) pausePasses(t *testing.T) {
	t.Helper()
	postgrestest.Exec(t, b.url, `UPDATE installation SET restored_at = restored_at - interval '1 minute'`)
	b.later(t)
}

// bank is an order that is paid by bank transfer: its document has the day on which a chosen status was first seen.
func bank(id int64, status, total string) doorzet.ShopOrder {
	o := order(id, status, total)
	o.PaymentMethod, o.Paid = "bacs", time.Time{}
	o.Created = o.Created.AddDate(0, 0, -40)
	return o
}

func changed(o doorzet.ShopOrder) doorzet.ShopOrder {
	o.Modified = o.Modified.Add(time.Minute)
	return o
}

// Orders that were booked after the backup: whatever Postgres knew of them in it, and whatever happened to them since, they are
// not booked twice. What did not change is adopted, also when another day would be its date now; the rest is for a person.
func TestR9_bookedAfterTheBackup(t *testing.T) {
	t.Parallel()
	moved := func(b *bundle) { // not paid online, and completed since: today would be its date
		o := changed(bank(7, "completed", "12.10"))
		o.Done = time.Now()
		b.has(o)
	}
	unseen := func(*testing.T, *bundle) {}
	due := func(t *testing.T, b *bundle) { t.Helper(); b.see(t, 7) }
	withdrawn := func(t *testing.T, b *bundle) {
		t.Helper()
		b.see(t, 7)
		o := changed(bank(7, "cancelled", "12.10"))
		b.has(o)
		b.see(t, 7)
		postgrestest.Exec(t, b.url, `UPDATE orders SET expired_at = NULL`)
		b.has(changed(changed(bank(7, "processing", "12.10"))))
	}
	held := func(t *testing.T, b *bundle) {
		t.Helper()
		o := bank(7, "processing", "12.10")
		o.Total = decimal.RequireFromString("13.10")
		b.has(o)
		b.push(t, b.see(t, 7).BookingID)
		b.has(changed(bank(7, "processing", "12.10")))
	}
	sending := func(t *testing.T, b *bundle) {
		t.Helper()
		p := b.pusher()
		p.Store = dying{b.db, false}
		b.fake.MakeNext(1, accountingtest.TimeOutBeforeCommit)
		if err := p.Push(t.Context(), b.see(t, 7).BookingID); !errors.Is(err, errDead) {
			t.Fatal(err)
		}
	}
	cancelled := func(b *bundle) { b.has(changed(bank(7, "cancelled", "12.10"))) }
	for _, c := range []struct {
		name     string
		atBackup func(t *testing.T, b *bundle)
		since    func(b *bundle) // nil = nothing
		state    doorzet.BookingState
		why      string
	}{
		{"not seen yet", unseen, nil, doorzet.BookingBooked, ""},
		{"not seen yet, moved on since", unseen, moved, doorzet.BookingBooked, ""},
		{"due", due, nil, doorzet.BookingBooked, ""},
		{"due, moved on since", due, moved, doorzet.BookingBooked, ""},
		{"due, cancelled since", due, cancelled, doorzet.BookingBooked, ""},
		{"due, deleted since", due, func(b *bundle) { delete(b.orders, 7) }, doorzet.BookingRefused, "the shop no longer has this order"},
		{"due, its amount changed since", due, func(b *bundle) { b.has(changed(bank(7, "processing", "24.20"))) }, doorzet.BookingRefused, "its total is 12.10, not 24.20"},
		{"due, without amounts since", due, func(b *bundle) {
			o := changed(bank(7, "processing", "0.00"))
			o.Lines, o.TaxLines = nil, nil
			b.has(o)
		}, doorzet.BookingRefused, "there is nothing to book in the order as it is now"},
		{"due, broken since", due, func(b *bundle) {
			o := changed(bank(7, "processing", "12.10"))
			o.Total = decimal.RequireFromString("13.10")
			b.has(o)
		}, doorzet.BookingRefused, "cannot be compared with it"},
		{"withdrawn", withdrawn, nil, doorzet.BookingBooked, ""},
		{"held", held, nil, doorzet.BookingBooked, ""},
		{"sending", sending, nil, doorzet.BookingBooked, ""},
		{"sending, changed since", sending, func(b *bundle) { b.has(changed(bank(7, "cancelled", "99.00"))) }, doorzet.BookingBooked, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.has(bank(7, "processing", "12.10"))
			c.atBackup(t, b)
			restore := b.backup(t)
			id := b.see(t, 7).BookingID
			postgrestest.Exec(t, b.url, `UPDATE bookings SET due_at = now() - interval '40 days'`) // another month
			for range 2 {
				b.later(t)
				b.push(t, id)
			}
			b.is(t, id, doorzet.BookingBooked)
			creates, _ := b.fake.Asked()
			restore()
			b.stale(t)
			if c.since != nil {
				c.since(b)
			}
			id = b.see(t, 7).BookingID
			for range 3 {
				b.push(t, id)
				b.later(t)
			}
			r := b.is(t, id, c.state)
			b.asked(t, creates, 1)
			if c.why != "" && (!strings.Contains(r.Error, c.why) || !strings.Contains(r.Error, "Correct WC-7 in the books if that is needed, then ignore the order here")) {
				t.Errorf("said %q, want %q and what to do", r.Error, c.why)
			}
		})
	}
}

// Orders that were not booked after the backup are pushed as if nothing had happened.
func TestR1_dueAtTheBackupAndNotBookedSince(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(t *testing.T, b *bundle)
		state  doorzet.BookingState
		shown  doorzet.OrderState
		held   int
	}{
		{"due", func(*testing.T, *bundle) {}, doorzet.BookingBooked, doorzet.StatePushed, 1},
		{"cancelled since", func(_ *testing.T, b *bundle) { b.has(changed(order(7, "cancelled", "12.10"))) }, "", doorzet.StateOpen, 0},
		{"the shop is paused", func(t *testing.T, b *bundle) {
			t.Helper()
			if err := b.db.Pause(t.Context(), b.shop.ID, "anna"); err != nil {
				t.Fatal(err)
			}
		}, doorzet.BookingDue, doorzet.StateDue, 0},
		{"ignored", func(t *testing.T, b *bundle) {
			t.Helper()
			if _, err := b.db.Ignore(t.Context(), b.shop.ID, []int64{7}, "", "anna"); err != nil {
				t.Fatal(err)
			}
		}, doorzet.BookingDue, doorzet.StateIgnored, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.due(t, order(7, "processing", "12.10"))
			restore := b.backup(t)
			b.due(t, order(8, "processing", "12.10"))
			restore()
			b.stale(t)
			c.change(t, b)
			b.push(t, id)
			b.is(t, id, c.state)
			b.shown(t, 7, c.shown)
			b.asked(t, c.held, c.held)
			b.push(t, id)
			b.asked(t, c.held, c.held)
		})
	}
}

// The file of an order that was booked after the backup stays as it is, and is what Postgres has of it then.
func TestR9_theFileOfBeforeTheRestoreIsAdopted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.inFiles(t)
	restore := b.backup(t)
	id := b.due(t, bank(7, "processing", "12.10"))
	postgrestest.Exec(t, b.url, `UPDATE bookings SET due_at = now() - interval '40 days'`)
	b.push(t, id)
	b.is(t, id, doorzet.BookingBooked)
	before, err := os.ReadFile(filepath.Join(dir, "WC-7.xml"))
	if err != nil {
		t.Fatal(err)
	}
	restore()
	id = b.see(t, 7).BookingID
	b.push(t, id)
	b.is(t, id, doorzet.BookingBooked)
	oneFile(t, dir)
	after, err := os.ReadFile(filepath.Join(dir, "WC-7.xml"))
	if err != nil || string(after) != string(before) {
		t.Errorf("the file changed: %v", err)
	}
	kept, err := b.db.ExportsOf(t.Context(), b.shop.BooksID, 0, 10)
	if err != nil || len(kept) != 1 || string(kept[0].Content) != string(before) {
		t.Errorf("kept: %d, %v", len(kept), err)
	}
}

// A document in the books that cannot be of this order's time is not taken for it.
func TestR9_aDocumentOfAnImpossibleDayIsNotAdopted(t *testing.T) {
	t.Parallel()
	for name, days := range map[string]int{"before the order": -75, "to come": 35} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			_, err := b.db.Restored(t.Context(), time.Now().Add(-time.Minute), "anna")
			if err != nil {
				t.Fatal(err)
			}
			found := doorzet.Found{
				Receipt: doorzet.Receipt{RemoteID: "x", Total: 1210}, Kind: doorzet.KindInvoice, Currency: "EUR",
				Date: doorzet.DateOf(time.Now().AddDate(0, 0, days), time.UTC),
			}
			b.fake.Put("WC-7", found)
			id := b.due(t, bank(7, "processing", "12.10"))
			b.push(t, id)
			if r := b.is(t, id, doorzet.BookingRefused); !strings.Contains(r.Error, "another filing period") {
				t.Errorf("said %q", r.Error)
			}
		})
	}
}

// A worker from before the restore may be writing still: nobody looks into the books before it must have ended, and they settled.
func TestR9_noLookUpWhileAWorkerFromBeforeMayWrite(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"unknown", "due"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fake.Settling = 20 * time.Second
			id := b.due(t, order(7, "processing", "12.10"))
			_, err := b.db.Restored(t.Context(), time.Time{}, "anna")
			if err != nil {
				t.Fatal(err)
			}
			postgrestest.Exec(t, b.url, `UPDATE bookings SET state = $1`, state)
			for _, c := range []struct {
				ago   string
				finds int
			}{{"0", 0}, {"49 seconds", 0}, {"51 seconds", 1}} {
				postgrestest.Exec(t, b.url, `UPDATE installation SET restored_at = now() - CAST($1 AS interval)`, c.ago)
				b.later(t)
				b.push(t, id)
				if _, finds := b.fake.Asked(); finds != c.finds {
					t.Errorf("%s after the restore: looked up %d times, want %d", c.ago, finds, c.finds)
				}
			}
			b.is(t, id, doorzet.BookingBooked)
		})
	}
}

// Without knowing whether Postgres was restored the books are asked each time, and nothing else changes.
func TestAPushThatAlwaysAsksFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, order(7, "processing", "12.10"))
	p := b.pusher()
	p.AskAlways = true
	for range 2 {
		if err := p.Push(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	b.is(t, id, doorzet.BookingBooked)
	if creates, finds := b.fake.Asked(); creates != 1 || finds != 1 {
		t.Errorf("%d creates after %d look-ups", creates, finds)
	}
}

// A push that meets a restored Postgres does nothing and says so.
func TestPush_doesNothingInARestoredPostgres(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, order(7, "processing", "12.10"))
	swap := postgrestest.Backup(t, b.url)
	b.reconnect(t)
	b.push(t, b.due(t, order(8, "processing", "12.10")))
	b.knows(t)
	swap()
	b.reconnect(t)
	if err := b.pusher().Push(t.Context(), id); !errors.Is(err, doorzet.ErrRestored) {
		t.Errorf("ended with %v", err)
	}
	if creates, _ := b.fake.Asked(); creates != 1 {
		t.Errorf("%d creates", creates)
	}
}

// poisoned are books that break off in the middle.
type poisoned struct {
	*accountingtest.Fake
	after bool // the document was made
}

func (p poisoned) Create(ctx context.Context, doc doorzet.Document) (doorzet.Receipt, error) {
	if p.after {
		_, _ = p.Fake.Create(ctx, doc)
	}
	panic("out of range")
}

// A push that panics is again later, and what was being sent is looked up.
func TestPush_aPanicEndsAsAgainLater(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		poison func(b *bundle, p *push.Pusher)
		state  doorzet.BookingState
	}{
		{"while it is made", func(_ *bundle, p *push.Pusher) {
			p.Decode = func([]byte) (doorzet.ShopOrder, error) { panic("out of range") }
		}, doorzet.BookingDue},
		{"before it was sent", func(b *bundle, _ *push.Pusher) { b.books = poisoned{b.fake, false} }, doorzet.BookingUnknown},
		{"after it was sent", func(b *bundle, _ *push.Pusher) { b.books = poisoned{b.fake, true} }, doorzet.BookingUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.due(t, order(7, "processing", "12.10"))
			var last time.Duration
			for attempt := range 4 {
				p := b.pusher()
				c.poison(b, p)
				if err := p.Push(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				if c.state == doorzet.BookingUnknown && c.name == "after it was sent" && attempt > 0 {
					break // it was found
				}
				r := b.is(t, id, c.state)
				wait := time.Until(r.NextTry)
				if wait < 7*time.Second || wait < last*8/10 || attempt == 3 && wait < 3*time.Minute || !strings.Contains(r.Error, "Doorzet itself failed at this order (panic: out of range).") {
					t.Errorf("attempt %d: again in %s: %q", attempt+1, wait, r.Error)
				}
				last = wait
				b.later(t)
			}
			b.books = b.fake
			for range 2 {
				b.later(t)
				b.push(t, id)
			}
			b.is(t, id, doorzet.BookingBooked)
			if n := b.fake.Held("WC-7"); n != 1 {
				t.Errorf("%d documents", n)
			}
		})
	}
}
