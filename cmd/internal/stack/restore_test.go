package stack

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/queue/queuetest"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// process is one more process of the same installation, on a Redis.
func (b *bundle) process(t *testing.T, redis doorzet.Secret) *Stack {
	t.Helper()
	cfg := b.Config
	cfg.RedisURL, cfg.WorkerQueues, cfg.WorkerPush, cfg.WorkerReconcile, cfg.WorkerServers, cfg.Drain = redis, []string{"push", "reconcile"}, 4, 2, 1, time.Second
	s, err := Open(cfg, b.Log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// running runs a part of a process until stop is called, at the latest when the test ends.
func running(t *testing.T, part func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- part(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// eventually waits until something is so, and meanwhile does the scheduler's part.
func (b *bundle) eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	b.waits(t, what, func() bool {
		_ = errors.Join(b.sweepNights(t.Context()), b.sweepBookings(t.Context())) // while Postgres or Redis is away they fail
		return so()
	})
}

// waits waits until something is so.
func (b *bundle) waits(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); !so(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never so: %s; the folder holds %v", what, b.files(t))
		}
	}
}

// says tells whether Postgres answers yes; while it is away it does not.
func (b *bundle) says(t *testing.T, query string) bool {
	t.Helper()
	yes, err := postgrestest.Try[bool](t.Context(), b.url, query)
	return err == nil && yes
}

// settled tells whether no booking is on its way, nor its file.
func (b *bundle) settled(t *testing.T) bool {
	t.Helper()
	return b.says(t, `SELECT count(*) = 0 FROM bookings
		WHERE state IN ('due', 'sending', 'unknown') AND next_try_at IS NOT NULL OR state = 'booked' AND exported_at IS NULL`)
}

// contents are the files in the books' folder.
func (b *bundle) contents(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range b.files(t) {
		content, err := os.ReadFile(filepath.Join(b.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(content)
	}
	return out
}

// pausePasses lets the time pass in which a worker from before the restore could still write.
func (b *bundle) pausePasses(t *testing.T) {
	t.Helper()
	b.exec(t, `UPDATE installation SET restored_at = restored_at - interval '1 minute'`)
	b.exec(t, `UPDATE bookings SET next_try_at = now(), wake_at = now() WHERE next_try_at IS NOT NULL`)
}

// lost is a restore that is going to happen: what was booked after the backup, and what was only due in it.
type lost struct {
	restore func()
	early   []int64 // booked in the backup
	late    []int64 // booked after it
	due     int64   // due in the backup, booked after it
	changed int64   // booked after the backup, and changed in the shop since
	before  map[string]string
}

// lose books orders before and after a backup is made, through whatever worker runs.
func (b *bundle) lose(t *testing.T) *lost {
	t.Helper()
	l := &lost{early: b.add(t, "processing", 3, 5*days)}
	b.done(t)
	b.eventually(t, "3 orders are booked", func() bool { return len(b.files(t)) == 3 && b.settled(t) })
	b.must(t, b.DB.Pause(t.Context(), b.shop, "test"))
	l.due = b.add(t, "processing", 1, time.Hour/2)[0]
	shop, err := b.DB.Shop(t.Context(), b.shop)
	b.must(t, err)
	look, err := Look(t.Context(), b.Client(shop, nil), doorzet.ByHand, l.due)
	b.must(t, err)
	_, err = b.DB.ApplyLooks(t.Context(), doorzet.LookContext{Shop: shop, Since: start.Add(-doorzet.WindowShort), Actor: "test"}, []doorzet.Look{look})
	b.must(t, err)
	l.restore = postgrestest.Backup(t, b.url)
	b.reconnect(t)
	b.must(t, b.DB.Resume(t.Context(), b.shop, "test"))
	l.late = b.add(t, "processing", 4, time.Hour/2)
	l.changed = l.late[3]
	b.done(t)
	b.eventually(t, "8 orders are booked", func() bool { return len(b.files(t)) == 8 && b.settled(t) })
	b.must(t, b.fake.Change(l.changed, wootest.Order{Fields: map[string]json.RawMessage{"currency": json.RawMessage(`"USD"`)}}))
	l.before = b.contents(t)
	b.waits(t, "the newest entry is mirrored", func() bool {
		id, err := b.installation(t.Context())
		b.must(t, err)
		m, err := b.Queue.Mark(t.Context(), id)
		b.must(t, err)
		return m.Entry == postgrestest.One[int64](t, b.url, `SELECT max(id) FROM events`)
	})
	return l
}

func (b *bundle) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bundle) reconnect(t *testing.T) {
	t.Helper()
	for range 100 {
		if b.DB.Ping(t.Context()) == nil {
			return
		}
	}
	t.Fatal("no connection")
}

// check runs a night after the restore and wants everything booked once, as it was.
func (b *bundle) check(t *testing.T, l *lost) {
	t.Helper()
	b.pausePasses(t)
	if b.settled(t) {
		t.Error("the order that was due in the backup is not asked for")
	}
	b.must(t, b.DB.Resume(t.Context(), b.shop, "test"))
	b.done(t)
	b.eventually(t, "nothing is on its way", func() bool { return b.settled(t) })
	for _, id := range append(append(l.early, l.due), l.late[:3]...) {
		b.is(t, id, doorzet.StatePushed)
	}
	b.is(t, l.changed, doorzet.StateRefused)
	if why := b.order(t, l.changed).Error; !strings.Contains(why, "ignore the order here") {
		t.Errorf("of the changed order it says %q", why)
	}
	if after := b.contents(t); !maps.Equal(after, l.before) {
		t.Errorf("the folder held %d files, it holds %v, or one of them changed", len(l.before), b.files(t))
	}
}

// reaches waits until an order is in a state.
func (b *bundle) reaches(t *testing.T, id int64, want doorzet.OrderState) {
	t.Helper()
	b.waits(t, "order "+itoa(id)+" is "+string(want), func() bool {
		o, err := b.DB.Order(t.Context(), b.shop, id)
		return err == nil && o.State == want
	})
}

// noticed waits until some process has recorded the restore.
func (b *bundle) noticed(t *testing.T) {
	t.Helper()
	b.eventually(t, "the restore is noticed", func() bool {
		return b.says(t, `SELECT restored_at IS NOT NULL FROM installation`)
	})
	if n := postgrestest.One[int](t, b.url, `SELECT count(*) FROM events WHERE kind = 'restored'`); n != 1 {
		t.Errorf("recorded %d times", n)
	}
}

// After yesterday's backup was restored nothing is booked twice, whoever lived through it and whatever became of Redis.
func TestR9_aRestoredPostgres(t *testing.T) {
	t.Parallel()
	t.Run("the workers are started anew", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		stop := running(t, b.process(t, b.Config.RedisURL).Worker)
		l := b.lose(t)
		stop()
		l.restore()
		b.reconnect(t)
		running(t, b.process(t, b.Config.RedisURL).Worker)
		b.noticed(t)
		b.check(t, l)
	})
	t.Run("two workers live through it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for range 2 {
			running(t, b.process(t, b.Config.RedisURL).Worker)
		}
		l := b.lose(t)
		l.restore()
		b.noticed(t)
		b.check(t, l)
	})
	t.Run("a worker lives through it, Redis is emptied", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		running(t, b.process(t, b.Config.RedisURL).Worker)
		l := b.lose(t)
		l.restore()
		queuetest.Do(t, b.Config.RedisURL.Reveal(), "FLUSHDB")
		b.noticed(t)
		b.check(t, l)
	})
	t.Run("a scheduler lives through it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		stop := running(t, b.process(t, b.Config.RedisURL).Worker)
		running(t, b.process(t, b.Config.RedisURL).Scheduler)
		l := b.lose(t)
		stop()
		l.restore()
		b.noticed(t)
		running(t, b.process(t, b.Config.RedisURL).Worker)
		b.check(t, l)
	})
	t.Run("Redis is lost too, and a person says so", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		stop := running(t, b.process(t, b.Config.RedisURL).Worker)
		l := b.lose(t)
		stop()
		l.restore()
		b.reconnect(t)
		_, err := b.DB.Restored(t.Context(), time.Time{}, "anna")
		b.must(t, err)
		other := doorzet.Secret(queuetest.Redis(t))
		running(t, b.process(t, other).Worker)
		b.Queue = b.process(t, other).Queue
		b.noticed(t)
		b.check(t, l)
	})
	t.Run("there is no Redis, and a command does the work", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		stop := running(t, b.process(t, b.Config.RedisURL).Worker)
		l := b.lose(t)
		stop()
		l.restore()
		b.reconnect(t)
		s := b.process(t, "redis://127.0.0.1:1/0")
		shop, err := s.DB.Shop(t.Context(), b.shop)
		b.must(t, err)
		b.must(t, s.DB.Resume(t.Context(), b.shop, "test"))
		night, err := s.DB.AskNight(t.Context(), shop, "test")
		b.must(t, err)
		running(t, func(ctx context.Context) error {
			s.Direct(ctx, Errand{ShopID: b.shop, NightID: night})
			return nil
		})
		for _, id := range append(append(l.early, l.due), l.late[:3]...) {
			b.reaches(t, id, doorzet.StatePushed)
		}
		b.reaches(t, l.changed, doorzet.StateRefused)
		if after := b.contents(t); !maps.Equal(after, l.before) {
			t.Errorf("the folder holds %v, or one of its files changed", b.files(t))
		}
	})
}
