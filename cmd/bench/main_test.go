package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tinySize is for testing that every benchmark runs to its end.
var tinySize = size{
	nights:    []nightSize{{open: 3, times: 1}, {open: 150, times: 1, told: true}},
	planShops: 40,
	pickup:    pickupSize{ours: 3, bare: 1, drained: 100},
	push:      pushSize{shops: []int{2}, orders: 20, floor: 50 * time.Millisecond},
	backlog:   backlogSize{due: 150, fresh: 2, alone: 10 * time.Millisecond},
	mix:       mixSize{ordinary: 3, busy: 1, html: 1, large: 1, open: 4, many: 150, patience: time.Minute},
	scale:     scaleSize{shops: 4, open: 6, slow: 1, workers: []int{1, 2}},
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == partFlag { // this program starts parts of itself
		os.Exit(runPart(context.Background(), os.Args[2:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// Benchmarks are run by hand and seldom; this keeps them running. Nothing is measured here.
func TestEveryBenchmarkRunsToItsEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	programs := filepath.Join(dir, "bin")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", programs+"/", "../worker", "../scheduler", "../doorzet")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	page, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	written := filepath.Join(dir, "performance.md")
	if err := os.WriteFile(written, page, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	o := options{write: written, dir: filepath.Join(dir, "bench"), programs: programs, names: allNames()}
	if err := measure(t.Context(), o, tinySize, &out, t.Output()); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Log(out.String())
	filled, err := os.ReadFile(written)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range benchmarks {
		_, section, _ := strings.Cut(string(filled), "<!-- bench "+b.name+" -->")
		section, _, _ = strings.Cut(section, "<!-- end ")
		if !strings.Contains(section, "\n|---|") || !strings.Contains(section, "PostgreSQL") {
			t.Errorf("the page has no table of %s:\n%s", b.name, section)
		}
	}
	if left, err := os.ReadDir(o.dir); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v behind (%v)", left, err)
	}
}

func TestWrongUsageIsRefused(t *testing.T) {
	t.Parallel()
	for call, sentence := range map[string]string{
		"fly":                      `there is no benchmark "fly"; there are: night, plan, `,
		"night fly":                `there is no benchmark "fly"`,
		"-quick -write page.md":    "do not go together",
		"-fly":                     "flag provided but not defined",
		"-programs /nowhere night": "the program worker is not in /nowhere: make bench builds it",
		"part":                     "a part has a name and a number",
		"part fly 7":               `there is no part "fly"`,
		"part fly many":            "many",
	} {
		var out, complaints bytes.Buffer
		args := append([]string{}, strings.Fields(call)...)
		if args[0] != partFlag {
			args = append([]string{"-dir", t.TempDir()}, args...)
		}
		code := run(t.Context(), args, &out, &complaints)
		if code == 0 || !strings.Contains(complaints.String(), sentence) || out.Len() > 0 {
			t.Errorf("%s: exit code %d, says %q, want %q", call, code, complaints.String(), sentence)
		}
	}
}

func TestHelpListsTheBenchmarks(t *testing.T) {
	t.Parallel()
	var out, complaints bytes.Buffer
	if code := run(t.Context(), []string{"-h"}, &out, &complaints); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, b := range benchmarks {
		if !strings.Contains(complaints.String(), b.about) {
			t.Errorf("the help does not tell of %s", b.name)
		}
	}
}
