package postgres_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// instant is an instant as RFC 3339.
func instant(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A scheduler that looks each hour through the weeks around a change of clocks: a night for each date, at its time, in every
// zone, also with hours across midnight.
func TestR3_theTimetableThroughChangesOfClocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, hours, from string }{
		{"Europe/Amsterdam", "01:00-05:00", "2026-03-24T12:00:00Z"},
		{"Europe/Amsterdam", "01:00-05:00", "2026-10-20T12:00:00Z"},
		{"Europe/Amsterdam", "23:00-03:00", "2026-03-24T12:00:00Z"},
		{"Europe/Amsterdam", "23:00-03:00", "2026-10-20T12:00:00Z"},
		{"Europe/Amsterdam", "02:15-02:45", "2026-03-24T12:00:00Z"}, // hours that do not exist on one of the days
		{"Europe/Amsterdam", "02:15-02:45", "2026-10-20T12:00:00Z"}, // and that exist twice
		{"Australia/Lord_Howe", "01:30-02:15", "2026-03-31T00:00:00Z"},
		{"Australia/Lord_Howe", "01:30-02:15", "2026-09-29T00:00:00Z"},
		{"Australia/Lord_Howe", "23:30-02:15", "2026-03-31T00:00:00Z"},
		{"America/New_York", "23:59-00:30", "2026-03-03T12:00:00Z"},
	} {
		t.Run(c.zone+" "+c.hours+" "+c.from[:10], func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			hours, err := doorzet.ParseNightHours(c.hours)
			if err != nil {
				t.Fatal(err)
			}
			shop := doorzet.Shop{ID: b.shop.ID, TimeZone: c.zone, NightHours: hours}
			date, at := doorzet.NextNight(instant(t, c.from), hours, shop.Location(), shop.ID)
			b.exec(t, `UPDATE shops SET time_zone = $1, night_from = $2, night_to = $3, next_night_at = $4`, c.zone, hours.From, hours.To, at)
			const days = 12
			woken := 0
			for h := range days * 24 {
				woken += len(b.plan(t, at.Add(time.Duration(h)*time.Hour)))
			}
			var rows []struct {
				Date time.Time `db:"date"`
				At   time.Time `db:"run_at"`
			}
			if err := b.raw.Select(&rows, `SELECT date, run_at FROM nights WHERE planned ORDER BY date`); err != nil {
				t.Fatal(err)
			}
			if len(rows) < days-1 || len(rows) > days+1 || woken != len(rows) {
				t.Fatalf("%d nights in %d days, %d of them were woken", len(rows), days, woken)
			}
			for i, r := range rows {
				want := date.Add(i)
				if doorzet.DateOf(r.Date, time.UTC) != want || !r.At.Equal(doorzet.NightAt(want, hours, shop.Location(), shop.ID)) {
					t.Errorf("night %d is that of %s, at %s; want that of %s", i+1, r.Date, r.At.In(shop.Location()), want)
				}
			}
		})
	}
}

func TestR3_theFirstNightBeginsAfterTheShopWasAdded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 30 {
		s := b.addShop(t, fmt.Sprint("S", i), fmt.Sprint("https://s", i, ".example"))
		_, want := doorzet.NextNight(s.AddedAt, s.NightHours, s.Location(), s.ID)
		if !s.NextNightAt.Equal(want) || !s.NextNightAt.After(s.AddedAt) {
			t.Errorf("shop %d, added %s: its first night begins %s, want %s", s.ID, s.AddedAt, s.NextNightAt, want)
		}
	}
	if ids := b.plan(t, b.shop.AddedAt); len(ids) != 0 {
		t.Errorf("%d nights before the shops were there", len(ids))
	}
}

// Of the nights that a scheduler missed only the latest runs, whatever the number of shops and schedulers.
func TestR3_aSchedulerThatWasDown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		down        time.Duration
		least, most int
	}{
		{"three days", 3 * 24 * time.Hour, 3, 4},
		{"forty days: of the last month each night has its row", 40 * 24 * time.Hour, 28, 32},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for i := range 5 {
				b.addShop(t, fmt.Sprint("S", i), fmt.Sprint("https://s", i, ".example"))
			}
			var shops []int64
			if err := b.raw.Select(&shops, `SELECT id FROM shops ORDER BY id`); err != nil {
				t.Fatal(err)
			}
			for _, id := range shops {
				_, at := doorzet.NextNight(time.Now().Add(-c.down), b.shop.NightHours, b.shop.Location(), id)
				b.exec(t, `UPDATE shops SET next_night_at = $2 WHERE id = $1`, id, at)
			}
			var woken atomic.Int64
			together(t, 3, func(int) error {
				p, err := b.db.PlanNights(t.Context(), time.Now(), 0, 100)
				woken.Add(int64(len(p.Nights)))
				return err
			})
			woken.Add(int64(len(b.plan(t, time.Now()))))
			if n := woken.Load(); n != int64(len(shops)) {
				t.Errorf("%d nights are woken, want one of each of %d shops", n, len(shops))
			}
			for _, id := range shops {
				rows := b.nightRows(t, id)
				if len(rows) < c.least || len(rows) > c.most {
					t.Errorf("shop %d has %d nights, want %d to %d: %v", id, len(rows), c.least, c.most, rows)
				}
				for i, r := range rows {
					if want := map[bool]string{true: "planned", false: "covered"}[i == len(rows)-1]; r[11:] != want {
						t.Errorf("shop %d: night %q, want %s", id, r, want)
					}
				}
			}
		})
	}
}

// Many schedulers plan the same shops for weeks, while nights are claimed and end, orders are looked at, settings change and
// shops are paused: never two nights within half a day, never a skipped date, and nothing fails.
func TestR3_manySchedulersUnderLoad(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shops := []doorzet.Shop{b.shop}
	for i := range 11 {
		shops = append(shops, b.addShop(t, fmt.Sprint("S", i), fmt.Sprint("https://s", i, ".example")))
	}
	begin, days := time.Now().AddDate(0, 0, -20), 19
	for _, s := range shops {
		_, at := doorzet.NextNight(begin, s.NightHours, s.Location(), s.ID)
		b.exec(t, `UPDATE shops SET next_night_at = $2 WHERE id = $1`, s.ID, at)
	}
	var clock, planners atomic.Int64 // hours since begin; how many planners still go
	planners.Store(4)
	together(t, 7, func(i int) error {
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		if i < 4 {
			defer planners.Add(-1)
			for clock.Load() <= int64(days*24) {
				now := begin.Add(time.Duration(clock.Add(1)) * time.Hour)
				p, err := b.db.PlanNights(t.Context(), now, 0, 1+rng.IntN(8))
				if err != nil {
					return err
				}
				for _, n := range p.Nights {
					if night, err := b.db.ClaimNight(t.Context(), n.ID); err == nil && rng.IntN(2) == 0 {
						err = b.db.FinishNight(t.Context(), night, doorzet.NightDone, "")
						if err != nil {
							return err
						}
					} else if err != nil && !errors.Is(err, doorzet.ErrNotFound) {
						return err
					}
				}
			}
			return nil
		}
		for n := 0; planners.Load() > 0; n++ {
			s := shops[rng.IntN(len(shops))]
			c := b.context()
			c.Shop = s
			if _, err := b.db.ApplyLooks(t.Context(), c, []doorzet.Look{look(int64(n+1), "processing", 0)}); err != nil {
				return err
			}
			if err := b.db.SawShop(t.Context(), s, "night 1"); err != nil {
				return err
			}
		}
		return nil
	})
	for range shops {
		b.plan(t, begin.Add(time.Duration(days)*24*time.Hour))
	}
	for _, s := range shops {
		rows := b.nightRows(t, s.ID)
		if len(rows) < days-1 || len(rows) > days+2 {
			t.Errorf("shop %d has %d nights in %d days", s.ID, len(rows), days)
		}
	}
	if n := one[int](t, b, `
		SELECT count(*) FROM (SELECT date - lag(date) OVER w AS days, run_at - lag(run_at) OVER w AS apart
		                        FROM nights WINDOW w AS (PARTITION BY shop_id ORDER BY run_at)) x
		 WHERE days <> 1 OR apart < interval '12 hours'`); n != 0 {
		t.Errorf("%d nights were skipped or doubled", n)
	}
}

// A second night within half a day is the same one once more, whatever its date is called.
func TestR3_noSecondNightWithinHalfADay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := doorzet.NightAt(doorzet.DateOf(time.Now(), b.shop.Location()).Add(-1), doorzet.NightHours{From: 23 * 60, To: 23*60 + 1}, b.shop.Location(), b.shop.ID)
	b.exec(t, `UPDATE shops SET night_from = 23 * 60, night_to = 23 * 60 + 1, next_night_at = $1`, at)
	if ids := b.plan(t, at); len(ids) != 1 {
		t.Fatalf("woken %v", ids)
	}
	// The owner moves the hours to just after midnight: another date, an hour and a half later.
	next := at.Add(90 * time.Minute)
	b.exec(t, `UPDATE shops SET night_from = 30, night_to = 31, next_night_at = $1`, next)
	if ids := b.plan(t, next); len(ids) != 0 {
		t.Errorf("the night is doubled: %v", ids)
	}
	s := b.reload(t, b.shop.ID)
	if gap := s.NextNightAt.Sub(at); gap < 24*time.Hour || gap > 27*time.Hour {
		t.Errorf("the next night is %s after the last one", gap)
	}
	if ids := b.plan(t, s.NextNightAt); len(ids) != 1 {
		t.Errorf("the next night: %v", ids)
	}
}

// New hours do not lose a night whose time has come, nor the one of today.
func TestR3_newHoursSkipNoNight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hoursAt := func(at time.Time) doorzet.NightHours {
		local := at.In(b.shop.Location())
		m := local.Hour()*60 + local.Minute()
		return doorzet.NightHours{From: m, To: (m + 1) % (24 * 60)}
	}
	change := func(h doorzet.NightHours) doorzet.Shop {
		t.Helper()
		before := b.reload(t, b.shop.ID)
		after := before
		after.NightHours = h
		if err := b.db.SetShop(t.Context(), before, after, nil, "anna"); err != nil {
			t.Fatal(err)
		}
		return b.reload(t, b.shop.ID)
	}
	soon := time.Now().Add(20 * time.Minute).Truncate(time.Second)
	b.exec(t, `UPDATE shops SET next_night_at = $1`, soon)
	if s := change(hoursAt(time.Now().Add(-time.Hour))); !s.NextNightAt.Equal(soon) {
		t.Errorf("hours that are over today: the next night moves from %s to %s", soon, s.NextNightAt)
	}
	if s := change(hoursAt(time.Now().Add(3 * time.Hour))); s.NextNightAt.Before(soon.Add(2*time.Hour)) || s.NextNightAt.After(soon.Add(4*time.Hour)) {
		t.Errorf("hours of later today: the next night moves from %s to %s", soon, s.NextNightAt)
	}
	due := time.Now().Add(-time.Minute).Truncate(time.Second)
	b.exec(t, `UPDATE shops SET next_night_at = $1`, due)
	if s := change(hoursAt(time.Now().Add(8 * time.Hour))); !s.NextNightAt.Equal(due) {
		t.Errorf("a night whose time has come moves from %s to %s", due, s.NextNightAt)
	}
	if ids := b.plan(t, time.Now()); len(ids) != 1 {
		t.Errorf("the night whose time had come: %v", ids)
	}
}

// While a night is planned its shop's rows are written as always.
func TestPlanNights_holdsUpNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tx, err := b.raw.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), `SELECT FROM shops FOR NO KEY UPDATE`); err != nil { // as PlanNights locks them
		t.Fatal(err)
	}
	if _, err := b.db.AskNight(t.Context(), b.shop, "anna"); err != nil {
		t.Errorf("a night by hand: %v", err)
	}
	if p, err := b.db.PlanNights(t.Context(), b.shop.NextNightAt, 0, 10); err != nil || p.Shops != 0 {
		t.Errorf("another planner: %+v, %v", p, err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if ids := b.plan(t, b.shop.NextNightAt); len(ids) != 1 {
		t.Errorf("planned later: %v", ids)
	}
}
