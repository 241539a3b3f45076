package stack

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/reconcile"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// slots makes each slot of a night so short that it ends with the first page.
func (b *bundle) slots(t *testing.T) {
	t.Helper()
	at := time.Now()
	b.night.Now = func() time.Time {
		at = at.Add(doorzet.NightSlot)
		return at
	}
}

// R14: a night that goes on asks again whose shop it is. Another may have moved in while it waited.
func TestR14_aNightThatGoesOnAsksWhoseShopItIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 250, 5*days)
	b.slots(t)
	night := b.ask(t, start)
	if n := b.goOn(t, night); n.State != doorzet.NightPlanned || n.Imported != 0 && n.Rows != 100 {
		t.Fatalf("the first slot: %s, %d rows", n.State, n.Rows)
	}
	b.fake.Identify(wootest.Identity{StoreID: "another-shop"})
	b.exec(t, `UPDATE nights SET next_try_at = now()`)
	before := len(b.states(t))
	n := b.goOn(t, night)
	if n.State != doorzet.NightFailed || !strings.Contains(n.Error, "another-shop") {
		t.Errorf("the second slot: %s, %s", n.State, n.Error)
	}
	if after := len(b.states(t)); after != before {
		t.Errorf("orders of the other shop were stored: %d, then %d states", before, after)
	}
}

// A comparison of all ids that takes several slots goes on from page to page, and ends.
func TestAComparisonGoesOnOverSlots(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 450, 5*days)
	trashed := b.add(t, "on-hold", 1, 5*days)[0]
	b.done(t)
	if err := b.fake.Trash(trashed); err != nil {
		t.Fatal(err)
	}
	unseen := b.addOrder(t, wootest.Order{Status: "processing", Created: start.Add(-4 * days), Modified: start.Add(-4 * days), Total: "12.10"})[0]
	b.exec(t, `UPDATE shops SET full_import_at = now() - interval '8 days', remainder = false`)
	b.exec(t, `UPDATE orders SET ignored_at = now()`) // the look is not what is tried here
	b.slots(t)
	night := b.ask(t, start)
	for slot := range 20 {
		b.exec(t, `UPDATE nights SET next_try_at = now() WHERE state = 'planned'`)
		if n := b.goOn(t, night); n.State == doorzet.NightDone {
			b.is(t, unseen, doorzet.StateDue)
			if o := b.order(t, trashed); o.Status != "trash" {
				t.Errorf("the trashed one has status %s", o.Status)
			}
			return
		} else if n.State != doorzet.NightPlanned {
			t.Fatalf("slot %d: %s, %s", slot, n.State, n.Error)
		}
	}
	t.Errorf("the night did not end in 20 slots; it asked for %d lists", b.fake.Count("list"))
}

// A first import that took several slots is followed by a comparison: between slots rows may have slid to pages that were read.
func TestAFirstImportOverSlotsIsComparedTheNextNight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.add(t, "on-hold", 250, 5*days)
	b.slots(t)
	night := b.ask(t, start)
	b.goOn(t, night)
	for _, id := range ids[:5] { // five rows slide to the first page, which was read
		if err := b.fake.Delete(id); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		b.exec(t, `UPDATE nights SET next_try_at = now() WHERE state = 'planned'`)
		if b.goOn(t, night).State == doorzet.NightDone {
			break
		}
	}
	b.night = b.Reconciler()
	b.done(t)
	for _, id := range ids[5:] {
		if _, err := b.DB.Order(t.Context(), b.shop, id); err != nil {
			t.Fatalf("an order was lost: %v", err)
		}
	}
}

// unreadable makes one order of each page unreadable.
func unreadable(id int64) spied {
	return spied{paging: func(p reconcile.Page) reconcile.Page {
		for i, l := range p.Looks {
			if l.WooID == id {
				p.Looks = slices.Delete(slices.Clone(p.Looks), i, i+1)
				p.Bad = append(p.Bad, reconcile.Bad{WooID: id, Why: "its total is \"a lot\""})
				break
			}
		}
		return p
	}}
}

// An order that an import cannot read is asked for again by the next one, although nothing of it changed.
func TestAnUnreadableOrderIsAskedForAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 3, 5*days)
	bad := b.add(t, "processing", 1, 5*days)[0]
	b.spy(unreadable(bad))
	if n := b.done(t); n.Imported != 3 || n.Failed != 1 || !strings.Contains(strings.Join(n.Notes, ""), "a lot") {
		t.Errorf("imported %d, failed %d, said %q", n.Imported, n.Failed, n.Notes)
	}
	b.night = b.Reconciler()
	if n := b.done(t); n.Imported != 1 || n.Failed != 0 {
		t.Errorf("imported %d, failed %d", n.Imported, n.Failed)
	}
	b.is(t, bad, doorzet.StateDue)
	if n := b.done(t); b.singles()[itoa(bad)] != 0 {
		t.Errorf("it is asked for although it was read: %+v", n.Requests)
	}
}

// It is asked for again also when the import took several slots after it, and as long as it cannot be read; when the shop no
// longer has it, it is forgotten.
func TestAnUnreadableOrderIsRememberedOverSlots(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad := b.add(t, "processing", 1, 6*days)[0] // on the first page
	b.add(t, "on-hold", 250, 5*days)
	b.spy(unreadable(bad))
	b.slots(t)
	night := b.ask(t, start)
	for b.goOn(t, night).State != doorzet.NightDone {
		b.exec(t, `UPDATE nights SET next_try_at = now()`)
	}
	unread := func() []int64 {
		t.Helper()
		shop, err := b.DB.Shop(t.Context(), b.shop)
		if err != nil {
			t.Fatal(err)
		}
		return shop.Unread
	}
	if got := unread(); !slices.Equal(got, []int64{bad}) {
		t.Fatalf("after several slots %v is remembered, want %d", got, bad)
	}
	b.night = b.Reconciler()
	b.fake.Fail(wootest.Fault{Kind: "500", Path: "/orders/" + itoa(bad), Count: 3}) // one question, with its repetitions
	b.exec(t, `UPDATE shops SET full_import_at = now()`)
	if b.done(t); !slices.Equal(unread(), []int64{bad}) {
		t.Errorf("still unreadable, %v is remembered", unread())
	}
	if err := b.fake.Delete(bad); err != nil {
		t.Fatal(err)
	}
	if b.done(t); len(unread()) != 0 {
		t.Errorf("deleted in the shop, %v is remembered", unread())
	}
}

// A held order is in the report of each night that made it again, and in that of the one that pushed it at last.
func TestAHeldOrderIsInTheReportOfEachNight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	meta := func(mode string) map[string]json.RawMessage {
		return map[string]json.RawMessage{"meta_data": json.RawMessage(`[{"id":1,"key":"_mollie_payment_mode","value":"` + mode + `"}]`)}
	}
	id := b.addOrder(t, wootest.Order{Status: "processing", Created: start.Add(-days), Total: "12.10", Fields: meta("test")})[0]
	report := func(night int64) doorzet.Night {
		t.Helper()
		b.push(t)
		n, err := b.DB.Night(t.Context(), night)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var nights []int64
	for i := range 3 {
		nights = append(nights, b.done(t).ID)
		if n := report(nights[i]); n.Held != 1 || n.Pushed != 0 || n.Underway != 0 {
			t.Errorf("night %d: held %d, pushed %d, under way %d", i+1, n.Held, n.Pushed, n.Underway)
		}
	}
	if n := report(nights[0]); n.Held != 1 {
		t.Errorf("the first night, read later: held %d", n.Held)
	}
	if err := b.fake.Change(id, wootest.Order{Fields: meta("live")}); err != nil {
		t.Fatal(err)
	}
	last := b.done(t).ID
	if n := report(last); n.Held != 0 || n.Pushed != 1 || n.BulkFound+n.RemainderFound != 0 {
		t.Errorf("mended: held %d, pushed %d, found %d", n.Held, n.Pushed, n.BulkFound+n.RemainderFound)
	}
	if n := report(nights[0]); n.Held != 0 || n.Pushed != 0 {
		t.Errorf("the first night, after it was mended: held %d, pushed %d", n.Held, n.Pushed)
	}
}
