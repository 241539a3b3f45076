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

// sizes are how many orders one list call may ask for. Each divides the one before, so that the stretch of a list at which a
// shop failed is a whole number of pages of each smaller size.
var sizes = [...]int{BatchSize, 50, 25, 5, 1}

const (
	// largerAfter is after how many answers in a row a client asks for more orders at a time. Each time that turns out to be
	// too many it waits for twice as many answers before it tries again.
	largerAfter = 20
	// The gap begins at firstGap, doubles up to mostGap, and is halved after fasterAfter answers in a row.
	firstGap    = 500 * time.Millisecond
	mostGap     = 5 * time.Second
	fasterAfter = 50
	// slowFor is how long a pace is kept before the next client begins a step faster: a host that was too weak on one night is
	// hardly stronger on the next.
	slowFor = 3 * 24 * time.Hour
)

// SizeUpTo is the largest size that is not above n; at least 1.
func SizeUpTo(n int) int {
	for _, s := range sizes {
		if s <= n {
			return s
		}
	}
	return 1
}

// SmallerSize is the largest size below n, 0 when there is none.
func SmallerSize(n int) int {
	if n <= 1 {
		return 0
	}
	return SizeUpTo(n - 1)
}

// LargerSize is the smallest size above n; BatchSize at most.
func LargerSize(n int) int {
	larger := BatchSize
	for _, s := range sizes {
		if s > n {
			larger = s
		}
	}
	return larger
}

// Sound is a pace that can be used: sizes that are sizes, and a gap within its bounds. What is zero is full.
func (p Pace) Sound() Pace {
	if p.Page <= 0 {
		p.Page = BatchSize
	}
	if p.Batch <= 0 {
		p.Batch = BatchSize
	}
	p.Page, p.Batch = SizeUpTo(p.Page), SizeUpTo(p.Batch)
	p.Gap = min(max(p.Gap, 0), mostGap)
	return p
}

// Recovered is the pace with which a new client begins: one step faster than the last one when that has been slow for long enough.
func (p Pace) Recovered(now time.Time) Pace {
	p = p.Sound()
	if p.SlowedAt.IsZero() || now.Sub(p.SlowedAt) <= slowFor {
		return p
	}
	p.Page, p.Batch, p.Gap = LargerSize(p.Page), LargerSize(p.Batch), smallerGap(p.Gap)
	return p
}

// largerGap is the gap after the shop said that it is asked too much.
func largerGap(gap time.Duration) time.Duration {
	return min(max(2*gap, firstGap), mostGap)
}

// smallerGap is the gap after the shop did well. What is below the first gap is none.
func smallerGap(gap time.Duration) time.Duration {
	if gap /= 2; gap >= firstGap {
		return gap
	}
	return 0
}

// Reach is how many orders a client asks for at a time, and how it learns that while it asks. A Reach does not change: each method
// gives the next one.
type Reach struct {
	Size   int // orders per question now
	Proven int // orders per question that the shop has answered; less than Size while more is tried

	answers  int // in a row, since Size is what it is
	patience int // so many of them before more is tried
}

// NewReach is the reach of a client that begins with a size, of which another may be known to work.
func NewReach(proven, size int) Reach {
	return Reach{Size: size, Proven: min(proven, size), patience: largerAfter}
}

// Answered is the reach after the shop answered a question for so many orders. Answers to smaller questions tell nothing.
func (r Reach) Answered(asked int) Reach {
	if asked < r.Size {
		return r
	}
	if r.Proven < r.Size {
		r.Proven, r.answers = r.Size, 0
	}
	if r.answers++; r.Size < BatchSize && r.answers >= r.patience {
		r.Size, r.answers = LargerSize(r.Size), 0
	}
	return r
}

// Failed is the reach after a question failed, whatever the reason: answers in a row are counted anew.
func (r Reach) Failed() Reach {
	r.answers = 0
	return r
}

// Shrunk is the reach after a question for more orders failed and all questions for so many were answered. When that was a try of
// more, the next try waits twice as long.
func (r Reach) Shrunk(to int) Reach {
	if to >= r.Size {
		return r
	}
	if r.Proven < r.Size {
		r.patience *= 2
	}
	r.Size, r.answers = to, 0
	r.Proven = min(r.Proven, to)
	return r
}

// Gap is the pause from the start of one call to the start of the next, and how a client learns it while it asks. The zero Gap is
// none. A Gap does not change: each method gives the next one.
type Gap struct {
	Length  time.Duration
	answers int // in a row
}

// Refused is the gap after the shop said that it is asked too much.
func (g Gap) Refused() Gap { return Gap{Length: largerGap(g.Length)} }

// Failed is the gap after a call failed for another reason: answers in a row are counted anew.
func (g Gap) Failed() Gap { return Gap{Length: g.Length} }

// Answered is the gap after a call that was answered.
func (g Gap) Answered() Gap {
	if g.answers++; g.answers < fasterAfter {
		return g
	}
	return Gap{Length: smallerGap(g.Length)}
}
