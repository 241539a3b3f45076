package doorzet

// WakeUp is a row that is to be worked on now: a night or a booking, and the pool of workers that serves its shop ("" = the
// usual ones).
type WakeUp struct {
	ID   int64
	Pool string
}

// WakeUps are wake-ups of rows of one shop.
func WakeUps(pool string, ids ...int64) []WakeUp {
	out := make([]WakeUp, len(ids))
	for i, id := range ids {
		out[i] = WakeUp{ID: id, Pool: pool}
	}
	return out
}
