package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/doorzet/doorzet/internal/queue"
	"github.com/doorzet/doorzet/internal/queue/queuebench"
)

// pickupSize is how many tasks are picked up one by one, how many by asynq's own server, and how many are drained.
type pickupSize struct{ ours, bare, drained int }

// The targets of the queue.
const (
	pickupMean = 50 * time.Millisecond
	drainRatio = 2
)

// The concurrency of a worker that is not told otherwise.
const (
	nightsAtOnce  = 8
	serversOfEach = 2
)

// pickups measures how long an idle stack leaves a task waiting, and how fast it takes many.
func pickups(ctx context.Context, b *bench) ([]table, error) {
	waits := table{title: "From the enqueue to the work, when idle", head: []string{"", "tasks", "mean", "p50", "p99", "max"}}
	b.say("an idle worker picks up %d nights", b.size.pickup.ours)
	ours, err := b.pickNights(ctx)
	if err != nil {
		return nil, err
	}
	b.say("an idle asynq server picks up %d tasks", b.size.pickup.bare)
	b.rig.places++
	bare, err := queuebench.Pickup(ctx, numbered(b.rig.redis.URL, b.rig.places), "bench", b.size.pickup.bare)
	if err != nil {
		return nil, err
	}
	for _, row := range []struct {
		name string
		took []time.Duration
	}{{"a worker, until the night is claimed in Postgres", ours}, {"an asynq server with its usual settings", bare}} {
		waits.add(row.name, count(len(row.took)), span(mean(row.took)), span(percentile(row.took, 50)), span(percentile(row.took, 99)),
			span(slices.Max(row.took)))
	}
	waits.target(mean(ours) <= pickupMean, "an idle stack picks up a task within 50 ms on average", span(mean(ours)))
	drain, err := b.drains(ctx)
	return []table{waits, drain}, err
}

// pickNights tells how long nights of a shop without orders waited for an idle worker.
func (b *bench) pickNights(ctx context.Context) (waits []time.Duration, err error) {
	p, err := b.rig.newPlace(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	f, err := b.rig.fakes(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.process.stop()) }()
	if err := p.connect(ctx, f.shops); err != nil {
		return nil, err
	}
	if _, err := p.worker(ctx); err != nil {
		return nil, err
	}
	for range b.size.pickup.ours + 1 {
		// At any moment of the worker's round, not always the same one.
		if err := pause(ctx, rand.N(100*time.Millisecond)); err != nil {
			return nil, err
		}
		n, woken, err := p.wokenNight(ctx, f.shops[0].id)
		if err != nil {
			return nil, err
		}
		waits = append(waits, n.StartedAt.Sub(woken))
	}
	return waits[1:], nil // the first one makes the connections
}

// drains measures how fast no-op tasks are taken, by servers as a worker has them and by one asynq server.
func (b *bench) drains(ctx context.Context) (table, error) {
	n := b.size.pickup.drained
	t := table{title: "Draining tasks that do nothing", head: []string{"", "tasks", "took", "a second", "ratio"}}
	var took [2]time.Duration
	for i, part := range []string{partAsynq, partOurs} {
		b.say("%s tasks that do nothing: %s", count(n), part)
		b.rig.places++
		url := numbered(b.rig.redis.URL, b.rig.places)
		for _, kind := range []queue.Kind{queue.KindPush, queue.KindReconcile} {
			field := map[queue.Kind]string{queue.KindPush: "booking", queue.KindReconcile: "night"}[kind]
			if _, err := queuebench.Enqueue(ctx, url, kind.Queue(), string(kind), field, n/2); err != nil {
				return t, err
			}
		}
		var err error
		if took[i], err = drainIn(ctx, part, url, n/2*2); err != nil {
			return t, err
		}
	}
	r := ratio(took[0].Seconds(), took[1].Seconds())
	t.add("one asynq server, "+strconv.Itoa(pushAtOnce+nightsAtOnce)+" at the same time", count(n), span(took[0]), rate(n, took[0]), "")
	t.add("the servers of one worker, as many", count(n), span(took[1]), rate(n, took[1]), times(r))
	t.target(r >= drainRatio, "one worker process drains at least 2 × as fast as a single asynq server", times(r))
	return t, nil
}

// drainIn drains tasks in a process of its own.
func drainIn(ctx context.Context, part, url string, n int) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, self, partFlag, part, strconv.Itoa(n))
	cmd.Env = []string{redisVariable + "=" + url} // it may hold a password, and arguments are for everybody to see
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", part, err, complaints.String())
	}
	var took time.Duration
	err = json.Unmarshal(out, &took)
	return took, err
}

// redisVariable tells a part where Redis is.
const redisVariable = "BENCH_REDIS_URL"

// The parts that drain.
const (
	partAsynq = "one asynq server"
	partOurs  = "our servers"
)

// runDrain is the process that drains.
func runDrain(ctx context.Context, part string, n int, out io.Writer) error {
	url := os.Getenv(redisVariable)
	var took time.Duration
	var err error
	switch part {
	case partAsynq:
		took, err = queuebench.Drain(ctx, url, []string{queue.Push, queue.Reconcile}, pushAtOnce+nightsAtOnce, n)
	case partOurs:
		took, err = drainOurs(ctx, url, n)
	default:
		err = fmt.Errorf("there is no part %q", part)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(took)
}

// drainOurs drains with the servers of a worker, whose handlers do nothing.
func drainOurs(ctx context.Context, url string, n int) (took time.Duration, err error) {
	client, err := queue.Open(url, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t := queuebench.NewTally(n)
	handle := func(context.Context, int64) error { t.Add(); return nil }
	server := &queue.Server{Client: client, Servers: serversOfEach, Lanes: []queue.Lane{
		{Kind: queue.KindReconcile, Concurrency: nightsAtOnce, Handle: handle},
		{Kind: queue.KindPush, Concurrency: pushAtOnce, Handle: handle},
	}}
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	took, err = t.Wait(ctx)
	stop()
	return took, errors.Join(err, <-ended)
}
