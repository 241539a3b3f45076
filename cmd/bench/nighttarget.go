package main

import (
	"fmt"
	"strings"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// The targets of a night.
const (
	nightRatio  = 1.15
	nightMemory = 100 << 20
)

// nightTargets gathers what the targets of a night are compared with.
type nightTargets struct {
	worst, least, most float64 // ratio; memory
	sentences          []string
	met                []bool
}

// saw takes in the measured night of one size, of a real shop.
func (t *nightTargets) saw(r ranNight) {
	t.worst = max(t.worst, r.ratio())
	if t.least == 0 || float64(r.peak) < t.least {
		t.least = float64(r.peak)
	}
	t.most = max(t.most, float64(r.peak))
	lists, singles, open := r.asked.Counts["list"], r.asked.Counts["single"], r.night.Open
	switch {
	case open < doorzet.BulkFrom:
		t.met = append(t.met, singles <= open)
		t.sentences = append(t.sentences, fmt.Sprintf("%d open orders cost at most %d requests for orders. Measured: %d", open, open, singles))
	case r.night.Strategy == doorzet.Bulk:
		bulk := bulkPages(r.asked)
		batches := min((open+doorzet.BatchSize-1)/doorzet.BatchSize, doorzet.RemainderBudget)
		t.met = append(t.met, lists+singles <= bulk+batches+5)
		t.sentences = append(t.sentences, fmt.Sprintf("%s open orders cost at most the %d pages of the bulk fetch, %d batches and 5 more. Measured: %d",
			count(open), bulk, batches, lists+singles))
	}
}

// bulkPages is how many requests the bulk fetch took: lists of what has a chosen status.
func bulkPages(a asked) int {
	n := 0
	for _, r := range a.Requests {
		if r.Kind == "list" && strings.Contains(r.Query, "status=") && !strings.Contains(r.Query, "status=trash") && !strings.Contains(r.Query, "include=") {
			n++
		}
	}
	return n
}

func (t *nightTargets) tell(to *table) {
	to.target(t.worst <= nightRatio, "the night of a real shop takes at most 1.15 × the bare HTTP time of the same requests", "at most "+times(t.worst))
	to.target(t.most < nightMemory, "memory is flat and under 100 MiB",
		fmt.Sprintf("%s to %s with a real shop", memory(int64(t.least)), memory(int64(t.most))))
	for i, sentence := range t.sentences {
		word := "missed"
		if t.met[i] {
			word = "met"
		}
		to.note("Target: %s: %s.", sentence, word)
	}
	to.note("A night of %s open orders or more looks at %s of them at most; the others wait for the next night.",
		count(doorzet.RemainderBudget*doorzet.BatchSize), count(doorzet.RemainderBudget*doorzet.BatchSize))
	to.note("Statements for each order looked at, those of the pushes included; round trips are those with BEGIN and COMMIT, each of which is one.")
}
