package doorzet

import "time"

// Pace is what was learnt of how much a shop can bear. The client of a shop makes it slower when the shop fails at a question or
// says that it is asked too much, and faster again when it does well; it is kept with the shop.
type Pace struct {
	Page     int           // whole orders per list call, 1 to BatchSize
	Batch    int           // orders per list call that asks for few fields, 1 to BatchSize
	Gap      time.Duration // from the start of one call to the start of the next, at least
	SlowedAt time.Time     // when one of them was last made slower; zero = never
}

// FullPace is that of a shop of which nothing bad is known.
var FullPace = Pace{Page: BatchSize, Batch: BatchSize}
