package doorzet

import "time"

// Mark is the newest entry of the journal that somebody saw in Postgres. Entries are never taken away and never written anew, so
// a Postgres that does not hold the entry of a mark is not the one that it was seen in: it was restored from an older backup,
// and everything that was recorded since is forgotten. An entry is told by its id together with its time, because the numbering
// begins again after a restore. The zero Mark is nothing seen.
type Mark struct {
	Entry    int64
	At       time.Time
	Restored time.Time // when Postgres had last been restored, as it was known then; zero = never
}

// Newer tells whether a mark was seen after another one. A restore makes a new beginning: after it the entries have lower ids.
func (m Mark) Newer(than Mark) bool {
	if !m.Restored.Equal(than.Restored) {
		return m.Restored.After(than.Restored)
	}
	return m.Entry > than.Entry
}

// Restore is what was recorded when Postgres had been restored.
type Restore struct {
	At       time.Time // the moment of restoring
	By       string    // who said so, or which process found it
	Bookings int       // not in the books as far as Postgres knew: each is looked up there first
	Shops    int       // whose orders are all compared in the coming night
}

// MayBeBooked tells whether the books may hold an order's booking without our knowing: Postgres was restored (the zero time is
// never), and the order was created before that, by a clock that may be off.
func MayBeBooked(created, restored time.Time) bool {
	return !restored.IsZero() && created.Before(restored.Add(RestoreMargin))
}
