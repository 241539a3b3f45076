package push

import (
	"context"
	"errors"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// adopt looks for the document's reference in the books. What stands there is ours only when it is the same document.
func (p *Pusher) adopt(ctx context.Context, books Books, doc doorzet.Document) (doorzet.Receipt, bool, error) {
	hit, found, err := find(ctx, books, doc.Reference)
	if err != nil || !found {
		return doorzet.Receipt{}, false, err
	}
	if err := doorzet.Adoptable(doc, hit); err != nil {
		return doorzet.Receipt{}, false, err
	}
	return hit.Receipt, true, nil
}

// find is the one document that the books hold under a reference.
func find(ctx context.Context, books Books, reference string) (hit doorzet.Found, found bool, err error) {
	hits, err := books.Find(ctx, reference)
	switch {
	case err != nil:
		return doorzet.Found{}, false, &doorzet.LaterError{Reason: "The books could not be asked for " + reference, Err: err}
	case len(hits) == 0:
		return doorzet.Found{}, false, nil
	case len(hits) > 1:
		return doorzet.Found{}, false, doorzet.Refused("The books hold %d documents under %s; a person must look.", len(hits), reference)
	}
	return hits[0], true, nil
}

// ask asks the books for a booking of which nothing is known to have been sent, before its order is judged: what is in the books
// already stays there, whatever the shop says of the order by now. What they hold is adopted when it is the document that would be
// made of the order; else a person must look.
func (p *Pusher) ask(ctx context.Context, job doorzet.PushJob, books Books) (doorzet.Receipt, bool, error) {
	if wait := p.unsettled(job, books, 1); wait > 0 {
		return doorzet.Receipt{}, false, &settlingError{0, wait}
	}
	hit, found, err := find(ctx, books, job.Reference)
	if err != nil || !found {
		return doorzet.Receipt{}, false, err
	}
	doc, err := p.composeAgain(ctx, job, hit)
	if err == nil {
		err = doorzet.Adoptable(doc, hit)
	}
	if refused, ok := errors.AsType[*doorzet.RefusedError](err); ok && !job.RestoredAt.IsZero() {
		return doorzet.Receipt{}, false, doorzet.Refused("%s Postgres was restored from a backup; this order was probably booked before that, and changed in the shop since. Correct %s in the books if that is needed, then ignore the order here.",
			refused.Reason, job.Reference)
	}
	if err != nil {
		return doorzet.Receipt{}, false, err
	}
	return hit.Receipt, true, nil
}

// forgot tells whether Postgres may have forgotten that the books have a booking.
func (p *Pusher) forgot(job doorzet.PushJob) bool { return !job.RestoredAt.IsZero() || p.AskAlways }

// unsettled is how long the books must settle before the nth look-up of a booking can be trusted. After a restore a worker from
// before it may be writing to them for as long as its claim would have lasted.
func (p *Pusher) unsettled(job doorzet.PushJob, books Books, nth int) time.Duration {
	since := job.SentAt
	if !job.RestoredAt.IsZero() && job.RestoredAt.Add(doorzet.ClaimLease).After(since) {
		since = job.RestoredAt.Add(doorzet.ClaimLease)
	}
	return since.Add(time.Duration(nth) * books.Settle()).Sub(p.Now())
}

// composeAgain makes the document of an order that the books have a document of, from a fresh answer of the shop that is not
// judged. After a restore it is not known any more on which day the first one was dated: an order that was not paid online has
// the day on which a chosen status was first seen, and may have been completed since. So any day from the order's creation to
// today is taken for right.
func (p *Pusher) composeAgain(ctx context.Context, job doorzet.PushJob, hit doorzet.Found) (doorzet.Document, error) {
	raw := job.Document
	if !p.isFresh(job) {
		look, err := p.read(ctx, job)
		if err != nil {
			return doorzet.Document{}, err
		}
		if look.Missing {
			return doorzet.Document{}, doorzet.Refused("The books hold a document %s, but the shop no longer has this order, so they cannot be compared.", job.Reference)
		}
		raw = look.Document
	}
	firstDue := job.DueAt
	possible := p.forgot(job) && p.possible(job, raw, hit.Date)
	if possible {
		firstDue = hit.Date.At(12, 0, job.Shop.Location())
	}
	doc, err := p.composeOf(ctx, job, raw, firstDue)
	var held *doorzet.HeldError
	switch {
	case errors.As(err, &held):
		return doc, doorzet.Refused("The books hold a document %s, but the order as it is now cannot be compared with it. %s", job.Reference, held.Reason)
	case errors.Is(err, doorzet.ErrNothingToBook):
		return doc, doorzet.Refused("The books hold a document %s, but there is nothing to book in the order as it is now.", job.Reference)
	}
	if possible {
		doc.Date = hit.Date
	}
	return doc, err
}

// possible tells whether a document of an order may have been dated on a day: not before the order, and not after today.
func (p *Pusher) possible(job doorzet.PushJob, raw []byte, day doorzet.Date) bool {
	order, err := p.Decode(raw)
	if err != nil {
		return false
	}
	zone := job.Shop.Location()
	return !day.Before(doorzet.DateOf(order.Created, zone)) && !doorzet.DateOf(p.Now(), zone).Before(day)
}

// due records that the books do not have a booking, which is due then as it was before the restore. While its shop is stopped it
// waits.
func (p *Pusher) due(ctx context.Context, job doorzet.PushJob) error {
	err := p.Store.RecordAbsent(ctx, job.Claim)
	switch {
	case errors.Is(err, doorzet.ErrLost), err == nil && job.Shop.Paused():
		return errSettled
	}
	return err
}
