package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func (b *bundle) wake(t *testing.T, shopID int64) []int64 {
	t.Helper()
	rows, err := b.db.Wake(t.Context(), shopID, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return idsOf(rows)
}

func idsOf(rows []doorzet.WakeUp) []int64 {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	return ids
}

// backlog makes many due bookings of a shop, the higher the id the fresher.
func (b *bundle) backlog(t *testing.T, shop doorzet.Shop, n int) {
	t.Helper()
	c := b.context()
	c.Shop = shop
	var looks []doorzet.Look
	for id := range n {
		looks = append(looks, look(int64(id+1), "processing", 0))
	}
	b.seeAs(t, c, looks...)
	b.exec(t, `UPDATE bookings SET due_at = now() - interval '1 hour' + woo_id * interval '1 second' WHERE shop_id = $1`, shop.ID)
}

func TestWake_ofAShopAHundredAtATimeTheFreshestFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backlog(t, b.shop, 250)
	other := b.addShop(t, "TWO", "https://two.example")
	b.backlog(t, other, 1)
	got := b.wake(t, 0)
	mine := one[int](t, b, `SELECT count(*) FROM bookings WHERE wake_at > now() AND shop_id = $1`, b.shop.ID)
	oldest := one[int64](t, b, `SELECT min(woo_id) FROM bookings WHERE wake_at > now() AND shop_id = $1`, b.shop.ID)
	if len(got) != 101 || mine != 100 || oldest != 151 {
		t.Errorf("woken %d, %d of the large shop, of which the oldest is %d; want 101, 100, 151", len(got), mine, oldest)
	}
	if again := b.wake(t, 0); len(again) != 0 {
		t.Errorf("woken %d more while a hundred are under way", len(again))
	}
	fresh := b.due(t, 900)
	if ids := b.wake(t, 0); len(ids) != 0 {
		t.Errorf("woken %v beyond the hundred", ids)
	}
	job := b.claim(t, got[0])
	if err := b.db.RecordRefused(t.Context(), job.Claim, "no"); err != nil {
		t.Fatal(err)
	}
	if ids := b.wake(t, job.Shop.ID); job.Shop.ID == b.shop.ID && (len(ids) != 1 || ids[0] != fresh) {
		t.Errorf("after one ended %v are woken, want the fresh one %d", ids, fresh)
	}
	b.exec(t, `UPDATE bookings SET wake_at = now() - interval '1 second'`) // a wake-up was lost
	if ids := b.wake(t, b.shop.ID); len(ids) != 100 {
		t.Errorf("%d are woken again, want 100", len(ids))
	}
}

func TestWake_leavesOutWhatCannotGoOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		stop  string
		wakes int // of a due one, one being sent by a worker that died, and an unknown one
	}{
		{"nothing stops", `SELECT 1`, 3},
		{"the shop is paused", `UPDATE shops SET paused_at = now()`, 2},
		{"R14 the shop is another", `UPDATE shops SET blocked_why = 'Another shop answers.'`, 2},
		{"R10 the orders are ignored", `UPDATE orders SET ignored_at = now()`, 2},
		{"R14 the orders are others", `UPDATE orders SET conflict_key = 'wc_order_other'`, 2},
		{"not before their time", `UPDATE bookings SET next_try_at = now() + interval '1 minute'`, 0},
		{"woken before", `UPDATE bookings SET wake_at = now() + interval '1 minute'`, 0},
		{"claimed", `UPDATE bookings SET claimed_until = now() + interval '1 minute'`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.due(t, 1)
			b.sent(t, b.due(t, 2))
			unknown := b.sent(t, b.due(t, 3))
			if err := b.db.RecordUnknown(t.Context(), unknown.Claim, 0, 0, "No answer."); err != nil {
				t.Fatal(err)
			}
			b.leaseOver(t)
			b.exec(t, c.stop)
			if got := b.wake(t, 0); len(got) != c.wakes {
				t.Errorf("woken %d, want %d", len(got), c.wakes)
			}
		})
	}
}

// A hundred ignored orders do not stand before the one that is not.
func TestWake_ignoredOrdersStarveNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backlog(t, b.shop, 150)
	b.exec(t, `UPDATE orders SET ignored_at = now() WHERE woo_id > 1`)
	if got := b.wake(t, 0); len(got) != 1 {
		t.Errorf("woken %d, want the one that may go on", len(got))
	}
}

func TestWake_twoSweepsAtOnceShareNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 8 {
		b.backlog(t, b.addShop(t, fmt.Sprint("S", i), fmt.Sprint("https://s", i, ".example")), 40)
	}
	var mu sync.Mutex
	seen := map[int64]int{}
	together(t, 6, func(int) error {
		rows, err := b.db.Wake(t.Context(), 0, 10_000)
		mu.Lock()
		defer mu.Unlock()
		for _, id := range idsOf(rows) {
			seen[id]++
		}
		return err
	})
	for _, id := range b.wake(t, 0) {
		seen[id]++
	}
	if len(seen) != 320 {
		t.Errorf("%d of 320 were woken", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("booking %d was woken %d times", id, n)
		}
	}
}

// What somebody waits for ends also when it cannot go on.
func TestCountUnsettled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fact string
		want       bool
	}{
		{"due", `SELECT 1`, false},
		{"being sent", `UPDATE bookings SET state = 'sending'`, false},
		{"unknown", `UPDATE bookings SET state = 'unknown', next_try_at = now() + interval '1 hour'`, false},
		{"booked", `UPDATE bookings SET state = 'booked'`, true},
		{"held", `UPDATE bookings SET next_try_at = NULL`, true},
		{"tried again in an hour", `UPDATE bookings SET next_try_at = now() + interval '1 hour'`, true},
		{"ignored meanwhile", `UPDATE orders SET ignored_at = now()`, true},
		{"the shop is paused", `UPDATE shops SET paused_at = now()`, true},
		{"R14 the shop is another", `UPDATE shops SET blocked_why = 'x'`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.due(t, 1)
			b.exec(t, c.fact)
			if n, _, err := b.db.CountUnsettled(t.Context(), []int64{id}); err != nil || (n == 0) != c.want {
				t.Errorf("%d on their way, %v; settled: %t", n, err, c.want)
			}
		})
	}
}
