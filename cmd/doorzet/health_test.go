package main

import (
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// healthShown is what is read of a shop's JSON.
type healthShown struct {
	Trouble string `json:"trouble"`
	Pace    *struct {
		Page int    `json:"orders_per_page"`
		Gap  string `json:"pause_between_calls"`
	} `json:"pace"`
}

// The owner of a shop at which a night came to nothing reads why, wherever the shop is shown, until a night went well.
func TestAShopInTroubleSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	b.add("processing", day)
	b.night()
	read := func(want string) {
		t.Helper()
		var list []healthShown
		b.must(&list, "shop", "list")
		var one healthShown
		b.must(&one, "shop", "show", "--shop", "1")
		text := b.run("shop", "list").stdout + b.run("shop", "show", "--shop", "1").stdout
		for what, got := range map[string]string{"list": list[0].Trouble, "show": one.Trouble, "text": text} {
			if strings.Contains(got, "Cloudflare") != (want != "") {
				t.Errorf("%s says %q, want %q in it", what, got, want)
			}
		}
	}
	read("")
	b.shop.Fail(wootest.Fault{Kind: "cloudflare"})
	if a := b.run("night", "run", "--shop", "1"); a.code != exitFailed {
		t.Errorf("the night: exit code %d", a.code)
	}
	read("Cloudflare")
	b.shop.Recover()
	b.night()
	read("")
}

// Ops see which shops are asked slowly, and since when.
func TestAShopThatIsAskedSlowly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	var before healthShown
	if b.must(&before, "shop", "show", "--shop", "1"); before.Pace != nil {
		t.Errorf("a shop that is well: %+v", before.Pace)
	}
	at := time.Date(2025, 11, 24, 1, 30, 0, 0, time.UTC)
	if err := b.db().SawPace(t.Context(), 1, doorzet.Pace{Page: 25, Batch: 100, Gap: 500 * time.Millisecond, SlowedAt: at}); err != nil {
		t.Fatal(err)
	}
	var after healthShown
	if b.must(&after, "shop", "show", "--shop", "1"); after.Pace == nil || after.Pace.Page != 25 || after.Pace.Gap != "500ms" {
		t.Errorf("shown as %+v", after.Pace)
	}
	if text := b.run("shop", "show", "--shop", "1").stdout; !strings.Contains(text, "25 orders a page, 100 in short lists, 500ms between calls, since 2025-11-24 02:30") {
		t.Errorf("as text:\n%s", text)
	}
}

// A large shop gets workers of its own, and gives them back.
func TestAShopHasAPool(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	pool := func() string {
		t.Helper()
		var v struct {
			Pool string `json:"pool"`
		}
		b.must(&v, "shop", "show", "--shop", "1")
		return v.Pool
	}
	var change struct {
		Changes []string `json:"changes"`
	}
	if b.must(&change, "shop", "set", "--shop", "1", "--pool", "large"); pool() != "large" || len(change.Changes) != 1 || change.Changes[0] != "Pool: - → large." {
		t.Errorf("pool %q, said %q", pool(), change.Changes)
	}
	b.add("processing", day)
	if n := b.night(); n.Pushed != 1 {
		t.Errorf("without workers of the pool %d orders were pushed, want 1", n.Pushed)
	}
	if b.must(&change, "shop", "set", "--shop", "1", "--pool", "none"); pool() != "" {
		t.Errorf("pool %q, want none", pool())
	}
	b.fails(exitUsage, "at most 20 lower-case letters", "shop", "set", "--shop", "1", "--pool", "LARGE")
}
