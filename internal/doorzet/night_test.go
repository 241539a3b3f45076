package doorzet_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestR4_window(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, zone, start string
		webhooks          bool
		want              string
	}{
		{"21 days of 24 hours", "Europe/Amsterdam", "2026-11-22T02:10:00Z", false, "2026-11-01T02:10:00Z"},
		{"21 days are as long when the clocks went back meanwhile", "Europe/Amsterdam", "2026-11-02T02:10:00Z", false, "2026-10-12T02:10:00Z"},
		{"21 days are as long when the clocks went forward meanwhile", "Europe/Amsterdam", "2026-04-10T01:10:00Z", false, "2026-03-20T01:10:00Z"},
		{"three months, the same wall clock", "Europe/Amsterdam", "2026-08-15T01:10:00+02:00", true, "2026-05-15T01:10:00+02:00"},
		{"three months, the same wall clock, summer to winter", "Europe/Amsterdam", "2026-05-15T01:10:00+02:00", true, "2026-02-15T01:10:00+01:00"},
		{"three months, the same wall clock, winter to summer", "Europe/Amsterdam", "2026-12-15T01:10:00+01:00", true, "2026-09-15T01:10:00+02:00"},
		{"31 May goes back to 28 February", "Europe/Amsterdam", "2026-05-31T02:10:00+02:00", true, "2026-02-28T02:10:00+01:00"},
		{"31 May of a leap year goes back to 29 February", "Europe/Amsterdam", "2024-05-31T02:10:00+02:00", true, "2024-02-29T02:10:00+01:00"},
		{"30 May as well", "Europe/Amsterdam", "2024-05-30T02:10:00+02:00", true, "2024-02-29T02:10:00+01:00"},
		{"29 May of a leap year needs no clamping", "Europe/Amsterdam", "2024-05-29T02:10:00+02:00", true, "2024-02-29T02:10:00+01:00"},
		{"across the turn of the year", "Europe/Amsterdam", "2027-01-31T02:10:00+01:00", true, "2026-10-31T02:10:00+01:00"},
		{"the shop's own month decides, not that of UTC", "America/New_York", "2026-06-01T03:30:00Z", true, "2026-03-01T04:30:00Z"},
		{"an offset", "+05:30", "2026-05-31T23:00:00+05:30", true, "2026-02-28T23:00:00+05:30"},
		{"parts of a second stay", "Europe/Amsterdam", "2026-08-15T01:10:00.123456Z", true, "2026-05-15T01:10:00.123456Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			since := doorzet.WindowSince(at(t, c.start), zone(t, c.zone), c.webhooks)
			same(t, "the window begins at", since, at(t, c.want))
		})
	}
}

// An order is inside when it was not created before the window's beginning: exactly then is inside, a second earlier not.
func TestR4_createdExactlyAtTheWindowsBeginningIsInside(t *testing.T) {
	t.Parallel()
	shop := doorzet.Shop{Statuses: []string{"completed"}, TimeZone: "Europe/Amsterdam", StartDate: day(t, "2020-01-01")}
	for _, webhooks := range []bool{false, true} {
		start := at(t, "2026-05-31T02:10:00+02:00")
		since := doorzet.WindowSince(start, shop.Location(), webhooks)
		for _, c := range []struct {
			created time.Time
			want    doorzet.Move
		}{
			{since.Add(-time.Second), doorzet.Expire}, {since, doorzet.Stay}, {since.Add(time.Second), doorzet.Stay},
		} {
			v := doorzet.Judge(shop, since, doorzet.Facts{Known: true, Created: c.created}, doorzet.Look{By: doorzet.ByNight, Status: "on-hold", Created: c.created})
			if v.Move != c.want {
				t.Errorf("webhooks %t, created %s from the beginning: %s, want %s", webhooks, c.created.Sub(since), v.Move, c.want)
			}
		}
	}
}

// The date on which an order leaves the window is what the window itself says: inside until then, outside ever after. On
// the days when clocks change it may be off by that hour. (An order of the last day of a month can be outside for some hours of
// the days before: the window of 30 December at noon goes back to 30 September at noon, that of the 31st in the morning to
// that morning.)
func TestR4_leavesWindowAgreesWithTheWindow(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "+05:30", "UTC"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loc := zone(t, name)
			slack := time.Second
			if loc.String() != "UTC" && loc.String() != "+05:30" {
				slack = time.Hour + time.Second
			}
			rng := rand.New(rand.NewPCG(1, 2))
			from := at(t, "2023-01-01T00:00:00Z")
			for range 2_000 {
				created := from.Add(time.Duration(rng.Int64N(5*366*24*3600)) * time.Second)
				webhooks := rng.IntN(4) > 0
				leaves := doorzet.LeavesWindow(created, loc, webhooks)
				before := leaves.Add(-slack)
				firstDay := leaves.In(loc).Day() == 1 || doorzet.DateOf(before, loc) == doorzet.DateOf(leaves, loc)
				if firstDay && created.Before(doorzet.WindowSince(before, loc, webhooks)) {
					t.Fatalf("created %s: outside at %s already, said to leave at %s", created.In(loc), before.In(loc), leaves.In(loc))
				}
				for _, later := range []time.Duration{slack, 2 * time.Hour, 7 * time.Hour, 24 * time.Hour, 49 * time.Hour, 75 * time.Hour, 40 * 24 * time.Hour} {
					after := leaves.Add(later)
					if later >= slack && !created.Before(doorzet.WindowSince(after, loc, webhooks)) {
						t.Fatalf("created %s: still inside at %s, said to leave at %s", created.In(loc), after.In(loc), leaves.In(loc))
					}
				}
			}
		})
	}
}

func TestR4_leavesWindow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, created string
		webhooks      bool
		want          string
	}{
		{"21 days later", "2026-11-01T02:10:00Z", false, "2026-11-22T02:10:00Z"},
		{"three months later, the same wall clock", "2026-01-15T10:00:00+01:00", true, "2026-04-15T10:00:00+02:00"},
		{"an order of the 30th is inside all of February", "2025-11-30T10:00:00+01:00", true, "2026-03-01T00:00:00+01:00"},
		{"an order of 28 February is what the window of 31 May goes back to", "2026-02-28T10:00:00+01:00", true, "2026-05-31T10:00:00+02:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			same(t, "leaves at", doorzet.LeavesWindow(at(t, c.created), zone(t, "Europe/Amsterdam"), c.webhooks), at(t, c.want))
		})
	}
}

func TestR3_nightHours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		from, to int
	}{
		{"01:00-05:00", 60, 300}, {"23:00-03:00", 23 * 60, 180}, {"00:00-23:59", 0, 23*60 + 59}, {"22:30-22:29", 22*60 + 30, 22*60 + 29},
	} {
		h, err := doorzet.ParseNightHours(c.text)
		if err != nil || h.From != c.from || h.To != c.to {
			t.Errorf("%q was read as %+v, %v", c.text, h, err)
		}
		if h.String() != c.text {
			t.Errorf("%q is written as %q", c.text, h)
		}
	}
	for _, bad := range []string{"", "1:00-5:00", "01:00-05:00 ", "01:00", "24:00-05:00", "01:60-05:00", "03:00-03:00", "01:00–05:00", "01:00-05:00x", "-1:00-05:00"} {
		if h, err := doorzet.ParseNightHours(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, h)
		}
	}
}

// A night begins inside its hours, on its own date, and always at the same place in them.
func TestR3_nightsBeginInsideTheirHours(t *testing.T) {
	t.Parallel()
	loc := zone(t, "Europe/Amsterdam")
	for _, c := range []struct{ hours, date, from, to string }{
		{"01:00-05:00", "2026-06-10", "2026-06-10T01:00:00+02:00", "2026-06-10T05:00:00+02:00"},
		{"23:00-03:00", "2026-06-10", "2026-06-10T23:00:00+02:00", "2026-06-11T03:00:00+02:00"},
		{"01:00-05:00", "2026-03-29", "2026-03-29T01:00:00+01:00", "2026-03-29T05:00:00+02:00"},
		{"01:00-05:00", "2026-10-25", "2026-10-25T01:00:00+02:00", "2026-10-25T05:00:00+01:00"},
		{"02:30-02:45", "2026-03-29", "2026-03-29T03:30:00+02:00", "2026-03-29T03:45:00+02:00"},
	} {
		hours, err := doorzet.ParseNightHours(c.hours)
		if err != nil {
			t.Fatal(err)
		}
		from, to := at(t, c.from), at(t, c.to)
		var first, last time.Time
		for shop := range int64(500) {
			begins := doorzet.NightAt(day(t, c.date), hours, loc, shop)
			if begins.Before(from) || !begins.Before(to) {
				t.Fatalf("%s on %s: the night of shop %d begins at %s", c.hours, c.date, shop, begins.In(loc))
			}
			if first.IsZero() || begins.Before(first) {
				first = begins
			}
			if begins.After(last) {
				last = begins
			}
		}
		if spread := last.Sub(first); spread < to.Sub(from)*9/10 {
			t.Errorf("%s on %s: 500 shops lie within %s", c.hours, c.date, spread)
		}
	}
}

// Ten years of nights, by walking from each to the next: one for each date, in every zone, through every change of clocks.
func TestR3_noNightIsSkippedOrDoubledInTenYears(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "+05:30", "-11:00"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loc := zone(t, name)
			for _, text := range []string{"01:00-05:00", "23:00-03:00", "02:00-03:00", "00:00-23:59", "12:00-11:59", "02:15-02:16"} {
				hours, err := doorzet.ParseNightHours(text)
				if err != nil {
					t.Fatal(err)
				}
				for shop := range int64(3) {
					now := at(t, "2016-01-01T12:00:00Z")
					date, begins := doorzet.NextNight(now, hours, loc, shop)
					for range 3653 {
						next, nextBegins := doorzet.NextNight(begins, hours, loc, shop)
						if next != date.Add(1) || !nextBegins.After(begins) {
							t.Fatalf("%s, shop %d: after the night of %s (%s) comes that of %s (%s)", text, shop, date, begins.In(loc), next, nextBegins.In(loc))
						}
						if nextBegins.Sub(begins) > 26*time.Hour || nextBegins.Sub(begins) < 22*time.Hour {
							t.Fatalf("%s, shop %d: %s lie between the nights of %s and %s", text, shop, nextBegins.Sub(begins), date, next)
						}
						date, begins = next, nextBegins
					}
				}
			}
		})
	}
}

func TestR3_theNextNightBeginsAfterTheInstantAsked(t *testing.T) {
	t.Parallel()
	loc, hours := zone(t, "Europe/Amsterdam"), doorzet.NightHours{From: 23 * 60, To: 180}
	for shop := range int64(50) {
		tonight := doorzet.NightAt(day(t, "2026-06-10"), hours, loc, shop)
		for _, c := range []struct {
			asked time.Time
			want  string
		}{
			{tonight.Add(-time.Second), "2026-06-10"}, {tonight, "2026-06-11"}, {tonight.Add(time.Second), "2026-06-11"},
			{at(t, "2026-06-10T12:00:00+02:00"), "2026-06-10"}, // the first night of a shop added at noon
		} {
			date, begins := doorzet.NextNight(c.asked, hours, loc, shop)
			if date != day(t, c.want) || !begins.After(c.asked) {
				t.Errorf("shop %d: after %s comes the night of %s at %s, want %s", shop, c.asked.In(loc), date, begins.In(loc), c.want)
			}
		}
	}
}

func TestR3_missedNights(t *testing.T) {
	t.Parallel()
	loc, hours := zone(t, "Europe/Amsterdam"), doorzet.DefaultNightHours
	date, first := doorzet.NextNight(at(t, "2026-03-26T12:00:00Z"), hours, loc, 7)
	third := doorzet.NightAt(date.Add(3), hours, loc, 7)
	for _, c := range []struct {
		name string
		now  time.Time
		want int
	}{
		{"a second too early", first.Add(-time.Second), 0},
		{"its time has come", first, 1},
		{"the scheduler was down for three nights, one of them 23 hours", third, 4},
		{"and has not come to the fourth", third.Add(-time.Second), 3},
		{"a year's absence lists one month", first.AddDate(1, 0, 0), 32},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, next := doorzet.MissedNights(first, c.now, hours, loc, 7)
			if len(got) != c.want && (c.want < 28 || len(got) < 28 || len(got) > 32) {
				t.Errorf("%d nights, want %d: %v", len(got), c.want, got)
			}
			if _, want := doorzet.NextNight(c.now, hours, loc, 7); !next.Equal(want) {
				t.Errorf("the next one is %s, want %s", next, want)
			}
			for i, n := range got {
				if i > 0 && n.Date != got[i-1].Date.Add(1) {
					t.Errorf("after %s comes %s", got[i-1].Date, n.Date)
				}
				if n.At.After(c.now) {
					t.Errorf("the night of %s has not begun", n.Date)
				}
			}
		})
	}
}

func TestR5_R6_strategy(t *testing.T) {
	t.Parallel()
	for open, want := range map[int]doorzet.Strategy{
		0: doorzet.OneByOne, 1: doorzet.OneByOne, 149: doorzet.OneByOne, 150: doorzet.Bulk, 151: doorzet.Bulk, 100_000: doorzet.Bulk,
	} {
		if got := doorzet.StrategyFor(open); got != want {
			t.Errorf("%d open orders: %s, want %s", open, got, want)
		}
	}
}

// The window widens at once and narrows only after two nights in a row found the webhooks off.
func TestR4_webhooksSeen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		before bool
		found  []bool
		want   []bool
	}{
		{"on at once", false, []bool{true}, []bool{true}},
		{"off after two nights in a row", true, []bool{false, false, false}, []bool{true, false, false}},
		{"a night that found them on begins the count again", true, []bool{false, true, false, false}, []bool{true, true, true, false}},
		{"never on", false, []bool{false, false}, []bool{false, false}},
		{"on, off and on again", false, []bool{true, false, false, true, false}, []bool{true, true, false, true, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			on, offFor := c.before, 0
			for i, found := range c.found {
				if on, offFor = doorzet.WebhooksSeen(on, offFor, found); on != c.want[i] {
					t.Errorf("after night %d (found %t): on %t, want %t", i+1, found, on, c.want[i])
				}
			}
		})
	}
}
