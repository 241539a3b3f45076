package doorzet_test

import (
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestSizes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ n, upTo, smaller, larger int }{
		{0, 1, 0, 1}, {1, 1, 0, 5}, {2, 1, 1, 5}, {5, 5, 1, 25}, {6, 5, 5, 25}, {24, 5, 5, 25}, {25, 25, 5, 50}, {26, 25, 25, 50},
		{50, 50, 25, 100}, {80, 50, 50, 100}, {99, 50, 50, 100}, {100, 100, 50, 100}, {101, 100, 100, 100}, {500, 100, 100, 100},
	} {
		if got := doorzet.SizeUpTo(c.n); got != c.upTo {
			t.Errorf("the size up to %d is %d, want %d", c.n, got, c.upTo)
		}
		if got := doorzet.SmallerSize(c.n); got != c.smaller {
			t.Errorf("the size below %d is %d, want %d", c.n, got, c.smaller)
		}
		if got := doorzet.LargerSize(c.n); got != c.larger {
			t.Errorf("the size above %d is %d, want %d", c.n, got, c.larger)
		}
	}
	// A stretch at which a shop failed is read in pages of the next size: they must begin where it begins, and fill it.
	for size := doorzet.BatchSize; size > 1; size = doorzet.SmallerSize(size) {
		if size%doorzet.SmallerSize(size) != 0 {
			t.Errorf("%d is no whole number of pages of %d", size, doorzet.SmallerSize(size))
		}
	}
}

func TestSoundPace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want doorzet.Pace }{
		{doorzet.Pace{}, doorzet.FullPace},
		{doorzet.FullPace, doorzet.FullPace},
		{doorzet.Pace{Page: -3, Batch: 7, Gap: time.Hour}, doorzet.Pace{Page: 100, Batch: 5, Gap: 5 * time.Second}},
		{doorzet.Pace{Page: 1000, Batch: 1, Gap: -1}, doorzet.Pace{Page: 100, Batch: 1}},
	} {
		if got := c.in.Sound(); got != c.want {
			t.Errorf("%+v: got %+v, want %+v", c.in, got, c.want)
		}
	}
}

func TestRecoveredPace(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	slow := func(ago time.Duration) doorzet.Pace {
		return doorzet.Pace{Page: 5, Batch: 25, Gap: 2 * time.Second, SlowedAt: now.Add(-ago)}
	}
	if p := slow(72 * time.Hour); p.Recovered(now) != p {
		t.Errorf("after exactly three days: %+v", p.Recovered(now))
	}
	p := slow(72*time.Hour + time.Second)
	want := doorzet.Pace{Page: 25, Batch: 50, Gap: time.Second, SlowedAt: p.SlowedAt}
	if got := p.Recovered(now); got != want {
		t.Errorf("later: got %+v, want %+v", got, want)
	}
	want = doorzet.Pace{Page: 50, Batch: 100, Gap: 500 * time.Millisecond, SlowedAt: p.SlowedAt}
	if got := want.Recovered(now); got.Page != 100 || got.Batch != 100 || got.Gap != 0 {
		t.Errorf("at the end: got %+v", got)
	}
	if got := doorzet.FullPace.Recovered(now); got != doorzet.FullPace {
		t.Errorf("never slowed: got %+v", got)
	}
	if got := (doorzet.Pace{Page: 5, Batch: 5}).Recovered(now); got.Page != 5 || got.Batch != 5 {
		t.Errorf("slowed by nobody knows when: got %+v", got)
	}
}

// answered is a reach after n answers to questions for so many orders.
func answered(r doorzet.Reach, n, asked int) doorzet.Reach {
	for range n {
		r = r.Answered(asked)
	}
	return r
}

func TestReach(t *testing.T) {
	t.Parallel()
	is := func(t *testing.T, what string, r doorzet.Reach, size, proven int) {
		t.Helper()
		if r.Size != size || r.Proven != proven {
			t.Errorf("%s: size %d of which %d is proven, want %d and %d", what, r.Size, r.Proven, size, proven)
		}
	}
	r := doorzet.NewReach(100, 100)
	is(t, "a full reach stays", answered(r, 1000, 100), 100, 100)
	r = r.Shrunk(25)
	is(t, "it shrinks", r, 25, 25)
	is(t, "it never grows by shrinking", r.Shrunk(50), 25, 25)
	is(t, "19 answers are too few", answered(r, 19, 25), 25, 25)
	is(t, "smaller questions tell nothing", answered(r, 1000, 24), 25, 25)
	is(t, "20 in a row, not 19 and 19", answered(answered(r, 19, 25).Failed(), 19, 25), 25, 25)
	try := answered(r, 20, 25)
	is(t, "20 answers: more is tried", try, 50, 25)
	is(t, "one answer proves it", try.Answered(50), 50, 50)
	is(t, "and on to the next", answered(try, 20, 50), 100, 50)
	again := try.Shrunk(25)
	is(t, "a try that fails", again, 25, 25)
	is(t, "is not repeated as soon", answered(again, 39, 25), 25, 25)
	is(t, "but after twice as many answers", answered(again, 40, 25), 50, 25)
	is(t, "and then twice as many again", answered(answered(again, 40, 25).Shrunk(25), 79, 25), 25, 25)
	is(t, "a try that fails deeper", try.Shrunk(5), 5, 5)

	begun := doorzet.NewReach(25, 50)
	is(t, "a client may begin with a try", begun, 50, 25)
	is(t, "which may fail", begun.Shrunk(25), 25, 25)
	is(t, "or not", begun.Answered(50), 50, 50)
}

func TestGap(t *testing.T) {
	t.Parallel()
	var g doorzet.Gap
	for _, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		if g = g.Refused(); g.Length != want {
			t.Fatalf("got %s, want %s", g.Length, want)
		}
	}
	for _, want := range []time.Duration{2500 * time.Millisecond, 1250 * time.Millisecond, 625 * time.Millisecond, 0, 0} {
		before := g.Length
		for range 49 {
			g = g.Answered()
		}
		if g.Length != before {
			t.Fatalf("49 answers make %s of %s", g.Length, before)
		}
		for range 49 { // a failure between them: counted anew
			g = g.Failed().Answered()
		}
		if g.Length != before {
			t.Fatalf("answers that are not in a row make %s of %s", g.Length, before)
		}
		for range 49 {
			g = g.Answered()
		}
		if g.Length != want {
			t.Fatalf("50 answers in a row: got %s, want %s", g.Length, want)
		}
	}
}
