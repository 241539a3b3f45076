package doorzet_test

import (
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestMark_Newer(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	second := first.Add(time.Microsecond)
	for _, c := range []struct {
		name string
		a, b doorzet.Mark
		want bool
	}{
		{"nothing is not newer than nothing", doorzet.Mark{}, doorzet.Mark{}, false},
		{"something is newer than nothing", doorzet.Mark{Entry: 1}, doorzet.Mark{}, true},
		{"nothing is not newer than something", doorzet.Mark{}, doorzet.Mark{Entry: 1}, false},
		{"a later entry", doorzet.Mark{Entry: 8, Restored: first}, doorzet.Mark{Entry: 7, Restored: first.Local()}, true},
		{"the same entry", doorzet.Mark{Entry: 7}, doorzet.Mark{Entry: 7}, false},
		{"an earlier entry after a restore", doorzet.Mark{Entry: 3, Restored: first}, doorzet.Mark{Entry: 7}, true},
		{"a later entry before a restore", doorzet.Mark{Entry: 7}, doorzet.Mark{Entry: 3, Restored: first}, false},
		{"an earlier entry after the next restore", doorzet.Mark{Entry: 3, Restored: second}, doorzet.Mark{Entry: 7, Restored: first}, true},
	} {
		if got := c.a.Newer(c.b); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestR9_MayBeBooked(t *testing.T) {
	t.Parallel()
	restored := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		created, restored time.Time
		want              bool
	}{
		{restored.AddDate(-1, 0, 0), restored, true},
		{restored.Add(24*time.Hour - time.Second), restored, true},
		{restored.Add(24 * time.Hour), restored, false},
		{restored, time.Time{}, false},
	} {
		if got := doorzet.MayBeBooked(c.created, c.restored); got != c.want {
			t.Errorf("created %s, restored %s: %t", c.created, c.restored, got)
		}
	}
}
