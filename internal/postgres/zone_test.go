package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// A shop's nights and its start date follow the zone that it says, unless its owner chose another.
func TestR3_R12_aShopThatChangesItsZone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, ours, said, says string
		want, remembers        string
		told                   bool
	}{
		{"it follows", "Europe/Amsterdam", "Europe/Amsterdam", "Asia/Tokyo", "Asia/Tokyo", "Asia/Tokyo", true},
		{"to an offset", "Europe/Amsterdam", "Europe/Amsterdam", "+05:30", "+05:30", "+05:30", true},
		{"the same as before", "Europe/Amsterdam", "Europe/Amsterdam", "Europe/Amsterdam", "Europe/Amsterdam", "Europe/Amsterdam", false},
		{"its owner chose another", "Europe/Amsterdam", "UTC", "Asia/Tokyo", "Europe/Amsterdam", "Asia/Tokyo", false},
		{"it comes to what its owner chose", "Europe/Amsterdam", "UTC", "Europe/Amsterdam", "Europe/Amsterdam", "Europe/Amsterdam", false},
		{"it was not asked before", "Europe/Amsterdam", "", "Asia/Tokyo", "Europe/Amsterdam", "Asia/Tokyo", false},
		{"it does not say", "Europe/Amsterdam", "Europe/Amsterdam", "", "Europe/Amsterdam", "Europe/Amsterdam", false},
		{"a zone that is not known here", "Europe/Amsterdam", "Europe/Amsterdam", "Mars/Olympus", "Europe/Amsterdam", "Europe/Amsterdam", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			_, next := doorzet.NextNight(time.Now(), b.shop.NightHours, b.shop.Location(), b.shop.ID)
			b.exec(t, `UPDATE shops SET time_zone = $1, zone_said = $2, next_night_at = $3, full_import_at = now()`, c.ours, c.said, next)
			s := b.reload(t, b.shop.ID)
			s.ZoneSaid = c.says
			for range 2 { // a night that is taken over asks again
				if err := b.db.SawShop(t.Context(), s, "night 1"); err != nil {
					t.Fatal(err)
				}
			}
			got := b.reload(t, b.shop.ID)
			if got.TimeZone != c.want || got.ZoneSaid != c.remembers {
				t.Errorf("zone %s, said %s; want %s, %s", got.TimeZone, got.ZoneSaid, c.want, c.remembers)
			}
			starts := one[time.Time](t, b, `SELECT starts_at FROM shops`)
			retimed := doorzet.Retimed(next, time.Now(), got.NightHours, got.Location(), got.ID)
			if !starts.Equal(got.StartsAt()) || !got.NextNightAt.Equal(retimed) {
				t.Errorf("starts %s, next night %s; want %s, %s", starts, got.NextNightAt, got.StartsAt(), retimed)
			}
			if earlier := starts.Before(b.shop.StartsAt()); earlier != got.FullImportAt.IsZero() {
				t.Errorf("an earlier start: %t, and all ids are compared anew: %t", earlier, got.FullImportAt.IsZero())
			}
			var told []string
			for _, e := range must(b.db.Events(t.Context(), b.shop.ID, 0))(t) {
				if strings.HasPrefix(e.Text, "Time zone:") {
					told = append(told, e.Text)
				}
			}
			if (len(told) == 1) != c.told || len(told) > 1 {
				t.Errorf("the journal says %q", told)
			}
		})
	}
}

// A stranger that answers at a shop's address has no say in its nights (R14).
func TestR14_anotherShopsZoneIsNotFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, `UPDATE shops SET zone_said = time_zone`)
	s := b.reload(t, b.shop.ID)
	s.ZoneSaid, s.BlockedWhy = "Asia/Tokyo", "Another shop answers."
	if err := b.db.SawShop(t.Context(), s, "night 1"); err != nil {
		t.Fatal(err)
	}
	if got := b.reload(t, b.shop.ID); got.TimeZone != "Europe/Amsterdam" || got.ZoneSaid != "Europe/Amsterdam" {
		t.Errorf("zone %s, said %s", got.TimeZone, got.ZoneSaid)
	}
}
