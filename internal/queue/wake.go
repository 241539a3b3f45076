package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hibiken/asynq"

	"github.com/doorzet/doorzet/internal/doorzet"
)

const (
	// allQueues is asynq's set of the queues that exist. Its client writes it only once per process, so after a FLUSHALL
	// the queue pages would say "queue not found" until the next restart.
	allQueues = "asynq:queues"
	// fewTasks is up to how many tasks a pipeline is not worth its goroutines.
	fewTasks = 4
	// wakers is how many tasks are on their way in a pipeline at the same time.
	wakers = 256
)

// WakeNights asks for workers to work on these nights, now. It may be called any number of times; after an error
// some of them may have been woken.
func (c *Client) WakeNights(ctx context.Context, nights []doorzet.WakeUp) error {
	return c.wake(ctx, KindReconcile, nights)
}

// WakePushes asks for workers to push these bookings, now. It may be called any number of times; after an error some
// of them may have been woken.
func (c *Client) WakePushes(ctx context.Context, bookings []doorzet.WakeUp) error {
	return c.wake(ctx, KindPush, bookings)
}

func (c *Client) wake(ctx context.Context, kind Kind, rows []doorzet.WakeUp) error {
	if len(rows) == 0 {
		return nil
	}
	tasks := make([]*asynq.Task, len(rows))
	queues := map[string]bool{}
	for i, w := range rows {
		queue := c.route(ctx, kind, w)
		tasks[i], queues[queue] = kind.task(queue, w.ID, w.ShopID), true
	}
	if err := c.rdb.SAdd(ctx, allQueues, slices.Collect(maps.Keys(queues))).Err(); err != nil {
		return fmt.Errorf("wake %s: %w", kind, err)
	}
	if len(tasks) > fewTasks {
		return c.wakeMany(ctx, kind, tasks)
	}
	for _, task := range tasks {
		if err := enqueue(ctx, c.asynq, task); err != nil {
			return err
		}
	}
	return nil
}

// wakeMany lets many goroutines enqueue through one pipeline, which is as fast as Redis is. The pipeline does not honour
// a context, so this function does: it stops waiting, and the goroutines end by themselves within the time-outs of the
// connection.
func (c *Client) wakeMany(ctx context.Context, kind Kind, tasks []*asynq.Task) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(wakers, len(tasks)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(tasks) {
					return
				}
				if err := enqueue(ctx, c.lanes, tasks[i]); err != nil {
					stop(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("wake %d of %s: %w", len(tasks), kind, err)
	}
	return nil
}

func enqueue(ctx context.Context, client *asynq.Client, task *asynq.Task) error {
	_, err := client.EnqueueContext(ctx, task)
	if err == nil || errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return fmt.Errorf("wake %s %s: %w", task.Type(), task.Payload(), err)
}
