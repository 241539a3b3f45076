package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/config"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

func TestANightPutsOrdersIntoTheBooksOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	paid := []int64{b.add("processing", day), b.add("completed", 2*day)}
	waiting := b.add("on-hold", 3*day)

	first := b.night()
	if first.Imported != 3 || first.Pushed != 2 || first.Still != 1 || first.Held != 0 || first.Strategy != "one-by-one" {
		t.Errorf("the first night: %+v", first)
	}
	want := []string{fmt.Sprintf("WC-%d.xml", paid[0]), fmt.Sprintf("WC-%d.xml", paid[1])}
	if got := b.files("main"); !slices.Equal(got, want) {
		t.Errorf("the folder has %v, want %v", got, want)
	}

	second := b.night()
	if second.Open != 1 || second.LookedAt != 1 || second.Pushed != 0 || second.Requests.Single != 1 {
		t.Errorf("the second night: %+v", second)
	}
	b.change(waiting, "completed")
	if third := b.night(); third.Pushed != 1 || third.Still != 0 {
		t.Errorf("the third night: %+v", third)
	}

	var bookings []struct {
		Order     int64  `json:"order"`
		State     string `json:"state"`
		RemoteID  string `json:"remote_id"`
		Total     string `json:"total"`
		Reference string `json:"reference"`
		Error     string `json:"error"`
	}
	b.must(&bookings, "booking", "list", "--shop", "1")
	if len(bookings) != 3 {
		t.Fatalf("%d bookings, want 3", len(bookings))
	}
	for _, k := range bookings {
		ref := fmt.Sprintf("WC-%d", k.Order)
		if k.State != "booked" || k.Total != "121.00" || k.Reference != ref || k.RemoteID != ref+".xml" || k.Error != "" {
			t.Errorf("booking %+v", k)
		}
	}
	var nights []nightReport
	b.must(&nights, "night", "list", "--shop", "1")
	if len(nights) != 3 || *nights[0].Night != 3 || nights[2].Pushed != 2 {
		t.Errorf("the nights: %+v", nights)
	}
	var shown nightReport
	if b.must(&shown, "night", "show", "--night", "1"); shown.Pushed != 2 {
		t.Errorf("night 1 shows %+v", shown)
	}
}

func TestADryRunSaysWhatANightWouldDoAndLeavesNoTrace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	b.add("on-hold", day)
	open := b.add("pending", 2*day)
	b.night()
	b.change(open, "processing")
	fresh := b.add("completed", time.Hour)
	b.add("on-hold", time.Hour)
	if _, err := b.shop.Add(wootest.Order{Status: "processing", Currency: "XXX"}); err != nil {
		t.Fatal(err)
	}

	before := b.trace()
	dry := b.night("--dry-run")
	if after := b.trace(); after != before {
		t.Errorf("before the dry-run:\n%s\nafter it:\n%s", before, after)
	}
	var would []int64
	for _, w := range dry.WouldPush {
		would = append(would, w.ID)
	}
	if dry.Night != nil || !slices.Equal(would, []int64{open, fresh}) {
		t.Errorf("the dry-run would push %v of %+v, want %d and %d", would, dry, open, fresh)
	}
	done := b.night()
	dry.Night, done.Night, dry.WouldPush = nil, nil, nil
	if fmt.Sprint(dry) != fmt.Sprint(done) || done.Pushed != 2 || done.Held != 1 || done.Still != 2 {
		t.Errorf("the dry-run said %+v, the night did %+v", dry, done)
	}
}

// trace is everything that a night changes, as text.
func (b *bench) trace() string {
	b.t.Helper()
	var out strings.Builder
	for _, args := range [][]string{
		{"shop", "show", "--shop", "1"}, {"night", "list", "--shop", "1"}, {"order", "list", "--shop", "1"}, {"booking", "list", "--shop", "1"},
	} {
		out.WriteString(b.run(append(args, "--json")...).stdout)
	}
	events, err := b.db().Events(b.t.Context(), 1, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	fmt.Fprintf(&out, "%d events, %d files", len(events), len(b.files("main")))
	return out.String()
}

func TestANightIsLeftToAWorkerWhenThereIsOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	b.add("processing", day)
	cfg, err := config.Load(func(name string) string { return b.env[name] })
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Open(cfg, stack.Logger(t.Output(), cfg))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Worker(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = s.Close()
	})
	until(t, "the worker to be seen", func() bool {
		n, err := s.Queue.Workers(t.Context(), "push")
		return err == nil && n > 0
	})
	var r nightReport
	a := b.must(&r, "night", "run", "--shop", "1")
	if r.Pushed != 1 || strings.Contains(a.stderr, "itself") {
		t.Errorf("%+v\n%s", r, a.stderr)
	}
}

func TestANightRunsWhileRedisIsDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	b.add("processing", day)
	b.env["REDIS_URL"] = "redis://127.0.0.1:1/0"
	var r nightReport
	a := b.must(&r, "night", "run", "--shop", "1")
	if r.Pushed != 1 || !strings.Contains(a.stderr, "Redis does not answer: this command does the work itself.") {
		t.Errorf("%+v\n%s", r, a.stderr)
	}
}

func TestANightThatFailsIsExitCode1(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	b.shop.Fail(wootest.Fault{Kind: "captcha"})
	a := b.run("night", "run", "--shop", "1", "--json")
	var r struct{ State, Error string }
	decodeOne(t, a.stdout, &r)
	if a.code != exitFailed || r.State != "failed" || r.Error == "" || !strings.Contains(a.stderr, "Night 1 failed: ") {
		t.Errorf("exit code %d, %+v\n%s", a.code, r, a.stderr)
	}
}

func TestANightThatIsStoppedGoesOnLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	b.add("processing", day)
	b.shop.Fail(wootest.Fault{Kind: "slow", Path: "/orders"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan answer, 1)
	go func() { ended <- b.runIn(ctx, "", "night", "run", "--shop", "1") }()
	until(t, "the night to ask for orders", func() bool { return b.shop.Count("list") > 1 })
	cancel()
	if a := <-ended; a.code != exitFailed || !strings.Contains(a.stderr, "night 1 goes on by itself when a worker runs") {
		t.Errorf("exit code %d\n%s", a.code, a.stderr)
	}
	var nights []struct{ State string }
	if b.must(&nights, "night", "list", "--shop", "1"); nights[0].State != "planned" {
		t.Errorf("the night is %s", nights[0].State)
	}
}

func TestNoNightRunsForAPausedShop(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	on := b.add("processing", day)
	var paused struct{ Paused bool }
	if b.must(&paused, "shop", "pause", "--shop", "1"); !paused.Paused {
		t.Error("pause says that the shop is not paused")
	}
	b.fails(exitFailed, "shop 1 is paused, so no night runs", "night", "run", "--shop", "1")
	b.fails(exitFailed, "shop 1 is paused, so no night runs", "night", "run", "--shop", "1", "--dry-run")
	if b.must(&paused, "shop", "resume", "--shop", "1"); paused.Paused {
		t.Error("resume says that the shop is paused")
	}
	if b.night(); b.state(on) != "pushed" {
		t.Errorf("order %d is %s", on, b.state(on))
	}
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
