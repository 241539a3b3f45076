package doorzet_test

import (
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// zone is a time zone by name or offset.
func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := doorzet.ParseZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// at is an instant as RFC 3339.
func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// day is a date as 2026-01-31.
func day(t *testing.T, s string) doorzet.Date {
	t.Helper()
	d, err := doorzet.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// same compares instants.
func same(t *testing.T, what string, got, want time.Time) {
	t.Helper()
	if !got.Equal(want) {
		t.Errorf("%s = %s, want %s", what, got.UTC().Format(time.RFC3339Nano), want.UTC().Format(time.RFC3339Nano))
	}
}

func TestDate_beginsAtTheFirstInstantOfTheDay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, zone, date, want string }{
		{"winter", "Europe/Amsterdam", "2026-01-31", "2026-01-30T23:00:00Z"},
		{"summer", "Europe/Amsterdam", "2026-07-01", "2026-06-30T22:00:00Z"},
		{"the day on which the clocks go forward at two", "Europe/Amsterdam", "2026-03-29", "2026-03-28T23:00:00Z"},
		{"the day on which the clocks go back at three", "Europe/Amsterdam", "2026-10-25", "2026-10-24T22:00:00Z"},
		{"midnight does not exist", "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"},
		{"midnight exists twice", "America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"},
		{"an offset", "+05:30", "2026-01-31", "2026-01-30T18:30:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			same(t, "the day's beginning", day(t, c.date).In(zone(t, c.zone)), at(t, c.want))
		})
	}
}

func TestDate_wallClock(t *testing.T) {
	t.Parallel()
	loc := zone(t, "Europe/Amsterdam")
	for _, c := range []struct {
		name, date   string
		hour, minute int
		want         string
	}{
		{"minutes may be all there is", "2026-01-31", 0, 150, "2026-01-31T01:30:00Z"},
		{"one that does not exist is moved ahead by the gap", "2026-03-29", 2, 30, "2026-03-29T01:30:00Z"},
		{"of one that exists twice the first is taken", "2026-10-25", 2, 30, "2026-10-25T00:30:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			same(t, "the instant", day(t, c.date).At(c.hour, c.minute, loc), at(t, c.want))
		})
	}
}

func TestDate_readsAndWrites(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "31-01-2026", "2026-02-30", "2026-1-1", "today"} {
		if d, err := doorzet.ParseDate(bad); err == nil {
			t.Errorf("%q was read as %s", bad, d)
		}
	}
	d := day(t, "2024-02-28")
	if got := d.Add(1).String(); got != "2024-02-29" {
		t.Errorf("the day after %s is %s", d, got)
	}
	if got := d.Add(2).String(); got != "2024-03-01" {
		t.Errorf("two days after %s is %s", d, got)
	}
	if !d.Before(d.Add(1)) || d.Before(d) || d.Add(1).Before(d) {
		t.Error("days are not in order")
	}
	var read doorzet.Date
	text, err := d.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if err := read.UnmarshalText(text); err != nil || read != d {
		t.Errorf("written as %q, read as %s (%v)", text, read, err)
	}
	if err := read.UnmarshalText(nil); err != nil || !read.IsZero() {
		t.Errorf("empty text was read as %s (%v)", read, err)
	}
}
