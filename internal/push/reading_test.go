package push

import (
	"context"
	"errors"
	"testing"
)

// Two pushes read at a shop; a third goes out of the way, and another shop's is not concerned.
func TestReading_aCrowd(t *testing.T) {
	t.Parallel()
	var r reading
	take := func(shop int64) (func(), error) { return r.take(t.Context(), shop) }
	var give [readersPerShop]func()
	for i := range give {
		var err error
		if give[i], err = take(1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := take(1); !errors.Is(err, errCrowded) {
		t.Errorf("one more: %v", err)
	}
	other, err := take(2)
	if err != nil {
		t.Errorf("another shop's: %v", err)
	}
	other()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.take(ended, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("of one that is told to stop: %v", err)
	}
	for _, g := range give {
		g()
	}
	if again, err := take(1); err != nil {
		t.Errorf("when they are done: %v", err)
	} else {
		again()
	}
	if len(r.shops) != 0 {
		t.Errorf("%d shops are remembered", len(r.shops))
	}
}
