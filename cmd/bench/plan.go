package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/queue"
	"github.com/doorzet/doorzet/internal/queue/queuebench"
)

// planRatio is the target of planning.
const planRatio = 4

// plans measures how long a scheduler takes to plan the nights of many shops, rows and tasks, and then to find that it has
// done so.
func plans(ctx context.Context, b *bench) (_ []table, err error) {
	t := table{
		title: "Planning nights",
		head:  []string{"shops", "", "took", "bare enqueues", "ratio", "nights", "tasks", "statements (round trips) per shop", "scheduler's CPU", "peak memory"},
	}
	p, err := b.rig.newPlace(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	books, err := p.addBooks(ctx)
	if err != nil {
		return nil, err
	}
	n, hours := b.size.planShops, pastHours(time.Now().UTC())
	b.say("%s shops", count(n))
	if err := errors.Join(p.db.AddShops(ctx, books, hours, n), p.db.Settle(ctx)); err != nil {
		return nil, err
	}
	floor, err := b.bareEnqueues(ctx, n)
	if err != nil {
		return nil, err
	}
	for _, what := range []string{"all due", "all due once more"} {
		b.say("their nights: %s", what)
		if err := p.planOnce(ctx, planRound{n, hours, floor, what}, &t); err != nil {
			return nil, err
		}
	}
	t.note("Bare enqueues: as many tasks by asynq's own client through one pipeline, in the same run.")
	t.note("Once more: the shops are made due again, but their nights of this date have been, so nothing may come of it.")
	return []table{t}, nil
}

// pastHours are night hours that were some hours ago, so that each shop has missed one night, and no other begins meanwhile.
func pastHours(now time.Time) doorzet.NightHours {
	const day = 24 * 60
	from := (now.Hour()*60 + now.Minute() + day - 8*60) % day
	return doorzet.NightHours{From: from, To: (from + 4*60) % day}
}

// bareEnqueues is the floor: the mean of two runs.
func (b *bench) bareEnqueues(ctx context.Context, n int) (time.Duration, error) {
	var all []time.Duration
	for range 2 {
		b.rig.places++
		took, err := queuebench.Enqueue(ctx, numbered(b.rig.redis.URL, b.rig.places), queue.Reconcile, string(queue.KindReconcile), "night", n)
		if err != nil {
			return 0, err
		}
		all = append(all, took)
	}
	return mean(all), nil
}

// planRound is one planning of all shops.
type planRound struct {
	shops int
	hours doorzet.NightHours
	floor time.Duration
	what  string
}

// planOnce makes all shops due and lets a fresh scheduler plan them.
func (p *place) planOnce(ctx context.Context, round planRound, t *table) error {
	n := round.shops
	if err := errors.Join(p.db.EndNights(ctx), p.db.MakeDue(ctx, round.hours), p.db.Settle(ctx)); err != nil {
		return err
	}
	if err := p.countAnew(ctx); err != nil {
		return err
	}
	s, err := p.scheduler(ctx)
	if err != nil {
		return err
	}
	began, err := s.saidAt("scheduler started")
	if err != nil {
		return err
	}
	tasks := 0
	err = until(ctx, "all nights are planned", lookEvery, nightTimeout, func(ctx context.Context) (bool, error) {
		if tasks, err = queuebench.Waiting(ctx, p.redis, queue.Reconcile); err != nil || tasks < n {
			return false, errors.Join(err, s.hasEnded())
		}
		due, err := p.db.Due(ctx)
		return !due, err
	})
	took := time.Since(began)
	if err != nil {
		return err
	}
	statements, err := p.statements(ctx)
	if err != nil {
		return err
	}
	used, most := busy(s.pid()), peak(s.pid())
	if err := p.stop(s); err != nil {
		return err
	}
	planned, twice, err := p.db.Nights(ctx)
	if err == nil && (planned != n || twice > 0) {
		err = fmt.Errorf("%d shops have %d nights, %d of them more than one", n, planned, twice)
	}
	r := ratio(took.Seconds(), round.floor.Seconds())
	t.add(count(n), round.what, span(took), span(round.floor), times(r), count(planned), count(tasks), p.rig.statements(statements, n), span(used), memory(most))
	if len(t.rows) == 1 {
		t.target(r <= planRatio, "planning, rows and tasks, takes at most 4 × the bare enqueues", times(r))
	}
	return err
}

// saidAt is when a process logged something for the first time.
func (p *process) saidAt(words string) (time.Time, error) {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return time.Time{}, err
	}
	for line := range strings.Lines(string(b)) {
		if !strings.Contains(line, words) {
			continue
		}
		var said struct{ Time time.Time }
		err := json.Unmarshal([]byte(line), &said)
		return said.Time, err
	}
	return time.Time{}, fmt.Errorf("%s has not said %q", p.name, words)
}
