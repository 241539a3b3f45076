package stack

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/queue/queuetest"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// evening is a shop before its night: what processes do in that night is watched, and what must come of it is known.
type evening struct {
	*bundle
	shop  *watched
	db    *postgrestest.Session
	night int64
	due   map[int64]bool  // orders that the night must push
	later map[string]bool // those of them that only the remainder finds
	want  doorzet.Night   // its report, as far as it does not depend on what happens to the processes
}

// orders says what an evening's shop has: how many open orders, and what became of them since the last night.
type orders struct {
	open      int // on-hold, known from the night before; the numbers below are of them
	recent    int // reached a chosen status today: the bulk fetch finds them
	old       int // did so more than 14 days ago: only the remainder finds them
	cancelled int
	trashed   int

	unseenDue  int // came today, with a chosen status
	unseenOpen int // came today, without one
}

// thousand is a night in bulk of 1,000 orders.
var thousand = orders{open: 700, recent: 150, old: 60, cancelled: 30, trashed: 5, unseenDue: 120, unseenOpen: 180}

// handful is a night that asks for each of its open orders.
var handful = orders{open: 149, recent: 60, old: 20, cancelled: 10, trashed: 5, unseenDue: 100, unseenOpen: 20}

// prepare gives a shop an evening.
func prepare(t *testing.T, o orders) *evening {
	t.Helper()
	return prepareOn(t, o, servers{postgres: postgrestest.URL(t), redis: queuetest.Redis(t)})
}

func prepareOn(t *testing.T, o orders, on servers) *evening {
	t.Helper()
	fake := wootest.New(wootest.Options{})
	w := observe(t, fake)
	on.shop = w.server.URL
	e := &evening{
		bundle: connect(t, fake, on, nil), shop: w, db: postgrestest.Connect(t, on.postgres), due: map[int64]bool{}, later: map[string]bool{},
	}
	known := e.add(t, "on-hold", o.open, 20*days)
	e.done(t)
	take := func(n int, f func(id int64)) {
		for _, id := range known[:n] {
			f(id)
		}
		known = known[n:]
	}
	take(o.recent, func(id int64) { e.change(t, id, "processing", time.Time{}); e.due[id] = true })
	take(o.old, func(id int64) {
		e.change(t, id, "completed", start.Add(-15*days))
		e.due[id], e.later[itoa(id)] = true, true
	})
	take(o.cancelled, func(id int64) { e.change(t, id, "cancelled", time.Time{}) })
	take(o.trashed, func(id int64) {
		if err := fake.Trash(id); err != nil {
			t.Fatal(err)
		}
	})
	for _, id := range e.unseen(t, "processing", o.unseenDue) {
		e.due[id] = true
	}
	e.unseen(t, "pending", o.unseenOpen)
	e.exec(t, `UPDATE shops SET full_import_at = now() - interval '8 days'`) // all ids are compared as well
	e.want = doorzet.Night{
		State: doorzet.NightDone, Open: o.open, Strategy: doorzet.StrategyFor(o.open), LookedAt: o.open, Imported: o.unseenDue + o.unseenOpen,
		Pushed: len(e.due), StillOpen: o.open - o.recent - o.old + o.unseenOpen,
	}
	if e.want.Strategy == doorzet.Bulk {
		e.want.BulkFound, e.want.RemainderFound = o.recent, o.old
	}
	e.http.CloseIdleConnections()
	fake.ResetRequests()
	w.forget()
	return e
}

// unseen adds orders that came today.
func (e *evening) unseen(t *testing.T, status string, n int) []int64 {
	t.Helper()
	if n == 0 {
		return nil
	}
	return e.addOrder(t, wootest.Order{Status: status, Count: n, Created: start.Add(-time.Hour), Modified: time.Now(), Total: "24.20"})
}

// fall lets the night's time come: schedulers plan it.
func (e *evening) fall(t *testing.T) {
	t.Helper()
	e.exec(t, `UPDATE shops SET next_night_at = now() - interval '26 hours'`)
	if err := e.plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.night = int64(e.db.Int(t, `SELECT coalesce(max(id), 0) FROM nights WHERE planned AND state IN ('planned', 'running')`))
	if e.night == 0 {
		t.Fatal("no night is planned")
	}
}

// sweep is what schedulers do each 15 seconds.
func (e *evening) sweep(t *testing.T) {
	t.Helper()
	if err := e.sweepNights(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.sweepBookings(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// leasesEnd is as if a minute had passed since the only worker died: its claims have run out, and so have the wake-ups that it took or
// that were lost with Redis; the files that it did not write are to be exported, and its places at the shop are free.
func (e *evening) leasesEnd(t *testing.T) {
	t.Helper()
	e.db.Exec(t, `UPDATE nights SET claimed_until = now() - interval '1 second' WHERE claimed_until >= now()`)
	e.db.Exec(t, `UPDATE nights SET wake_at = now() WHERE state IN ('planned', 'running') AND wake_at > now()`)
	// One that many workers were lost with waits for longer than a minute: that has passed as well.
	e.db.Exec(t, `UPDATE bookings SET claimed_until = now() - interval '1 second', next_try_at = least(next_try_at, now()) WHERE claimed_until >= now()`)
	e.db.Exec(t, `UPDATE bookings SET wake_at = now() WHERE state IN ('due', 'sending', 'unknown') AND wake_at > now() AND next_try_at <= now()`)
	e.db.Exec(t, `UPDATE bookings SET booked_at = booked_at - interval '1 minute' WHERE state = 'booked' AND exported_at IS NULL`)
	queuetest.Do(t, e.Config.RedisURL.Reveal(), "DEL", fmt.Sprintf("doorzet:gate:{%d}:held", e.bundle.shop), fmt.Sprintf("doorzet:gate:{%d}:waiting", e.bundle.shop))
}

// over tells whether the night and all that it caused are at their end, files included.
func (e *evening) over(t *testing.T) bool {
	t.Helper()
	return e.db.Int(t, `
		SELECT (SELECT count(*) FROM nights WHERE state IN ('planned', 'running'))
		     + (SELECT count(*) FROM bookings WHERE state IN ('due', 'sending', 'unknown') OR exported_at IS NULL)`) == 0
}

// how says where the night stands, for a test that waits in vain.
func (e *evening) how(t *testing.T) string {
	t.Helper()
	return e.db.Text(t, `
		SELECT (SELECT string_agg(concat_ws(' ', 'night', id, state, step, rows_read, 'claimed until', claimed_until, 'next', next_try_at, 'wake', wake_at, error), '; ') FROM nights)
		    || '; ' || coalesce((SELECT string_agg(s, '; ') FROM (
		       SELECT concat_ws(' ', state, count(*), 'claimed until', max(claimed_until), 'next', max(next_try_at), 'wake', max(wake_at), 'not exported', count(*) FILTER (WHERE exported_at IS NULL), max(error)) AS s
		         FROM bookings GROUP BY state) x), 'no bookings') || '; now ' || clock_timestamp()`)
}

// ends waits for the night's end.
func (e *evening) ends(t *testing.T) {
	t.Helper()
	awaitOr(t, "the night is over", func() bool { return e.over(t) }, func() string { return e.how(t) })
}

// right checks what came of the night: every due order has exactly one booking and one file, whole and as it was recorded, nothing
// else has, and the report counts right.
func (e *evening) right(t *testing.T) {
	t.Helper()
	want := map[string]bool{}
	for id := range e.due {
		want["WC-"+itoa(id)+".xml"] = true
	}
	kept, err := e.DB.ExportsOf(t.Context(), 1, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kept {
		if !want[k.Name] {
			t.Errorf("%s is booked: it is not due, or twice", k.Name)
		}
		delete(want, k.Name)
		content, err := os.ReadFile(filepath.Join(e.dir, k.Name))
		if err != nil || string(content) != string(k.Content) {
			t.Errorf("the file of %s is not what was recorded: %d bytes and %d, %v", k.Name, len(content), len(k.Content), err)
		}
	}
	if len(want) > 0 {
		t.Errorf("%d due orders are not booked: %v", len(want), slices.Sorted(maps.Keys(want)))
	}
	// A file is written under a hidden name first. A process that is killed in the middle leaves that name behind.
	visible := slices.DeleteFunc(e.files(t), func(name string) bool { return strings.HasPrefix(name, ".") })
	if len(visible) != len(e.due) {
		t.Errorf("the folder has %d files, want %d", len(visible), len(e.due))
	}
	for what, query := range map[string]string{
		"bookings that are not booked":            `SELECT count(*) FROM bookings WHERE state <> 'booked'`,
		"orders with more than one booking":       `SELECT count(*) FROM (SELECT FROM bookings GROUP BY order_id HAVING count(*) > 1) x`,
		"orders whose push was recorded twice":    `SELECT count(*) FROM (SELECT FROM events WHERE kind = 'pushed' GROUP BY woo_id HAVING count(*) > 1) x`,
		"bookings whose amount is another":        `SELECT count(*) FROM bookings b JOIN orders o ON o.id = b.order_id WHERE b.remote_total <> o.total * 100`,
		"nights other than the first and tonight": `SELECT count(*) - 2 FROM nights WHERE state <> 'covered'`,
	} {
		if n := e.db.Int(t, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	e.counts(t)
}

// counts compares the night's report with what is known beforehand, and its requests with what the shop counted.
func (e *evening) counts(t *testing.T) {
	t.Helper()
	n, err := e.DB.Night(t.Context(), e.night)
	if err != nil {
		t.Fatal(err)
	}
	got := doorzet.Night{
		State: n.State, Open: n.Open, Strategy: n.Strategy, LookedAt: n.LookedAt, Imported: n.Imported, Pushed: n.Pushed, StillOpen: n.StillOpen,
		BulkFound: n.BulkFound, RemainderFound: n.RemainderFound, Held: n.Held, Failed: n.Failed, Underway: n.Underway, Expired: n.Expired,
		Gone: n.Gone, Unread: n.Unread, Error: n.Error,
	}
	if fmt.Sprint(got) != fmt.Sprint(e.want) {
		t.Errorf("the night's report is\n%+v, want\n%+v", got, e.want)
	}
	if len(n.Notes) > 0 {
		t.Errorf("the night's report says %q", n.Notes)
	}
	log, _ := e.shop.questions()
	unwritten := e.shop.unwritten(n.Strategy == doorzet.OneByOne)
	if n.Requests.Total > len(log) || n.Requests.Total < len(log)-unwritten {
		t.Errorf("the report counts %d requests; the shop was asked %d, of which %d may be missing", n.Requests.Total, len(log), unwritten)
	}
}
