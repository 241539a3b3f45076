package postgres_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
)

// content is a fingerprint of everything that is stored.
func (b *bundle) content(t *testing.T) string {
	t.Helper()
	out := ""
	for _, table := range []string{"books", "shops", "nights", "orders", "documents", "bookings", "events"} {
		out += one[string](t, b, fmt.Sprintf(`SELECT '%[1]s ' || count(*) || ' ' || md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), '')) FROM %[1]s x`, table)) + "\n"
	}
	return out
}

func TestRehearsalLeavesNoTrace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.see(t, look(1, "on-hold", 0), look(2, "processing", 0), look(3, "on-hold", 0))
	b.exec(t, `UPDATE orders SET expired_at = now() WHERE woo_id = 3`)
	before := b.content(t)
	r, ctx := b.db.Rehearsal(), t.Context()
	applied, err := r.ApplyLooks(ctx, b.context(), []doorzet.Look{look(1, "completed", 10), look(2, "cancelled", 10), look(9, "processing", 10)})
	if err != nil || len(applied) != 3 || applied[0].Verdict.Move != doorzet.MakeDue || applied[1].Verdict.Move != doorzet.Withdraw || !applied[2].New {
		t.Errorf("rehearsed %+v, %v", applied, err)
	}
	s := b.shop
	s.WooVersion = "11.0"
	if err := r.SawShop(ctx, s, "dry-run"); err != nil {
		t.Error(err)
	}
	if _, err := r.SawWebhooks(ctx, s.ID, 0, true); err != nil {
		t.Error(err)
	}
	if err := r.Widen(ctx, s.ID, window.AddDate(-1, 0, 0)); err != nil {
		t.Error(err)
	}
	if err := r.FinishImport(ctx, s, time.Now(), true); err != nil {
		t.Error(err)
	}
	if err := r.SetUnread(ctx, s.ID, []int64{77}, nil); err != nil {
		t.Error(err)
	}
	if after := b.content(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if a := b.see(t, look(1, "completed", 10))[0]; a.Verdict.Move != doorzet.MakeDue || !a.Counted {
		t.Errorf("the real look afterwards: %+v", a)
	}
}

func TestMigrate_fromEmptyByManyProcessesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	name := fmt.Sprintf("empty_%d", time.Now().UnixNano())
	b.exec(t, `CREATE DATABASE `+name)
	u, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	together(t, 8, func(int) error {
		db, err := postgres.Open(u.String(), postgrestest.Keys(t))
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()
		return db.Migrate(t.Context())
	})
	db, err := postgres.Open(u.String(), postgrestest.Keys(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(t.Context()); err != nil {
		t.Errorf("migrated again: %v", err)
	}
	if shops, err := db.Shops(t.Context()); err != nil || len(shops) != 0 {
		t.Errorf("%d shops, %v", len(shops), err)
	}
}
