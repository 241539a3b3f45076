package stack

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/embedded"
	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/queue/queuetest"
)

// These tests wait for leases and sweeps as long as these take, without doing anything meanwhile: they run at the same time.
func TestOutagesEndByThemselves(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	defer all.Wait()
	for name, test := range map[string]func(*testing.T){
		"a worker is killed, nothing is hurried": aKilledWorkerIsTakenOverWithinAMinute,
		"Postgres is killed and started again":   postgresIsKilledAndStartedAgain,
	} {
		all.Go(func() { t.Run(name, test) })
	}
}

// aKilledWorkerIsTakenOverWithinAMinute leaves the leases, the sweep and the queue to themselves, and reads from the rows how long it
// took.
func aKilledWorkerIsTakenOverWithinAMinute(t *testing.T) {
	const most = time.Minute
	e := prepare(t, thousand)
	e.fall(t)
	e.start(t, "scheduler", "scheduler")
	release := e.pushesStall(t, "doomed")
	held, answer := e.shop.hold(t, func(q *question) bool { return q.step == "import" })
	doomed := e.start(t, "worker", "doomed")
	receive(t, "the night imports", held)
	awaitOr(t, "it pushes", func() bool { return e.waiting(t, doomed) > 0 }, func() string { return e.how(t) })
	heir := e.start(t, "worker", "heir")
	var killed time.Time
	e.db.Scan(t, []any{&killed}, `SELECT clock_timestamp()`)
	_ = doomed.cmd.Process.Kill()
	answer()
	release()
	doomed.kill(t, e.db)
	e.shop.ended(t)
	token := e.db.Int(t, `SELECT claim_token FROM nights WHERE id = $1`, e.night)
	e.exec(t, `CREATE TABLE left_behind AS SELECT id, claim_token FROM bookings WHERE state IN ('due', 'sending', 'unknown')`)

	var until time.Time
	awaitOr(t, "another one has the night", func() bool {
		if e.db.Int(t, `SELECT claim_token FROM nights WHERE id = $1`, e.night) == token {
			return false
		}
		e.db.Scan(t, []any{&until}, `SELECT coalesce(claimed_until, clock_timestamp()) FROM nights WHERE id = $1`, e.night)
		return true
	}, func() string { return e.how(t) })
	if took := until.Add(-doorzet.ClaimLease).Sub(killed); took > most {
		t.Errorf("the night was taken over after %s, want %s at most", took, most)
	} else {
		t.Logf("the night was taken over after %s", took)
	}
	e.ends(t)
	heir.leave(t)
	var booked time.Time
	e.db.Scan(t, []any{&booked}, `SELECT max(booked_at) FROM bookings JOIN left_behind USING (id)`)
	if took := booked.Sub(killed); took > most {
		t.Errorf("the last push that was due at the kill was booked after %s, want %s at most", took, most)
	} else {
		t.Logf("of %d pushes that were due at the kill the last was booked after %s", e.db.Int(t, `SELECT count(*) FROM left_behind`), took)
	}
	e.right(t)
	if again := e.shop.repeated(e.later); len(again) > 0 {
		t.Errorf("asked again: %q", again)
	}
}

// pushesStall holds up the recording of a process' pushes. Release ends the connections that wait, as it would with a machine that is
// gone; nothing of what they were recording is kept.
func (e *evening) pushesStall(t *testing.T, process string) (release func()) {
	t.Helper()
	e.exec(t, `
		CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF NEW.state = 'booked' AND current_setting('application_name') = '`+process+`' THEN PERFORM pg_advisory_xact_lock(1); END IF;
			RETURN NEW;
		END $$;
		CREATE TRIGGER stall BEFORE UPDATE ON bookings FOR EACH ROW EXECUTE FUNCTION stall()`)
	lock := postgrestest.Connect(t, e.url)
	lock.Exec(t, `SELECT pg_advisory_lock(1)`)
	return func() {
		lock.Exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1`, process)
		lock.Exec(t, `SELECT pg_advisory_unlock(1)`)
	}
}

// postgresIsKilledAndStartedAgain takes Postgres away in the middle of a night with pushes. What was committed is kept.
func postgresIsKilledAndStartedAgain(t *testing.T) {
	dir, err := embedded.Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	options := embedded.Options{Dir: dir, Fsync: true}
	server, err := embedded.Postgres(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	db, err := postgres.Open(server.URL, postgrestest.Keys(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	e := prepareOn(t, thousand, servers{postgres: server.URL, redis: queuetest.Redis(t)})
	e.fall(t)
	scheduler, worker := e.start(t, "scheduler", "scheduler"), e.start(t, "worker", "worker")
	imports := make(chan struct{})
	var once sync.Once
	e.shop.on(func(q *question, _ stage) {
		if q.step == "import" {
			once.Do(func() { close(imports) })
		}
	})
	receive(t, "the night imports", imports)
	if err := syscall.Kill(server.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	e.shop.stands() // what it was asking is in flight
	if server, err = embedded.Postgres(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	e.db = postgrestest.Connect(t, server.URL)
	if e.over(t) {
		t.Fatal("Postgres was killed too late")
	}
	e.ends(t)
	worker.leave(t)
	scheduler.leave(t)
	e.right(t)
	if again := e.shop.repeated(e.later); len(again) > 0 {
		t.Errorf("asked again: %q", again)
	}
}

// lostWakeUpsComeAgain is as if so much time had passed that bookings which were enqueued, and are not being worked on, are enqueued
// again.
func (e *evening) lostWakeUpsComeAgain(t *testing.T) {
	t.Helper()
	e.db.Exec(t, `UPDATE bookings SET wake_at = now() WHERE state = 'due' AND wake_at > now() AND next_try_at <= now() AND claimed_until IS NULL`)
	e.sweep(t)
}

// Redis is emptied again and again in the middle of a night with pushes: what was enqueued is enqueued again from its rows, and nothing
// that runs is disturbed.
func TestAnEmptiedRedisIsFilledFromTheRows(t *testing.T) {
	t.Parallel()
	e := prepare(t, thousand)
	e.fall(t)
	worker := e.start(t, "worker", "worker")
	await(t, "the worker has the night", func() bool { return e.db.Int(t, `SELECT count(*) FROM nights WHERE claimed_until IS NOT NULL`) == 1 })
	for i := range 5 {
		awaitOr(t, "some are booked", func() bool {
			e.lostWakeUpsComeAgain(t)
			return e.db.Int(t, `SELECT count(*) FROM bookings WHERE state = 'booked'`) >= 40*(i+1)
		}, func() string { return e.how(t) })
		queuetest.Do(t, e.Config.RedisURL.Reveal(), "FLUSHDB")
	}
	awaitOr(t, "the night is over", func() bool {
		e.lostWakeUpsComeAgain(t)
		return e.over(t)
	}, func() string { return e.how(t) })
	worker.leave(t)
	e.right(t)
	if again := e.shop.repeated(nil); len(again) > 0 {
		t.Errorf("asked again: %q", again)
	}
}

// Redis stands still for some seconds in the middle of a night with pushes: the night goes on without it, and the pushes when it is
// back.
func TestAFrozenRedis(t *testing.T) {
	t.Parallel()
	dir, err := embedded.Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server, kind, err := embedded.Redis(t.Context(), embedded.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if server.PID == 0 {
		t.Fatalf("redis-server is needed, and %s was found", kind)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(server.PID, syscall.SIGCONT)
		_ = server.Close()
	})
	e := prepareOn(t, thousand, servers{postgres: postgrestest.URL(t), redis: server.URL})
	e.fall(t)
	worker := e.start(t, "worker", "worker")
	counted := func() int { log, _ := e.shop.questions(); return len(log) }
	await(t, "the night asks the shop", func() bool { return counted() >= 8 })
	if err := syscall.Kill(server.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	since, before := time.Now(), counted()
	awaitOr(t, "the night goes on for some seconds", func() bool { return counted() >= before+3 && time.Since(since) > 4*time.Second }, func() string { return e.how(t) })
	if err := syscall.Kill(server.PID, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	awaitOr(t, "the night is over", func() bool {
		e.lostWakeUpsComeAgain(t)
		return e.over(t)
	}, func() string { return e.how(t) })
	worker.leave(t)
	e.right(t)
	if again := e.shop.repeated(nil); len(again) > 0 {
		t.Errorf("asked again: %q", again)
	}
}
