package stack

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/queue/queuetest"
)

// seedFrom repeats the moments of an earlier run, which named its seed.
const seedFrom = "DOORZET_TEST_SEED"

// seed is by what a test chooses its moments.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := uint64(time.Now().UnixNano() % 1_000_000)
	if given := os.Getenv(seedFrom); given != "" {
		var err error
		if n, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("the moments are those of %s=%d", seedFrom, n)
	return n
}

// strike is a moment at which a worker is killed.
type strike struct {
	at      string // "asked", "answered": a question to the shop; "booked": a row; "after": its start
	n       int    // the how manieth of them since its start; milliseconds
	later   time.Duration
	empties bool // Redis is emptied as well
}

func (s strike) String() string {
	return fmt.Sprintf("%s %d+%s empties=%t", s.at, s.n, s.later, s.empties)
}

// longLife is after how many rows a worker is killed at the latest, so that no single one ends the night: when all looks are done
// there are no more questions to be killed at.
const longLife = 40

// strikes chooses moments. Most lives of a worker are long enough for it to ask for something besides whose shop it is.
func strikes(rng *rand.Rand, n, questions int) []strike {
	out := make([]strike, n)
	for i := range out {
		s := strike{empties: rng.IntN(3) == 0}
		switch kind := rng.IntN(10); {
		case kind < 4:
			s.at, s.n = "asked", 1+rng.IntN(questions)
		case kind < 6: // in the middle of recording what was answered
			s.at, s.n, s.later = "answered", 3+rng.IntN(questions), time.Duration(rng.IntN(30))*time.Millisecond
		case kind < 9:
			s.at, s.n = "booked", 1+rng.IntN(30)
		default:
			s.at, s.n = "after", 50+rng.IntN(600)
		}
		out[i] = s
	}
	return out
}

// A night of a thousand orders whose worker is killed again and again, at any moment, and whose Redis is emptied now and then:
// whoever takes over goes on. Every due order has exactly one booking and one file, what the shop had answered is not asked again but
// for what was in flight, and the report counts right.
func TestR9_workersKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	from := seed(t)
	hits := &hits{steps: map[string]int{}}
	t.Cleanup(func() { hits.wellSpread(t) })
	for n, c := range []struct {
		orders             orders
		strikes, questions int
	}{{thousand, 14, 7}, {thousand, 14, 7}, {thousand, 14, 7}, {thousand, 14, 7}, {handful, 10, 30}} {
		t.Run(fmt.Sprint("night ", n+1), func(t *testing.T) {
			t.Parallel()
			e := prepare(t, c.orders)
			e.fall(t)
			e.start(t, "scheduler", "scheduler")
			e.killed(t, strikes(rand.New(rand.NewPCG(from, uint64(n))), c.strikes, c.questions), hits)
			e.right(t)
			if again := e.shop.repeated(e.later); len(again) > 0 {
				t.Errorf("%d times the shop was asked again for what it had answered, more than %d questions before a kill: %q", len(again), inFlight, again)
			}
		})
	}
}

// killed kills one worker after another, as long as there is work, and lets the last one end the night.
func (e *evening) killed(t *testing.T, strikes []strike, hits *hits) {
	t.Helper()
	next := e.spawn(t, "worker", nameOf("worker", 0))
	for i, s := range strikes {
		c := next
		next = e.spawn(t, "worker", nameOf("worker", i+1)) // ready before it is needed
		if !e.strike(t, c, s) {
			t.Logf("strike %d (%s): there was nothing left to strike", i, s)
			c.leave(t)
			e.shop.ended(t)
			return
		}
		c.kill(t, e.db)
		e.shop.ended(t)
		hits.count(t, e, s)
		if s.empties {
			queuetest.Do(t, e.Config.RedisURL.Reveal(), "FLUSHDB")
		}
		e.leasesEnd(t)
		e.sweep(t)
	}
	next.say(t)
	e.ends(t)
	next.leave(t)
	e.shop.ended(t)
}

// strike gives a worker its word and kills it at a moment. It tells whether the night was not over before that.
func (e *evening) strike(t *testing.T, c *child, s strike) bool {
	t.Helper()
	dead := make(chan struct{})
	kill := sync.OnceFunc(func() {
		_ = c.cmd.Process.Kill() // child.kill waits for it
		close(dead)
	})
	defer e.shop.on(nil)
	e.shop.on(s.inQuestions(kill))
	if s.at == "after" {
		timer := time.AfterFunc(time.Duration(s.n)*time.Millisecond, kill)
		defer timer.Stop()
	}
	const booked = `SELECT count(*) FROM bookings WHERE state = 'booked'`
	before, most := e.db.Int(t, booked), longLife
	if s.at == "booked" {
		most = s.n
	}
	c.say(t)
	struck := false
	awaitOr(t, "the worker is killed at "+s.String(), func() bool {
		if e.db.Int(t, booked) >= before+most {
			kill()
		}
		select {
		case <-dead:
			struck = true
		default:
			struck = false
		}
		return struck || e.over(t)
	}, func() string { return e.how(t) })
	return struck
}

// inQuestions is the hook that kills at a question.
func (s strike) inQuestions(kill func()) func(*question, stage) {
	var mu sync.Mutex
	left := s.n
	return func(_ *question, at stage) {
		if at == asked && s.at != "asked" || at == answered && s.at != "answered" || at == made {
			return
		}
		mu.Lock()
		left--
		now := left == 0
		mu.Unlock()
		switch {
		case now && s.later > 0:
			time.AfterFunc(s.later, kill)
		case now:
			kill()
		}
	}
}

// hits counts what workers were doing when they were killed.
type hits struct {
	mu    sync.Mutex
	kills int
	steps map[string]int
}

// count looks at the rows of a dead worker.
func (h *hits) count(t *testing.T, e *evening, s strike) {
	t.Helper()
	var step string
	var claimed, sending, files int
	e.db.Scan(t, []any{&step, &claimed, &sending, &files}, `
		SELECT coalesce((SELECT CASE step WHEN '' THEN 'shop' ELSE step END FROM nights WHERE claimed_until >= now()), ''),
		       count(*) FILTER (WHERE claimed_until >= now()), count(*) FILTER (WHERE state = 'sending'),
		       count(*) FILTER (WHERE state = 'booked' AND exported_at IS NULL) FROM bookings`)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kills++
	if s.empties {
		h.steps["and Redis emptied"]++
	}
	if step != "" {
		h.steps["in the night, "+step]++
	}
	for what, n := range map[string]int{"in pushes": claimed, "in pushes that were sent": sending, "before files were written": files} {
		if n > 0 {
			h.steps[what]++
		}
	}
	if step == "" && claimed+files == 0 {
		h.steps["between two pieces of work"]++
	}
}

// wellSpread fails when the kills left something out, so that it would not be tried.
func (h *hits) wellSpread(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	t.Logf("%d workers were killed:", h.kills)
	for _, step := range slices.Sorted(maps.Keys(h.steps)) {
		t.Logf("%4d %s", h.steps[step], step)
	}
	if h.kills < 50 {
		t.Errorf("%d workers were killed, want at least 50", h.kills)
	}
	for step, least := range map[string]int{
		"in the night, bulk": 2, "in the night, remainder": 2, "in the night, import": 2, "in the night, look": 2, "in pushes": 8, "and Redis emptied": 8,
	} {
		if h.steps[step] < least {
			t.Errorf("%d workers were killed %s, want at least %d", h.steps[step], step, least)
		}
	}
	if h.steps["in the night, compare"]+h.steps["in the night, trash"] == 0 {
		t.Error("no worker was killed when all ids were compared")
	}
}
