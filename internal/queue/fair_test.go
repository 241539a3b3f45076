package queue

import (
	"slices"
	"testing"
)

// Of one shop so many work at the same time; the rest is done by them in its order, once, and holds up no other shop.
func TestFair_oneShopDoesNotHaveAllPlaces(t *testing.T) {
	t.Parallel()
	f := &fair{most: 2}
	for id, want := range map[int64]bool{1: true, 2: true} {
		if f.enter(7, id) != want {
			t.Fatalf("work %d: place %t, want %t", id, !want, want)
		}
	}
	for _, id := range []int64{3, 4, 3} {
		if f.enter(7, id) {
			t.Fatalf("work %d has a third place", id)
		}
	}
	if !f.enter(8, 5) {
		t.Error("another shop waits")
	}
	var done []int64
	for id, ok := f.next(7); ok; id, ok = f.next(7) {
		done = append(done, id)
	}
	if !slices.Equal(done, []int64{3, 4}) {
		t.Errorf("what was put aside is done as %v, want 3 and 4", done)
	}
	if !f.enter(7, 6) || f.enter(7, 6) {
		t.Error("a place that was given up is not free again, or more than one is")
	}
}

// Who leaves returns what nobody else of the shop would do.
func TestFair_nothingPutAsideIsForgotten(t *testing.T) {
	t.Parallel()
	f := &fair{most: 2}
	f.enter(7, 1)
	f.enter(7, 2)
	f.enter(7, 3)
	if left := f.leave(7); left != nil {
		t.Errorf("left %v, while another place of the shop is there for it", left)
	}
	if left := f.leave(7); !slices.Equal(left, []int64{3}) {
		t.Errorf("the last one left %v, want 3", left)
	}
	if len(f.shops) != 0 {
		t.Errorf("%d shops are remembered", len(f.shops))
	}
}

func TestFair_withoutAShare(t *testing.T) {
	t.Parallel()
	f := &fair{}
	for range 3 {
		if !f.enter(7, 1) {
			t.Fatal("put aside")
		}
		if _, ok := f.next(7); ok {
			t.Error("there is more")
		}
		f.leave(7)
	}
}
