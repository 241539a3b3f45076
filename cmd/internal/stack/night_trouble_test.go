package stack

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

func TestR2_deletedAndTrashedOrdersOneByOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.add(t, "on-hold", 3, 5*days)
	due := b.add(t, "processing", 1, 5*days)[0]
	b.done(t)
	for _, id := range []int64{ids[0], due} {
		if err := b.fake.Delete(id); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.fake.Trash(ids[1]); err != nil {
		t.Fatal(err)
	}
	if n := b.done(t); n.Gone != 0 || n.LookedAt != 3 || n.StillOpen != 3 {
		t.Errorf("gone %d, looked at %d, still open %d", n.Gone, n.LookedAt, n.StillOpen)
	}
	if o := b.order(t, ids[1]); o.State != doorzet.StateOpen || o.Status != "trash" {
		t.Errorf("the trashed one is %s with status %s", o.State, o.Status)
	}
	if o := b.order(t, ids[0]); o.MissingSince.IsZero() || !strings.Contains(o.Verdict.Sentence, "asked again on another day") {
		t.Errorf("the deleted one: %+v", o.Verdict)
	}
	b.done(t) // the same day
	b.is(t, ids[0], doorzet.StateOpen)
	b.exec(t, `UPDATE orders SET missing_since = missing_since - interval '23 hours'`)
	if n := b.done(t); n.Gone != 1 || n.StillOpen != 2 {
		t.Errorf("gone %d, still open %d", n.Gone, n.StillOpen)
	}
	b.is(t, ids[0], doorzet.StateGone)
}

func TestAnOrderThatChangesDuringTheNightIsNotLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.add(t, "on-hold", 10, 5*days)
	b.done(t)
	b.spy(spied{looked: func(id int64) {
		if id == ids[0] {
			b.change(t, id, "completed", time.Time{}) // just after it was looked at
		}
	}})
	if n := b.done(t); n.LookedAt != 10 {
		t.Errorf("looked at %d", n.LookedAt)
	}
	b.is(t, ids[0], doorzet.StateDue)
}

func TestAShopThatIsDown(t *testing.T) {
	t.Parallel()
	for _, planned := range []bool{false, true} {
		b := setup(t)
		id := b.add(t, "on-hold", 1, 5*days)[0]
		b.done(t)
		b.change(t, id, "completed", time.Time{})
		b.fake.Fail(wootest.Fault{Kind: "down"})
		night := b.ask(t, start)
		b.exec(t, `UPDATE nights SET planned = $2, run_at = now() WHERE id = $1`, night, planned)
		n := b.goOn(t, night)
		if !strings.Contains(n.Error, "could not be reached") {
			t.Errorf("planned %t: said %q", planned, n.Error)
		}
		if !planned {
			if n.State != doorzet.NightFailed {
				t.Errorf("by hand: %s", n.State)
			}
			continue
		}
		if wait := time.Until(n.NextTry); n.State != doorzet.NightPlanned || wait < 4*time.Minute || wait > 6*time.Minute {
			t.Errorf("planned: %s, again in %s", n.State, wait)
		}
		b.fake.Recover()
		b.exec(t, `UPDATE nights SET next_try_at = now() WHERE id = $1`, night)
		if n := b.goOn(t, night); n.State != doorzet.NightDone || n.Error != "" {
			t.Errorf("when the shop is back: %s, %s", n.State, n.Error)
		}
		b.is(t, id, doorzet.StateDue)
	}
}

func TestAPlannedNightInTroubleIsGivenUpAfterSixHours(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fake.Fail(wootest.Fault{Kind: "cloudflare"})
	for _, c := range []struct {
		late time.Duration
		want doorzet.NightState
	}{{6*time.Hour - time.Minute, doorzet.NightPlanned}, {6*time.Hour + time.Minute, doorzet.NightFailed}} {
		night := b.ask(t, start)
		b.exec(t, `UPDATE nights SET planned = true, troubles = 4, started_at = $2, date = date - id::int WHERE id = $1`, night, time.Now().Add(-c.late))
		if n := b.goOn(t, night); n.State != c.want {
			t.Errorf("%s late: %s, want %s", c.late, n.State, c.want)
		}
	}
}

func TestOneOrderThatFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.add(t, "on-hold", 12, 5*days)
	b.done(t)
	for _, id := range ids {
		b.change(t, id, "completed", start.Add(-4*days))
	}
	b.fake.Fail(wootest.Fault{Kind: "500", Path: "orders/" + itoa(ids[5])})
	n := b.done(t)
	if n.LookedAt != 11 || n.Unread != 1 || n.Failed != 1 || len(n.Notes) != 1 || !strings.Contains(n.Notes[0], "Order "+itoa(ids[5])+" could not be read") {
		t.Errorf("looked at %d, unread %d, said %q", n.LookedAt, n.Unread, n.Notes)
	}
	b.is(t, ids[5], doorzet.StateOpen)
	b.is(t, ids[11], doorzet.StateDue)
	b.fake.Recover()
	if n := b.done(t); n.LookedAt != 1 || n.Unread != 0 {
		t.Errorf("the coming night: looked at %d, unread %d", n.LookedAt, n.Unread)
	}
	b.is(t, ids[5], doorzet.StateDue)
}

func TestR14_anotherShopAtTheSameAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "processing", 2, 5*days)
	b.done(t)
	was, err := b.DB.Shop(t.Context(), b.shop)
	if err != nil {
		t.Fatal(err)
	}
	b.fake.Identify(wootest.Identity{StoreID: "11111111-1111-1111-1111-111111111111"})
	n := b.runs(t)
	if n.State != doorzet.NightFailed || !strings.Contains(n.Error, "Another shop answers") || b.fake.Count("list")+b.fake.Count("single") != 0 {
		t.Errorf("%s: %s; asked %v", n.State, n.Error, b.fake.Counts())
	}
	b.push(t)
	if got := b.states(t); got[doorzet.StateDue] != 2 || len(b.files(t)) != 0 {
		t.Errorf("pushed meanwhile: %v, %v", got, b.files(t))
	}
	b.fake.Identify(wootest.Identity{StoreID: was.StoreID})
	b.done(t)
	b.push(t)
	if got := b.states(t); got[doorzet.StatePushed] != 2 {
		t.Errorf("the same shop again: %v", got)
	}
}

func TestR14_anotherOrderUnderTheSameID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pushed, open := b.add(t, "processing", 1, 5*days)[0], b.add(t, "on-hold", 1, 5*days)[0]
	b.done(t)
	b.push(t)
	b.is(t, pushed, doorzet.StatePushed)
	key := b.order(t, open).OrderKey
	for _, id := range []int64{pushed, open} {
		if err := b.fake.Change(id, wootest.Order{Status: "completed", OrderKey: "wc_order_another" + itoa(id)}); err != nil {
			t.Fatal(err)
		}
	}
	b.done(t)
	b.push(t)
	b.is(t, pushed, doorzet.StateHeld)
	b.is(t, open, doorzet.StateHeld)
	if got := b.files(t); len(got) != 1 {
		t.Errorf("the folder holds %v", got)
	}
	if n := b.done(t); n.Open != 0 || n.LookedAt != 2 {
		t.Errorf("the coming night: open %d, looked at %d; want 0, 2", n.Open, n.LookedAt)
	}
	if err := b.fake.Change(open, wootest.Order{OrderKey: key}); err != nil {
		t.Fatal(err)
	}
	b.done(t)
	b.is(t, open, doorzet.StateDue)
}

// Held orders are looked at each night, outside the count, and pushed when they were mended in the shop.
func TestR3_heldOrdersArePushedWhenMended(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.addOrder(t, wootest.Order{Status: "processing", Created: start.Add(-5 * days), Total: "12.10",
		Fields: map[string]json.RawMessage{"total": json.RawMessage(`"99.99"`)}})[0]
	b.done(t)
	b.push(t)
	b.is(t, id, doorzet.StateHeld)
	if o := b.order(t, id); o.HeldWhy == "" {
		t.Error("held without a reason")
	}
	for range 2 {
		n := b.done(t)
		b.push(t)
		if n, err := b.DB.Night(t.Context(), n.ID); err != nil || n.Open != 0 || n.LookedAt != 1 || n.Held != 1 {
			t.Errorf("open %d, looked at %d, held %d, %v; want 0, 1, 1", n.Open, n.LookedAt, n.Held, err)
		}
		b.is(t, id, doorzet.StateHeld)
	}
	if err := b.fake.Change(id, wootest.Order{Fields: map[string]json.RawMessage{"total": json.RawMessage(`"12.10"`)}}); err != nil {
		t.Fatal(err)
	}
	b.done(t)
	b.push(t)
	b.is(t, id, doorzet.StatePushed)
}

func TestDraftsAreHiddenUntilTheyArePlaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, "checkout-draft", 1, 2*days)[0]
	if n := b.done(t); n.StillOpen != 0 {
		t.Errorf("still open %d", n.StillOpen)
	}
	if got := b.states(t); len(got) != 0 {
		t.Errorf("shown: %v", got)
	}
	b.change(t, id, "processing", time.Time{})
	b.done(t)
	b.is(t, id, doorzet.StateDue)
}

// stopping ends a night after some looks were recorded.
type stopping struct {
	*postgres.DB
	left atomic.Int32
	stop func()
}

func (s *stopping) ApplyLooks(ctx context.Context, a doorzet.LookContext, looks []doorzet.Look) ([]doorzet.Applied, error) {
	applied, err := s.DB.ApplyLooks(ctx, a, looks)
	if s.left.Add(-1) == 0 {
		s.stop()
	}
	return applied, err
}

// A worker that is told to stop gives its night back; the next one asks for what is left.
func TestANightGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		open  int
		after int32 // recorded looks or pages
		twice int   // single questions that were under way may be repeated
		lists int   // in all, of the look and the import
	}{
		{"one by one", 60, 20, 1, 1}, {"in bulk", 320, 2, 0, 1 + 4 + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, _ := large(t, c.open, nil)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			store := &stopping{DB: b.DB, stop: cancel}
			store.left.Store(c.after)
			b.night.Store = store
			b.fake.ResetRequests()
			id := b.ask(t, start)
			if err := b.night.Run(ctx, id); err != nil {
				t.Fatal(err)
			}
			half, err := b.DB.Night(t.Context(), id)
			if err != nil || half.State != doorzet.NightPlanned {
				t.Fatalf("stopped: %s, %v", half.State, err)
			}
			n := b.goOn(t, id)
			if n.State != doorzet.NightDone || n.LookedAt != c.open || n.Open != c.open || !n.StartedAt.Equal(half.StartedAt) {
				t.Errorf("%s, looked at %d of %d open: %s", n.State, n.LookedAt, n.Open, n.Error)
			}
			twice := 0
			for _, times := range b.singles() {
				twice += times - 1
			}
			if twice > c.twice {
				t.Errorf("%d orders were asked for twice", twice)
			}
			if got := b.fake.Count("list"); got > c.lists {
				t.Errorf("%d lists were asked for, want at most %d: %q", got, c.lists, b.asked(""))
			}
			if n.Requests.Total != b.fake.Count("single")+b.fake.Count("list")+b.fake.Count("other") {
				t.Errorf("the report says %+v, the shop counted %v", n.Requests, b.fake.Counts())
			}
		})
	}
}

// A night that has held its worker for ten minutes gives the slot back.
func TestANightGivesItsSlotBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 30, 5*days)
	b.done(t)
	var looked atomic.Int32
	b.spy(spied{looked: func(int64) { looked.Add(1) }})
	b.night.Now = func() time.Time {
		if looked.Load() >= 10 {
			return time.Now().Add(doorzet.NightSlot + time.Minute)
		}
		return time.Now()
	}
	id := b.ask(t, start)
	if n := b.goOn(t, id); n.State != doorzet.NightPlanned || n.Error != "" || time.Until(n.NextTry) > time.Second {
		t.Fatalf("%s, again at %s: %s", n.State, n.NextTry, n.Error)
	}
	b.night.Now = time.Now
	if n := b.goOn(t, id); n.State != doorzet.NightDone || n.LookedAt != 30 || looked.Load() != 30 {
		t.Errorf("%s, looked at %d with %d questions", n.State, n.LookedAt, looked.Load())
	}
}

// An order that stops the shop's PHP in every list that shows it keeps no other order from being looked at, found or imported.
func TestAnOrderThatBreaksListsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for _, open := range []int{20, 150} {
		t.Run(strconv.Itoa(open)+" open", func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ids := b.add(t, "on-hold", open, 5*days)
			b.done(t)
			poison, fine := ids[3], ids[5]
			b.change(t, poison, "processing", time.Time{})
			b.change(t, fine, "processing", time.Time{})
			unseen := b.addOrder(t, wootest.Order{Status: "completed", Created: start.Add(-days), Modified: time.Now(), Total: "12.10"})[0]
			b.fake.Fail(wootest.Fault{Kind: "poison", Order: poison})
			n := b.done(t)
			if n.Failed != 1 || n.LookedAt != open-1 || n.Imported != 1 {
				t.Errorf("failed %d, looked at %d of %d, imported %d, said %q", n.Failed, n.LookedAt, open, n.Imported, n.Notes)
			}
			b.is(t, fine, doorzet.StateDue)
			b.is(t, unseen, doorzet.StateDue)
			b.is(t, poison, doorzet.StateOpen)
			b.fake.Recover()
			if n := b.done(t); n.Failed != 0 {
				t.Errorf("mended, it still fails: %q", n.Notes)
			}
			b.is(t, poison, doorzet.StateDue)
		})
	}
}
