package queue_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/queue"
	"github.com/doorzet/doorzet/internal/queue/queuetest"
)

// gates are gates of several processes: each has a client of its own.
func gates(t *testing.T, url string, n int) []*queue.Gate {
	t.Helper()
	var all []*queue.Gate
	for range n {
		all = append(all, &queue.Gate{Client: setupAt(t, url).client})
	}
	return all
}

func acquire(t *testing.T, g *queue.Gate, shop int64) func() {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	release, err := g.Shop(shop).Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// full tells whether a shop has no place left within a moment.
func full(t *testing.T, g *queue.Gate, shop int64) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	release, err := g.Shop(shop).Acquire(ctx)
	if err == nil {
		release()
		return false
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a full gate says %v, want the context's error", err)
	}
	return true
}

func TestGateLetsTwoAtATimeIntoEachShopOverAllProcesses(t *testing.T) {
	t.Parallel()
	g := gates(t, queuetest.Redis(t), 2)
	first, second := acquire(t, g[0], 1), acquire(t, g[1], 1)
	if !full(t, g[0], 1) || !full(t, g[1], 1) {
		t.Error("a third call was let in")
	}
	acquire(t, g[0], 2)()
	first()
	acquire(t, g[1], 1)()
	second()
	second() // a second release changes nothing
	a, b := acquire(t, g[0], 1), acquire(t, g[0], 1)
	if !full(t, g[1], 1) {
		t.Error("a place was freed twice")
	}
	a()
	b()
}

func TestGateNeverLetsInMoreAndServesEverybody(t *testing.T) {
	t.Parallel()
	const processes, workers, calls = 3, 4, 25
	var mu sync.Mutex
	inside, most, total := 0, 0, 0
	var wg sync.WaitGroup
	for _, g := range gates(t, queuetest.Redis(t), processes) {
		for range workers {
			wg.Go(func() {
				for range calls {
					release := acquire(t, g, 1)
					mu.Lock()
					inside++
					most = max(most, inside)
					total++
					mu.Unlock()
					<-time.After(time.Millisecond) // the call to the shop
					mu.Lock()
					inside--
					mu.Unlock()
					release()
				}
			})
		}
	}
	wg.Wait()
	if most != 2 {
		t.Errorf("at most %d were inside at the same time, want 2", most)
	}
	if want := processes * workers * calls; total != want {
		t.Errorf("got %d calls, want %d", total, want)
	}
}

func TestGateIsNotKeptByAProcessThatCallsWithoutAPause(t *testing.T) {
	t.Parallel()
	g := gates(t, queuetest.Redis(t), 2)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if release, err := g[0].Shop(1).Acquire(ctx); err == nil {
					release()
				}
			}
		})
	}
	var waits []time.Duration
	for range 10 {
		began := time.Now()
		acquire(t, g[1], 1)()
		waits = append(waits, time.Since(began))
	}
	if worst := slices.Max(waits); worst > 5*time.Second {
		t.Errorf("another process waited %s for a place", worst)
	}
}

func TestGateFreesThePlacesOfAKilledProcess(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// What a killed process leaves: places whose lease ends soon, and is renewed by nobody.
	now := b.raw.Time(t.Context()).Val()
	for _, token := range []string{"a", "b"} {
		if err := b.raw.Do(t.Context(), "ZADD", "doorzet:gate:{1}:held", now.Add(400*time.Millisecond).UnixMilli(), token).Err(); err != nil {
			t.Fatal(err)
		}
	}
	g := &queue.Gate{Client: b.client}
	if !full(t, g, 1) {
		t.Error("the places were free at once")
	}
	acquire(t, g, 1)()
}

func TestGateGoesOnWithoutRedis(t *testing.T) {
	t.Parallel()
	url, freeze := frozenRedis(t)
	g := gates(t, url, 1)[0]
	acquire(t, g, 1)()
	freeze()
	first, second := acquire(t, g, 2), acquire(t, g, 2)
	if !full(t, g, 2) {
		t.Error("without Redis a third call was let in by the same process")
	}
	first()
	second()
	began := time.Now()
	acquire(t, g, 3)()
	if took := time.Since(began); took > time.Second {
		t.Errorf("without Redis a call waits %s", took)
	}
}

func TestGateWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	g := gates(t, queuetest.Redis(t), 1)[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Shop(1).Acquire(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestGateThatIsClosedLeavesNoPlaceBehind(t *testing.T) {
	t.Parallel()
	url := queuetest.Redis(t)
	client, err := queue.Open(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	short := &queue.Gate{Client: client}
	a, b := acquire(t, short, 1), acquire(t, short, 1)
	a()
	b()
	short.Close()
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if full(t, gates(t, url, 1)[0], 1) {
		t.Error("a process that ended keeps others out")
	}
}
