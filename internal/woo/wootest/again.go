package wootest

import (
	"fmt"
	"maps"
	"slices"
)

// lastFound is the whole of the list that was asked for last: its next page needs no search through all orders.
type lastFound struct {
	key   string
	found []*record
}

// findAgain is find, but remembers the last list of which only the page may differ. What it gives is not to be changed. Whatever
// changes an order forgets it.
func (s *Shop) findAgain(l listing) []*record {
	if l.include != nil {
		return s.find(l)
	}
	key := l.key()
	if s.last == nil || s.last.key != key {
		s.last = &lastFound{key, s.find(l)}
	}
	return s.last.found
}

// forget forgets the last list: an order has changed.
func (s *Shop) forget() { s.last = nil }

// key is all of a list that decides which orders it holds, and in which order.
func (l listing) key() string {
	var dates []string
	for _, d := range l.dates {
		dates = append(dates, fmt.Sprint(d.name, d.value, d.zone))
	}
	return fmt.Sprint(slices.Sorted(maps.Keys(l.statuses)), l.exclude, l.orderby, l.asc, dates)
}
