package reconcile

import (
	"context"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// importOrders is step 4: it stores orders not seen before and applies newer states of known ones. What is first seen here is
// judged here. It asks for what was modified since the start of the last finished import, an hour overlapping; the first time,
// and once a week besides, for every order since the start date: the start date is all that limits the import.
//
// An import that was answered with no order at all does not count as finished: the shop may just have failed to look. The next
// one asks from where this one did.
func (w *work) importOrders(ctx context.Context) error {
	first := w.shop.ImportedAt.IsZero()
	answered, resumed := true, w.n.Step != doorzet.StepImport || w.n.Rows != 0
	if w.n.Step == doorzet.StepImport {
		if err := w.again(ctx); err != nil {
			return err
		}
		var err error
		if answered, err = w.list(ctx, w.changed(first), everyLook); err != nil {
			return err
		}
	}
	full := first || w.n.StartedAt.Sub(w.shop.FullImportAt) >= doorzet.FullImportEvery
	if full {
		compared, err := w.compare(ctx, first)
		if err != nil {
			return err
		}
		full, answered = answered && first || compared, answered || compared
	}
	if !answered {
		return nil
	}
	// Between two slots of a first import rows may have slid to pages that were read: the next night compares all ids.
	return w.r.Store.FinishImport(ctx, w.shop, w.n.StartedAt, full && (!first || !resumed))
}

// again asks for the orders that earlier imports could not read.
func (w *work) again(ctx context.Context) error {
	if w.n.Rows != 0 || len(w.shop.Unread) == 0 {
		return nil
	}
	var read []int64
	for _, id := range w.shop.Unread {
		look, err := w.woo.Look(ctx, doorzet.ByImport, id)
		switch {
		case err != nil && stops(err):
			return err
		case err != nil:
			w.unread(Bad{id, words(err)})
			continue
		}
		if err := w.apply(ctx, false, []doorzet.Look{look}); err != nil {
			return err
		}
		read = append(read, id)
	}
	return w.r.Store.SetUnread(ctx, w.shop.ID, nil, read)
}

// remember keeps the orders of a page that could not be read, before the page counts as done: the next import asks for each.
func (w *work) remember(ctx context.Context, bad []Bad) error {
	if len(bad) == 0 {
		return nil
	}
	ids := make([]int64, len(bad))
	for i, b := range bad {
		ids[i] = b.WooID
	}
	return w.r.Store.SetUnread(ctx, w.shop.ID, ids, nil)
}

// changed asks for all orders the first time, then for those that changed since the last import.
func (w *work) changed(first bool) Query {
	q := Query{Full: true}
	switch {
	case first:
		q.CreatedAfter = w.start()
	case doorzet.ModifiedFilter(w.shop.WooVersion):
		q.ModifiedAfter = w.shop.ImportedAt.Add(-doorzet.ImportOverlap - time.Second)
	default:
		q.CreatedAfter = w.shop.ImportedAt.Add(-doorzet.ImportOverlapCreated - time.Second)
	}
	return q
}

// start is the start date as a strict lower bound: the shop's comparison leaves the bound itself out.
func (w *work) start() time.Time { return w.shop.StartsAt().Add(-time.Second) }

// compare compares all orders since the start date with what is stored: those of every status, unless the first import has
// just read them, then those in the trash. It tells whether the shop answered any.
func (w *work) compare(ctx context.Context, first bool) (answered bool, err error) {
	if w.n.Step != doorzet.StepTrash && !first {
		if w.n.Step != doorzet.StepCompare {
			if err := w.next(ctx, doorzet.StepCompare); err != nil {
				return false, err
			}
		}
		if answered, err = w.list(ctx, Query{CreatedAfter: w.start()}, w.unknown); err != nil {
			return false, err
		}
	} else if w.n.Step == doorzet.StepTrash {
		answered = true // by what an earlier slot asked
	}
	if w.n.Step != doorzet.StepTrash {
		if err := w.next(ctx, doorzet.StepTrash); err != nil {
			return false, err
		}
	}
	_, err = w.list(ctx, Query{CreatedAfter: w.start(), Statuses: []string{"trash"}}, w.unknown)
	return answered, err
}

// everyLook wants every order of a page.
func everyLook(context.Context, []doorzet.Look) (func(doorzet.Look) bool, error) {
	return func(doorzet.Look) bool { return true }, nil
}

// unknown wants the orders of a page that are not stored yet, or that the shop changed since.
func (w *work) unknown(ctx context.Context, looks []doorzet.Look) (func(doorzet.Look) bool, error) {
	ids := make([]int64, len(looks))
	for i, l := range looks {
		ids[i] = l.WooID
	}
	var known map[int64]time.Time
	err := w.share.turn(ctx, func() (err error) {
		known, err = w.r.Store.Known(ctx, w.shop.ID, ids)
		return err
	})
	return func(l doorzet.Look) bool {
		modified, ok := known[l.WooID]
		return !ok || l.Modified.After(modified)
	}, err
}

// list reads a whole list, from the row on where the night left it, and records what is wanted of it. When fewer orders came
// than the shop announced it reads once more; what is still missing then is a finding for the owner. It tells whether the
// shop answered any order.
func (w *work) list(ctx context.Context, q Query, wants func(context.Context, []doorzet.Look) (func(doorzet.Look) bool, error)) (answered bool, err error) {
	if w.n.Rows == listDone {
		return true, nil
	}
	q.FromRow = w.n.Rows
	each := func(p Page) error {
		want, err := wants(ctx, p.Looks)
		if err != nil {
			return err
		}
		if err := w.remember(ctx, p.Bad); err != nil {
			return err
		}
		return w.page(ctx, p, false, want)
	}
	listed, err := w.woo.List(ctx, doorzet.ByImport, q, each)
	if err != nil || q.FromRow > 0 || listed.Answered >= listed.Announced {
		return listed.Answered > 0 || q.FromRow > 0, err
	}
	q.FromRow = 0
	if listed, err = w.woo.List(ctx, doorzet.ByImport, q, each); err != nil {
		return false, err
	}
	if short := listed.Announced - listed.Answered; short > 0 {
		w.note("The shop announced %d orders but answered %d: %d could not be read by any list.", listed.Announced, listed.Answered, short)
	}
	return listed.Answered > 0, nil
}
