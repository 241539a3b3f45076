package doorzet

import (
	"fmt"
	"time"
)

// Date is a calendar day without a zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the calendar day of an instant in a zone.
func DateOf(t time.Time, loc *time.Location) Date {
	y, m, d := t.In(loc).Date()
	return Date{y, m, d}
}

// ParseDate reads "2026-01-31".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, Input("date %q: write it as 2026-01-31", s)
	}
	return DateOf(t, time.UTC), nil
}

// String is "2026-01-31".
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// IsZero tells whether no date is set.
func (d Date) IsZero() bool { return d == Date{} }

// In is the instant at which the day begins in a zone (its first instant, where midnight does not exist).
func (d Date) In(loc *time.Location) time.Time { return d.At(0, 0, loc) }

// At is the instant of a wall clock time of the day. Minutes may exceed a day. A wall clock that does not exist that day is
// moved ahead by the gap; of one that exists twice the first is taken.
func (d Date) At(hour, minute int, loc *time.Location) time.Time {
	return wallClock(time.Date(d.Year, d.Month, d.Day, hour, minute, 0, 0, time.UTC), loc)
}

// wallClock is the instant at which the clocks of a zone show what t shows, as At says it. time.Date leaves open which of
// two offsets it takes on the days when clocks change.
func wallClock(t time.Time, loc *time.Location) time.Time {
	offset := func(around time.Time) time.Duration {
		_, seconds := around.In(loc).Zone()
		return time.Duration(seconds) * time.Second
	}
	t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	before, after := t.Add(-offset(t.Add(-24*time.Hour))), t.Add(-offset(t.Add(24*time.Hour)))
	if offset(before) != t.Sub(before) && offset(after) == t.Sub(after) {
		return after.In(loc)
	}
	return before.In(loc)
}

// Add is the day n days later.
func (d Date) Add(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC), time.UTC)
}

// Before tells whether d is earlier than e.
func (d Date) Before(e Date) bool {
	return d.In(time.UTC).Before(e.In(time.UTC))
}

// MarshalText is String.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText is ParseDate; empty text is no date.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	v, err := ParseDate(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}
