package queue_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/embedded"
	"github.com/doorzet/doorzet/internal/queue"
)

func pushLane(concurrency int, handle func(context.Context, int64) error) []queue.Lane {
	return []queue.Lane{{Kind: queue.KindPush, Concurrency: concurrency, Handle: handle}}
}

func TestAFailureIsLoggedOnceAndNotTriedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		err      error
		panics   bool
		line     []string // words of the one line
		archived int64
	}{
		{name: "an error", err: errors.New("books away"), line: []string{"ERROR the work failed", "kind=booking:push", "booking=5", "books away"}, archived: 1},
		{name: "refused", err: doorzet.Refused("no seller"), line: []string{"ERROR the work failed", "booking=5", "no seller"}, archived: 1},
		{name: "a panic", panics: true, line: []string{"ERROR the work broke off", "booking=5", "panic: oh", "stack="}, archived: 1},
		{name: "later", err: &doorzet.LaterError{After: time.Hour, Reason: "busy"}, line: []string{"INFO the work was put off", "booking=5", "busy"}},
		{name: "lost to another worker", err: doorzet.ErrLost, line: []string{"INFO the work was put off", "booking=5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var calls atomic.Int64
			b.work(t, &queue.Server{Lanes: pushLane(1, func(_ context.Context, id int64) error {
				if id == 6 {
					return nil
				}
				calls.Add(1)
				if c.panics {
					panic("oh")
				}
				return c.err
			})})
			if err := b.client.WakePushes(t.Context(), wakeUps(5)); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it was logged, and nothing of it is active", func() bool {
				return len(b.log.with(c.line...)) == 1 && b.raw.LLen(t.Context(), "asynq:{push}:active").Val() == 0
			})
			if got := b.raw.ZCard(t.Context(), "asynq:{push}:archived").Val(); got != c.archived {
				t.Errorf("archived tasks: got %d, want %d", got, c.archived)
			}
			if got := b.raw.ZCard(t.Context(), "asynq:{push}:retry").Val(); got != 0 {
				t.Errorf("tasks to be tried again by asynq: got %d, want 0", got)
			}
			if calls.Load() != 1 {
				t.Errorf("the handler was called %d times, want once", calls.Load())
			}
			if got := b.log.with("booking=5"); len(got) != 1 {
				t.Errorf("lines about it: got %d, want 1:\n%s", len(got), strings.Join(got, "\n"))
			}
			if got := b.log.with(" asynq: "); len(got) != 0 {
				t.Errorf("asynq spoke: %s", strings.Join(got, "\n"))
			}
		})
	}
}

func TestAWorkerThatStopsLetsRunningWorkEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	var cut atomic.Bool
	done := &seen{}
	stop := b.work(t, &queue.Server{Servers: 1, Drain: time.Minute, Lanes: pushLane(1, func(ctx context.Context, id int64) error {
		close(begun)
		<-finish
		cut.Store(ctx.Err() != nil)
		return done.handle(ctx, id)
	})})
	if err := b.client.WakePushes(t.Context(), wakeUps(1)); err != nil {
		t.Fatal(err)
	}
	<-begun
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	eventually(t, "it says that it stops", func() bool { return len(b.log.with("stopping", "running=1")) == 1 })
	if err := b.client.WakePushes(t.Context(), wakeUps(2)); err != nil {
		t.Fatal(err)
	}
	close(finish)
	<-stopped
	if got := done.sorted(); !slices.Equal(got, []int64{1}) {
		t.Errorf("done: got %v, want only what was running", got)
	}
	if cut.Load() {
		t.Error("the running work was cut off within the drain")
	}
	if got := b.raw.LLen(t.Context(), "asynq:{push}:pending").Val(); got != 1 {
		t.Errorf("waiting for another worker: got %d tasks, want 1", got)
	}
}

func TestAfterTheDrainWorkIsCutOffAndGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun := make(chan struct{})
	var lastWords atomic.Bool
	stop := b.work(t, &queue.Server{Servers: 1, Drain: time.Second, Lanes: pushLane(1, func(ctx context.Context, _ int64) error {
		close(begun)
		<-ctx.Done()
		lastWords.Store(true)
		return ctx.Err()
	})})
	if err := b.client.WakePushes(t.Context(), wakeUps(1)); err != nil {
		t.Fatal(err)
	}
	<-begun
	stop()
	if !lastWords.Load() {
		t.Error("Run returned before the handler could record where it stopped")
	}
	if got := b.raw.LLen(t.Context(), "asynq:{push}:pending").Val(); got != 1 {
		t.Errorf("given back: got %d tasks, want 1", got)
	}
	done := &seen{}
	b.work(t, &queue.Server{Lanes: pushLane(1, done.handle)})
	eventually(t, "another worker does it", func() bool { return slices.Equal(done.sorted(), []int64{1}) })
}

func TestRedisMayBeDownAtTheStartAndInTheMiddle(t *testing.T) {
	t.Parallel()
	url, stopRedis, startRedis := ownRedis(t)
	stopRedis()
	b := setupAt(t, url)
	done := &seen{}
	stop := b.work(t, &queue.Server{Lanes: pushLane(4, done.handle)})
	if err := b.client.WakePushes(t.Context(), wakeUps(1)); err == nil {
		t.Error("waking without Redis: no error")
	}
	startRedis()
	wake := func(id int64) func() bool {
		return func() bool {
			_ = b.client.WakePushes(t.Context(), wakeUps(id))
			return slices.Contains(done.sorted(), id)
		}
	}
	eventually(t, "work is done once Redis is there", wake(2))
	stopRedis()
	eventually(t, "it is said that Redis is away", func() bool { return len(b.log.with("WARN Redis does not answer")) == 1 })
	startRedis()
	eventually(t, "work is done after Redis came back", wake(3))
	eventually(t, "it is said that Redis is back", func() bool { return len(b.log.with("INFO Redis is back")) == 1 })
	stopRedis()
	began := time.Now()
	stop()
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("stopping without Redis took %s", took)
	}
	startRedis()
}

func TestALaneThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nothing := func(context.Context, int64) error { return nil }
	for name, lane := range map[string]queue.Lane{
		"unknown kind":   {Kind: "tea", Concurrency: 1, Handle: nothing},
		"no concurrency": {Kind: queue.KindPush, Handle: nothing},
		"no handler":     {Kind: queue.KindPush, Concurrency: 1},
	} {
		s := &queue.Server{Client: b.client, Lanes: []queue.Lane{{Kind: queue.KindPush, Concurrency: 1, Handle: nothing}, lane}}
		if err := s.Run(t.Context()); err == nil {
			t.Errorf("%s: Run says nothing", name)
		}
	}
}

// frozenRedis is a Redis that can be made to accept connections and never answer.
func frozenRedis(t *testing.T) (url string, freeze func()) {
	t.Helper()
	dir := scratch(t)
	s, kind, err := embedded.Redis(t.Context(), embedded.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if kind == "miniredis" {
		_ = s.Close()
		noRedisServer(t)
	}
	t.Cleanup(func() {
		if err := errors.Join(syscall.Kill(s.PID, syscall.SIGCONT), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s.URL, func() {
		if err := syscall.Kill(s.PID, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
}
