package queue_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/embedded"
	"github.com/doorzet/doorzet/internal/queue"
	"github.com/doorzet/doorzet/internal/queue/queuetest"
)

type testBundle struct {
	client *queue.Client
	raw    *redis.Client // the same Redis, to look behind the client
	log    *journal
	url    string
}

// wakeUps are wake-ups of rows of shop 1.
func wakeUps(ids ...int64) []doorzet.WakeUp { return doorzet.WakeUps(doorzet.Shop{ID: 1}, ids...) }

func setup(t *testing.T) *testBundle {
	t.Helper()
	return setupAt(t, queuetest.Redis(t))
}

func setupAt(t *testing.T, url string) *testBundle {
	t.Helper()
	log := &journal{}
	client, err := queue.Open(url, slog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	raw := redis.NewClient(o)
	t.Cleanup(func() {
		if err := errors.Join(raw.Close(), client.Close()); err != nil {
			t.Error(err)
		}
	})
	return &testBundle{client: client, raw: raw, log: log, url: url}
}

// again is one more client of the same Redis.
func (b *testBundle) again(t *testing.T) *queue.Client {
	t.Helper()
	client, err := queue.Open(b.url, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// work runs a server until the test ends, or until stop is called; stop waits until Run has returned.
func (b *testBundle) work(t *testing.T, s *queue.Server) (stop func()) {
	t.Helper()
	s.Client = b.client
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// seen is a handler that remembers the ids that it was called with.
type seen struct {
	mu  sync.Mutex
	ids []int64
}

func (s *seen) handle(_ context.Context, id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = append(s.ids, id)
	return nil
}

func (s *seen) sorted() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.ids))
}

// journal is a log that a test can read.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (j *journal) WithAttrs(attrs []slog.Attr) slog.Handler         { return &journalWith{j, attrs} }
func (j *journal) WithGroup(string) slog.Handler                    { return j }
func (j *journal) Handle(_ context.Context, r slog.Record) error    { return j.add(r, nil) }

func (j *journal) add(r slog.Record, attrs []slog.Attr) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { attrs = append(attrs, a); return true })
	for _, a := range attrs {
		line += " " + a.String()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
	return nil
}

// with are the lines that contain all the words.
func (j *journal) with(words ...string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []string
	for _, line := range j.lines {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			found = append(found, line)
		}
	}
	return found
}

type journalWith struct {
	*journal
	attrs []slog.Attr
}

func (j *journalWith) Handle(_ context.Context, r slog.Record) error {
	return j.add(r, slices.Clone(j.attrs))
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !is() {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("does not come true: %s", what)
		}
	}
}

func TestOpenRefusesWhatIsNoRedisURLWithoutShowingIt(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "http://hush@host", "redis://:hush@ho st:1", "redis://:hush%zz@host", "redis-sentinel://:hush@h:1", "redis-sentinel://:hush@h:1/mymaster/x",
		"redis-cluster://:hush%zz@h:1,h:2",
	} {
		_, err := queue.Open(url, nil)
		if err == nil {
			t.Errorf("%q was accepted", url)
			continue
		}
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: the error shows the password: %v", url, err)
		}
	}
}

func TestOpenKnowsAllForms(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://127.0.0.1:1/3", "rediss://user:pass@127.0.0.1:1", "unix:///nowhere/redis.sock?db=2",
		"redis-sentinel://user:pass@127.0.0.1:1,127.0.0.1:2/mymaster/2?sentinel_password=x&tls=true", "redis-sentinel://127.0.0.1:1/mymaster",
		"redis-cluster://:pass@127.0.0.1:1,127.0.0.1:2", "redis-cluster://127.0.0.1:1",
	} {
		c, err := queue.Open(url, nil)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := c.Ping(ctx); err == nil {
			t.Errorf("%s: there is no Redis, and Ping says there is", url)
		}
		cancel()
		if err := c.Close(); err != nil {
			t.Errorf("%s: close: %v", url, err)
		}
	}
}

func TestTasksCarryIdsAndNothingThatBlocksThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	if err := errors.Join(b.client.WakeNights(ctx, wakeUps(7)), b.client.WakePushes(ctx, wakeUps(8, 8))); err != nil {
		t.Fatal(err)
	}
	if got := b.raw.LLen(ctx, "asynq:{push}:pending").Val(); got != 2 {
		t.Errorf("two wake-ups of one booking: got %d tasks, want 2", got)
	}
	if got := b.raw.SMembers(ctx, "asynq:queues").Val(); len(got) != 2 {
		t.Errorf("queues: got %v, want push and reconcile", got)
	}
	keys := b.raw.Keys(ctx, "asynq:{reconcile}:t:*").Val()
	if len(keys) != 1 {
		t.Fatalf("tasks of reconcile: got %v, want one", keys)
	}
	msg := b.raw.HGet(ctx, keys[0], "msg").Val()
	for _, want := range []string{"shop:reconcile", `{"night":7,"shop":1}`} {
		if !strings.Contains(msg, want) {
			t.Errorf("the task %q does not hold %s", msg, want)
		}
	}
	if keys := b.raw.Keys(ctx, "asynq:*unique*").Val(); len(keys) != 0 {
		t.Errorf("locks on tasks: %v", keys)
	}
}

func TestWorkIsDoneOnceForEachWakeUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nights, pushes := &seen{}, &seen{}
	b.work(t, &queue.Server{Lanes: []queue.Lane{
		{Kind: queue.KindReconcile, Concurrency: 1, Handle: nights.handle},
		{Kind: queue.KindPush, Concurrency: 16, Handle: pushes.handle},
	}})
	var want []int64
	for id := range int64(2000) {
		want = append(want, id+1)
	}
	if err := b.client.WakePushes(t.Context(), wakeUps(want...)); err != nil {
		t.Fatal(err)
	}
	if err := b.client.WakeNights(t.Context(), wakeUps(1, 2, 3)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all work is done", func() bool { return len(pushes.sorted()) >= len(want) && len(nights.sorted()) >= 3 })
	if got := pushes.sorted(); !slices.Equal(got, want) {
		t.Errorf("pushes: got %d ids, want each of %d once", len(got), len(want))
	}
	if got := nights.sorted(); !slices.Equal(got, []int64{1, 2, 3}) {
		t.Errorf("nights: got %v, want 1 2 3", got)
	}
}

func TestWakeHonoursItsContext(t *testing.T) {
	t.Parallel()
	url, freeze := frozenRedis(t)
	c, err := queue.Open(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	freeze()
	for name, ids := range map[string][]int64{"few": {1}, "many": make([]int64, 5000)} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		began := time.Now()
		err := c.WakePushes(ctx, wakeUps(ids...))
		cancel()
		if err == nil {
			t.Errorf("%s: no error from a Redis that does not answer", name)
		}
		if took := time.Since(began); took > 1500*time.Millisecond {
			t.Errorf("%s: waited %s for a context of 300ms", name, took)
		}
	}
}

func TestAfterRedisWasEmptiedNewWorkIsDoneAndShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	done := &seen{}
	b.work(t, &queue.Server{Lanes: []queue.Lane{{Kind: queue.KindPush, Concurrency: 2, Handle: done.handle}}})
	if err := b.client.WakePushes(ctx, wakeUps(1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first is done", func() bool { return slices.Equal(done.sorted(), []int64{1}) })
	if err := b.raw.FlushDB(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	if err := b.client.WakePushes(ctx, wakeUps(2)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second is done", func() bool { return slices.Equal(done.sorted(), []int64{1, 2}) })
	if !b.raw.SIsMember(ctx, "asynq:queues", "push").Val() {
		t.Error("the queue pages do not know the queue any more")
	}
	if err := b.client.Prune(ctx); err != nil {
		t.Error(err)
	}
}

func TestPruneEmptiesOnlyALargeArchive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	if err := b.client.Prune(ctx); err != nil {
		t.Errorf("without any queue: %v", err)
	}
	if err := b.raw.SAdd(ctx, "asynq:queues", "push").Err(); err != nil {
		t.Fatal(err)
	}
	archived := "asynq:{push}:archived"
	fill := func(n int) {
		for i := range n {
			b.raw.ZAdd(ctx, archived, redis.Z{Score: 1, Member: i})
		}
	}
	fill(5000)
	if err := b.client.Prune(ctx); err != nil {
		t.Fatal(err)
	}
	if got := b.raw.ZCard(ctx, archived).Val(); got != 5000 {
		t.Errorf("5000 archived tasks: %d are left, want all", got)
	}
	fill(5001)
	if err := b.client.Prune(ctx); err != nil {
		t.Fatal(err)
	}
	if got := b.raw.ZCard(ctx, archived).Val(); got != 0 {
		t.Errorf("5001 archived tasks: %d are left, want none", got)
	}
}

func TestWorkersCountsProcessesThatServeAQueue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	count := func(name string) int {
		n, err := b.client.Workers(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if got := count(queue.Push); got != 0 {
		t.Errorf("before any worker: got %d, want 0", got)
	}
	nothing := func(context.Context, int64) error { return nil }
	stop := b.work(t, &queue.Server{Lanes: []queue.Lane{{Kind: queue.KindPush, Concurrency: 4, Handle: nothing}}, Servers: 3})
	eventually(t, "three servers of one process count as one", func() bool { return count(queue.Push) == 1 })
	if got := count(queue.Reconcile); got != 0 {
		t.Errorf("the queue that nobody serves: got %d, want 0", got)
	}
	stop()
	eventually(t, "a stopped worker does not count", func() bool { return count(queue.Push) == 0 })
}

func TestMonitor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.client.WakePushes(t.Context(), wakeUps(1)); err != nil {
		t.Fatal(err)
	}
	pages := b.client.Monitor("/queues", false)
	ask := func(h http.Handler, method, path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Code, w.Body.String()
	}
	if code, body := ask(pages, http.MethodGet, "/queues"); code != http.StatusOK || !strings.Contains(body, "Asynq") {
		t.Errorf("the page: got %d %.80s", code, body)
	}
	if code, body := ask(pages, http.MethodGet, "/queues/api/queues"); code != http.StatusOK || !strings.Contains(body, `"queue":"push"`) {
		t.Errorf("the list of queues: got %d %.200s", code, body)
	}
	if code, _ := ask(pages, http.MethodPost, "/queues/api/queues/push:pause"); code != http.StatusMethodNotAllowed {
		t.Errorf("pause on read-only pages: got %d, want %d", code, http.StatusMethodNotAllowed)
	}
	if code, _ := ask(b.client.Monitor("/queues", true), http.MethodPost, "/queues/api/queues/push:pause"); code != http.StatusNoContent {
		t.Errorf("pause on writable pages: got %d, want %d", code, http.StatusNoContent)
	}
	if err := b.client.Ping(t.Context()); err != nil {
		t.Errorf("the pages closed the client: %v", err)
	}
}

// noRedisServer skips a test that a Redis inside the process cannot serve, because it cannot be stopped or frozen.
func noRedisServer(t *testing.T) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("redis-server is not installed")
	}
	t.Skip("redis-server is not installed")
}

// scratch is a short path that a server's user can reach even when the tests run as root: t.TempDir is neither.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := embedded.Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// ownRedis is a Redis of the test's own, which it may stop and start again.
func ownRedis(t *testing.T) (url string, stop, start func()) {
	t.Helper()
	dir := scratch(t)
	var s *embedded.Server
	start = func() {
		t.Helper()
		var kind string
		var err error
		s, kind, err = embedded.Redis(t.Context(), embedded.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if kind == "miniredis" {
			_ = s.Close()
			noRedisServer(t)
		}
	}
	stop = func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	start()
	t.Cleanup(func() { stop() })
	return s.URL, stop, start
}
