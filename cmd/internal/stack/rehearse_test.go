package stack

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// content is a fingerprint of everything that is stored.
func (b *bundle) content(t *testing.T) string {
	t.Helper()
	out := ""
	for _, table := range []string{"books", "shops", "nights", "orders", "documents", "bookings", "events"} {
		query := fmt.Sprintf(`SELECT '%[1]s ' || count(*) || ' ' || md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), '')) FROM %[1]s x`, table)
		out += postgrestest.One[string](t, b.url, query) + "\n"
	}
	return out
}

// A dry-run says what the night would do, and leaves no trace.
func TestADryRunIsTheNightWithoutATrace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		open   int
		before func(t *testing.T, b *bundle)
	}{
		{"one by one", 20, func(*testing.T, *bundle) {}},
		{"in bulk", 160, func(*testing.T, *bundle) {}},
		{"the window widens", 20, func(_ *testing.T, b *bundle) {
			b.fake.Webhook("order.updated", publicURL+"/webhooks/abc", "active")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, ids := large(t, c.open, nil)
			b.add(t, "on-hold", 3, 40*days)
			edge := b.addOrder(t, wootest.Order{Status: "on-hold", Created: start.Add(-doorzet.WindowShort), Total: "12.10"})[0]
			b.exec(t, `UPDATE shops SET full_import_at = NULL`)
			b.done(t)
			b.change(t, ids[0], "completed", time.Time{})
			b.change(t, ids[1], "processing", start.Add(-16*days))
			b.change(t, edge, "cancelled", start.Add(-16*days))
			b.add(t, "processing", 2, time.Hour/2)
			b.add(t, "pending", 1, time.Hour/2)
			if err := b.fake.Delete(ids[2]); err != nil {
				t.Fatal(err)
			}
			b.exec(t, `UPDATE orders SET missing_since = now() - interval '2 days' WHERE woo_id = $1`, ids[2])
			c.before(t, b)
			before := b.content(t)
			var mu sync.Mutex
			would := map[int64]bool{}
			night := b.Rehearsal()
			night.Now = func() time.Time { return start.Add(time.Second) }
			b.fake.ResetRequests()
			rehearsed, err := night.Rehearse(t.Context(), b.shop, func(l doorzet.Look, _ doorzet.Applied) {
				mu.Lock()
				defer mu.Unlock()
				would[l.WooID] = true
			})
			if err != nil {
				t.Fatal(err)
			}
			if after := b.content(t); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
			asked := b.fake.Counts()
			n := b.runsAt(t, start.Add(time.Second))
			if n.State != doorzet.NightDone {
				t.Fatalf("%s: %s", n.State, n.Error)
			}
			report := func(n doorzet.Night) string {
				return fmt.Sprint("since ", n.Since.UTC(), " webhooks ", n.WebhooksOn, " open ", n.Open, " ", n.Strategy, " imported ", n.Imported, " looked at ", n.LookedAt,
					" expired ", n.Expired, " gone ", n.Gone, " bulk ", n.BulkFound, " remainder ", n.RemainderFound, " unread ", n.Unread, " ", n.Requests)
			}
			if report(rehearsed) != report(n) {
				t.Errorf("rehearsed %s\nthe night %s", report(rehearsed), report(n))
			}
			if got := b.fake.Counts(); fmt.Sprint(got) != fmt.Sprint(asked) {
				t.Errorf("the rehearsal asked %v, the night %v", asked, got)
			}
			if due := b.states(t)[doorzet.StateDue]; len(would) != due || due != 4 {
				t.Errorf("would push %d, %d are due; want 4", len(would), due)
			}
		})
	}
}
