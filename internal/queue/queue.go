// Package queue is all of asynq and Redis: the kinds of tasks, the client that wakes, the servers that work, the gate
// that keeps us polite to a shop, and the queue pages.
//
// A task is a wake-up and no more: it carries the id of a row, and the row is the truth. So Redis may be emptied at any
// moment, a task may come twice or never, and nothing is lost: the scheduler's sweep wakes every row that is due again.
// For the same reason asynq never retries a task here (the row's next_try is the only retry schedule), no task has a
// TaskID (an archived one would block its id for 90 days), and a conflict counts as success (it is the echo of a retry
// inside the Redis client).
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Kind is a kind of task.
type Kind string

// The kinds of tasks, each on a queue of its own.
const (
	KindReconcile Kind = "shop:reconcile" // one night of a shop: {"night": id, "shop": id}
	KindPush      Kind = "booking:push"   // one booking: {"booking": id, "shop": id}
)

// The names of the queues.
const (
	Reconcile = "reconcile"
	Push      = "push"
)

// Queue is the name of the queue that a kind travels on.
func (k Kind) Queue() string { return kinds[k].queue }

// kinds says of each kind on which queue it travels, how its row's id is called in the payload, and how long a handler
// may take. Time-outs are always given, in whole seconds: asynq makes half an hour of anything else.
var kinds = map[Kind]struct {
	queue   string
	field   string
	timeout time.Duration
}{
	KindReconcile: {queue: Reconcile, field: "night", timeout: 15 * time.Minute},
	KindPush:      {queue: Push, field: "booking", timeout: 2 * time.Minute},
}

// Client is a connection to one Redis. It is made by Open, can be used by many goroutines, and closed once.
type Client struct {
	rdb    redis.UniversalClient
	asynq  *asynq.Client
	lanes  *asynq.Client // the same Redis through a pipeline, for many tasks at once
	look   *asynq.Inspector
	pools  pools
	log    *slog.Logger
	closer func() error
}

// Open makes a client for a Redis URL: redis://, rediss://, unix://, redis-sentinel:// or redis-cluster://. It does not
// contact Redis, so a process can start while Redis is down. The error never holds the URL, which may hold a password.
// What asynq and go-redis say goes to log, at debug level as far as it is only noise.
func Open(url string, log *slog.Logger) (*Client, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	conn, err := connect(url)
	if err != nil {
		return nil, err
	}
	quietGoRedis(log)
	rdb := conn.UniversalClient
	pipe, err := conn.autoPipeline()
	if err != nil {
		return nil, fmt.Errorf("make a pipeline to Redis: %w", errors.Join(err, rdb.Close()))
	}
	return &Client{
		rdb:    rdb,
		asynq:  asynq.NewClientFromRedisClient(rdb),
		lanes:  asynq.NewClientFromRedisClient(pipe),
		look:   asynq.NewInspectorFromRedisClient(rdb),
		log:    log,
		closer: func() error { return errors.Join(pipe.Close(), rdb.Close()) },
	}, nil
}

// Close closes the connections. Servers and gates that use the client must have ended before.
func (c *Client) Close() error { return c.closer() }

// Ping tells whether Redis answers.
func (c *Client) Ping(ctx context.Context) error {
	if err := c.rdb.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping Redis: %w", err)
	}
	return nil
}

// Workers is how many live processes serve a queue: those whose heartbeat is younger than 10 seconds (asynq's own
// time-to-live of it) and that do not stop.
func (c *Client) Workers(ctx context.Context, queue string) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	servers, err := c.look.Servers()
	if err != nil {
		return 0, fmt.Errorf("list the workers: %w", err)
	}
	processes := map[string]bool{}
	for _, s := range servers {
		if _, ok := s.Queues[queue]; ok && s.Status == "active" {
			processes[s.Host+":"+strconv.Itoa(s.PID)] = true
		}
	}
	return len(processes), nil
}

// pruneFrom is how many archived tasks a queue may have. asynq trims its archive after 90 days in one script that
// breaks for good from about 8,000 tasks at once, so it must never come near.
const pruneFrom = 5000

// Prune empties the archive of every queue that has too many archived tasks. What failed is in Postgres; the archive is
// only there to be looked at. It is called every few minutes, by any number of processes.
func (c *Client) Prune(ctx context.Context) error {
	queues, err := c.look.Queues() // those that have had a task
	if err != nil {
		return fmt.Errorf("list the queues: %w", err)
	}
	for _, queue := range queues {
		// Not asynq's GetQueueInfo: it also weighs the tasks, and breaks on one whose key is gone.
		archived, err := c.rdb.ZCard(ctx, "asynq:{"+queue+"}:archived").Result()
		if err != nil {
			return fmt.Errorf("look at the archive of queue %s: %w", queue, err)
		}
		if archived <= pruneFrom {
			continue
		}
		deleted, err := c.look.DeleteAllArchivedTasks(queue)
		if err != nil {
			return fmt.Errorf("empty the archive of queue %s: %w", queue, err)
		}
		c.log.Info("emptied the archive of a queue", "queue", queue, "tasks", deleted)
	}
	return nil
}

// task is a wake-up for one row of a shop, on a queue.
func (k Kind) task(queue string, id, shop int64) *asynq.Task {
	about := kinds[k]
	payload := fmt.Appendf(nil, `{%q:%d,"shop":%d}`, about.field, id, shop)
	return asynq.NewTask(string(k), payload, asynq.Queue(queue), asynq.Timeout(about.timeout), asynq.MaxRetry(0))
}

// ids are the id of the row and of its shop in a task's payload; the shop is 0 when an earlier version enqueued it.
func (k Kind) ids(task *asynq.Task) (id, shop int64, err error) {
	if task.Type() != string(k) {
		return 0, 0, doorzet.Refused("a task of kind %q on the queue of %q", task.Type(), k)
	}
	var ids map[string]int64
	if err := json.Unmarshal(task.Payload(), &ids); err != nil {
		return 0, 0, doorzet.Refused("a task of kind %s with a payload that is not an id", k)
	}
	id = ids[kinds[k].field]
	if id <= 0 {
		return 0, 0, doorzet.Refused("a task of kind %s without %q", k, kinds[k].field)
	}
	return id, ids["shop"], nil
}
