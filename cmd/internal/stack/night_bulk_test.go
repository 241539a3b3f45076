package stack

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// large connects a shop with n open orders that were imported before.
func large(t *testing.T, n int, change func(*doorzet.Shop)) (*bundle, []int64) {
	t.Helper()
	b := setupShop(t, wootest.Options{}, change)
	ids := b.add(t, "on-hold", n, 20*days)
	b.done(t)
	return b, ids
}

func TestR6_R7_150OpenOrdersAreFetchedInBulk(t *testing.T) {
	t.Parallel()
	b, ids := large(t, 260, nil)
	edge := start.Add(-doorzet.BulkLookback)
	found := map[int64]time.Time{ids[3]: edge, ids[4]: edge.Add(time.Second), ids[5]: start.Add(-time.Hour)}
	for id, at := range found {
		b.change(t, id, "completed", at)
	}
	b.change(t, ids[6], "processing", edge.Add(-time.Second)) // a second too early for the bulk fetch
	b.change(t, ids[7], "shipped", start.Add(-time.Hour))
	n := b.done(t)
	if n.Open != 260 || n.Strategy != doorzet.Bulk || n.BulkFound != 3 || n.RemainderFound != 1 || n.LookedAt != 260 || n.StillOpen != 256 {
		t.Errorf("%+v", n)
	}
	bulk := b.asked("status=")
	want := "modified_after=" + strings.ReplaceAll(edge.Add(-time.Second).Format("2006-01-02T15:04:05"), ":", "%3A")
	if len(bulk) != 1 || !strings.Contains(bulk[0], want) || !strings.Contains(bulk[0], "status=completed%2Cprocessing") || strings.Contains(bulk[0], "_fields") {
		t.Errorf("the bulk fetch asked %q, want %s and whole orders", bulk, want)
	}
	batches := b.asked("include=")
	if len(batches) != 4 || b.fake.Count("single") != 0 { // 257 in three batches, and the one that was found once more, whole
		t.Errorf("%d batches, %d single orders; want 4, 0: %q", len(batches), b.fake.Count("single"), batches)
	}
	for id := range found {
		b.is(t, id, doorzet.StateDue)
		for _, q := range batches {
			if strings.Contains(q, itoa(id)) {
				t.Errorf("order %d was answered by the bulk fetch and asked for again", id)
			}
		}
	}
	b.is(t, ids[6], doorzet.StateDue)
	b.is(t, ids[7], doorzet.StateOpen)
	b.push(t)
	if got := b.files(t); len(got) != 4 {
		t.Errorf("the folder holds %v", got)
	}
}

func itoa(id int64) string { return strconv.FormatInt(id, 10) }

func TestR7_theRemainderCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	b, ids := large(t, 150, func(s *doorzet.Shop) { s.Remainder = false })
	b.change(t, ids[0], "completed", start.Add(-time.Hour))
	b.change(t, ids[1], "completed", start.Add(-15*days))
	n := b.done(t)
	if n.BulkFound != 1 || n.LookedAt != 1 || n.StillOpen != 149 || len(b.asked("include=")) != 0 {
		t.Errorf("found %d, looked at %d, still open %d, batches %q", n.BulkFound, n.LookedAt, n.StillOpen, b.asked("include="))
	}
	b.is(t, ids[1], doorzet.StateOpen)
}

// With the remainder off, what left the window still gets its last look.
func TestR4_R7_lastLooksAreNotTheRemainder(t *testing.T) {
	t.Parallel()
	b := setupShop(t, wootest.Options{}, func(s *doorzet.Shop) { s.Remainder = false })
	b.add(t, "on-hold", 150, 5*days)
	last := b.addOrder(t, wootest.Order{Status: "on-hold", Created: start.Add(-doorzet.WindowShort), Total: "12.10"})[0]
	b.done(t)
	n := b.runsAt(t, start.Add(time.Second))
	if n.Open != 150 || n.LookedAt != 1 || n.Expired != 1 {
		t.Errorf("open %d, looked at %d, expired %d (%s)", n.Open, n.LookedAt, n.Expired, n.Error)
	}
	b.is(t, last, doorzet.StateExpired)
}

// A chosen status that the shop no longer registers makes it refuse the whole list: the others are asked for alone.
func TestR6_aStatusThatTheShopNoLongerKnows(t *testing.T) {
	t.Parallel()
	b, ids := large(t, 150, func(s *doorzet.Shop) { s.Statuses = []string{"completed", "ingepakt", "processing"} })
	b.fake.Register("ingepakt", "Ingepakt")
	b.change(t, ids[1], "ingepakt", start.Add(-time.Hour))
	b.fake.Unregister("ingepakt")
	b.change(t, ids[0], "completed", start.Add(-time.Hour))
	n := b.done(t)
	if n.BulkFound != 1 || len(n.Notes) != 1 || !strings.Contains(n.Notes[0], "Status ingepakt is chosen, but the shop no longer knows it") {
		t.Errorf("found %d, said %q", n.BulkFound, n.Notes)
	}
	b.is(t, ids[0], doorzet.StateDue)
	b.is(t, ids[1], doorzet.StateDue) // no list shows it, the question for the order itself does
	if got := b.singles(); len(got) != 1 {
		t.Errorf("asked for single orders %v", got)
	}
}

func TestR6_noChosenStatusIsKnownToTheShop(t *testing.T) {
	t.Parallel()
	b, _ := large(t, 150, func(s *doorzet.Shop) { s.Statuses = []string{"ingepakt"} })
	n := b.done(t)
	if n.LookedAt != 150 || n.StillOpen != 150 || len(n.Notes) != 1 {
		t.Errorf("looked at %d, still open %d, said %q", n.LookedAt, n.StillOpen, n.Notes)
	}
}

// A list that leaves orders out proves nothing: trashed and deleted ones are asked for in their own ways.
func TestR7_whatNoListShows(t *testing.T) {
	t.Parallel()
	b, ids := large(t, 150, nil)
	trashed, deleted := ids[10], ids[20]
	if err := b.fake.Trash(trashed); err != nil {
		t.Fatal(err)
	}
	if err := b.fake.Delete(deleted); err != nil {
		t.Fatal(err)
	}
	n := b.done(t)
	if n.LookedAt != 150 || n.Gone != 0 || n.StillOpen != 150 {
		t.Errorf("looked at %d, gone %d, still open %d", n.LookedAt, n.Gone, n.StillOpen)
	}
	b.is(t, trashed, doorzet.StateOpen)
	if o := b.order(t, trashed); o.Status != "trash" {
		t.Errorf("the trashed one has status %s", o.Status)
	}
	b.is(t, deleted, doorzet.StateOpen)
	if got := b.singles(); len(got) != 1 || got[itoa(deleted)] != 1 {
		t.Errorf("asked for single orders %v", got)
	}
	b.exec(t, `UPDATE orders SET missing_since = missing_since - interval '23 hours'`)
	if n := b.done(t); n.Gone != 1 || n.StillOpen != 149 {
		t.Errorf("gone %d, still open %d", n.Gone, n.StillOpen)
	}
	b.is(t, deleted, doorzet.StateGone)
	if n := b.done(t); n.Open != 149 || n.LookedAt != 149 {
		t.Errorf("a gone order was looked at: open %d, looked at %d", n.Open, n.LookedAt)
	}
}

// An empty answer is not taken for orders that are gone.
func TestAnEmptyAnswerConcludesNothing(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"include=", "/wc/v3/orders"} {
		for _, kind := range []string{"empty", "hollow", "html", "object"} {
			t.Run(kind+" for "+path, func(t *testing.T) {
				t.Parallel()
				b, ids := large(t, 150, nil)
				b.change(t, ids[0], "completed", time.Time{})
				b.fake.Fail(wootest.Fault{Kind: kind, Path: path})
				n := b.runs(t)
				// A shop whose lists by id are all empty still has its other lists: the night goes on with them, and says so.
				told := n.State == doorzet.NightFailed && n.Error != "" ||
					kind == "empty" && path == "include=" && n.State == doorzet.NightDone && strings.Contains(strings.Join(n.Notes, ""), "without orders that it has")
				if !told || n.Gone != 0 {
					t.Errorf("%s, gone %d: %s %q", n.State, n.Gone, n.Error, n.Notes)
				}
				if got := b.states(t); got[doorzet.StateOpen]+got[doorzet.StateDue] != 150 {
					t.Errorf("the orders are %v", got)
				}
				if missing := postgrestest.One[int](t, b.url, `SELECT count(*) FROM orders WHERE missing_since IS NOT NULL`); missing != 0 {
					t.Errorf("%d orders count as missing", missing)
				}
				b.fake.Recover()
				b.done(t)
				b.is(t, ids[0], doorzet.StateDue)
			})
		}
	}
}

// A night that an empty list told there is nothing new is not the one from which the next goes on.
func TestAnEmptyImportLosesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 1, 5*days)
	b.done(t)
	missed := b.addOrder(t, wootest.Order{Status: "completed", Created: start.Add(time.Hour), Total: "12.10"})[0]
	b.fake.Fail(wootest.Fault{Kind: "empty", Path: "modified_after"})
	if n := b.runsAt(t, start.Add(24*time.Hour)); n.State != doorzet.NightDone || n.Imported != 0 {
		t.Fatalf("%s, imported %d: %s", n.State, n.Imported, n.Error)
	}
	b.fake.Recover()
	if n := b.runsAt(t, start.Add(48*time.Hour)); n.Imported != 1 {
		t.Errorf("imported %d, want the one that the empty list did not show", n.Imported)
	}
	b.is(t, missed, doorzet.StateDue)
}

// Statuses chosen since an order was last seen go first.
func TestR3_whatWasChosenMeanwhileGoesFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 20, 5*days)
	first := b.add(t, "shipped", 1, 5*days)[0]
	b.done(t)
	shop, err := b.DB.Shop(t.Context(), b.shop)
	if err != nil {
		t.Fatal(err)
	}
	shop.Statuses = []string{"completed", "shipped"}
	if err := b.DB.SetShop(t.Context(), doorzet.Shop{}, shop, nil, "anna"); err != nil {
		t.Fatal(err)
	}
	n := b.done(t)
	singles := slices.DeleteFunc(b.fake.Requests(), func(r wootest.Request) bool { return r.Kind != "single" })
	early := slices.ContainsFunc(singles[:2], func(r wootest.Request) bool { return strings.HasSuffix(r.Path, "/"+itoa(first)) })
	if n.LookedAt != 21 || !early {
		t.Errorf("looked at %d; order %d was not among the first two asked for", n.LookedAt, first)
	}
	b.is(t, first, doorzet.StateDue)
}
