package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Facts of a row, and the state that is shown of it.
func TestOrderStates(t *testing.T) {
	t.Parallel()
	const (
		held    = `UPDATE orders SET held_at = now(), held_why = 'why'`
		ignored = `UPDATE orders SET ignored_at = now()`
		gone    = `UPDATE orders SET gone_at = now()`
		expired = `UPDATE orders SET expired_at = now()`
		before  = `UPDATE orders SET created_at = '2019-12-31 22:59:59+00'`
		start   = `UPDATE orders SET created_at = '2019-12-31 23:00:00+00'`
		other   = `UPDATE orders SET conflict_key = 'wc_order_other'`
		draft   = `UPDATE orders SET status = 'checkout-draft'`
	)
	b := setup(t)
	state := func(s doorzet.BookingState) string {
		return `INSERT INTO bookings (shop_id, order_id, kind, woo_id, state, reference, next_try_at)
			SELECT shop_id, id, 'invoice', woo_id, '` + string(s) + `', 'WC-1', now() FROM orders`
	}
	for _, c := range []struct {
		name  string
		facts []string
		want  doorzet.OrderState
	}{
		{"seen", nil, doorzet.StateOpen},
		{"R12 created a second before the start date", []string{before}, doorzet.StateBeforeStart},
		{"R12 created as it begins", []string{start}, doorzet.StateOpen},
		{"before start, pushed by hand", []string{before, state(doorzet.BookingDue)}, doorzet.StateDue},
		{"left the window", []string{expired}, doorzet.StateExpired},
		{"left the window, due by webhook", []string{expired, state(doorzet.BookingDue)}, doorzet.StateDue},
		{"due", []string{state(doorzet.BookingDue)}, doorzet.StateDue},
		{"sending", []string{state(doorzet.BookingSending)}, doorzet.StateDue},
		{"sending, ignored meanwhile", []string{state(doorzet.BookingSending), ignored}, doorzet.StateDue},
		{"unknown", []string{state(doorzet.BookingUnknown)}, doorzet.StateDue},
		{"unknown, held and gone", []string{state(doorzet.BookingUnknown), held, gone}, doorzet.StateDue},
		{"booked", []string{state(doorzet.BookingBooked)}, doorzet.StatePushed},
		{"booked, and gone from the shop", []string{state(doorzet.BookingBooked), gone, ignored}, doorzet.StatePushed},
		{"withdrawn", []string{state(doorzet.BookingWithdrawn)}, doorzet.StateOpen},
		{"withdrawn and expired", []string{state(doorzet.BookingWithdrawn), expired}, doorzet.StateExpired},
		{"refused", []string{state(doorzet.BookingRefused)}, doorzet.StateRefused},
		{"refused and ignored", []string{state(doorzet.BookingRefused), ignored}, doorzet.StateIgnored},
		{"nothing to book", []string{state(doorzet.BookingNothing)}, doorzet.StateNothing},
		{"held", []string{state(doorzet.BookingDue), held}, doorzet.StateHeld},
		{"held and ignored", []string{state(doorzet.BookingDue), held, ignored}, doorzet.StateIgnored},
		{"ignored", []string{ignored}, doorzet.StateIgnored},
		{"gone", []string{gone, expired}, doorzet.StateGone},
		{"R14 another order under its id", []string{other}, doorzet.StateHeld},
		{"R14 another order under the id of a pushed one", []string{other, state(doorzet.BookingBooked)}, doorzet.StateHeld},
		{"a draft", []string{draft}, doorzet.StateDraft},
	} {
		b.exec(t, `DELETE FROM bookings`)
		b.exec(t, `DELETE FROM orders`)
		b.see(t, look(1, "on-hold", 0))
		for _, f := range c.facts {
			b.exec(t, f)
		}
		if got := b.order(t, 1).State; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if n := one[int](t, b, `SELECT count(*) FROM open_orders`); (n == 1) != (c.want == doorzet.StateOpen) {
			t.Errorf("%s: counted %d times as open, its state is %s", c.name, n, c.want)
		}
	}
}

// Whatever facts meet, what is counted as open is what is shown as open.
func TestOpenOrdersAreThoseShownAsOpen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, `SELECT setseed(0.5)`)
	b.exec(t, `
		INSERT INTO orders (shop_id, woo_id, created_at, status, ignored_at, held_at, gone_at, expired_at, conflict_key)
		SELECT $1, n,
		       CASE WHEN random() < 0.2 THEN timestamptz '2019-01-01' ELSE now() END,
		       (ARRAY['on-hold', 'processing', 'checkout-draft', 'trash', 'shipped'])[1 + floor(random() * 5)::int],
		       CASE WHEN random() < 0.2 THEN now() END, CASE WHEN random() < 0.2 THEN now() END,
		       CASE WHEN random() < 0.2 THEN now() END, CASE WHEN random() < 0.2 THEN now() END,
		       CASE WHEN random() < 0.1 THEN 'other' ELSE '' END
		  FROM generate_series(1, 5000) n`, b.shop.ID)
	b.exec(t, `
		INSERT INTO bookings (shop_id, order_id, kind, woo_id, state, reference)
		SELECT shop_id, id, 'invoice', woo_id,
		       (ARRAY['due', 'sending', 'unknown', 'booked', 'refused', 'withdrawn', 'nothing'])[1 + floor(random() * 7)::int], 'WC-' || woo_id
		  FROM orders WHERE random() < 0.5`)
	differ := one[int](t, b, `
		SELECT count(*) FROM (
			(SELECT id FROM open_orders EXCEPT SELECT id FROM order_states WHERE state = 'open')
			UNION ALL
			(SELECT id FROM order_states WHERE state = 'open' EXCEPT SELECT id FROM open_orders)) d`)
	if open := one[int](t, b, `SELECT count(*) FROM open_orders`); differ != 0 || open < 50 {
		t.Errorf("%d orders are open in one view only, %d in both", differ, open)
	}
	if n := one[int](t, b, `SELECT count(DISTINCT state) FROM order_states`); n != 11 {
		t.Errorf("%d states are shown, want all 11", n)
	}
}

// What a night looks at: inside the window those with a status chosen since then first, then the oldest look; outside the
// count the last looks and the held ones; each once a night.
func TestR3_R4_whatANightLooksAt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := func(l doorzet.Look) doorzet.Look {
		l.Created = window.Add(-time.Second)
		return l
	}
	edge := look(5, "on-hold", 40)
	edge.Created = window
	b.see(t, look(1, "on-hold", 30), look(2, "pending", 10), look(3, "shipped", 20), edge, look(6, "checkout-draft", 0), look(7, "on-hold", 0), look(8, "on-hold", 0))
	c := b.context()
	c.Since = window.Add(-48 * time.Hour)
	b.seeAs(t, c, old(look(4, "on-hold", 0))) // was inside until now
	held := b.due(t, 9)
	if err := b.db.RecordHeld(t.Context(), b.claim(t, held).Claim, "rule", "why"); err != nil {
		t.Fatal(err)
	}
	b.due(t, 10)
	b.exec(t, `UPDATE orders SET ignored_at = now() WHERE woo_id = 7`)
	b.exec(t, `UPDATE orders SET gone_at = now() WHERE woo_id = 8`)
	shop := b.shop
	shop.Statuses = []string{"processing", "shipped"}
	inside, outside, err := b.db.ToLookAt(t.Context(), shop, 77, window)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "inside", inside, []int64{3, 2, 1, 5})
	equal(t, "outside the count", outside, []int64{4, 9})
	if n, err := b.db.CountOpen(t.Context(), b.shop.ID, window); err != nil || n != 4 {
		t.Errorf("%d open orders decide, want 4 (%v)", n, err)
	}
	marked := b.context()
	marked.NightID, marked.Marks = 77, true
	b.seeAs(t, marked, look(2, "pending", 100), look(9, "processing", 100))
	unmarked := marked
	unmarked.Marks = false
	b.seeAs(t, unmarked, look(11, "on-hold", 100)) // the night's import saw it first
	inside, outside, err = b.db.ToLookAt(t.Context(), shop, 77, window)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "inside, later that night", inside, []int64{3, 1, 5})
	equal(t, "outside, later that night", outside, []int64{4})
}

func equal(t *testing.T, what string, got, want []int64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestR4_theWindowWidens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := func(id int64, ago int) doorzet.Look {
		l := look(id, "on-hold", 0)
		l.Created = seenAt.AddDate(0, 0, -ago)
		return l
	}
	b.see(t, at(1, 30), at(2, 50), at(3, 10))
	if n := one[int](t, b, `SELECT count(*) FROM order_states WHERE state = 'expired'`); n != 2 {
		t.Fatalf("%d orders expired at their first look, want 2", n)
	}
	if err := b.db.Widen(t.Context(), b.shop.ID, seenAt.AddDate(0, 0, -30)); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int64]doorzet.OrderState{1: doorzet.StateOpen, 2: doorzet.StateExpired, 3: doorzet.StateOpen} {
		if got := b.order(t, id).State; got != want {
			t.Errorf("order %d is %s, want %s", id, got, want)
		}
	}
}
