package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/queue/queuetest"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// contents are the files in the folder of books.
func (b *bench) contents(books string) map[string]string {
	b.t.Helper()
	out := map[string]string{}
	for _, name := range b.files(books) {
		content, err := os.ReadFile(filepath.Join(b.dir, books, name))
		if err != nil {
			b.t.Fatal(err)
		}
		out[name] = string(content)
	}
	return out
}

// Postgres and Redis are both lost, and Postgres comes back from a backup: said, nothing is booked twice.
func TestRestored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	for range 3 {
		b.add("processing", day)
	}
	b.night()
	restore := postgrestest.Backup(t, b.env["DATABASE_URL"])
	due := b.add("processing", time.Minute)
	paid, changed := b.add("completed", time.Minute), b.add("processing", time.Minute)
	b.night()
	before := b.contents("main")
	if len(before) != 6 {
		t.Fatalf("the folder holds %v", b.files("main"))
	}
	restore()
	b.env["REDIS_URL"] = queuetest.Redis(t)
	b.change(due, "completed")
	if err := b.shop.Change(changed, wootest.Order{Fields: map[string]json.RawMessage{"currency": json.RawMessage(`"USD"`)}}); err != nil {
		t.Fatal(err)
	}

	var v struct {
		RestoredAt time.Time `json:"restored_at"`
		LookUpTill time.Time `json:"look_up_till"`
		Bookings   *int
		Shops      int
	}
	at := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
	for range 2 {
		b.must(&v, "restored", "--at", at.Format(time.RFC3339))
		if !v.RestoredAt.Equal(at) || !v.LookUpTill.Equal(at.Add(day)) || v.Bookings == nil || *v.Bookings != 0 || v.Shops != 1 {
			t.Errorf("said %+v", v)
		}
	}
	if a := b.run("shop", "show", "--shop", "1"); !strings.Contains(a.stdout, "Postgres restored") || !strings.Contains(a.stdout, "looked up in the books first") {
		t.Errorf("shop show says nothing of it:\n%s", a.stdout)
	}
	b.night()
	for id, want := range map[int64]string{due: "pushed", paid: "pushed", changed: "refused"} {
		if got := b.state(id); got != want {
			t.Errorf("order %d is %s, want %s", id, got, want)
		}
	}
	after := b.contents("main")
	for name, content := range before {
		if after[name] != content {
			t.Errorf("%s changed", name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("the folder holds %v", b.files("main"))
	}
	a := b.run("restored", "--at", at.Add(-time.Hour).Format(time.RFC3339))
	if a.code != exitDone || !strings.Contains(a.stdout, "its moment stays") || !strings.Contains(a.stdout, at.Format(time.RFC3339)) {
		t.Errorf("an earlier moment: %+v", a)
	}
	var text strings.Builder
	events, err := b.db().Events(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == "restored" {
			text.WriteString(e.Actor + ": " + e.Text + "\n")
		}
	}
	if got := text.String(); strings.Count(got, "\n") != 3 || !strings.Contains(got, actor()+": Postgres was restored from a backup, says "+actor()) {
		t.Errorf("the journal says %s", got)
	}
}

// An installation that was never restored says so, and one without shops can be told.
func TestRestored_nothingThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if a := b.run("restored"); a.code != exitDone || !strings.Contains(a.stdout, "Shops: 0") || strings.Contains(a.stdout, "its moment stays") {
		t.Errorf("%+v", a)
	}
	other := setup(t)
	other.connect()
	var v map[string]any
	other.must(&v, "shop", "show", "--shop", "1")
	if at, ok := v["restored_at"]; !ok || at != nil {
		t.Errorf("restored at %v", at)
	}
	if a := other.run("shop", "show", "--shop", "1"); strings.Contains(a.stdout, "restored") {
		t.Errorf("it says:\n%s", a.stdout)
	}
}
