package wootest

import (
	"regexp"
	"time"
)

// dateParam is what WordPress accepts as a date: a day alone is refused.
var dateParam = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}(?::\d{2})?)?$`)

// wall reads a date parameter as the wall clock that WooCommerce compares with a column. A date with a zone is turned
// into the shop's wall clock first, also when the column is UTC: that is the trap of "Z" with dates_are_gmt.
func wall(value string, zone *time.Location) (time.Time, bool) {
	m := dateParam.FindStringSubmatch(value)
	if m == nil {
		return time.Time{}, false
	}
	plain, err := time.Parse("2006-01-02T15:04:05", m[1][:10]+"T"+m[1][11:])
	if err != nil {
		return time.Time{}, false
	}
	if m[3] == "" {
		return plain, true
	}
	offset := time.Duration(0)
	if m[3] != "Z" {
		layout := "-07:00"
		if len(m[3]) == 3 {
			layout = "-07"
		}
		t, err := time.Parse(layout, m[3])
		if err != nil {
			return time.Time{}, false
		}
		_, seconds := t.Zone()
		offset = time.Duration(seconds) * time.Second
	}
	return wallOf(plain.Add(-offset), zone), true
}

// wallOf is an instant's wall clock in a zone, as a time in UTC.
func wallOf(t time.Time, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}
