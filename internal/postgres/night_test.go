package postgres_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// nightRows are the nights of a shop as "date state", oldest first.
func (b *bundle) nightRows(t *testing.T, shopID int64) []string {
	t.Helper()
	var out []string
	if err := b.raw.Select(&out, `SELECT date || ' ' || state FROM nights WHERE shop_id = $1 AND planned ORDER BY date`, shopID); err != nil {
		t.Fatal(err)
	}
	return out
}

func (b *bundle) claimNight(t *testing.T, id int64) doorzet.Night {
	t.Helper()
	n, err := b.db.ClaimNight(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ask makes a night by hand.
func (b *bundle) ask(t *testing.T) int64 {
	t.Helper()
	id, err := b.db.AskNight(t.Context(), b.shop, "anna")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestR3_nightsArePlannedOnceByManyPlanners(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 20 {
		b.addShop(t, fmt.Sprint("S", i), fmt.Sprint("https://s", i, ".example"))
	}
	tomorrow := time.Now().AddDate(0, 0, 1)
	planned := make(chan int64, 1000)
	together(t, 6, func(int) error {
		for {
			p, err := b.db.PlanNights(t.Context(), tomorrow, 0, 4)
			for _, n := range p.Nights {
				planned <- n.ID
			}
			if err != nil || p.Shops == 0 {
				return err
			}
		}
	})
	if n := one[int](t, b, `SELECT count(*) FROM nights`); n != 21 || len(planned) != 21 {
		t.Errorf("%d nights of 21 shops, %d to wake", n, len(planned))
	}
	if p, err := b.db.PlanNights(t.Context(), tomorrow, 0, 100); err != nil || p.Shops != 0 || len(p.Nights) != 0 {
		t.Errorf("planned again: %+v, %v", p, err)
	}
	for _, n := range must(b.db.Nights(t.Context(), b.shop.ID, 0))(t) {
		if !n.RunAt.After(b.shop.AddedAt) {
			t.Errorf("a night that began at %s, before the shop was added", n.RunAt)
		}
	}
}

// plan plans the nights as if it were now, and gives those to wake.
func (b *bundle) plan(t *testing.T, now time.Time) []int64 {
	t.Helper()
	p, err := b.db.PlanNights(t.Context(), now, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return idsOf(p.Nights)
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Of several missed nights only the latest runs; every date has its row.
func TestR3_missedNightsAreCovered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.shop.NextNightAt
	date := doorzet.DateOf(first, b.shop.Location())
	if nights := b.plan(t, first.Add(-time.Second)); len(nights) != 0 {
		t.Fatalf("planned before its time: %v", nights)
	}
	third := doorzet.NightAt(date.Add(2), b.shop.NightHours, b.shop.Location(), b.shop.ID)
	if nights := b.plan(t, third); len(nights) != 1 {
		t.Fatalf("to wake: %v", nights)
	}
	want := fmt.Sprint([]string{date.String() + " covered", date.Add(1).String() + " covered", date.Add(2).String() + " planned"})
	if got := fmt.Sprint(b.nightRows(t, b.shop.ID)); got != want {
		t.Errorf("the nights are %s, want %s", got, want)
	}
	if s := b.reload(t, b.shop.ID); !s.NextNightAt.Equal(doorzet.NightAt(date.Add(3), s.NightHours, s.Location(), s.ID)) {
		t.Errorf("the next night is %s", s.NextNightAt)
	}
}

func TestR3_aPausedShopHasNoNight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.db.Pause(t.Context(), b.shop.ID, "anna"); err != nil {
		t.Fatal(err)
	}
	if nights := b.plan(t, b.shop.NextNightAt); len(nights) != 0 {
		t.Errorf("planned %v", nights)
	}
	if rows := b.nightRows(t, b.shop.ID); len(rows) != 1 || rows[0][11:] != "covered" {
		t.Errorf("the nights are %v", rows)
	}
	id := b.ask(t)
	if _, err := b.db.ClaimNight(t.Context(), id); !errors.Is(err, doorzet.ErrNotFound) {
		t.Errorf("a night by hand of a paused shop: %v", err)
	}
	if err := b.db.Resume(t.Context(), b.shop.ID, "anna"); err != nil {
		t.Fatal(err)
	}
	b.claimNight(t, id)
}

func TestR3_otherHoursOnTheSameDateMakeNoSecondNight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := b.shop.NextNightAt
	if nights := b.plan(t, at); len(nights) != 1 {
		t.Fatalf("planned %v", nights)
	}
	b.exec(t, `UPDATE shops SET next_night_at = $1 WHERE id = $2`, at.Add(time.Hour), b.shop.ID) // as if its hours moved
	b.exec(t, `UPDATE shops SET night_from = night_from + 60, night_to = night_to + 60`)
	if nights := b.plan(t, at.Add(2*time.Hour)); len(nights) != 0 {
		t.Errorf("planned %v", nights)
	}
	if rows := b.nightRows(t, b.shop.ID); len(rows) != 1 {
		t.Errorf("the nights are %v", rows)
	}
	// From 01:00 to 23:00: half a day and more lies between, and without a second night of the date almost two would.
	b.exec(t, `UPDATE shops SET night_from = 23 * 60, night_to = 3 * 60, next_night_at = $1 WHERE id = $2`, at.Add(13*time.Hour), b.shop.ID)
	if nights := b.plan(t, at.Add(26*time.Hour)); len(nights) != 1 {
		t.Errorf("after a move to the evening: planned %v", nights)
	}
}

func TestClaimNight_oneRunsPerShop(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.ask(t), b.ask(t)
	claims := make(chan doorzet.Night, 16)
	together(t, 16, func(i int) error {
		n, err := b.db.ClaimNight(t.Context(), []int64{first, second}[i%2])
		if errors.Is(err, doorzet.ErrNotFound) {
			return nil
		}
		claims <- n
		return err
	})
	if len(claims) != 1 {
		t.Fatalf("%d nights of one shop run", len(claims))
	}
	n := <-claims
	if ids := must(b.db.SweepNights(t.Context(), 10, false))(t); len(ids) != 0 {
		t.Errorf("%v would be woken beside it", ids)
	}
	if err := b.db.FinishNight(t.Context(), n, doorzet.NightDone, ""); err != nil {
		t.Fatal(err)
	}
	b.claimNight(t, first+second-n.ID)
}

// A night's start is that of its first claim, whoever goes on with it; a worker that lost it records nothing.
func TestClaimNight_isTakenOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.ask(t)
	old := b.claimNight(t, id)
	old.Step, old.Rows, old.Notes, old.Requests = doorzet.StepBulk, 3, []string{"a finding"}, doorzet.RequestCount{List: 3, Total: 5}
	old.Since, old.Open, old.Strategy = window, 151, doorzet.Bulk
	if err := b.db.SaveNight(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.ClaimNight(t.Context(), id); !errors.Is(err, doorzet.ErrNotFound) {
		t.Fatalf("claimed while it is held: %v", err)
	}
	b.leaseOver(t)
	if ids := must(b.db.SweepNights(t.Context(), 10, false))(t); len(ids) != 1 {
		t.Errorf("a night that was left behind is swept at once, but: %v", ids)
	}
	if ids := must(b.db.SweepNights(t.Context(), 10, false))(t); len(ids) != 0 {
		t.Errorf("swept again before its wake-up was due: %v", ids)
	}
	n := b.claimNight(t, id)
	if !n.StartedAt.Equal(old.StartedAt) || n.Step != doorzet.StepBulk || n.Rows != 3 || len(n.Notes) != 1 || n.Requests != old.Requests || n.Open != 151 || n.Strategy != doorzet.Bulk || !n.Since.Equal(window) || n.Attempts != 2 {
		t.Errorf("taken over as %+v", n)
	}
	ctx := t.Context()
	for what, err := range map[string]error{
		"renew": b.db.RenewNight(ctx, old), "save": b.db.SaveNight(ctx, old), "postpone": b.db.PostponeNight(ctx, old, 0, ""),
		"finish": b.db.FinishNight(ctx, old, doorzet.NightDone, ""),
	} {
		if !errors.Is(err, doorzet.ErrLost) {
			t.Errorf("%s with a lost claim: %v, want ErrLost", what, err)
		}
	}
	if err := b.db.RenewNight(ctx, n); err != nil {
		t.Error(err)
	}
}

func TestPostponeNight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.claimNight(t, b.ask(t))
	if err := b.db.PostponeNight(t.Context(), n, time.Hour, "The shop is down."); err != nil {
		t.Fatal(err)
	}
	got := must(b.db.Night(t.Context(), n.ID))(t)
	if got.State != doorzet.NightPlanned || got.Error != "The shop is down." || !got.StartedAt.Equal(n.StartedAt) {
		t.Errorf("postponed as %+v", got)
	}
	if _, err := b.db.ClaimNight(t.Context(), n.ID); !errors.Is(err, doorzet.ErrNotFound) {
		t.Errorf("claimed before its time: %v", err)
	}
	b.exec(t, `UPDATE nights SET next_try_at = now(), wake_at = now()`)
	if ids := must(b.db.SweepNights(t.Context(), 10, false))(t); len(ids) != 1 {
		t.Errorf("swept: %v", ids)
	}
	b.claimNight(t, n.ID)
}

// The report is counted from the rows that the night marked.
func TestFinishNight_counts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.see(t, look(1, "on-hold", 0), look(2, "on-hold", 0), look(3, "on-hold", 0), look(4, "on-hold", 0))
	b.exec(t, `UPDATE orders SET missing_since = $1 WHERE woo_id = 4`, seenAt.Add(-24*time.Hour))
	n := b.claimNight(t, b.ask(t))
	n.Since = window
	if err := b.db.SaveNight(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	c := b.context()
	c.NightID, c.Marks, c.Step = n.ID, true, "bulk"
	old := look(3, "on-hold", 10)
	old.Created = window.Add(-time.Second)
	applied := b.seeAs(t, c, look(1, "processing", 10), look(2, "on-hold", 10), old, missing(4, 10))
	c.Marks, c.Step = false, "import"
	b.seeAs(t, c, look(5, "completed", 0), look(6, "pending", 0))
	for _, a := range applied {
		if a.BookingID == 0 {
			continue
		}
		job := b.sent(t, a.BookingID)
		if err := b.db.RecordBooked(t.Context(), job.Claim, doorzet.Receipt{RemoteID: "x", Total: 1210}, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.db.FinishNight(t.Context(), n, doorzet.NightDone, ""); err != nil {
		t.Fatal(err)
	}
	got := must(b.db.Night(t.Context(), n.ID))(t)
	if got.LookedAt != 4 || got.Imported != 2 || got.Expired != 1 || got.Gone != 1 || got.StillOpen != 2 || got.BulkFound != 1 || got.Pushed != 1 || got.Underway != 1 || got.Held+got.Failed != 0 || got.FinishedAt.IsZero() {
		t.Errorf("counted %+v", got)
	}
	late := b.claim(t, one[int64](t, b, `SELECT id FROM bookings WHERE woo_id = 5`))
	if err := b.db.RecordHeld(t.Context(), late.Claim, "rule", "why"); err != nil {
		t.Fatal(err)
	}
	if got := must(b.db.Night(t.Context(), n.ID))(t); got.Held != 1 || got.Underway != 0 || got.Pushed != 1 {
		t.Errorf("pushes that go on after the night are counted as %+v", got)
	}
}

// What a night found of the shop: a reason to stop, its version, a store id that it did not have before.
func TestR14_sawShop(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, `UPDATE shops SET store_id = ''`)
	for i, why := range []string{"", "Another shop.", ""} {
		s := b.reload(t, b.shop.ID)
		s.BlockedWhy, s.WooVersion, s.StoreID = why, fmt.Sprint("10.", i), "found-later"
		if err := b.db.SawShop(t.Context(), s, "night 1"); err != nil {
			t.Fatal(err)
		}
		stored := b.reload(t, b.shop.ID)
		if stored.BlockedWhy != why || stored.WooVersion != s.WooVersion || stored.StoreID != "found-later" {
			t.Errorf("night %d: blocked %q, version %s, store id %s", i+1, stored.BlockedWhy, stored.WooVersion, stored.StoreID)
		}
	}
	events := must(b.db.Events(t.Context(), b.shop.ID, 0))(t)
	if n := len(events); n < 2 || events[n-2].Text != "Stopped: Another shop." || events[n-1].Text != "It is the same shop again: nights and pushes go on." {
		t.Errorf("the journal ends with %+v", events)
	}
}

// The window narrows after two nights that found the webhooks off; one night counts once, also when it is taken over in the
// middle of finding out.
func TestR4_eachNightCountsItsWebhooksOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, c := range []struct{ found, want bool }{{true, true}, {false, true}, {true, true}, {false, true}, {false, false}, {true, true}} {
		night := must(b.db.AskNight(t.Context(), b.shop, "anna"))(t)
		for range 3 {
			on, err := b.db.SawWebhooks(t.Context(), b.shop.ID, night, c.found)
			if err != nil {
				t.Fatal(err)
			}
			if stored := b.reload(t, b.shop.ID); on != c.want || stored.WebhooksOn != c.want {
				t.Errorf("night %d: webhooks on %t, stored %t; want %t", i+1, on, stored.WebhooksOn, c.want)
			}
		}
	}
}

// A worker or a command that was killed leaves its night running. It keeps no other night of the shop out, whether or not a
// scheduler sweeps, and goes on itself later.
func TestR3_aNightLeftBehindKeepsNoOtherOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	left := must(b.db.AskNight(t.Context(), b.shop, "anna"))(t)
	first := must(b.db.ClaimNight(t.Context(), left))(t)
	next := must(b.db.AskNight(t.Context(), b.shop, "anna"))(t)
	if _, err := b.db.ClaimNight(t.Context(), next); !errors.Is(err, doorzet.ErrNotFound) {
		t.Fatalf("two nights of a shop run at the same time: %v", err)
	}
	b.exec(t, `UPDATE nights SET claimed_until = now() - interval '1 second' WHERE id = $1`, left)
	second, err := b.db.ClaimNight(t.Context(), next)
	if err != nil {
		t.Fatalf("the night left behind keeps the next one out: %v", err)
	}
	if err := b.db.SaveNight(t.Context(), first); !errors.Is(err, doorzet.ErrLost) {
		t.Errorf("the one that was left behind still records: %v", err)
	}
	if err := b.db.FinishNight(t.Context(), second, doorzet.NightDone, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.ClaimNight(t.Context(), left); err != nil {
		t.Errorf("the one that was left behind does not go on: %v", err)
	}
}

// Nights that were planned but never ran, because there was no worker, are covered by the next one; while one is under way a
// new one is covered by it.
func TestR3_nightsThatNeverRanAreCovered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := b.shop.NextNightAt
	var planned []int64
	for day := range 5 {
		planned = append(planned, b.plan(t, at.Add(time.Duration(day)*24*time.Hour+time.Hour))...)
	}
	states := func() (n int) {
		return one[int](t, b, `SELECT count(*) FROM nights WHERE state = 'planned'`)
	}
	if len(planned) != 5 || states() != 1 {
		t.Errorf("%d nights planned on five days without workers, %d of them are still to run; want 5 and 1", len(planned), states())
	}
	b.exec(t, `UPDATE nights SET next_try_at = now() WHERE state = 'planned'`)
	if _, err := b.db.ClaimNight(t.Context(), planned[4]); err != nil {
		t.Fatal(err)
	}
	if ids := b.plan(t, at.Add(6*24*time.Hour)); len(ids) != 0 {
		t.Errorf("beside the one under way another is planned: %v", ids)
	}
}
