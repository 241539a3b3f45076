package queuebench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
)

// onTheWay is how many tasks are on their way in the pipeline at the same time.
const onTheWay = 256

// Enqueue puts n tasks of a kind on a queue as fast as a plain asynq client does it, through a pipeline, with payloads like
// {"night":7}. It tells how long that took: the floor of planning.
func Enqueue(ctx context.Context, url, queue, kind, field string, n int) (time.Duration, error) {
	rdb, err := open(url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rdb.Close() }()
	pipe, err := rdb.AutoPipeline()
	if err != nil {
		return 0, fmt.Errorf("make a pipeline to Redis: %w", err)
	}
	defer func() { _ = pipe.Close() }()
	client := asynq.NewClientFromRedisClient(pipe)
	began := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	failed := make([]error, onTheWay)
	for i := range onTheWay {
		wg.Go(func() {
			for id := next.Add(1); id <= int64(n) && failed[i] == nil; id = next.Add(1) {
				task := asynq.NewTask(kind, fmt.Appendf(nil, `{%q:%d}`, field, id), asynq.Queue(queue), asynq.Timeout(time.Minute), asynq.MaxRetry(0))
				_, failed[i] = client.EnqueueContext(ctx, task)
			}
		})
	}
	wg.Wait()
	return time.Since(began), errors.Join(failed...)
}

// Drain lets one asynq server, which does nothing with them, take n tasks of some queues, and tells how long that took: the
// floor of our own servers.
func Drain(ctx context.Context, url string, queues []string, concurrency, n int) (time.Duration, error) {
	rdb, err := open(url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rdb.Close() }()
	weights := map[string]int{}
	for _, queue := range queues {
		weights[queue] = 1
	}
	t := NewTally(n)
	server := asynq.NewServerFromRedisClient(rdb, asynq.Config{Concurrency: concurrency, Queues: weights, LogLevel: asynq.FatalLevel})
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { t.Add(); return nil })); err != nil {
		return 0, fmt.Errorf("start a server: %w", err)
	}
	defer server.Shutdown()
	return t.Wait(ctx)
}

// Tally counts work up to a number, from the first to the last of it.
type Tally struct {
	n     int64
	count atomic.Int64
	first atomic.Int64 // ns
	done  chan time.Duration
}

// NewTally counts to n.
func NewTally(n int) *Tally { return &Tally{n: int64(n), done: make(chan time.Duration, 1)} }

// Add counts one.
func (t *Tally) Add() {
	now := time.Now()
	switch t.count.Add(1) {
	case 1:
		t.first.Store(now.UnixNano())
	case t.n:
		t.done <- now.Sub(time.Unix(0, t.first.Load()))
	}
}

// Wait waits for the last one and tells how long after the first it came.
func (t *Tally) Wait(ctx context.Context) (time.Duration, error) {
	select {
	case took := <-t.done:
		return took, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Pickup tells how long n tasks waited, each enqueued while an asynq server with its usual settings was idle.
func Pickup(ctx context.Context, url, queue string, n int) ([]time.Duration, error) {
	rdb, err := open(url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rdb.Close() }()
	started := make(chan time.Time)
	server := asynq.NewServerFromRedisClient(rdb, asynq.Config{Queues: map[string]int{queue: 1}, LogLevel: asynq.FatalLevel})
	err = server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { started <- time.Now(); return nil }))
	if err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	defer server.Shutdown()
	client := asynq.NewClientFromRedisClient(rdb)
	var waits []time.Duration
	for range n {
		// At any moment of the server's round, not always the same one.
		pause := time.NewTimer(rand.N(200 * time.Millisecond))
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		began := time.Now()
		if _, err := client.EnqueueContext(ctx, asynq.NewTask("bench", nil, asynq.Queue(queue))); err != nil {
			return nil, fmt.Errorf("enqueue: %w", err)
		}
		select {
		case at := <-started:
			waits = append(waits, at.Sub(began))
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return waits, nil
}
