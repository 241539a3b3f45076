package stack

import (
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// What a night learns of how much its shop can bear is kept: the next one begins with it.
func TestTheShopsPaceIsLearnt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.add(t, "on-hold", 160, 5*days)
	b.fake.Fail(wootest.Fault{Kind: "limit", Limit: 30})
	if n := b.done(t); n.Imported != 160 {
		t.Errorf("imported %d", n.Imported)
	}
	pace := func() doorzet.Pace {
		shop, err := b.DB.Shop(t.Context(), b.shop)
		if err != nil {
			t.Fatal(err)
		}
		return shop.Pace
	}
	if p := pace(); p.Page != 25 || p.Batch != 100 || p.Gap != 0 || time.Since(p.SlowedAt) > time.Minute {
		t.Errorf("the import learnt %+v", p)
	}
	b.change(t, ids[0], "completed", time.Time{})
	if n := b.done(t); n.LookedAt != 160 || n.Strategy != doorzet.Bulk {
		t.Errorf("looked at %d, %s", n.LookedAt, n.Strategy)
	}
	if got := b.asked("modified_after"); !strings.Contains(got[0], "per_page=25") {
		t.Errorf("the bulk fetch asked %q", got)
	}
	if p := pace(); p.Page != 25 || p.Batch != 25 {
		t.Errorf("the remainder learnt %+v", p)
	}
	b.is(t, ids[0], doorzet.StateDue)

	b.fake.Recover()
	b.fake.Fail(wootest.Fault{Kind: "429", Count: 1, Path: "modified_after"})
	b.done(t)
	if p := pace(); p.Gap != 500*time.Millisecond {
		t.Errorf("after a refusal: %+v", p)
	}
}

// A night that ends in the middle of what it had to ask for in small parts goes on at the very row.
func TestANightGoesOnAtTheRowWhateverThePageWas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 160, 5*days)
	b.fake.Fail(wootest.Fault{Kind: "limit", Limit: 30})
	b.fake.Fail(wootest.Fault{Kind: "403", Path: "page=5&"}) // row 100
	id := b.ask(t, start)
	if n := b.goOn(t, id); n.State != doorzet.NightFailed || n.Rows != 100 {
		t.Fatalf("%s at row %d: %s", n.State, n.Rows, n.Error)
	}
	b.exec(t, `UPDATE nights SET state = 'planned', finished_at = NULL, next_try_at = now() WHERE id = $1`, id)
	b.fake.Recover()
	b.fake.ResetRequests()
	if n := b.goOn(t, id); n.State != doorzet.NightDone || n.Imported != 160 {
		t.Errorf("%s, imported %d: %s", n.State, n.Imported, n.Error)
	}
	for _, q := range b.asked("page=") {
		if strings.Contains(q, "&page=2&") || strings.Contains(q, "&page=4&") {
			t.Errorf("asked again for %s", q)
		}
	}
	if got := b.asked(""); len(got) < 3 {
		t.Errorf("asked for %q", got)
	}
}
