package main

import (
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// ran is a night of so many open orders that asked for lists and single orders, three of the lists for the bulk fetch.
func ran(open, lists, singles int, took time.Duration, peak int64) ranNight {
	r := ranNight{took: took, bare: time.Second, peak: peak, asked: asked{Counts: map[string]int{"list": lists, "single": singles}}}
	r.night.Open, r.night.Strategy = open, doorzet.StrategyFor(open)
	for _, query := range []string{
		"status=completed%2Cprocessing", "page=2&status=completed%2Cprocessing", "page=3&status=completed%2Cprocessing",
		"status=trash", "include=1%2C2&status=trash", "include=1%2C2", "modified_after=2026-01-01",
	} {
		r.asked.Requests = append(r.asked.Requests, wootest.Request{Kind: "list", Query: query})
	}
	return r
}

func TestTheTargetsOfANight(t *testing.T) {
	t.Parallel()
	if n := bulkPages(ran(150, 0, 0, 0, 0).asked); n != 3 {
		t.Errorf("%d pages of the bulk fetch, want 3", n)
	}
	for _, c := range []struct {
		name   string
		night  ranNight
		missed string
	}{
		{"all met", ran(149, 1, 149, 1150*time.Millisecond, 50<<20), ""},
		{"too slow", ran(149, 1, 149, 1151*time.Millisecond, 50<<20), "1.15 ×"},
		{"too large", ran(149, 1, 149, time.Second, 100<<20), "under 100 MiB"},
		{"a single order too many", ran(149, 1, 150, time.Second, 1), "at most 149 requests"},
		{"pages, batches and 5 more", ran(10_000, 3+100+4, 1, time.Second, 1), ""},
		{"one more", ran(10_000, 3+100+5, 1, time.Second, 1), "and 5 more"},
		{"no more batches than the budget has", ran(100_000, 3+doorzet.RemainderBudget+6, 0, time.Second, 1), "and 5 more"},
	} {
		var targets nightTargets
		targets.saw(c.night)
		var to table
		targets.tell(&to)
		missed := ""
		for _, note := range to.notes {
			if strings.HasSuffix(note, "missed.") {
				missed += note
			}
		}
		if (missed == "") != (c.missed == "") || !strings.Contains(missed, c.missed) {
			t.Errorf("%s: missed %q, want %q", c.name, missed, c.missed)
		}
	}
}
