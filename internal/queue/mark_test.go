package queue_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// The mark in Redis is the newest that anybody mirrored, in whatever order they do.
func TestMark(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, at := t.Context(), time.Date(2026, 5, 1, 10, 0, 0, 123456000, time.UTC)
	if m, err := b.client.Mark(ctx, "a"); err != nil || m != (doorzet.Mark{}) {
		t.Errorf("of an empty Redis: %+v, %v", m, err)
	}
	first, second := at.Add(time.Hour), at.Add(time.Hour+time.Microsecond)
	for _, c := range []struct {
		name string
		mark doorzet.Mark
		want doorzet.Mark
	}{
		{"the first", doorzet.Mark{Entry: 7, At: at}, doorzet.Mark{Entry: 7, At: at}},
		{"a later entry", doorzet.Mark{Entry: 1 << 50, At: at}, doorzet.Mark{Entry: 1 << 50, At: at}},
		{"an earlier entry", doorzet.Mark{Entry: 8, At: at}, doorzet.Mark{Entry: 1 << 50, At: at}},
		{"the same entry", doorzet.Mark{Entry: 1 << 50, At: at.Add(1)}, doorzet.Mark{Entry: 1 << 50, At: at}},
		{"after a restore", doorzet.Mark{Entry: 3, At: at, Restored: first}, doorzet.Mark{Entry: 3, At: at, Restored: first}},
		{"from before the restore", doorzet.Mark{Entry: 99, At: at}, doorzet.Mark{Entry: 3, At: at, Restored: first}},
		{"after the next restore", doorzet.Mark{Entry: 2, At: at, Restored: second}, doorzet.Mark{Entry: 2, At: at, Restored: second}},
		{"nothing", doorzet.Mark{}, doorzet.Mark{Entry: 2, At: at, Restored: second}},
	} {
		if err := b.client.RaiseMark(ctx, "a", c.mark); err != nil {
			t.Fatal(err)
		}
		if m, err := b.client.Mark(ctx, "a"); err != nil || m != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, m, err, c.want)
		}
	}
	if m, err := b.client.Mark(ctx, "b"); err != nil || m != (doorzet.Mark{}) {
		t.Errorf("of another installation: %+v, %v", m, err)
	}
}

func TestRaiseMark_byManyAtOnceKeepsTheNewest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	for n := range int64(50) {
		wg.Go(func() {
			if err := b.client.RaiseMark(t.Context(), "a", doorzet.Mark{Entry: n + 1}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if m, err := b.client.Mark(t.Context(), "a"); err != nil || m.Entry != 50 {
		t.Errorf("%+v, %v", m, err)
	}
}

// Of those who look at the same time one is told that Redis was emptied, each time that it was.
func TestClaimEmptied(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 2 {
		var told atomic.Int64
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if empty, err := b.client.ClaimEmptied(t.Context(), "a"); err != nil {
					t.Error(err)
				} else if empty {
					told.Add(1)
				}
			})
		}
		wg.Wait()
		if n := told.Load(); n != 1 {
			t.Errorf("%d are told", n)
		}
		if err := b.raw.FlushDB(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []bool{true, false} {
		if empty, err := b.client.ClaimEmptied(t.Context(), "a"); err != nil || empty != want {
			t.Errorf("told %t, %v; want %t", empty, err, want)
		}
	}
	if err := b.client.ReleaseEmptied(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if empty, err := b.client.ClaimEmptied(t.Context(), "a"); err != nil || !empty {
		t.Errorf("after it was released: %t, %v", empty, err)
	}
	if empty, err := b.client.ClaimEmptied(t.Context(), "b"); err != nil || !empty {
		t.Errorf("another installation: %t, %v", empty, err)
	}
}

func TestMark_withoutRedis(t *testing.T) {
	t.Parallel()
	b := setupAt(t, "redis://127.0.0.1:1/0")
	if _, err := b.client.Mark(t.Context(), "a"); err == nil {
		t.Error("a mark without Redis")
	}
	if err := b.client.RaiseMark(t.Context(), "a", doorzet.Mark{Entry: 1}); err == nil {
		t.Error("raised without Redis")
	}
	if empty, err := b.client.ClaimEmptied(t.Context(), "a"); err == nil || empty {
		t.Errorf("told that it was emptied: %t, %v", empty, err)
	}
	if err := b.client.ReleaseEmptied(t.Context(), "a"); err == nil {
		t.Error("released without Redis")
	}
}
