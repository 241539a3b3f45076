package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/embedded"
	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/queue/queuetest"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// outages is a bundle on servers of its own, which a test can harm.
type outages struct {
	*bundle
	postgres, redis *embedded.Server
	said            *said
}

// said is a log that can be searched.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) times(words string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), words)
}

// onOwnServers is a shop on a Postgres that keeps what it has committed, as one in production does, and a Redis.
func onOwnServers(t *testing.T) *outages {
	t.Helper()
	o := &outages{said: &said{}}
	var err error
	if o.postgres, err = embedded.Postgres(t.Context(), embedded.Options{Dir: scratch(t), Fsync: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.postgres.Close() })
	if o.redis, _, err = embedded.Redis(t.Context(), embedded.Options{Dir: scratch(t)}); err != nil {
		t.Fatal(err)
	}
	if o.redis.PID == 0 {
		t.Fatal("redis-server is needed: one inside this process can neither stand still nor be full")
	}
	t.Cleanup(func() { _ = o.redis.Close() })
	db, err := postgres.Open(o.postgres.URL, postgres.Keyring{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Migrate(t.Context()), db.Close()); err != nil {
		t.Fatal(err)
	}
	fake := wootest.New(wootest.Options{})
	o.bundle = connect(t, fake, servers{shop: serve(t, fake), postgres: o.postgres.URL, redis: o.redis.URL}, nil)
	o.Log = slog.New(slog.NewTextHandler(o.said, nil))
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(o.said.text.String())
		}
	})
	return o
}

func scratch(t *testing.T) string {
	t.Helper()
	dir, err := embedded.Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// crash ends Postgres with a signal and starts it again. SIGQUIT is its immediate shutdown; of SIGKILL all its processes get one.
func (o *outages) crash(t *testing.T, signal syscall.Signal) {
	t.Helper()
	pids := []int{o.postgres.PID}
	if signal == syscall.SIGKILL {
		list := postgrestest.One[string](t, o.url, `SELECT string_agg(CAST(pid AS text), ' ') FROM pg_stat_activity`)
		for word := range strings.FieldsSeq(list) {
			var pid int
			if _, err := fmt.Sscan(word, &pid); err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, signal) // the one that asked has ended
	}
	dir := o.postgres.Dir
	_ = o.postgres.Close()                            // it has ended, or is about to
	o.waits(t, "Postgres starts again", func() bool { // not while one of its processes still ends
		again, err := embedded.Postgres(t.Context(), embedded.Options{Dir: dir, Fsync: true})
		if err == nil {
			o.postgres = again
		}
		return err == nil
	})
	o.reconnect(t)
	// As if a minute had passed: claims whose outcome Postgres did not take have run out, and so have wake-ups that came to nothing
	// while it was away.
	for _, table := range []string{"bookings", "nights"} {
		o.exec(t, `UPDATE `+table+` SET claimed_until = now() - interval '1 second' WHERE claimed_until IS NOT NULL`)
		o.exec(t, `UPDATE `+table+` SET wake_at = now() WHERE next_try_at <= now()`)
	}
}

// booked waits until so many bookings are booked.
func (o *outages) booked(t *testing.T, n int) {
	t.Helper()
	o.eventually(t, fmt.Sprint(n, " are booked"), func() bool {
		return o.says(t, fmt.Sprintf(`SELECT count(*) >= %d FROM bookings WHERE state = 'booked'`, n))
	})
}

// rehearse rehearses a night: its entries of the journal are rolled back.
func (o *outages) rehearse(t *testing.T) {
	t.Helper()
	if _, err := o.Rehearsal().Rehearse(t.Context(), o.shop, nil); err != nil {
		t.Errorf("the rehearsal: %v", err)
	}
}

// Postgres is killed and stopped at once, Redis stands still and is emptied, several processes push, others roll back: the night
// and its pushes end right by themselves, and nobody takes any of it for a restore.
func TestR9_outagesAreNoRestore(t *testing.T) {
	t.Parallel()
	const orders = 140
	o := onOwnServers(t)
	for range 2 {
		running(t, o.process(t, o.Config.RedisURL).Worker)
		running(t, o.process(t, o.Config.RedisURL).Scheduler)
	}
	ids := o.add(t, "on-hold", orders, 5*days)
	o.done(t)
	for _, id := range ids {
		o.change(t, id, "processing", time.Time{})
	}
	o.rehearse(t)
	o.fake.Fail(wootest.Fault{Kind: "latency", DelayMS: 60}) // the night takes a while
	night := o.ask(t, time.Now())
	o.must(t, o.Queue.WakeNights(t.Context(), doorzet.WakeUps(doorzet.Shop{ID: o.shop}, night)))

	o.booked(t, 10)
	if !o.says(t, `SELECT state = 'running' FROM nights ORDER BY id DESC LIMIT 1`) {
		t.Error("Postgres is killed when the night has ended already")
	}
	o.crash(t, syscall.SIGKILL)
	o.booked(t, 40)
	o.must(t, syscall.Kill(o.redis.PID, syscall.SIGSTOP))
	before := o.said.times("Redis")
	o.waits(t, "somebody misses Redis", func() bool { return o.said.times("Redis") > before })
	o.must(t, syscall.Kill(o.redis.PID, syscall.SIGCONT))
	o.rehearse(t)
	o.booked(t, 70)
	o.crash(t, syscall.SIGQUIT)
	o.booked(t, 100)
	queuetest.Do(t, o.redis.URL, "FLUSHALL")
	o.crash(t, syscall.SIGKILL)
	o.booked(t, orders)

	o.eventually(t, "the night is done", func() bool {
		return o.says(t, `SELECT count(*) = 2 FROM nights WHERE state = 'done'`) && o.settled(t)
	})
	if n, err := o.DB.Night(t.Context(), night); err != nil || n.LookedAt != orders || n.Pushed != orders || n.Error != "" {
		t.Errorf("the night looked at %d orders and pushed %d: %s, %v", n.LookedAt, n.Pushed, n.Error, err)
	}
	if got := o.files(t); len(got) != orders {
		t.Errorf("the folder holds %d files", len(got))
	}
	for _, id := range ids {
		o.is(t, id, doorzet.StatePushed)
	}
	if r, err := o.DB.LastRestore(t.Context()); err != nil || !r.At.IsZero() || o.said.times("Postgres was restored from an older backup") != 0 {
		t.Errorf("taken for a restore: %+v, %v", r, err)
	}
}

// What was woken in a Redis that is emptied is woken again with the next look at it, and not after the pauses of what was woken.
func TestAnEmptiedRedisHoldsUpNothing(t *testing.T) {
	t.Parallel()
	o := onOwnServers(t)
	for range 2 {
		running(t, o.process(t, o.Config.RedisURL).Scheduler)
	}
	const filled = "Redis is new or was emptied"
	o.waits(t, "the first start fills Redis", func() bool { return o.said.times(filled) == 1 })
	o.add(t, "processing", 5, 5*days)
	o.done(t) // its five pushes are woken, and nobody is there yet
	night := o.ask(t, start)
	o.must(t, o.Queue.WakeNights(t.Context(), doorzet.WakeUps(doorzet.Shop{ID: o.shop}, night)))
	o.exec(t, `UPDATE nights SET wake_at = now() + interval '10 minutes' WHERE state = 'planned'`)
	o.exec(t, `UPDATE bookings SET wake_at = now() + interval '10 minutes'`)
	queuetest.Do(t, o.redis.URL, "FLUSHALL")
	running(t, o.process(t, o.Config.RedisURL).Worker)
	o.waits(t, "all is done", func() bool {
		return o.settled(t) && o.says(t, `SELECT count(*) = 2 FROM nights WHERE state = 'done'`)
	})
	if n := len(o.files(t)); n != 5 || o.said.times(filled) != 2 {
		t.Errorf("the folder holds %d files; Redis was filled %d times", n, o.said.times(filled))
	}
}

// A Redis that is full lets a worker begin all the same: the mark that it must know can be read.
func TestAFullRedisKeepsNoWorkerOut(t *testing.T) {
	t.Parallel()
	o := onOwnServers(t)
	o.must(t, o.notice(t.Context()))
	queuetest.Do(t, o.redis.URL, "CONFIG", "SET", "maxmemory", "1")
	o.add(t, "processing", 1, 5*days)
	o.done(t)
	if err := o.notice(t.Context()); err == nil {
		t.Fatal("Redis is not full")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := o.learn(ctx); err != nil {
		t.Error(err)
	}
}
