// Package push brings one booking into the books: claim, find or make, verify, record.
//
// It may be called any number of times for the same booking, by any number of workers: the claim in the store lets one of
// them work, and what was sent but never answered is looked up in the books before anything is sent again. It does not
// decide what is due, and it does not know any accounting system.
package push

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// createTimeout bounds one write to the books: well before the claim on it can end.
const createTimeout = doorzet.ClaimLease - 10*time.Second

// lookupsBeforeResend is how often an unknown booking must be absent from the books before it is sent again.
const lookupsBeforeResend = 2

// Books is one accounting system as a push needs it. Every adapter passes the suite of package accountingtest.
type Books interface {
	// Create makes a document under its reference. UnknownError: it may have been made. LaterError: it was surely not made,
	// try again. RefusedError: it was not made and never will be. Any other error counts as unknown.
	Create(ctx context.Context, doc doorzet.Document) (doorzet.Receipt, error)
	// Find returns what the books hold under a reference.
	Find(ctx context.Context, reference string) ([]doorzet.Found, error)
	// Settle is how long after a write its document is surely found, if it was made.
	Settle() time.Duration
}

// exporter is a Books that keeps a copy outside the store, made after the booking was recorded.
type exporter interface {
	Export(name string, content []byte) error
}

// endings are how a push ends.
type endings interface {
	RecordBooked(ctx context.Context, c doorzet.Claim, r doorzet.Receipt, text string) error
	RecordNothing(ctx context.Context, c doorzet.Claim) error
	RecordHeld(ctx context.Context, c doorzet.Claim, rule, why string) error
	RecordRefused(ctx context.Context, c doorzet.Claim, why string) error
	RecordLater(ctx context.Context, c doorzet.Claim, after time.Duration, why string) error
	RecordUnknown(ctx context.Context, c doorzet.Claim, lookups int, after time.Duration, why string) error
}

// store is where bookings live.
type store interface {
	endings
	ClaimPush(ctx context.Context, id int64) (doorzet.PushJob, error)
	RenewPush(ctx context.Context, c doorzet.Claim) error
	Release(ctx context.Context, c doorzet.Claim) error
	Send(ctx context.Context, c doorzet.Claim, doc doorzet.Document, booksID int64) error
	RecordAbsent(ctx context.Context, c doorzet.Claim) error
	ApplyLooks(ctx context.Context, a doorzet.LookContext, looks []doorzet.Look) ([]doorzet.Applied, error)
	Exported(ctx context.Context, bookingID int64) error
}

// Rates are a shop's tax rates by their ids.
type Rates struct {
	Countries map[int64]string
	Percents  map[int64]decimal.Decimal
}

// Pusher pushes bookings. All fields but AskAlways are needed; it is safe for concurrent use, and not to be copied.
type Pusher struct {
	Store store
	// Open gives the books of a connection.
	Open func(doorzet.Books) (Books, error)
	// Read asks the shop for an order. An order that the shop does not have is a Look that is Missing, no error.
	Read func(ctx context.Context, shop doorzet.Shop, wooID int64) (doorzet.Look, error)
	// Decode reads an order document.
	Decode func(document []byte) (doorzet.ShopOrder, error)
	// Rates asks the shop for its tax rates; used only for orders that do not name theirs.
	Rates func(ctx context.Context, shop doorzet.Shop) (Rates, error)
	// Keep renews a claim until stop is called, and cancels the context when it is lost.
	Keep func(ctx context.Context, renew func(context.Context) error) (kept context.Context, stop func())
	// Ended is told of each ended push, so that more of the shop's due bookings can be fetched.
	Ended func(ctx context.Context, shopID int64)
	// AskAlways says that the books are asked before every first create: it cannot be told whether Postgres was restored.
	AskAlways bool
	Now       func() time.Time
	Log       *slog.Logger

	reading reading
	resting resting
}

// errSettled means that what was found in between ended the push already.
var errSettled = errors.New("settled")

// Push makes sure that the books hold exactly one document for a booking. It returns an error only when nothing could be claimed
// (doorzet.ErrRestored: Postgres was restored, which must be recorded first) or the outcome could not be recorded; the booking's
// row tells the rest. A panic ends as again later.
func (p *Pusher) Push(ctx context.Context, bookingID int64) error {
	job, err := p.Store.ClaimPush(ctx, bookingID)
	if errors.Is(err, doorzet.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	kept, stop := p.Keep(ctx, func(ctx context.Context) error { return p.Store.RenewPush(ctx, job.Claim) })
	defer stop()
	receipt, err := p.survive(kept, job)
	stop()
	err = p.end(ctx, job, receipt, err)
	p.Ended(ctx, job.Shop.ID)
	return err
}

// survive is work, in which a panic is one more way to end: an order that causes one must not come back every half a minute.
func (p *Pusher) survive(ctx context.Context, job doorzet.PushJob) (r doorzet.Receipt, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v, stack: string(debug.Stack())}
		}
	}()
	return p.work(ctx, job)
}

// panicError means that a push broke off by a mistake of ours, perhaps in the middle of a write to the books.
type panicError struct {
	value any
	stack string
}

func (e *panicError) Error() string {
	return fmt.Sprintf("Doorzet itself failed at this order (panic: %v).", e.value)
}

// work does what the booking needs and returns what the books hold, or how it ended otherwise.
func (p *Pusher) work(ctx context.Context, job doorzet.PushJob) (doorzet.Receipt, error) {
	books, err := p.Open(job.Books)
	if err != nil {
		return doorzet.Receipt{}, err
	}
	unknown := job.State == doorzet.BookingUnknown
	switch {
	case unknown && job.Frozen != nil:
		return p.lookUp(ctx, job, books)
	case unknown && job.RestoredAt.IsZero():
		return doorzet.Receipt{}, doorzet.Refused("It is not known whether the books have this order, and what was sent was not kept. Look for %s in the books.", job.Reference)
	case unknown, job.AskFirst, p.AskAlways:
		if r, found, err := p.ask(ctx, job, books); err != nil || found {
			return r, err
		}
	}
	if unknown { // because of a restore: the books do not have it, so it is what it was
		if err := p.due(ctx, job); err != nil {
			return doorzet.Receipt{}, err
		}
	}
	doc, err := p.compose(ctx, job)
	if err != nil {
		return doorzet.Receipt{}, err
	}
	return p.create(ctx, job, books, doc)
}

// create claims the create and writes to the books. From the claim on, an answer that did not come is an unknown outcome.
func (p *Pusher) create(ctx context.Context, job doorzet.PushJob, books Books, doc doorzet.Document) (doorzet.Receipt, error) {
	if err := p.Store.Send(ctx, job.Claim, doc, job.Books.ID); err != nil {
		if errors.Is(err, doorzet.ErrLost) {
			return doorzet.Receipt{}, errSettled
		}
		return doorzet.Receipt{}, &doorzet.UnknownError{Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	receipt, err := books.Create(ctx, doc)
	var later *doorzet.LaterError
	var refused *doorzet.RefusedError
	var unknown *doorzet.UnknownError
	switch {
	case err == nil && receipt.Total != doc.Total:
		return doorzet.Receipt{}, doorzet.Refused("The books made %s of %s %s; the order says %s. Correct it in the books.", receipt.RemoteID, doc.Currency, receipt.Total, doc.Total)
	case err == nil, errors.As(err, &later), errors.As(err, &refused), errors.As(err, &unknown):
		return receipt, err
	}
	return doorzet.Receipt{}, &doorzet.UnknownError{Err: err}
}

// lookUp finds out what became of a document whose answer never came. Only when the books did not have it twice, each time
// after they settled, it is sent again: the frozen document, whatever the shop says since.
func (p *Pusher) lookUp(ctx context.Context, job doorzet.PushJob, books Books) (doorzet.Receipt, error) {
	for lookups := job.Lookups; lookups < lookupsBeforeResend; lookups++ {
		if wait := p.unsettled(job, books, lookups+1); wait > 0 {
			return doorzet.Receipt{}, &settlingError{lookups, wait}
		}
		if r, found, err := p.adopt(ctx, books, *job.Frozen); err != nil || found {
			return r, err
		}
	}
	return p.create(ctx, job, books, *job.Frozen)
}

// settlingError means that the next look-up must wait until the books have settled.
type settlingError struct {
	lookups int
	wait    time.Duration
}

func (e *settlingError) Error() string { return "waiting for the books to settle" }

// end records how a push ended. It does so also when the process is told to stop.
func (p *Pusher) end(ctx context.Context, job doorzet.PushJob, receipt doorzet.Receipt, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	log := p.Log.With("shop", job.Shop.ID, "order", job.WooID, "booking", job.Claim.BookingID)
	if err == nil {
		return p.booked(ctx, log, job, receipt)
	}
	recorded := p.record(ctx, job, err)
	if errors.Is(recorded, doorzet.ErrLost) {
		log.Warn("a push was taken over by another worker", "ended", err.Error())
		return nil
	}
	if recorded != nil {
		return fmt.Errorf("record that %s ended with %q: %w", job.Reference, err.Error(), recorded)
	}
	if broke, ok := errors.AsType[*panicError](err); ok {
		log.Error("a push broke off", "reference", job.Reference, "why", err.Error(), "stack", broke.stack)
	} else if !errors.Is(err, errSettled) && !errors.Is(err, errCrowded) {
		log.Info("not pushed", "reference", job.Reference, "why", err.Error())
	}
	return nil
}

func (p *Pusher) booked(ctx context.Context, log *slog.Logger, job doorzet.PushJob, r doorzet.Receipt) error {
	err := p.Store.RecordBooked(ctx, job.Claim, r, "In the books as "+job.Reference+", "+r.Total.String()+".")
	if errors.Is(err, doorzet.ErrLost) {
		log.Warn("a push was taken over by another worker after it was made; that one looks it up")
		return nil
	}
	if err != nil {
		return fmt.Errorf("record that %s is in the books: %w", job.Reference, err)
	}
	log.Info("pushed", "reference", job.Reference, "total", r.Total.String())
	if err := p.export(ctx, job, r); err != nil {
		log.Error("the booking is kept, its file is not in the folder yet", "error", err)
	}
	return nil
}

func (p *Pusher) export(ctx context.Context, job doorzet.PushJob, r doorzet.Receipt) error {
	if r.Content == nil {
		return nil
	}
	books, err := p.Open(job.Books)
	if err != nil {
		return err
	}
	e, ok := books.(exporter)
	if !ok {
		return nil
	}
	if err := e.Export(r.RemoteID, r.Content); err != nil {
		return err
	}
	return p.Store.Exported(ctx, job.Claim.BookingID)
}

// record turns an error into one of the endings: again later, unknown, refused or held, nothing to book.
func (p *Pusher) record(ctx context.Context, job doorzet.PushJob, err error) error {
	var (
		held    *doorzet.HeldError
		refused *doorzet.RefusedError
		unknown *doorzet.UnknownError
		until   *settlingError
		later   *doorzet.LaterError
		broke   *panicError
	)
	switch {
	case errors.Is(err, errSettled):
		return p.Store.Release(ctx, job.Claim)
	case errors.Is(err, errCrowded) && job.State == doorzet.BookingUnknown:
		return p.Store.RecordUnknown(ctx, job.Claim, job.Lookups, crowdedPause(), "Other orders of the shop are read first.")
	case errors.Is(err, errCrowded):
		return p.Store.RecordLater(ctx, job.Claim, crowdedPause(), "Other orders of the shop are read first.")
	case errors.As(err, &broke):
		// What was being sent is unknown; what was not is only put off.
		return p.Store.RecordUnknown(ctx, job.Claim, 0, backoff(job.Attempts), broke.Error())
	case errors.Is(err, doorzet.ErrNothingToBook):
		return p.Store.RecordNothing(ctx, job.Claim)
	case errors.As(err, &held):
		return p.Store.RecordHeld(ctx, job.Claim, held.Rule, held.Reason)
	case errors.As(err, &refused):
		return p.Store.RecordRefused(ctx, job.Claim, refused.Reason)
	case errors.As(err, &until):
		return p.Store.RecordUnknown(ctx, job.Claim, until.lookups, until.wait, "Waiting for the books before looking it up.")
	case errors.As(err, &unknown):
		pause := time.Duration(0) // it is looked up as soon as the books have settled
		if job.State == doorzet.BookingUnknown {
			pause = backoff(job.Attempts) // it was sent again, and again there is no answer
		}
		return p.Store.RecordUnknown(ctx, job.Claim, 0, pause, "The books did not answer: "+unknown.Err.Error()+".")
	case errors.As(err, &later) && job.State == doorzet.BookingUnknown:
		// What was sent once is finished as it was frozen, however often the books are down meanwhile.
		return p.Store.RecordUnknown(ctx, job.Claim, job.Lookups, max(later.After, backoff(job.Attempts)), later.Error())
	case errors.As(err, &later):
		return p.Store.RecordLater(ctx, job.Claim, max(later.After, backoff(job.Attempts)), later.Error())
	}
	return p.Store.RecordLater(ctx, job.Claim, backoff(job.Attempts), err.Error())
}

// backoff is how long to wait before the next attempt: 10 s, then three times as long each time, at most an hour, give or
// take a fifth so that many do not come at once.
func backoff(attempts int) time.Duration {
	wait := 10 * time.Second
	for range min(max(attempts-1, 0), 6) {
		wait *= 3
	}
	wait = min(wait, time.Hour)
	return wait + time.Duration((rand.Float64()-0.5)*0.4*float64(wait))
}
