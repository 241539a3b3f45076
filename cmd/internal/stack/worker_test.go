package stack

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Files that a worker could not write are written later; one that never can be holds up no other.
func TestExportsAreMadeUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := b.add(t, "processing", 3, 5*days)
	b.done(t)
	if err := os.WriteFile(filepath.Join(b.dir, "WC-"+itoa(ids[0])+".xml"), []byte("somebody else's"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.push(t)
	if got := b.states(t); got[doorzet.StatePushed] != 3 {
		t.Fatalf("the orders are %v", got)
	}
	if err := os.Remove(filepath.Join(b.dir, "WC-"+itoa(ids[2])+".xml")); err != nil {
		t.Fatal(err)
	}
	b.exec(t, `UPDATE bookings SET exported_at = NULL, booked_at = now() - interval '1 minute' + woo_id * interval '1 microsecond'`)
	if err := b.export(t.Context()); err == nil {
		t.Error("nobody hears of the file that stands in the way")
	}
	if got := b.files(t); len(got) != 3 {
		t.Errorf("the folder holds %v", got)
	}
	if content, err := os.ReadFile(filepath.Join(b.dir, "WC-"+itoa(ids[0])+".xml")); err != nil || string(content) != "somebody else's" {
		t.Errorf("the other's file was written over: %q, %v", content, err)
	}
	list, err := b.DB.ToExport(t.Context(), 0, 10)
	if err != nil || len(list) != 1 {
		t.Errorf("%d files are to be made still, %v; want 1", len(list), err)
	}
}

// From a planned night to the files, through the queue, as the processes do it.
func TestTheProcessesPushByThemselves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Config.WorkerQueues, b.Config.WorkerReconcile, b.Config.WorkerServers, b.Config.Drain = []string{"push", "reconcile"}, 1, 1, time.Second
	b.add(t, "processing", 5, 5*days)
	b.add(t, "on-hold", 5, 5*days)
	b.exec(t, `UPDATE shops SET next_night_at = now() - interval '26 hours'`)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { ended <- b.Serve(ctx, b.Scheduler, b.Worker) }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(40 * time.Second); len(b.files(t)) < 5; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after 40 s the folder holds %v, the orders are %v", b.files(t), b.states(t))
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if got := b.states(t); got[doorzet.StateOpen] != 5 {
		t.Errorf("the orders are %v", got)
	}
	nights, err := b.DB.Nights(t.Context(), b.shop, 0)
	if err != nil || len(nights) == 0 || !nights[0].Planned || nights[0].State != doorzet.NightDone {
		t.Errorf("the nights are %+v, %v", nights, err)
	}
}
