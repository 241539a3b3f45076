package reconcile

import (
	"context"
	"strconv"
	"strings"
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
	answered := true // by what an earlier worker asked
	if w.n.Step == doorzet.StepImport {
		q := Query{Full: true, FromPage: w.n.Page + 1}
		switch {
		case first:
			q.CreatedAfter = w.start()
		case modifiedFilter(w.shop.WooVersion):
			q.ModifiedAfter = w.shop.ImportedAt.Add(-doorzet.ImportOverlap - time.Second)
		default:
			q.CreatedAfter = w.shop.ImportedAt.Add(-doorzet.ImportOverlapCreated - time.Second)
		}
		var err error
		if answered, err = w.list(ctx, q, everyLook); err != nil {
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
	return w.r.Store.FinishImport(ctx, w.shop.ID, w.n.StartedAt, full)
}

// start is the start date as a strict lower bound: the shop's comparison leaves the bound itself out.
func (w *work) start() time.Time { return w.shop.StartsAt().Add(-time.Second) }

// compare compares all orders since the start date with what is stored: those of every status, unless the first import has
// just read them, then those in the trash. It tells whether the shop answered any.
func (w *work) compare(ctx context.Context, first bool) (answered bool, err error) {
	if err := w.next(ctx, doorzet.StepCompare); err != nil {
		return false, err
	}
	if !first {
		if answered, err = w.list(ctx, Query{CreatedAfter: w.start()}, w.unknown); err != nil {
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
	known, err := w.r.Store.Known(ctx, w.shop.ID, ids)
	return func(l doorzet.Look) bool {
		modified, ok := known[l.WooID]
		return !ok || l.Modified.After(modified)
	}, err
}

// list reads a whole list and records what is wanted of it. When fewer orders came than the shop announced it reads once more;
// what is still missing then is a finding for the owner. It tells whether the shop answered any order.
func (w *work) list(ctx context.Context, q Query, wants func(context.Context, []doorzet.Look) (func(doorzet.Look) bool, error)) (answered bool, err error) {
	each := func(p Page) error {
		want, err := wants(ctx, p.Looks)
		if err != nil {
			return err
		}
		if q.FromPage > 0 {
			w.n.Page = p.Page
		}
		return w.page(ctx, p, false, want)
	}
	listed, err := w.woo.List(ctx, doorzet.ByImport, q, each)
	if err != nil || q.FromPage > 1 || listed.Answered >= listed.Announced {
		return listed.Answered > 0 || q.FromPage > 1, err
	}
	q.FromPage = 1
	if listed, err = w.woo.List(ctx, doorzet.ByImport, q, each); err != nil {
		return false, err
	}
	if short := listed.Announced - listed.Answered; short > 0 {
		w.note("The shop announced %d orders but answered %d: %d could not be read by any list.", listed.Announced, listed.Answered, short)
	}
	return listed.Answered > 0, nil
}

// modifiedFilter tells whether a WooCommerce version can filter orders on their modification: 5.8 and later. Older ones
// silently answer everything. A version that is not known counts as new.
func modifiedFilter(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return true
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	if err1 != nil || err2 != nil {
		return true
	}
	return major > 5 || major == 5 && minor >= 8
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
