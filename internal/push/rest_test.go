package push

import (
	"errors"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

var (
	noon    = time.Date(2025, 11, 24, 12, 0, 0, 0, time.UTC)
	timeout = &doorzet.ShopError{Kind: doorzet.ShopDown, Advice: "The shop did not answer in time."}
	poison  = &doorzet.ShopError{Kind: doorzet.ShopDown, Status: 500, Advice: "WordPress stopped."}
)

// rests wants a shop to be left alone for so long.
func rests(t *testing.T, r *resting, now time.Time, want time.Duration) {
	t.Helper()
	_, err := r.ask(1, now)
	later, ok := errors.AsType[*doorzet.LaterError](err)
	switch {
	case want == 0 && err != nil:
		t.Errorf("it may be asked, but: %v", err)
	case want != 0 && !ok:
		t.Errorf("it is to be left alone for %s, but may be asked", want)
	case want != 0 && (later.After != want || later.Reason == ""):
		t.Errorf("left alone for %s (%q), want %s", later.After, later.Reason, want)
	}
}

// A shop that does not answer is left alone, longer each time; then one push asks for all; an answer makes it like new.
func TestResting_aShopThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	var r resting
	now := noon
	rests(t, &r, now, 0)
	r.saw(1, 0, now, timeout)
	for _, length := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute, 10 * time.Minute} {
		rests(t, &r, now, length)
		r.saw(1, 0, now, timeout) // asked before it rested: no new trouble
		now = now.Add(length)
		n, err := r.ask(1, now)
		if err != nil {
			t.Fatalf("after its rest of %s: %v", length, err)
		}
		rests(t, &r, now.Add(time.Second), probing-time.Second) // only one asks
		r.saw(1, n, now, timeout)
	}
	if _, err := r.ask(2, now); err != nil {
		t.Errorf("another shop: %v", err)
	}
	now = now.Add(longestRest)
	n, err := r.ask(1, now)
	if err != nil {
		t.Fatal(err)
	}
	r.saw(1, n, now, nil)
	rests(t, &r, now, 0)
	rests(t, &r, now, 0) // everybody may
}

// One order at which the shop fails is not the shop; three in a row are. What is no trouble of a shop changes nothing.
func TestResting_oneOrder(t *testing.T) {
	t.Parallel()
	var r resting
	r.saw(1, 0, noon, errors.New("ours"))
	for range strangeInARow - 1 {
		r.saw(1, 0, noon, poison)
		rests(t, &r, noon, 0)
	}
	r.saw(1, 0, noon, nil)
	for range strangeInARow - 1 {
		r.saw(1, 0, noon, poison)
	}
	rests(t, &r, noon, 0)
	r.saw(1, 0, noon, poison)
	rests(t, &r, noon, firstRest)
}

// A shop that says when to come back is left alone until then.
func TestResting_retryAfter(t *testing.T) {
	t.Parallel()
	var r resting
	r.saw(1, 0, noon, &doorzet.ShopError{Kind: doorzet.ShopBusy, Advice: "Too much.", RetryAfter: time.Hour})
	rests(t, &r, noon, time.Hour)
}
