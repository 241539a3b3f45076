package stack

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// keep renews a claim until stop is called. When the claim is lost, or could not be renewed before it ran out, the context
// is cancelled with doorzet.ErrLost as its cause: another worker may have it.
func keep(ctx context.Context, renew func(context.Context) error) (context.Context, func()) {
	kept, cancel := context.WithCancelCause(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		until := time.Now().Add(doorzet.ClaimLease)
		tick := time.NewTicker(doorzet.ClaimRenew)
		defer tick.Stop()
		for {
			select {
			case <-kept.Done():
				return
			case <-tick.C:
			}
			started := time.Now()
			err := renewOnce(kept, renew)
			switch {
			case err == nil:
				until = started.Add(doorzet.ClaimLease)
			case errors.Is(err, doorzet.ErrLost), time.Now().After(until.Add(-doorzet.ClaimRenew)):
				cancel(doorzet.ErrLost)
				return
			}
		}
	})
	return kept, func() {
		cancel(nil)
		done.Wait()
	}
}

func renewOnce(ctx context.Context, renew func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, doorzet.ClaimRenew/2)
	defer cancel()
	return renew(ctx)
}
