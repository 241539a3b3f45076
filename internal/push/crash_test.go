package push_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/accounting/accountingtest"
	"github.com/doorzet/doorzet/internal/accounting/files"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/push"
)

// dying is a store under a worker that dies: from some call on, nothing reaches it any more.
type dying struct {
	*postgres.DB
	before bool // it dies before the send is recorded, else between that and the end
}

var errDead = errors.New("the worker is dead")

func (d dying) Send(ctx context.Context, c doorzet.Claim, doc doorzet.Document, booksID int64) error {
	if d.before {
		return errDead
	}
	return d.DB.Send(ctx, c, doc, booksID)
}

func (dying) RecordBooked(context.Context, doorzet.Claim, doorzet.Receipt, string) error {
	return errDead
}

func (dying) RecordUnknown(context.Context, doorzet.Claim, int, time.Duration, string) error {
	return errDead
}

// inFiles gives the bundle books of kind files in a folder.
func (b *bundle) inFiles(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	b.books = files.Books{Dir: dir}
	return dir
}

func TestAKilledWorkersPushIsTakenOver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		before bool
	}{{"before it sent", true}, {"between sending and recording", false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			dir := b.inFiles(t)
			id := b.due(t, order(7, "processing", "12.10"))
			p := b.pusher()
			p.Store = dying{b.db, c.before}
			if err := p.Push(t.Context(), id); !errors.Is(err, errDead) {
				t.Fatalf("the worker lives: %v", err)
			}
			b.push(t, id) // its claim holds
			if r := b.booking(t, id); r.State == doorzet.BookingBooked {
				t.Fatal("taken over while the claim held")
			}
			b.later(t)
			b.push(t, id)
			b.is(t, id, doorzet.BookingBooked)
			b.later(t)
			b.push(t, id)
			oneFile(t, dir)
		})
	}
}

func oneFile(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 1 || filepath.Base(names[0]) != "WC-7.xml" {
		t.Errorf("the folder holds %v, %v", names, err)
	}
}

// The folder cannot be written to: the booking is kept, and its file made later.
func TestAnExportThatFailsHoldsUpNoBooking(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.inFiles(t)
	b.books = files.Books{Dir: filepath.Join(dir, "folder")}
	if err := os.WriteFile(filepath.Join(dir, "folder"), nil, 0o600); err != nil { // a file stands where the folder would
		t.Fatal(err)
	}
	id := b.due(t, order(7, "processing", "12.10"))
	b.push(t, id)
	b.is(t, id, doorzet.BookingBooked)
	all, err := b.db.ExportsOf(t.Context(), b.shop.BooksID, 0, 10)
	if err != nil || len(all) != 1 || len(all[0].Content) == 0 || all[0].Name != "WC-7.xml" {
		t.Fatalf("kept for the folder: %+v, %v", all, err)
	}
	if err := os.Remove(filepath.Join(dir, "folder")); err != nil {
		t.Fatal(err)
	}
	if err := (files.Books{Dir: filepath.Join(dir, "folder")}).Export(all[0].Name, all[0].Content); err != nil {
		t.Fatal(err)
	}
	oneFile(t, filepath.Join(dir, "folder"))
}

// However many workers push, whatever the books do, and however often claims run out: one document.
func TestR9_manyWorkersMakeOneDocument(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const orders, workers, rounds = 12, 6, 6
	var ids []int64
	for n := range int64(orders) {
		ids = append(ids, b.due(t, order(100+n, "processing", "12.10")))
	}
	troubles := []accountingtest.Trouble{accountingtest.None, accountingtest.TimeOutAfterCommit, accountingtest.TimeOutBeforeCommit, accountingtest.Down}
	b.fake.Duplicates = true // books that do not refuse a second one
	for round := range rounds {
		b.fake.Make(troubles[round%len(troubles)])
		var all sync.WaitGroup
		for w := range workers {
			rng := rand.New(rand.NewPCG(uint64(round), uint64(w)))
			all.Go(func() {
				p := b.pusher()
				for range orders * 2 {
					if err := p.Push(context.Background(), ids[rng.IntN(orders)]); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		b.later(t)
	}
	b.fake.Make(accountingtest.None)
	for _, id := range ids {
		b.push(t, id)
		b.later(t)
		b.push(t, id)
		b.is(t, id, doorzet.BookingBooked)
	}
	for n := range orders {
		if held := b.fake.Held(fmt.Sprint("WC-", 100+n)); held != 1 {
			t.Errorf("order %d has %d documents", 100+n, held)
		}
	}
}

// A slow worker whose claim ran out in the books, and the one that took over: one document, also in books without a guard.
func TestR9_aSlowWorkerIsOvertaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fake.Duplicates = true
	id := b.due(t, order(7, "processing", "12.10"))
	slow := b.pusher()
	slow.Open = func(doorzet.Books) (push.Books, error) {
		return overtaken{b.fake, func() {
			b.later(t) // its claim runs out while the books answer
			b.push(t, id)
		}}, nil
	}
	if err := slow.Push(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	b.is(t, id, doorzet.BookingBooked)
	b.asked(t, 1, 1)
}

// overtaken are books whose answer comes after something else happened.
type overtaken struct {
	*accountingtest.Fake
	meanwhile func()
}

func (o overtaken) Create(ctx context.Context, doc doorzet.Document) (doorzet.Receipt, error) {
	r, err := o.Fake.Create(ctx, doc)
	o.meanwhile()
	return r, err
}
