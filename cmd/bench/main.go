// Command bench measures how fast Doorzet is, as ratios to a floor that is measured in the same run: the bare HTTP time of the
// requests of a night, Postgres' commits, Redis' pipeline, one asynq server. Figures of one machine say little about another;
// ratios say more.
//
// What is measured are the real programs, as processes of their own, against a private Postgres and Redis that end with this
// process; fake shops run in another process, so that memory and time of the two are told apart. It changes nothing outside its
// folder, and fails only when something broke: a target that is missed is said, not punished.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are how bench is called.
type options struct {
	quick    bool
	top      bool   // tell which statements took Postgres longest
	write    string // the page whose tables are made anew; "" = none
	dir      string
	programs string
	names    []string // which benchmarks, in the order of the list
}

// run is one call of the command; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == partFlag {
		return runPart(ctx, args[1:], stdout, stderr)
	}
	o, err := read(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	size := fullSize
	if o.quick {
		size = quickSize
	}
	if err := measure(ctx, o, size, stdout, stderr); err != nil {
		_, _ = fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// read reads the arguments.
func read(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&o.quick, "quick", false, "small ones, to see that they run; their figures mean little")
	f.BoolVar(&o.top, "top", false, "tell which statements took Postgres longest, for those who look for the reason")
	f.StringVar(&o.write, "write", "", "write the tables into this page, docs/performance.md")
	f.StringVar(&o.dir, "dir", ".data/bench", "where Postgres, Redis and the logs are; it is emptied first")
	f.StringVar(&o.programs, "programs", "bin", "where worker, scheduler and doorzet are")
	f.Usage = func() {
		_, _ = fmt.Fprintln(stderr, "Usage: bench [flags] [benchmark ...]\n\nBenchmarks, all of them when none is named:")
		for _, b := range benchmarks {
			_, _ = fmt.Fprintf(stderr, "  %-8s %s\n", b.name, b.about)
		}
		_, _ = fmt.Fprintln(stderr, "\nFlags:")
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.quick && o.write != "" {
		return o, errors.New("--quick and --write do not go together: small ones say nothing that is worth keeping")
	}
	for _, arg := range f.Args() {
		o.names = append(o.names, strings.Fields(arg)...)
	}
	for _, name := range o.names {
		if !slices.ContainsFunc(benchmarks, func(b benchmark) bool { return b.name == name }) {
			return o, fmt.Errorf("there is no benchmark %q; there are: %s", name, strings.Join(allNames(), ", "))
		}
	}
	if len(o.names) == 0 {
		o.names = allNames()
	}
	return o, nil
}

func allNames() []string {
	var names []string
	for _, b := range benchmarks {
		names = append(names, b.name)
	}
	return names
}
