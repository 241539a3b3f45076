package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// scaleSize is how many ordinary shops' nights are run by how many workers.
type scaleSize struct {
	shops, open int
	slow        float64 // how many times as slow as a real shop they are
	workers     []int
	kill        bool // the most of them once more, and one is killed
}

// scaled is what one run gave.
type scaled struct {
	took     time.Duration // from the first wake-up to the last night's end
	busy     float64       // cores, of the whole machine
	requests int           // for single orders
	pushed   int
}

// scales measures the nights of many shops by more and more workers, and by the most of them when one is killed.
func scales(ctx context.Context, b *bench) (_ []table, err error) {
	size := b.size.scale
	f, err := b.rig.fakes(ctx, size.shops)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.process.stop()) }()
	base, err := b.rig.newPlace(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, base.close(ctx)) }()
	b.say("%d shops: their first import", len(f.shops))
	kinds := []kindOfShop{{name: "ordinary", shops: f.shops, open: size.open, slow: size.slow}}
	if err := base.prepare(ctx, kinds, f.shops); err != nil {
		return nil, err
	}
	t := table{
		title: fmt.Sprintf("The nights of %d shops of %d open orders, %.0f times as slow as a real shop", size.shops, size.open, size.slow),
		head:  []string{"workers", "all done", "ratio", "cores busy", "requests for orders", "orders pushed", "pushed twice"},
	}
	var first, last time.Duration
	for _, workers := range size.workers {
		ran, err := b.scale(ctx, base, f, workers, 0)
		if err != nil {
			return nil, fmt.Errorf("%d workers: %w", workers, err)
		}
		if last = ran.took; first == 0 {
			first = ran.took
		}
		t.row(strconv.Itoa(workers), ran, first)
	}
	if size.kill {
		most := size.workers[len(size.workers)-1]
		ran, err := b.scale(ctx, base, f, most, last/2)
		if err != nil {
			return nil, fmt.Errorf("%d workers, one killed: %w", most, err)
		}
		t.row(fmt.Sprintf("%d, one killed after %s", most, span(last/2)), ran, first)
	}
	t.note("Each night asks for its %d open orders one by one, two at the same time; a worker runs %d nights at the same time.", size.open, nightsAtOnce)
	t.note("Cores busy: of the whole machine's %d, with the fake shops, Postgres and Redis on it.", runtime.NumCPU())
	t.note("Nothing is lost and nothing is pushed twice: checked in each run. Orders that a killed worker had asked for and not recorded are asked for again.")
	return []table{t}, nil
}

func (t *table) row(name string, ran scaled, first time.Duration) {
	t.add(name, span(ran.took), times(ratio(first.Seconds(), ran.took.Seconds())), strconv.FormatFloat(ran.busy, 'f', 1, 64),
		count(ran.requests), count(ran.pushed), "0")
}

// scale runs the nights of all shops by some workers; one of them is killed after a while, unless that is 0.
func (b *bench) scale(ctx context.Context, base *place, f *fakes, workers int, killAfter time.Duration) (ran scaled, err error) {
	p, err := b.rig.newPlace(ctx, base)
	if err != nil {
		return ran, err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	var victim *process
	for range workers {
		if victim, err = p.worker(ctx); err != nil {
			return ran, err
		}
	}
	if _, err := p.scheduler(ctx); err != nil {
		return ran, err
	}
	for _, s := range f.shops {
		if err := s.forget(ctx); err != nil {
			return ran, err
		}
	}
	b.say("%d workers", workers)
	began, cores := time.Now(), machineBusy()
	nights, woken, err := p.wakeAll(ctx, f.shops)
	if err != nil {
		return ran, err
	}
	if killAfter > 0 {
		if err := pause(ctx, killAfter); err != nil {
			return ran, err
		}
		victim.kill()
	}
	err = until(ctx, "all nights are done", 5*lookEvery, nightTimeout, func(ctx context.Context) (bool, error) {
		left, err := p.db.NightsLeft(ctx, nights)
		return left == 0, err
	})
	if err != nil {
		return ran, err
	}
	ran.busy = (machineBusy() - cores).Seconds() / time.Since(began).Seconds()
	err = p.sum(ctx, f, nights, woken, &ran)
	return ran, err
}

// sum counts what all nights did, and refuses what was lost or done twice.
func (p *place) sum(ctx context.Context, f *fakes, nights []int64, woken time.Time, ran *scaled) error {
	now, err := p.db.NightsNow(ctx, nights)
	if err != nil {
		return err
	}
	want := 0
	for _, s := range f.shops {
		n := now[s.id]
		if n.State != "done" || n.Error != "" {
			return fmt.Errorf("the night of shop %d ended %s: %s", s.id, n.State, n.Error)
		}
		ran.took = max(ran.took, n.Finished.Sub(woken))
		a, err := s.asked(ctx)
		if err != nil {
			return err
		}
		ran.requests += a.Counts["single"]
		want += s.sold
	}
	if err := p.pushed(ctx); err != nil {
		return err
	}
	got, err := p.db.Pushes(ctx)
	if err != nil {
		return err
	}
	files, err := os.ReadDir(p.books)
	if err != nil {
		return err
	}
	ran.pushed = got.Booked
	if got.Booked != want || got.Twice > 0 || len(files) != want {
		return fmt.Errorf("%d orders were sold, %d are booked, %d have two bookings, %d files", want, got.Booked, got.Twice, len(files))
	}
	return nil
}

// machineBusy is how long the cores of this machine have worked, all together, since it began; 0 where the system does not tell.
func machineBusy() time.Duration {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq ...
	var sum int64
	for i, word := range fields {
		const idle, wait = 4, 5
		n, err := strconv.ParseInt(word, 10, 64)
		if err == nil && i != idle && i != wait {
			sum += n
		}
	}
	return time.Duration(sum) * time.Second / ticks
}
