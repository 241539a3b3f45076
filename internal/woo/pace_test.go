package woo_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// starts are when the calls of a client begin.
type starts struct {
	mu sync.Mutex
	at []time.Time
}

func (s *starts) count(string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, time.Now())
}

// gaps are the pauses between them, whole hundredths of a second.
func (s *starts) gaps() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []time.Duration
	for i := 1; i < len(s.at); i++ {
		out = append(out, s.at[i].Sub(s.at[i-1]).Truncate(10*time.Millisecond))
	}
	return out
}

// A shop that says that it is asked too much is asked less often, the more so the more often it says so, and more often again when
// it does well.
func TestTheGap(t *testing.T) {
	t.Parallel()
	timed(t, 1, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
		var s starts
		c.Counter = s.count
		id := shop.IDs()[0]
		ask := func() {
			t.Helper()
			if _, err := c.Order(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		ask()
		for _, gap := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
			shop.Fail(wootest.Fault{Kind: "429", Count: 1})
			ask()
			ask()
			all := s.gaps()
			if last := all[len(all)-1]; last != gap {
				t.Errorf("after one more refusal the gap is %s, want %s", last, gap)
			}
			if p := c.LearnedPace(); p.Gap != gap || !p.SlowedAt.After(time.Now().Add(-time.Minute)) || p.Page != 100 || p.Batch != 100 {
				t.Errorf("learnt %+v", p)
			}
		}
		for range 50 {
			ask()
		}
		if p := c.LearnedPace(); p.Gap != 2500*time.Millisecond {
			t.Errorf("after 50 answers: learnt %+v", p)
		}
		for range 150 {
			ask()
		}
		if p := c.LearnedPace(); p.Gap != 0 || p.SlowedAt.IsZero() {
			t.Errorf("after 200 answers: learnt %+v", p)
		}
	})
}

// Which answers make the gap grow.
func TestWhatMakesTheGapGrow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault wootest.Fault
		want  time.Duration
	}{
		{wootest.Fault{Kind: "429"}, 500 * time.Millisecond},
		{wootest.Fault{Kind: "429", RetryAfter: 3}, 500 * time.Millisecond},
		{wootest.Fault{Kind: "429", RetryAfter: 600}, 500 * time.Millisecond},
		{wootest.Fault{Kind: "503", RetryAfter: 5}, 500 * time.Millisecond},
		{wootest.Fault{Kind: "503", RetryAfter: 6}, 0},
		{wootest.Fault{Kind: "maintenance"}, 0},
		{wootest.Fault{Kind: "503"}, 0},
		{wootest.Fault{Kind: "500"}, 0},
		{wootest.Fault{Kind: "hang"}, 0},
		{wootest.Fault{Kind: "403"}, 0},
	} {
		timed(t, 1, func(t *testing.T, shop *wootest.Shop, client *woo.Client) {
			c.fault.Count = 1
			shop.Fail(c.fault)
			_, _ = client.Order(t.Context(), shop.IDs()[0])
			if p := client.LearnedPace(); p.Gap != c.want || p.SlowedAt.IsZero() == (c.want > 0) {
				t.Errorf("%+v: learnt %+v", c.fault, p)
			}
		})
	}
}

// The gap is between all calls of a client, whoever makes them, and while one waits for it another process may be in the gate.
func TestTheGapIsForAll(t *testing.T) {
	t.Parallel()
	timed(t, 20, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
		var s starts
		g := &gate{}
		c.Pace, c.Counter, c.Gate = doorzet.Pace{Gap: 2 * time.Second}, s.count, g
		c.Pause = func(ctx context.Context, d time.Duration) error {
			g.mu.Lock()
			if g.in > 1 {
				t.Error("it waits with a place of the gate")
			}
			g.mu.Unlock()
			select {
			case <-time.After(d):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		var wg sync.WaitGroup
		ids := shop.IDs()
		for half := range slices.Chunk(ids, 10) {
			wg.Go(func() {
				for _, id := range half {
					if _, err := c.Order(t.Context(), id); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for _, gap := range s.gaps() {
			if gap < 2*time.Second {
				t.Errorf("the gaps are %v", s.gaps())
				break
			}
		}
	})
}

// Two calls that were under way together say the same thing once.
func TestOneRefusalCountsOnce(t *testing.T) {
	t.Parallel()
	timed(t, 2, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
		shop.Fail(wootest.Fault{Kind: "latency", DelayMS: 100})
		shop.Fail(wootest.Fault{Kind: "429", Count: 2})
		var wg sync.WaitGroup
		for _, id := range shop.IDs() {
			wg.Go(func() { _, _ = c.Order(t.Context(), id) })
		}
		wg.Wait()
		if p := c.LearnedPace(); p.Gap != 500*time.Millisecond {
			t.Errorf("learnt %+v", p)
		}
	})
}

// A shop that asks for a pause gets it from all calls.
func TestRetryAfterHoldsAllCalls(t *testing.T) {
	t.Parallel()
	timed(t, 2, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
		shop.Fail(wootest.Fault{Kind: "429", Count: 1, RetryAfter: 4})
		var s starts
		c.Counter = s.count
		ids := shop.IDs()
		first := make(chan struct{})
		go func() {
			defer close(first)
			_, _ = c.Order(t.Context(), ids[0])
		}()
		for c.LearnedPace().Gap == 0 {
			<-time.After(time.Millisecond)
		}
		long := took(func() {
			if _, err := c.Order(t.Context(), ids[1]); err != nil {
				t.Error(err)
			}
		})
		<-first
		if long < 3*time.Second || long > 6*time.Second {
			t.Errorf("the other call began after %s", long)
		}
	})
}

func TestWaitingForTheGapEndsWithTheContext(t *testing.T) {
	t.Parallel()
	timed(t, 1, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
		c.Pace = doorzet.Pace{Gap: 5 * time.Second}
		if _, err := c.About(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.About(ctx); !errors.Is(err, context.DeadlineExceeded) || len(shop.Requests()) != 1 {
			t.Errorf("got %v after %d requests", err, len(shop.Requests()))
		}
	})
}
