package doorzet_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func hoursOf(t *testing.T, text string) doorzet.NightHours {
	t.Helper()
	h, err := doorzet.ParseNightHours(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// A night that was to come is one, also when the shop's hours or zone have changed since: it is not lost to a new timetable,
// and not doubled by it.
func TestR3_aNightOfAnEarlierTimetableIsNotLost(t *testing.T) {
	t.Parallel()
	loc := zone(t, "Europe/Amsterdam")
	first := at(t, "2026-06-10T02:10:00+02:00")
	for _, c := range []struct {
		name, hours, now string
		want             []string // dates
		next             string   // date
	}{
		{"before its time", "22:00-22:01", "2026-06-10T02:09:59+02:00", nil, "2026-06-10"},
		{"its time has come, the new hours have not", "22:00-22:01", "2026-06-10T02:10:00+02:00", []string{"2026-06-10"}, "2026-06-10"},
		{"both have come", "22:00-22:01", "2026-06-10T23:00:00+02:00", []string{"2026-06-10", "2026-06-10"}, "2026-06-11"},
		{"the new hours lie so near that they are the same night", "09:00-09:01", "2026-06-10T12:00:00+02:00", []string{"2026-06-10"}, "2026-06-11"},
		{"three days later", "09:00-09:01", "2026-06-13T12:00:00+02:00", []string{"2026-06-10", "2026-06-11", "2026-06-12", "2026-06-13"}, "2026-06-14"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			missed, next := doorzet.MissedNights(first, at(t, c.now), hoursOf(t, c.hours), loc, 7)
			var dates []string
			for _, m := range missed {
				dates = append(dates, m.Date.String())
			}
			if !slices.Equal(dates, c.want) || doorzet.DateOf(next, loc).String() != c.next || !next.After(at(t, c.now)) {
				t.Errorf("missed %v and next %s, want %v and a time on %s", dates, next.In(loc), c.want, c.next)
			}
		})
	}
}

// New hours or a new zone move the night that is to come, but neither lose one whose time has come nor put one off by more than
// half a day.
func TestR3_retimed(t *testing.T) {
	t.Parallel()
	loc := zone(t, "Europe/Amsterdam")
	for _, c := range []struct{ name, next, now, hours, want string }{
		{"later this night", "2026-06-10T02:10:00+02:00", "2026-06-10T01:00:00+02:00", "04:00-04:01", "2026-06-10T04:00"},
		{"earlier, and it has not come", "2026-06-11T02:10:00+02:00", "2026-06-10T12:00:00+02:00", "22:00-22:01", "2026-06-10T22:00"},
		{"its time has come, and nobody has planned it", "2026-06-10T02:10:00+02:00", "2026-06-10T03:00:00+02:00", "22:00-22:01", "2026-06-10T02:10"},
		{"the new hours of today are over: today's night stays", "2026-06-10T02:10:00+02:00", "2026-06-10T01:30:00+02:00", "01:00-01:01", "2026-06-10T02:10"},
		{"half a day later, just so", "2026-06-10T02:10:00+02:00", "2026-06-10T01:30:00+02:00", "14:09-14:10", "2026-06-10T14:09"},
		{"more than half a day later", "2026-06-10T02:10:00+02:00", "2026-06-10T01:30:00+02:00", "14:11-14:12", "2026-06-10T02:10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := doorzet.Retimed(at(t, c.next), at(t, c.now), hoursOf(t, c.hours), loc, 7)
			if text := got.In(loc).Format("2006-01-02T15:04"); text != c.want {
				t.Errorf("got %s, want %s", text, c.want)
			}
		})
	}
}

// Years of a shop whose owner changes its hours and its zone now and then, and of a scheduler that looks now and then: nights
// never lie nearer than half a day, and never further apart than a day and a half and the hours when nobody looked.
func TestR3_changesOfHoursAndZoneNeitherSkipNorDouble(t *testing.T) {
	t.Parallel()
	zones := []string{"Europe/Amsterdam", "Australia/Lord_Howe", "America/Los_Angeles", "Pacific/Auckland", "+05:45", "UTC"}
	hours := []string{"01:00-05:00", "23:00-03:00", "12:00-12:30", "22:30-22:29", "02:00-03:00"}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 7))
		loc, h := zone(t, zones[0]), hoursOf(t, hours[0])
		now := at(t, "2024-01-01T12:00:00Z")
		_, next := doorzet.NextNight(now, h, loc, int64(seed))
		var last time.Time
		changed := now
		for now.Before(at(t, "2027-01-01T00:00:00Z")) {
			look := time.Duration(1+rng.IntN(90)) * time.Minute
			now = now.Add(look)
			if now.Sub(changed) > 3*24*time.Hour && rng.IntN(100) == 0 {
				loc, h, changed = zone(t, zones[rng.IntN(len(zones))]), hoursOf(t, hours[rng.IntN(len(hours))]), now
				next = doorzet.Retimed(next, now, h, loc, int64(seed))
			}
			if next.After(now) {
				continue
			}
			var missed []doorzet.PlannedNight
			missed, next = doorzet.MissedNights(next, now, h, loc, int64(seed))
			for _, m := range missed {
				if m.At.Sub(last) < doorzet.NightsApart {
					continue // the store leaves it out
				}
				if gap := m.At.Sub(last); !last.IsZero() && gap > 39*time.Hour {
					t.Fatalf("seed %d: %s lie between the nights of %s and %s (%s, %s; changed %s)", seed, gap, last.In(loc), m.At.In(loc), loc, h, changed.In(loc))
				}
				last = m.At
			}
		}
	}
}
