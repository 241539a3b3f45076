package accountingtest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Trouble is what fake books do instead of what they are asked.
type Trouble string

// The troubles.
const (
	None                Trouble = ""
	Down                Trouble = "down"                   // no create and no look-up is answered
	Refusing            Trouble = "refusing"               // every create is refused for good
	TimeOutBeforeCommit Trouble = "time-out before commit" // a create holds nothing, and nobody hears so
	TimeOutAfterCommit  Trouble = "time-out after commit"  // a create holds the document, and nobody hears so
)

// errTimeOut is what a time-out looks like.
var errTimeOut = errors.New("no answer in time")

// Fake is books in memory. The zero value works and refuses a second document under one reference, as books with a guard
// do: with an unknown outcome, which leads to a look-up. It is safe for use by several goroutines.
type Fake struct {
	// Duplicates makes the books accept any number of documents under one reference.
	Duplicates bool
	// Settling is what Settle answers.
	Settling time.Duration

	mu        sync.Mutex
	trouble   Trouble
	times     int // how many creates are troubled still; -1 = all
	documents map[string][]doorzet.Found
	creates   int
	finds     int
}

// Make gives the books a trouble, until Make(None) takes it away.
func (f *Fake) Make(trouble Trouble) { f.set(trouble, -1) }

// MakeNext gives the books a trouble for the next n creates.
func (f *Fake) MakeNext(n int, trouble Trouble) { f.set(trouble, n) }

func (f *Fake) set(trouble Trouble, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trouble, f.times = trouble, n
}

// Create holds the document, unless the books are troubled.
func (f *Fake) Create(ctx context.Context, doc doorzet.Document) (doorzet.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return doorzet.Receipt{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.creates++
	trouble := f.next()
	switch trouble {
	case Down:
		return doorzet.Receipt{}, &doorzet.LaterError{After: time.Minute, Reason: "The books do not answer"}
	case Refusing:
		return doorzet.Receipt{}, doorzet.Refused("The books refuse %s: the ledger account is closed", doc.Reference)
	case TimeOutBeforeCommit:
		return doorzet.Receipt{}, &doorzet.UnknownError{Err: errTimeOut}
	case None, TimeOutAfterCommit:
	}
	if len(f.documents[doc.Reference]) > 0 && !f.Duplicates {
		return doorzet.Receipt{}, &doorzet.UnknownError{Err: errors.New("the reference exists already")}
	}
	r := f.hold(doc)
	if trouble == TimeOutAfterCommit {
		return doorzet.Receipt{}, &doorzet.UnknownError{Err: errTimeOut}
	}
	return r, nil
}

// next is the trouble of this create.
func (f *Fake) next() Trouble {
	switch {
	case f.times == 0:
		return None
	case f.times > 0:
		f.times--
	}
	return f.trouble
}

// hold stores a document.
func (f *Fake) hold(doc doorzet.Document) doorzet.Receipt {
	if f.documents == nil {
		f.documents = map[string][]doorzet.Found{}
	}
	n := 1
	for _, d := range f.documents {
		n += len(d)
	}
	r := doorzet.Receipt{RemoteID: strconv.Itoa(n), Number: "2026-" + strconv.Itoa(n), Total: doc.Total}
	f.documents[doc.Reference] = append(f.documents[doc.Reference], doorzet.Found{
		Receipt: r, Kind: doc.Kind, Date: doc.Date, Currency: doc.Currency, VAT: doc.VATByPercent(),
	})
	return r
}

// Find is what the books hold under a reference; an error when they are down.
func (f *Fake) Find(ctx context.Context, ref string) ([]doorzet.Found, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.finds++
	if f.trouble == Down && f.times != 0 {
		return nil, &doorzet.LaterError{After: time.Minute, Reason: "The books do not answer"}
	}
	return append([]doorzet.Found(nil), f.documents[ref]...), nil
}

// Settle is how long after an unknown outcome a look-up can be trusted.
func (f *Fake) Settle() time.Duration { return f.Settling }

// Put places a document in the books that was not made by a create, as a person or an earlier connection would.
func (f *Fake) Put(ref string, found doorzet.Found) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.documents == nil {
		f.documents = map[string][]doorzet.Found{}
	}
	f.documents[ref] = append(f.documents[ref], found)
}

// Held is how many documents the books hold under a reference.
func (f *Fake) Held(ref string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.documents[ref])
}

// Asked is how many creates and look-ups the books were asked for.
func (f *Fake) Asked() (creates, finds int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.creates, f.finds
}
