package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"

	"github.com/doorzet/doorzet/internal/doorzet"
)

const (
	// fetchEvery is how often an idle server asks Redis for work: on average a task waits half of it. asynq's default of
	// a second means half a second of waiting.
	fetchEvery = 50 * time.Millisecond
	// forwardEvery is how often asynq looks for tasks that were put off.
	forwardEvery = time.Second
	// pingEvery is how often a server looks whether Redis is there.
	pingEvery = 5 * time.Second
	// goOnFor is for how long after its own work a task does what was put aside of its shop: well within its time-out.
	goOnFor = 30 * time.Second
	// lastWords is how long handlers that were cut off at the end of the drain may take to record where they stopped.
	lastWords = 5 * time.Second
)

// Lane is one kind of work in a process.
type Lane struct {
	Kind        Kind
	Pool        string // which shops' work; "" = that of the shops without a pool
	Concurrency int    // how many at the same time
	PerShop     int    // how many of one shop among them; 0 = as many as there are

	// Handle does the work for one row. It may be called for a row that was done already, and at the same time by
	// another process. An error means that it did not come to an end that the row records: it is logged, and the task is
	// not tried again, because the row says when.
	Handle func(ctx context.Context, id int64) error
}

// Server works: it takes tasks from Redis and hands their ids to the lanes.
type Server struct {
	Client *Client
	Lanes  []Lane
	// Servers is how many asynq servers each lane has, 2 when zero. One of them fetches one task per round trip.
	Servers int
	// Drain is how long Run waits for running work when it is told to stop, 20 seconds when zero.
	Drain time.Duration
	// Log is the client's when nil.
	Log *slog.Logger

	running sync.WaitGroup
	count   atomic.Int64
}

// Run works until ctx is done. Then it takes no more tasks, waits for the running ones as long as Drain, gives the rest
// back to the queue, cancels their contexts, and returns when they have ended or a few seconds later. Redis may be down
// at any time: it goes on when Redis is back.
func (s *Server) Run(ctx context.Context) error {
	if s.Log == nil {
		s.Log = s.Client.log
	}
	var servers []*asynq.Server
	defer func() { shutdown(servers) }()
	said := &limiter{}
	for _, lane := range s.Lanes {
		if lane.Handle == nil || lane.Concurrency < 1 || lane.Kind.Queue() == "" {
			return fmt.Errorf("lane %q: a known kind, a concurrency and a handler are needed", lane.Kind)
		}
		handler := s.handler(ctx, lane)
		for _, concurrency := range split(lane.Concurrency, s.servers()) {
			config := s.config(lane, concurrency, said)
			if len(servers) == 0 {
				config.HealthCheckFunc = s.health()
			}
			server := asynq.NewServerFromRedisClient(s.Client.rdb, config)
			if err := server.Start(handler); err != nil {
				return fmt.Errorf("start the %s server: %w", lane.Kind.QueueOf(lane.Pool), err)
			}
			servers = append(servers, server)
		}
	}
	<-ctx.Done()
	s.Log.Info("stopping: no new work is taken", "running", s.count.Load(), "drain", s.drain().String())
	shutdown(servers)
	servers = nil
	s.waitForLastWords()
	return nil
}

func (s *Server) servers() int {
	if s.Servers == 0 {
		return 2
	}
	return s.Servers
}

func (s *Server) drain() time.Duration {
	if s.Drain == 0 {
		return 20 * time.Second
	}
	return s.Drain
}

// split divides a concurrency over servers, none of which gets nothing.
func split(concurrency, servers int) []int {
	servers = min(servers, concurrency)
	parts := make([]int, servers)
	for i := range concurrency {
		parts[i%servers]++
	}
	return parts
}

func (s *Server) config(lane Lane, concurrency int, said *limiter) asynq.Config {
	level := asynq.ErrorLevel
	if s.Log.Enabled(context.Background(), slog.LevelDebug) {
		level = asynq.DebugLevel
	}
	return asynq.Config{
		Concurrency:              concurrency,
		Queues:                   map[string]int{lane.Kind.QueueOf(lane.Pool): 1},
		TaskCheckInterval:        fetchEvery,
		DelayedTaskCheckInterval: forwardEvery,
		HealthCheckInterval:      pingEvery,
		ShutdownTimeout:          s.drain(),
		ErrorHandler:             asynq.ErrorHandlerFunc(s.failed(lane.Kind)),
		// Never used while tasks have no retries; if someone makes them in the queue pages, they come back soon.
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Second },
		Logger:         noise{log: s.Log, limit: said},
		LogLevel:       level,
	}
}

// health says once that Redis went away, and once that it is back.
func (s *Server) health() func(error) {
	var down atomic.Bool
	return func(err error) {
		switch {
		case err != nil && !down.Swap(true):
			s.Log.Warn("Redis does not answer: no work is taken until it does", "error", err.Error())
		case err == nil && down.Swap(false):
			s.Log.Info("Redis is back")
		}
	}
}

// handler turns a task into a call of the lane's handler, and the handler's answer into one that asynq does not retry:
// "later" and "lost" are no failures (the row knows), so they leave nothing behind; the rest is archived to be seen. A task of a
// shop that has its share of the lane is put aside and done by those that have it.
func (s *Server) handler(serving context.Context, lane Lane) asynq.Handler {
	places := &fair{most: lane.PerShop}
	return asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		s.running.Add(1)
		s.count.Add(1)
		defer func() { s.count.Add(-1); s.running.Done() }()
		id, shop, err := lane.Kind.ids(task)
		if err != nil {
			return err
		}
		if !places.enter(shop, id) {
			return nil
		}
		began := time.Now()
		err = call(ctx, lane.Handle, id)
		s.putAside(ctx, lane, places, shop, func() bool {
			return serving.Err() == nil && ctx.Err() == nil && time.Since(began) < goOnFor
		})
		if err != nil && noFailure(err) {
			return fmt.Errorf("%w: %w", asynq.RevokeTask, err)
		}
		return err
	})
}

// putAside does what was put aside of a shop, as long as there is time, and gives the rest back to the queue.
func (s *Server) putAside(ctx context.Context, lane Lane, places *fair, shop int64, more func() bool) {
	for more() {
		id, ok := places.next(shop)
		if !ok {
			return
		}
		if err := call(ctx, lane.Handle, id); err != nil {
			s.failed(lane.Kind)(ctx, lane.Kind.task("", id, shop), err)
		}
	}
	left := places.leave(shop)
	if len(left) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ioTimeout)
	defer cancel()
	if err := s.Client.again(ctx, lane, shop, left); err != nil {
		s.Log.Warn("work that was put aside waits for the sweep", "kind", string(lane.Kind), "shop", shop, "count", len(left), "error", err.Error())
	}
}

// call calls a handler and makes an error of a panic: asynq would log the panic in a way of its own.
func call(ctx context.Context, handle func(context.Context, int64) error, id int64) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: string(debug.Stack())}
		}
	}()
	return handle(ctx, id)
}

type panicError struct {
	value any
	stack string
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func noFailure(err error) bool {
	var later *doorzet.LaterError
	return errors.As(err, &later) || errors.Is(err, doorzet.ErrLost)
}

// failed logs, once, whatever kept a task from its end: a handler's error, a panic, its time running out, a lost lease.
func (s *Server) failed(kind Kind) func(context.Context, *asynq.Task, error) {
	return func(ctx context.Context, task *asynq.Task, err error) {
		id, _, _ := kind.ids(task) // 0 when the payload is the trouble
		log := s.Log.With("kind", string(kind), kinds[kind].field, id)
		var broke *panicError
		switch {
		case errors.As(err, &broke):
			log.ErrorContext(ctx, "the work broke off", "error", err.Error(), "stack", broke.stack)
		case noFailure(err):
			log.InfoContext(ctx, "the work was put off", "error", err.Error())
		default:
			log.ErrorContext(ctx, "the work failed", "error", err.Error())
		}
	}
}

// shutdown ends all servers at the same time: each waits for its own work.
func shutdown(servers []*asynq.Server) {
	var wg sync.WaitGroup
	for _, server := range servers {
		wg.Go(server.Shutdown)
	}
	wg.Wait()
}

// waitForLastWords waits for handlers that the end of the drain cut off: their contexts are cancelled, and they record
// where they stopped.
func (s *Server) waitForLastWords() {
	if n := s.count.Load(); n > 0 {
		s.Log.Info("the drain is over: what still runs goes on elsewhere, from its rows", "running", n)
	}
	done := make(chan struct{})
	go func() { s.running.Wait(); close(done) }()
	late := time.NewTimer(lastWords)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		s.Log.Warn("stopped with work that does not end", "running", s.count.Load())
	}
}
