package push

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// compose makes the document of an order from what the shop's REST API answered within the last 15 minutes.
func (p *Pusher) compose(ctx context.Context, job doorzet.PushJob) (doorzet.Document, error) {
	raw, err := p.fresh(ctx, job)
	if err != nil {
		return doorzet.Document{}, err
	}
	return p.composeOf(ctx, job, raw, job.DueAt)
}

// composeOf makes the document of what the shop answered about an order. firstDue is when a chosen status was first seen.
func (p *Pusher) composeOf(ctx context.Context, job doorzet.PushJob, raw []byte, firstDue time.Time) (doorzet.Document, error) {
	if raw == nil {
		return doorzet.Document{}, doorzet.Held("4.1 step 1", "The shop answers this order without its lines, shipping, fees, taxes or address; a plugin probably takes them away. Look at the order in the shop, or book it by hand.")
	}
	order, err := p.Decode(raw)
	if err != nil {
		return doorzet.Document{}, doorzet.Held("4.1 step 1", "The shop's answer about this order cannot be read: %s. Look at the order in the shop, or book it by hand.", err.Error())
	}
	in := doorzet.ComposeInput{
		Seller: job.Books.Seller, Zone: job.Shop.Location(), Reference: job.Reference, FirstDue: firstDue,
	}
	if !namesItsRates(order) {
		rates, err := p.Rates(ctx, job.Shop)
		if err != nil && !refuses(err) {
			return doorzet.Document{}, shopTrouble("The shop could not be asked for its tax rates", err)
		}
		in.RateCountries, in.RatePercents = rates.Countries, rates.Percents
	}
	return doorzet.Compose(order, in)
}

var rateOfCountry = regexp.MustCompile(`^[A-Z]{2}-`)

// namesItsRates tells whether an order says of each of its rates how high it is and of which country.
func namesItsRates(o doorzet.ShopOrder) bool {
	for _, t := range o.TaxLines {
		if !t.HasPercent || !rateOfCountry.MatchString(t.RateCode) {
			return false
		}
	}
	return true
}

// refuses tells whether a shop answers, but not to our key: the order is held then, by what it does not say itself.
func refuses(err error) bool {
	var t *doorzet.ShopError
	return errors.As(err, &t) && (t.Kind == doorzet.ShopDenied || t.Kind == doorzet.ShopRefused || t.Status == 404)
}

// fresh is the order's document, read again when it is older than doorzet.FreshFor. An order that was read again is judged
// again (R1); when that ended the push, the error is errSettled.
func (p *Pusher) fresh(ctx context.Context, job doorzet.PushJob) ([]byte, error) {
	if p.isFresh(job) {
		return job.Document, nil
	}
	look, err := p.read(ctx, job)
	if err != nil {
		return nil, err
	}
	since := doorzet.WindowSince(p.Now(), job.Shop.Location(), job.Shop.WebhooksOn)
	applied, err := p.Store.ApplyLooks(ctx, doorzet.LookContext{Shop: job.Shop, Since: since, Actor: "push"}, []doorzet.Look{look})
	if err != nil {
		return nil, err
	}
	for _, a := range applied {
		switch a.Verdict.Move {
		case doorzet.Withdraw, doorzet.Gone, doorzet.Conflict:
			return nil, errSettled
		case doorzet.Stay, doorzet.MakeDue, doorzet.Expire, doorzet.Reopen, doorzet.Missing:
		}
	}
	if look.Missing {
		return nil, &doorzet.LaterError{After: doorzet.GoneAfter, Reason: "The shop says that it has no such order; it is asked again in a day."}
	}
	return look.Document, nil
}

// isFresh tells whether an invoice may be made of the document that is stored.
func (p *Pusher) isFresh(job doorzet.PushJob) bool {
	return job.Document != nil && p.Now().Sub(job.ReadAt) <= doorzet.FreshFor
}

// read asks the shop for the order, unless the shop is left alone.
func (p *Pusher) read(ctx context.Context, job doorzet.PushJob) (doorzet.Look, error) {
	give, err := p.reading.take(ctx, job.Shop.ID)
	if err != nil {
		return doorzet.Look{}, err
	}
	defer give()
	rests, err := p.resting.ask(job.Shop.ID, p.Now())
	if err != nil {
		return doorzet.Look{}, err
	}
	look, err := p.Read(ctx, job.Shop, job.WooID)
	p.resting.saw(job.Shop.ID, rests, p.Now(), err)
	if err != nil {
		err = shopTrouble("The shop could not be asked for the order", err)
	}
	return look, err
}

// shopTrouble is a shop's trouble as a reason to try again, not before the shop said so.
func shopTrouble(what string, err error) error {
	later := &doorzet.LaterError{Reason: what, Err: err}
	if trouble, ok := errors.AsType[*doorzet.ShopError](err); ok {
		later.After = trouble.RetryAfter
		later.Reason, later.Err = what+": "+trouble.Error(), nil
	}
	return later
}
