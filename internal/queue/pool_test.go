package queue_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/queue"
)

// Work of a shop goes to the workers of its pool; while there are none, to the usual ones.
func TestAPoolHasWorkersOfItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	usual, large := &seen{}, &seen{}
	b.work(t, &queue.Server{Lanes: pushLane(2, usual.handle)})
	shop := doorzet.Shop{ID: 7, Pool: "large"}
	if err := b.client.WakePushes(t.Context(), doorzet.WakeUps(shop, 1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the usual workers do what has no workers of its own", func() bool { return slices.Equal(usual.sorted(), []int64{1}) })
	if got := b.log.with("no worker serves a pool", "pool=large"); len(got) != 1 {
		t.Errorf("said %q, want one line", got)
	}
	lane := pushLane(2, large.handle)
	lane[0].Pool = "large"
	b.work(t, &queue.Server{Lanes: lane})
	// A client of its own, which does not remember that there were none.
	id := int64(1)
	eventually(t, "the pool's workers do it once they live", func() bool {
		id++
		fresh := &testBundle{client: b.again(t)}
		if err := fresh.client.WakePushes(t.Context(), doorzet.WakeUps(shop, id)); err != nil {
			t.Error(err)
		}
		return len(large.sorted()) > 0
	})
	if err := b.client.WakePushes(t.Context(), wakeUps(1000)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "other shops stay with the usual ones", func() bool { return slices.Contains(usual.sorted(), 1000) })
	if slices.Contains(large.sorted(), 1000) {
		t.Error("the pool did another shop's work")
	}
}

// A shop whose work takes long has its share of a lane and no more; what was put aside is done after it, each once.
func TestOneShopDoesNotHaveAllPlaces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hold, done := make(chan struct{}), &seen{}
	lane := pushLane(4, func(ctx context.Context, id int64) error {
		if id < 100 {
			select {
			case <-hold:
			case <-ctx.Done():
			}
		}
		return done.handle(ctx, id)
	})
	lane[0].PerShop = 2
	b.work(t, &queue.Server{Servers: 1, Lanes: lane})
	slow := doorzet.WakeUps(doorzet.Shop{ID: 7}, 1, 2, 3, 4, 5, 6, 7, 8)
	if err := errors.Join(b.client.WakePushes(t.Context(), slow), b.client.WakePushes(t.Context(), wakeUps(100, 101))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another shop's work is done meanwhile", func() bool { return slices.Equal(done.sorted(), []int64{100, 101}) })
	close(hold)
	want := []int64{1, 2, 3, 4, 5, 6, 7, 8, 100, 101}
	eventually(t, "all is done", func() bool { return len(done.sorted()) >= len(want) })
	if got := done.sorted(); !slices.Equal(got, want) {
		t.Errorf("done: %v, want each once: %v", got, want)
	}
}

// A worker that stops gives back what it had put aside.
func TestWhatWasPutAsideIsGivenBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun, finish, done := make(chan struct{}, 9), make(chan struct{}), &seen{}
	lane := pushLane(2, func(ctx context.Context, id int64) error {
		begun <- struct{}{}
		<-finish
		return done.handle(ctx, id)
	})
	lane[0].PerShop = 1
	stop := b.work(t, &queue.Server{Servers: 1, Lanes: lane})
	if err := b.client.WakePushes(t.Context(), wakeUps(1, 2, 3)); err != nil {
		t.Fatal(err)
	}
	<-begun
	eventually(t, "the others are put aside", func() bool {
		return b.raw.LLen(t.Context(), "asynq:{push}:pending").Val() == 0 && b.raw.LLen(t.Context(), "asynq:{push}:active").Val() == 1
	})
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	eventually(t, "it says that it stops", func() bool { return len(b.log.with("stopping", "running=1")) == 1 })
	close(finish)
	<-stopped
	if got := done.sorted(); len(got) != 1 {
		t.Errorf("done while it stopped: %v", got)
	}
	if got := b.raw.LLen(t.Context(), "asynq:{push}:pending").Val(); got != 2 {
		t.Errorf("given back: %d, want 2", got)
	}
}

// What waits is counted over all pools, and of one kind only.
func TestWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := errors.Join(b.client.WakePushes(t.Context(), wakeUps(1, 2, 3)), b.client.WakeNights(t.Context(), wakeUps(4))); err != nil {
		t.Fatal(err)
	}
	b.raw.SAdd(t.Context(), "asynq:queues", "push-large")
	b.raw.LPush(t.Context(), "asynq:{push-large}:pending", "x")
	for kind, want := range map[queue.Kind]int{queue.KindPush: 4, queue.KindReconcile: 1} {
		if got, err := b.client.Waiting(t.Context(), kind); err != nil || got != want {
			t.Errorf("%s: %d waiting, %v; want %d", kind, got, err, want)
		}
	}
}
