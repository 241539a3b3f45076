package stack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

const days = 24 * time.Hour

func TestR5_149OpenOrdersAreAskedForOneByOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.add(t, "on-hold", 149, 5*days)
	if n := b.done(t); n.Imported != 149 || n.Open != 0 || n.StillOpen != 149 {
		t.Fatalf("the first night: %+v", n)
	}
	b.change(t, ids[0], "completed", time.Time{})
	b.change(t, ids[1], "processing", start.Add(-20*days))
	n := b.done(t)
	if n.Open != 149 || n.Strategy != doorzet.OneByOne || n.LookedAt != 149 || n.StillOpen != 147 {
		t.Errorf("the second night: %+v", n)
	}
	if got := b.singles(); len(got) != 149 || b.fake.Count("single") != 149 || n.Requests.Single != 149 {
		t.Errorf("%d questions for %d single orders, %d in the report; want 149", b.fake.Count("single"), len(got), n.Requests.Single)
	}
	if lists := append(b.asked("include"), b.asked("status")...); len(lists) != 0 {
		t.Errorf("lists were asked for: %q", lists)
	}
	b.push(t)
	b.is(t, ids[0], doorzet.StatePushed)
	b.is(t, ids[1], doorzet.StatePushed)
	if got := b.files(t); len(got) != 2 || got[0] != fmt.Sprintf("WC-%d.xml", ids[0]) {
		t.Errorf("the folder holds %v", got)
	}
	if n, err := b.DB.Night(t.Context(), n.ID); err != nil || n.Pushed != 2 {
		t.Errorf("pushed %d, %v", n.Pushed, err)
	}
	if n := b.done(t); n.Open != 147 || b.fake.Count("single") != 147 {
		t.Errorf("the third night: open %d, %d single questions", n.Open, b.fake.Count("single"))
	}
	b.push(t)
	if got := b.files(t); len(got) != 2 {
		t.Errorf("pushed again: %v", got)
	}
}

// What meets a night at the window's and the start date's edges, in its first import.
func TestR4_R12_theFirstImport(t *testing.T) {
	t.Parallel()
	b := setupShop(t, wootest.Options{}, func(s *doorzet.Shop) {
		s.StartDate = doorzet.DateOf(start.Add(-30*days), s.Location())
	})
	shop, err := b.DB.Shop(t.Context(), b.shop)
	if err != nil {
		t.Fatal(err)
	}
	since := start.Add(-doorzet.WindowShort)
	at := func(status string, created time.Time) int64 {
		return b.addOrder(t, wootest.Order{Status: status, Created: created, Total: "12.10"})[0]
	}
	want := map[int64]doorzet.OrderState{
		at("on-hold", since):                        doorzet.StateOpen,
		at("on-hold", since.Add(time.Second)):       doorzet.StateOpen,
		at("on-hold", since.Add(-time.Second)):      doorzet.StateExpired,
		at("completed", since.Add(-time.Second)):    doorzet.StateDue,
		at("completed", shop.StartsAt()):            doorzet.StateDue,
		at("on-hold", shop.StartsAt()):              doorzet.StateExpired,
		at("completed", start.Add(-time.Hour)):      doorzet.StateDue,
		at("trash", start.Add(-time.Hour)):          doorzet.StateOpen,
		at("checkout-draft", start.Add(-time.Hour)): doorzet.StateDraft,
	}
	early := at("completed", shop.StartsAt().Add(-time.Second))
	n := b.done(t)
	if n.Imported != len(want) || n.Expired != 2 {
		t.Errorf("imported %d, expired %d; want %d, 2", n.Imported, n.Expired, len(want))
	}
	for id, state := range want {
		b.is(t, id, state)
	}
	if _, err := b.DB.Order(t.Context(), b.shop, early); err == nil {
		t.Error("an order from before the start date was stored")
	}
	if got := b.singles(); len(got) != 0 {
		t.Errorf("what was first seen was looked at again: %v", got)
	}
	if n := b.done(t); n.LookedAt != 3 || n.Expired != 0 {
		t.Errorf("the second night looked at %d, expired %d; want 3, 0", n.LookedAt, n.Expired)
	}
}

// An order that leaves the window gets one last look, outside the count.
func TestR4_theLastLook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	edge := start.Add(-doorzet.WindowShort)
	at := func(created time.Time) int64 {
		return b.addOrder(t, wootest.Order{Status: "on-hold", Created: created, Total: "12.10"})[0]
	}
	stays, leaves, chosen := at(edge.Add(time.Second)), at(edge), at(edge)
	b.done(t)
	b.change(t, chosen, "completed", start.Add(-20*days)) // long ago: no import shows it
	n := b.runsAt(t, start.Add(time.Second))
	if n.State != doorzet.NightDone || n.Open != 1 || n.LookedAt != 3 || n.Expired != 1 {
		t.Errorf("open %d, looked at %d, expired %d (%s); want 1, 3, 1", n.Open, n.LookedAt, n.Expired, n.Error)
	}
	b.is(t, stays, doorzet.StateOpen)
	b.is(t, leaves, doorzet.StateExpired)
	b.is(t, chosen, doorzet.StateDue)
	if n := b.runsAt(t, start.Add(time.Second)); n.LookedAt != 1 || b.fake.Count("single") != 1 {
		t.Errorf("an expired order was looked at: %d, %v", n.LookedAt, b.singles())
	}
}

// The window follows the webhooks: wide at once, narrow after two nights in a row without them.
func TestR4_theWindowFollowsTheWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, "on-hold", 1, 40*days)[0]
	hook := func() { b.fake.Webhook("order.updated", publicURL+"/webhooks/abc", "active") }
	hook()
	for i, c := range []struct {
		change  func()
		wide    bool
		on      bool
		open    int
		looks   int
		expired int
		state   doorzet.OrderState
	}{
		{func() {}, true, true, 0, 0, 0, doorzet.StateOpen}, // imported
		{func() { b.fake.RemoveWebhooks(0) }, true, false, 1, 1, 0, doorzet.StateOpen},
		{func() {}, false, false, 0, 1, 1, doorzet.StateExpired},
		{func() {}, false, false, 0, 0, 0, doorzet.StateExpired},
		{hook, true, true, 1, 1, 0, doorzet.StateOpen},
		{func() {
			b.fake.RemoveWebhooks(0)
			b.fake.Webhook("order.updated", publicURL+"/webhooks/abc", "disabled")
		}, true, false, 1, 1, 0, doorzet.StateOpen},
	} {
		c.change()
		n := b.done(t)
		since := doorzet.WindowSince(start, doorzet.Shop{TimeZone: "Europe/Amsterdam"}.Location(), c.wide)
		if !n.Since.Equal(since) || n.WebhooksOn != c.on || n.Open != c.open || n.LookedAt != c.looks || n.Expired != c.expired {
			t.Errorf("night %d: since %s, webhooks %t, open %d, looked at %d, expired %d; want %s, %t, %d, %d, %d", i+1,
				n.Since, n.WebhooksOn, n.Open, n.LookedAt, n.Expired, since, c.on, c.open, c.looks, c.expired)
		}
		b.is(t, id, c.state)
	}
}

// A first import reads all; later ones ask from an hour before the last, and miss nothing of the seconds in between.
func TestR3_laterImports(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 3, 5*days)
	b.done(t)
	if got := b.asked(""); len(got) != 2 || strings.Contains(got[0], "modified_after") || !strings.Contains(got[1], "status=trash") {
		t.Errorf("the first import asked %q", got)
	}
	edge := start.Add(-doorzet.ImportOverlap)
	seen := b.addOrder(t, wootest.Order{Status: "completed", Created: start.Add(-9 * days), Modified: edge, Total: "12.10"})[0]
	old := b.addOrder(t, wootest.Order{Status: "completed", Created: start.Add(-9 * days), Modified: edge.Add(-2 * time.Second), Total: "12.10"})[0]
	b.runsAt(t, start.Add(time.Hour))
	if got := b.asked("modified_after"); len(got) != 1 || len(b.asked("status")) != 0 {
		t.Errorf("the second import asked %q", b.asked(""))
	}
	b.is(t, seen, doorzet.StateDue)
	if _, err := b.DB.Order(t.Context(), b.shop, old); err == nil {
		t.Error("the import asked further back than it needs")
	}
	// Once a week all ids are compared: an order that no list of changes showed is found.
	b.exec(t, `UPDATE shops SET full_import_at = $1`, start.Add(time.Hour-7*days))
	n := b.runsAt(t, start.Add(time.Hour-time.Second))
	if n.State != doorzet.NightDone || n.Imported != 0 {
		t.Errorf("compared a second too early: imported %d", n.Imported)
	}
	n = b.runsAt(t, start.Add(time.Hour))
	if n.State != doorzet.NightDone || n.Imported != 1 {
		t.Errorf("imported %d by the comparison, want 1", n.Imported)
	}
	b.is(t, old, doorzet.StateDue)
}

func TestR3_anEarlierStartDateIsImported(t *testing.T) {
	t.Parallel()
	b := setupShop(t, wootest.Options{}, func(s *doorzet.Shop) { s.StartDate = doorzet.DateOf(start.Add(-10*days), s.Location()) })
	id := b.add(t, "completed", 1, 15*days)[0]
	if n := b.done(t); n.Imported != 0 {
		t.Fatalf("imported %d", n.Imported)
	}
	shop, err := b.DB.Shop(t.Context(), b.shop)
	if err != nil {
		t.Fatal(err)
	}
	shop.StartDate = shop.StartDate.Add(-10)
	if err := b.DB.SetShop(t.Context(), doorzet.Shop{}, shop, nil, "anna"); err != nil {
		t.Fatal(err)
	}
	if n := b.done(t); n.Imported != 1 {
		t.Errorf("imported %d, want 1", n.Imported)
	}
	b.is(t, id, doorzet.StateDue)
}

// WooCommerce before 5.8 cannot filter on changes, and answers everything to who asks.
func TestR3_R6_oldShopsFilterOnCreation(t *testing.T) {
	t.Parallel()
	b := setupShop(t, wootest.Options{Version: "5.7.1"}, nil)
	b.add(t, "on-hold", 150, 5*days)
	b.done(t)
	inside := b.add(t, "completed", 1, 6*days)[0]
	n := b.done(t)
	if n.Strategy != doorzet.Bulk || len(b.asked("modified_after")) != 0 {
		t.Errorf("%s, asked %q", n.Strategy, b.asked("modified_after"))
	}
	b.is(t, inside, doorzet.StateDue)
	bulk := b.asked("status=completed%2Cprocessing")
	if want := "after=" + start.Add(-14*days-time.Second).Format("2006-01-02T15"); len(bulk) != 1 || !strings.Contains(bulk[0], want) {
		t.Errorf("the bulk fetch asked %q, want %s", bulk, want)
	}
}
