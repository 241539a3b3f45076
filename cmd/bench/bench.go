package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// bench is one run: what is measured with, and how large.
type bench struct {
	rig  *rig
	size size
	out  io.Writer // progress, for whoever waits
}

// benchmark is one thing that is measured.
type benchmark struct {
	name, about string
	run         func(context.Context, *bench) ([]table, error)
}

// benchmarks are all of them, in the order in which they run.
var benchmarks = []benchmark{
	{"night", "nights of 10 to 100,000 open orders, against the bare HTTP time of the same requests", nights},
	{"plan", "planning the nights of 100,000 shops, against bare enqueues", plans},
	{"pickup", "how long a task waits for an idle worker, and how fast many are taken, against one asynq server", pickups},
	{"push", "pushes to files, against bare Postgres commits", pushes},
	{"backlog", "fresh orders of one shop beside 50,000 due pushes of another", backlogs},
	{"mix", "nights of ordinary shops among shops that hang, refuse, answer web pages or are very large", mixes},
	{"scale", "nights of 200 shops by 1, 2 and 4 workers, and with one of the 4 killed", scales},
}

// measure runs the benchmarks that were asked for and prints their tables.
func measure(ctx context.Context, o options, size size, stdout, stderr io.Writer) (err error) {
	r, err := newRig(ctx, o.dir, o.programs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	b := &bench{rig: r, size: size, out: stderr}
	if o.top {
		r.top = b.say
	}
	before := load()
	_, _ = fmt.Fprintln(stdout, r.measured(time.Now(), before))
	if before > float64(runtime.NumCPU())/4 {
		b.say("the machine is busy with other work: all ratios will be worse than they are")
	}
	for _, one := range benchmarks {
		if !slices.Contains(o.names, one.name) {
			continue
		}
		began := time.Now()
		b.say("%s: %s", one.name, one.about)
		tables, err := one.run(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		for _, t := range tables {
			t.text(stdout)
		}
		b.say("%s took %s", one.name, span(time.Since(began)))
		if o.write == "" {
			continue
		}
		if err := fillFile(o.write, one.name, r.measured(time.Now(), before), tables); err != nil {
			return err
		}
	}
	return nil
}

// say tells whoever waits what goes on.
func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.out, "· "+format+"\n", args...) // there is nobody left to tell
}
