package reconcile

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// look is step 3: every open order of the window, and outside the count the last look of those that left it and the held ones.
func (w *work) look(ctx context.Context) error {
	if w.n.Strategy == doorzet.OneByOne {
		return w.oneByOne(ctx)
	}
	if w.n.Step == doorzet.StepBulk {
		if err := w.bulk(ctx); err != nil {
			return err
		}
		if err := w.next(ctx, doorzet.StepRemainder); err != nil {
			return err
		}
	}
	return w.remainder(ctx)
}

// oneByOne is R5: one request for each order.
func (w *work) oneByOne(ctx context.Context) error {
	inside, outside, err := w.toLookAt(ctx)
	if err != nil {
		return err
	}
	w.n.Done, w.n.Todo = 0, len(inside)+len(outside)
	if err := w.singles(ctx, inside); err != nil {
		return err
	}
	if len(outside) >= doorzet.BulkFrom { // after the window narrowed it may be thousands
		return w.batches(ctx, outside)
	}
	return w.singles(ctx, outside)
}

// toLookAt is what is still to be looked at tonight. A rehearsal leaves no marks in the rows, so it remembers by itself.
func (w *work) toLookAt(ctx context.Context) (inside, outside []int64, err error) {
	err = w.share.turn(ctx, func() (err error) {
		inside, outside, err = w.r.Store.ToLookAt(ctx, w.shop, w.n.ID, w.n.Since)
		return err
	})
	seen := func(id int64) bool { return w.rehearsed[id] }
	return slices.DeleteFunc(inside, seen), slices.DeleteFunc(outside, seen), err
}

// singles asks for orders one by one, two at the same time, and records each answer at once. When the slot is over, what was
// asked is still recorded.
func (w *work) singles(ctx context.Context, ids []int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var troubles atomic.Int32
	next := make(chan int64)
	var done sync.WaitGroup
	for range callsAtOnce {
		done.Go(func() {
			for id := range next {
				if err := w.whatever(func() error { return w.single(ctx, id, &troubles) }); err != nil {
					cancel(err)
				}
			}
		})
	}
	var over error
	for _, id := range ids {
		if over = w.slot(); over != nil || ctx.Err() != nil {
			break
		}
		next <- id
	}
	close(next)
	done.Wait()
	return cmp.Or(context.Cause(ctx), over)
}

// single looks at one order. One that cannot be read does not hold up the others, unless many in a row fail.
func (w *work) single(ctx context.Context, id int64, troubles *atomic.Int32) error {
	select {
	case <-ctx.Done():
		return nil // who cancelled knows why
	default:
	}
	look, err := w.woo.Look(ctx, doorzet.ByNight, id)
	if err != nil {
		if stops(err) || ctx.Err() != nil || troubles.Add(1) >= troublesInARow {
			return err
		}
		w.unread(Bad{id, words(err)})
		w.progress(1)
		return w.save(ctx, false)
	}
	troubles.Store(0)
	if err := w.apply(ctx, true, []doorzet.Look{look}); err != nil {
		return err
	}
	w.progress(1)
	return w.save(ctx, false)
}

func (w *work) progress(n int) {
	w.mu.Lock()
	w.n.Done += n
	w.mu.Unlock()
}

// stops tells whether a shop's trouble makes further questions useless for now.
func stops(err error) bool {
	var t *doorzet.ShopError
	if !errors.As(err, &t) {
		return true
	}
	switch t.Kind {
	case doorzet.ShopDenied, doorzet.ShopBlocked, doorzet.ShopBusy, doorzet.ShopUnsafe, doorzet.ShopRedirect:
		return true
	case doorzet.ShopDown, doorzet.ShopStrange, doorzet.ShopRefused:
	}
	return false
}

// bulk is R6: all orders that have a chosen status from the last 14 days, page by page; those that were open are looked at.
func (w *work) bulk(ctx context.Context) error {
	inside, outside, err := w.toLookAt(ctx)
	if err != nil {
		return err
	}
	open := make(map[int64]bool, len(inside)+len(outside))
	for _, id := range slices.Concat(inside, outside) {
		open[id] = true
	}
	from := w.n.StartedAt.Add(-doorzet.BulkLookback)
	q := Query{Statuses: w.shop.Statuses, Full: true, FromRow: w.n.Rows}
	if doorzet.ModifiedFilter(w.shop.WooVersion) {
		q.ModifiedAfter = from.Add(-time.Second) // the shop's comparison is strict, its times are whole seconds
	} else {
		q.CreatedAfter = from.Add(-time.Second)
	}
	if w.n.Rows == listDone {
		return nil
	}
	each := func(p Page) error {
		return w.page(ctx, p, true, func(l doorzet.Look) bool { return open[l.WooID] })
	}
	_, err = w.woo.List(ctx, doorzet.ByNight, q, each)
	if refusedStatus(err) {
		if q.Statuses, err = w.knownStatuses(ctx); err != nil || len(q.Statuses) == 0 {
			return err
		}
		_, err = w.woo.List(ctx, doorzet.ByNight, q, each)
	}
	return err
}

// listDone is the Rows of a night whose list was read to its end: it is not asked for more.
const listDone = -1

// page records the looks of one page that are wanted, and how far the list is.
func (w *work) page(ctx context.Context, p Page, marks bool, want func(doorzet.Look) bool) error {
	for _, bad := range p.Bad {
		w.unread(bad)
	}
	looks := slices.DeleteFunc(slices.Clone(p.Looks), func(l doorzet.Look) bool { return !want(l) })
	if err := w.apply(ctx, marks, looks); err != nil {
		return err
	}
	w.n.Rows, w.n.Done, w.n.Todo = p.Rows, p.Rows, p.Total
	if p.Rows >= p.Total {
		w.n.Rows = listDone
	}
	if err := w.save(ctx, true); err != nil {
		return err
	}
	return w.slot()
}

// refusedStatus tells whether a shop refused a list because it does not know a status of it.
func refusedStatus(err error) bool {
	var t *doorzet.ShopError
	return errors.As(err, &t) && t.Kind == doorzet.ShopRefused && slices.Contains(t.Params, "status")
}

// knownStatuses are the chosen statuses that the shop knows. One it does not know makes it refuse the whole list.
func (w *work) knownStatuses(ctx context.Context) ([]string, error) {
	known, err := w.woo.Statuses(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, s := range w.shop.Statuses {
		if slices.Contains(known, s) {
			out = append(out, s)
			continue
		}
		w.note("Status %s is chosen, but the shop no longer knows it (a plugin that was switched off?).", s)
	}
	return out, nil
}

// remainder is R7: the open orders that the bulk fetch did not answer, in batches by id, oldest look first, within the budget.
// When it is off, only what is looked at outside the count remains.
func (w *work) remainder(ctx context.Context) error {
	inside, outside, err := w.toLookAt(ctx)
	if err != nil {
		return err
	}
	if !w.shop.Remainder {
		inside = nil
	}
	if budget := doorzet.RemainderBudget * doorzet.BatchSize; len(inside) > budget {
		w.note("%d open orders were not looked at: a night checks %d of them beyond the bulk fetch, oldest look first.", len(inside)-budget, budget)
		inside = inside[:budget]
	}
	ids := slices.Concat(inside, outside)
	w.n.Done, w.n.Todo = 0, len(ids)
	return w.batches(ctx, ids)
}

// batches looks at orders by id, a hundred at a time. Those that now have a chosen status are asked for once more, whole.
func (w *work) batches(ctx context.Context, ids []int64) error {
	var chosen []int64
	for batch := range slices.Chunk(ids, doorzet.BatchSize) {
		found, err := w.batch(ctx, batch)
		if errors.Is(err, errNoList) {
			w.note("The shop answered a list by id without orders that it has (a cache or a plugin in between?). Nothing was concluded from it; what the night did not look at by other ways stays as it is.")
			return nil
		}
		if err != nil {
			return err
		}
		chosen = append(chosen, found...)
		w.progress(len(batch))
		if len(chosen) >= doorzet.BatchSize {
			if err := w.whole(ctx, chosen[:doorzet.BatchSize]); err != nil {
				return err
			}
			chosen = chosen[doorzet.BatchSize:]
		}
		if err := w.save(ctx, true); err != nil {
			return err
		}
		if err := w.slot(); err != nil {
			return err
		}
	}
	if len(chosen) == 0 {
		return nil
	}
	return w.whole(ctx, chosen)
}

// batch looks at up to a hundred orders and returns those that now have a chosen status: they are not recorded yet.
func (w *work) batch(ctx context.Context, ids []int64) (chosen []int64, err error) {
	left := slices.Clone(ids)
	var looks []doorzet.Look
	take := func(wooID int64) bool {
		n := len(left)
		left = slices.DeleteFunc(left, func(id int64) bool { return id == wooID })
		return len(left) < n
	}
	_, err = w.woo.List(ctx, doorzet.ByNight, Query{Include: ids}, func(p Page) error {
		for _, bad := range p.Bad {
			w.unread(bad)
			take(bad.WooID)
		}
		for _, l := range p.Looks {
			switch {
			case !take(l.WooID):
			case w.shop.Chosen(l.Status):
				chosen = append(chosen, l.WooID)
			default:
				looks = append(looks, l)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		_, err = w.woo.List(ctx, doorzet.ByNight, Query{Include: left, Statuses: []string{"trash"}}, func(p Page) error {
			looks = append(looks, slices.DeleteFunc(p.Looks, func(l doorzet.Look) bool { return !take(l.WooID) })...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if err := w.apply(ctx, true, looks); err != nil {
		return nil, err
	}
	return chosen, w.missing(ctx, left, len(left) == len(ids))
}

// missing looks for orders that no list answered. A list is no proof: they may be of a status that the shop no longer
// registers. Only the answer to a question for the single order says that it is gone. When a list left out everything that
// it was asked for, a few of the orders are asked for first: if the shop has them, its lists by id are not to be trusted.
func (w *work) missing(ctx context.Context, ids []int64, all bool) error {
	const probes = 3
	if all && len(ids) > probes {
		for _, id := range ids[:probes] {
			look, err := w.woo.Look(ctx, doorzet.ByNight, id)
			if err != nil {
				return err
			}
			if !look.Missing && listed(look.Status) {
				return errNoList
			}
		}
	}
	return w.singles(ctx, ids)
}

// errNoList means that a shop's lists by id leave out orders that it has.
var errNoList = errors.New("the shop's lists by id leave out orders that it has")

// listed tells whether a list of every status must have held an order with this one: a status of WooCommerce's own.
func listed(status string) bool {
	switch status {
	case "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed":
		return true
	}
	return false
}

// whole asks once more for orders of which only a few fields were read, and records what it says.
func (w *work) whole(ctx context.Context, ids []int64) error {
	_, err := w.woo.List(ctx, doorzet.ByNight, Query{Include: ids, Full: true}, func(p Page) error {
		for _, bad := range p.Bad {
			w.unread(bad)
		}
		return w.apply(ctx, true, p.Looks)
	})
	return err
}
