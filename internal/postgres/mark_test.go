package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
)

// process is one more process on the same database, which knows a mark.
func (b *bundle) process(t *testing.T, known doorzet.Mark) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(b.url, postgrestest.Keys(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.Know(known)
	return db
}

func mark(t *testing.T, db *postgres.DB) doorzet.Mark {
	t.Helper()
	m, err := db.Mark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// backup keeps the database; what restores it also connects the test anew.
func (b *bundle) backup(t *testing.T) (restore func()) {
	t.Helper()
	swap := postgrestest.Backup(t, b.url)
	b.reconnect(t)
	return func() {
		t.Helper()
		swap()
		b.reconnect(t)
	}
}

// reconnect lets the pools find out that their connections are gone.
func (b *bundle) reconnect(t *testing.T) {
	t.Helper()
	for range 20 {
		if errors.Join(b.raw.PingContext(t.Context()), b.db.Ping(t.Context())) == nil {
			return
		}
	}
	t.Fatal("no connection")
}

// The mark is the newest committed entry: nothing that is rolled back, or not committed yet, is ever seen.
func TestMark_isWhatIsCommitted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := mark(t, b.db)
	if want := one[int64](t, b, `SELECT max(id) FROM events`); first.Entry != want || first.At.IsZero() || !first.Restored.IsZero() {
		t.Errorf("the mark is %+v, the newest entry %d", first, want)
	}
	if _, err := b.db.Rehearsal().ApplyLooks(t.Context(), b.context(), []doorzet.Look{look(1, "processing", 0)}); err != nil {
		t.Fatal(err)
	}
	tx := b.raw.MustBeginTx(t.Context(), nil)
	tx.MustExec(`INSERT INTO events (shop_id, actor, kind, text) VALUES ($1, 'test', 'test', '')`, b.shop.ID)
	if got := mark(t, b.db); got != first {
		t.Errorf("what is not committed makes the mark %+v", got)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if got := mark(t, b.db); got != first {
		t.Errorf("what was rolled back makes the mark %+v", got)
	}
	job := b.claim(t, b.due(t, 1))
	if got := mark(t, b.db); !got.Newer(first) {
		t.Errorf("after an entry the mark is %+v", got)
	}
	if err := b.db.RecordRefused(t.Context(), job.Claim, "no"); err != nil {
		t.Fatal(err)
	}
}

// However a Postgres that lost entries goes on, it is noticed: by whoever saw one of them.
func TestARestoredPostgresIsNoticed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		since func(t *testing.T, b *bundle)
	}{
		{"at once", func(*testing.T, *bundle) {}},
		{"its entries have the same ids again", func(t *testing.T, b *bundle) {
			t.Helper()
			b.exec(t, `INSERT INTO events (shop_id, actor, kind, text) SELECT $1, 'test', 'test', '' FROM generate_series(1, 500)`, b.shop.ID)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.due(t, 1)
			restore := b.backup(t)
			b.due(t, 2)
			known := mark(t, b.db)
			restore()
			c.since(t, b)
			before := b.content(t)
			if _, err := b.db.Mark(t.Context()); !errors.Is(err, doorzet.ErrRestored) {
				t.Errorf("the mark: %v", err)
			}
			if _, err := b.db.ClaimPush(t.Context(), id); !errors.Is(err, doorzet.ErrRestored) {
				t.Errorf("the claim: %v", err)
			}
			if after := b.content(t); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
			other := b.process(t, known)
			if _, mine, err := b.db.RecordRestored(t.Context()); err != nil || !mine {
				t.Fatalf("recorded: %t, %v", mine, err)
			}
			if _, mine, err := other.RecordRestored(t.Context()); err != nil || mine {
				t.Errorf("recorded again by another: %t, %v", mine, err)
			}
			for _, db := range []*postgres.DB{b.db, other} {
				if m := mark(t, db); m.Restored.IsZero() {
					t.Errorf("the mark after it: %+v", m)
				}
			}
			// A process that has seen nothing since still claims nothing that is not asked for first.
			late := b.process(t, known)
			b.exec(t, `UPDATE bookings SET next_try_at = now()`)
			if job, err := late.ClaimPush(t.Context(), id); err != nil || job.RestoredAt.IsZero() || job.State != doorzet.BookingUnknown {
				t.Errorf("a late process claims %+v, %v", job, err)
			}
			if restore(); one[bool](t, b, `SELECT restored_at IS NOT NULL FROM installation`) {
				t.Fatal("the backup holds the restore")
			}
			if _, err := b.db.Mark(t.Context()); !errors.Is(err, doorzet.ErrRestored) {
				t.Errorf("restored once more from the same backup: %v", err)
			}
		})
	}
}

// A worker knows at once of the pushes that it ended itself.
func TestARestoredPostgresIsNoticedByWhoPushedLast(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, other := b.due(t, 1), b.due(t, 2)
	restore := b.backup(t)
	if err := b.db.RecordRefused(t.Context(), b.claim(t, id).Claim, "no"); err != nil {
		t.Fatal(err)
	}
	restore()
	if _, err := b.db.ClaimPush(t.Context(), other); !errors.Is(err, doorzet.ErrRestored) {
		t.Errorf("the claim: %v", err)
	}
}

func TestARestoreThatLostNothingIsNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.due(t, 1)
	known := mark(t, b.db)
	restore := b.backup(t)
	restore()
	if got := mark(t, b.db); got != known {
		t.Errorf("the mark is %+v, it was %+v", got, known)
	}
	if _, mine, err := b.db.RecordRestored(t.Context()); err != nil || mine {
		t.Errorf("recorded: %t, %v", mine, err)
	}
	b.claim(t, id)
}

// Of many processes that find it at the same time one records it.
func TestRecordRestored_once(t *testing.T) {
	t.Parallel()
	b := setup(t)
	restore := b.backup(t)
	b.due(t, 2)
	known := mark(t, b.db)
	restore()
	mine := make(chan bool, 8)
	together(t, 8, func(int) error {
		_, recorded, err := b.process(t, known).RecordRestored(t.Context())
		mine <- recorded
		return err
	})
	close(mine)
	n := 0
	for recorded := range mine {
		if recorded {
			n++
		}
	}
	if entries := one[int](t, b, `SELECT count(*) FROM events WHERE kind = 'restored'`); n != 1 || entries != 1 {
		t.Errorf("%d recorded it, the journal has %d entries", n, entries)
	}
}

// Whoever knows of a later restore than Postgres does has seen that one being lost, whatever the clocks say.
func TestRecordRestored_isLaterThanWhatIsKnown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ahead := time.Now().Add(time.Hour).Truncate(time.Microsecond)
	b.db.Know(doorzet.Mark{Entry: 1000, At: time.Now(), Restored: ahead})
	r, mine, err := b.db.RecordRestored(t.Context())
	if err != nil || !mine || !r.At.After(ahead) {
		t.Errorf("recorded at %s, %t, %v; known was %s", r.At, mine, err, ahead)
	}
	mark(t, b.db)
}

// The token of a claim from before a restore never comes again: not for the same row, and not for another one with its id.
func TestTokensDoNotComeAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	restore := b.backup(t)
	old := b.claim(t, b.due(t, 1))
	night, err := b.db.AskNight(t.Context(), b.shop, "test")
	if err != nil {
		t.Fatal(err)
	}
	oldNight, err := b.db.ClaimNight(t.Context(), night)
	if err != nil {
		t.Fatal(err)
	}
	restore()
	if _, _, err := b.db.RecordRestored(t.Context()); err != nil {
		t.Fatal(err)
	}
	if id := b.due(t, 2); id != old.Claim.BookingID {
		t.Fatalf("the booking has id %d, the lost one had %d", id, old.Claim.BookingID)
	}
	job := b.claim(t, old.Claim.BookingID)
	if night, err = b.db.AskNight(t.Context(), b.shop, "test"); err != nil || night != oldNight.ID {
		t.Fatalf("the night has id %d, %v; the lost one had %d", night, err, oldNight.ID)
	}
	if _, err := b.db.ClaimNight(t.Context(), night); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"send":   b.db.Send(t.Context(), old.Claim, document("WC-1"), old.Books.ID),
		"booked": b.db.RecordBooked(t.Context(), old.Claim, doorzet.Receipt{RemoteID: "x"}, ""),
		"renew":  b.db.RenewPush(t.Context(), old.Claim), "night": b.db.SaveNight(t.Context(), oldNight),
	} {
		if !errors.Is(err, doorzet.ErrLost) {
			t.Errorf("%s with a claim from before the restore: %v, want ErrLost", what, err)
		}
	}
	if err := b.db.AllExported(t.Context(), []int64{old.Claim.BookingID}); err != nil || one[bool](t, b, `SELECT exported_at IS NOT NULL FROM bookings`) {
		t.Errorf("what was exported before the restore counts for another booking: %v", err)
	}
	if err := b.db.Send(t.Context(), job.Claim, document("WC-2"), job.Books.ID); err != nil {
		t.Errorf("the holder of now cannot send: %v", err)
	}
}
