package doorzet_test

import (
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// An older look never overwrites a newer one. Modified is what the shop says, in whole seconds; started and received are
// ours.
func TestLookCounts(t *testing.T) {
	t.Parallel()
	sec := func(n int) time.Time { return now.Add(time.Duration(n) * time.Second) }
	stored := doorzet.Stored{Modified: sec(0), StartedAt: sec(10), ReceivedAt: sec(12)}
	for _, c := range []struct {
		name   string
		stored doorzet.Stored
		look   doorzet.Look
		want   bool
	}{
		{"the first look", doorzet.Stored{}, doorzet.Look{}, true},
		{"the first look, missing", doorzet.Stored{}, doorzet.Look{Missing: true}, true},
		{"asked later, the same state", stored, doorzet.Look{REST: true, Modified: sec(0), StartedAt: sec(20)}, true},
		{"asked later, the shop set its clock back", stored, doorzet.Look{REST: true, Modified: sec(-100), StartedAt: sec(13)}, true},
		{"asked after ours was asked but before it was answered, older state", stored, doorzet.Look{REST: true, Modified: sec(-1), StartedAt: sec(11)}, false},
		{"asked in the very instant of the answer, older state", stored, doorzet.Look{REST: true, Modified: sec(-1), StartedAt: sec(12)}, false},
		{"asked before ours, answered late, older state", stored, doorzet.Look{REST: true, Modified: sec(-1), StartedAt: sec(9)}, false},
		{"asked before ours, newer state", stored, doorzet.Look{REST: true, Modified: sec(1), StartedAt: sec(9)}, true},
		{"asked before ours, the same second", stored, doorzet.Look{REST: true, Modified: sec(0), StartedAt: sec(9)}, false},
		{"asked with ours, the same second", stored, doorzet.Look{REST: true, Modified: sec(0), StartedAt: sec(10)}, true},
		{"a delivery of a newer state", stored, doorzet.Look{Modified: sec(1), StartedAt: sec(30)}, true},
		{"a late delivery of an older state", stored, doorzet.Look{Modified: sec(-1), StartedAt: sec(30)}, false},
		{"a delivery without a time", stored, doorzet.Look{StartedAt: sec(30)}, false},
		{"no such order, asked later", stored, doorzet.Look{REST: true, Missing: true, StartedAt: sec(13)}, true},
		{"no such order, asked before the order was seen", stored, doorzet.Look{REST: true, Missing: true, StartedAt: sec(11)}, false},
		{"a state after an order that was missing", doorzet.Stored{StartedAt: sec(10), ReceivedAt: sec(12)}, doorzet.Look{REST: true, Modified: sec(0), StartedAt: sec(11)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.look.Counts(c.stored); got != c.want {
				t.Errorf("counts: %t, want %t", got, c.want)
			}
		})
	}
}

func TestLookAt_keepsADocumentOnlyOfAWholeOrder(t *testing.T) {
	t.Parallel()
	order := doorzet.ShopOrder{ID: 7, OrderKey: "wc_order_x", Number: "A7", Status: "processing", Created: now, Modified: now, Full: true}
	whole := doorzet.LookAt(doorzet.ByNight, order, []byte("{}"), now, now.Add(time.Second))
	if whole.Document == nil || !whole.REST || whole.WooID != 7 || whole.OrderKey != "wc_order_x" || whole.By != doorzet.ByNight {
		t.Errorf("a whole order: %+v", whole)
	}
	order.Full = false
	if few := doorzet.LookAt(doorzet.ByNight, order, []byte("{}"), now, now); few.Document != nil {
		t.Error("a few fields were kept as a document that may be booked")
	}
}
