package main

import (
	"context"
	"fmt"
	"time"
)

// lookEvery is how often a condition is looked at while it is waited for.
const lookEvery = 10 * time.Millisecond

// until waits until ready says so, at most for a while. It looks every so often.
func until(ctx context.Context, what string, every, atMost time.Duration, ready func(context.Context) (bool, error)) error {
	late := time.NewTimer(atMost)
	defer late.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		ok, err := ready(ctx)
		if err != nil {
			return fmt.Errorf("wait until %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-tick.C:
		case <-late.C:
			return fmt.Errorf("after %s it was still not so that %s", atMost, what)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
