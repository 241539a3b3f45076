package doorzet

import "regexp"

var poolForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,19}$`)

// ParsePool reads the name of a pool of workers, which is part of the names of its queues.
func ParsePool(name string) (string, error) {
	if !poolForm.MatchString(name) || name == NoPool {
		return "", Input("pool %q: give a name of at most 20 lower-case letters, digits and hyphens, like large", name)
	}
	return name, nil
}

// NoPool is the word that takes a shop out of its pool. No pool is called so.
const NoPool = "none"

// WakeUp is a row that is to be worked on now: a night or a booking.
type WakeUp struct {
	ID     int64
	ShopID int64
	Pool   string // of workers that serve the shop; "" = the usual ones
}

// WakeUps are wake-ups of rows of one shop.
func WakeUps(shop Shop, ids ...int64) []WakeUp {
	out := make([]WakeUp, len(ids))
	for i, id := range ids {
		out[i] = WakeUp{ID: id, ShopID: shop.ID, Pool: shop.Pool}
	}
	return out
}
