package stack

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/reconcile"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// A shop that answers nothing sensible is not asked for every order.
func TestFiveTroublesInARowEndTheNight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 40, 5*days)
	b.done(t)
	b.fake.Fail(wootest.Fault{Kind: "object", Path: "orders/"})
	n := b.runs(t)
	if asked := b.fake.Count("single"); n.State != doorzet.NightFailed || asked < 5 || asked > 6 || n.Unread < 4 {
		t.Errorf("%s after %d single orders, %d unread: %s", n.State, asked, n.Unread, n.Error)
	}
	if got := b.states(t); got[doorzet.StateOpen] != 40 {
		t.Errorf("the orders are %v", got)
	}
}

// many is a store with more open orders than a night may ask for, and a shop that has them all.
type many struct {
	*postgres.DB
	ids []int64
}

func (m *many) CountOpen(context.Context, int64, time.Time) (int, error) { return len(m.ids), nil }

func (m *many) ToLookAt(context.Context, doorzet.Shop, int64, time.Time) (inside, outside []int64, err error) {
	return append([]int64(nil), m.ids...), nil, nil
}

func (m *many) ApplyLooks(context.Context, doorzet.LookContext, []doorzet.Look) ([]doorzet.Applied, error) {
	return nil, nil
}

type counted struct {
	reconcile.Shop
	batches *[][]int64
}

func (c counted) List(_ context.Context, _ doorzet.LookBy, q reconcile.Query, each func(reconcile.Page) error) (reconcile.Listed, error) {
	var p reconcile.Page
	for _, id := range q.Include {
		p.Looks = append(p.Looks, doorzet.Look{WooID: id, Status: "on-hold", Created: start})
	}
	if len(q.Include) > 0 {
		*c.batches = append(*c.batches, q.Include)
	}
	return reconcile.Listed{Answered: len(p.Looks), Announced: len(p.Looks)}, each(p)
}

// A night asks for so many batches beyond the bulk fetch, and says what it left.
func TestR7_theBudget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := &many{DB: b.DB}
	for id := range int64(doorzet.RemainderBudget*doorzet.BatchSize + 7) {
		m.ids = append(m.ids, id+1)
	}
	var batches [][]int64
	b.night.Store = m
	b.night.Shop = func(s doorzet.Shop) reconcile.Shop { return counted{b.nightShop(s), &batches} }
	n := b.done(t)
	if len(batches) != doorzet.RemainderBudget || batches[0][0] != 1 || len(batches[199]) != doorzet.BatchSize {
		t.Errorf("%d batches, from %d on", len(batches), batches[0][0])
	}
	if len(n.Notes) != 1 || !strings.HasPrefix(n.Notes[0], "7 open orders were not looked at") {
		t.Errorf("said %q", n.Notes)
	}
}
