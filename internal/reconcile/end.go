package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

const (
	// giveUpAfter is how long after its start a planned night in trouble is still tried, longer when it got further between
	// its last few troubles, but not so long that the coming night would wait for it.
	giveUpAfter    = 6 * time.Hour
	giveUpTroubles = 5
	giveUpLate     = 20 * time.Hour
	// waitByHand is how long a night by hand is tried when the trouble is ours: with a shop in trouble the person who waits is
	// told at once.
	waitByHand = 5 * time.Minute
	// notAdmitted is how long a night waits when too many shops in trouble are asked already.
	notAdmitted = 20 * time.Second
)

// end records how a night ended, also when the process is told to stop.
func (r *Reconciler) end(ctx context.Context, w *work, n doorzet.Night, err error) error {
	stopping := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	w.count()
	w.keepPace(ctx)
	log := r.Log.With("shop", n.ShopID, "night", n.ID)
	var recorded error
	switch {
	case err == nil:
		log.Info("night done", "strategy", w.n.Strategy, "open", w.n.Open, "requests", w.n.Requests.Total)
		recorded = r.Store.FinishNight(ctx, w.n, doorzet.NightDone, "")
	case errors.Is(err, doorzet.ErrLost):
		log.Warn("the night's claim was lost; it goes on where it stood")
		recorded = r.Store.PostponeNight(ctx, w.n, 0, "") // nothing, when another worker has it
	case errors.Is(err, errStopped):
		log.Warn("no night", "why", w.shop.BlockedWhy)
		recorded = r.Store.FinishNight(ctx, w.n, doorzet.NightFailed, w.shop.BlockedWhy)
	case errors.Is(err, errTakesWorkersDown):
		log.Error("night given up", "why", err.Error())
		recorded = r.Store.FinishNight(ctx, w.n, doorzet.NightFailed, err.Error())
	case stopping, errors.Is(err, errSlotOver):
		recorded = r.Store.PostponeNight(ctx, w.n, 0, "")
	default:
		recorded = r.trouble(ctx, log, w, err)
	}
	if recorded != nil && !errors.Is(recorded, doorzet.ErrLost) {
		return fmt.Errorf("record the end of night %d: %w", n.ID, recorded)
	}
	return nil
}

// trouble ends a slot that came to nothing: until later, or for good.
func (r *Reconciler) trouble(ctx context.Context, log *slog.Logger, w *work, err error) error {
	w.n.Troubles++
	if r.givesUp(w.n, err) {
		log.Warn("night failed", "why", err.Error())
		return r.Store.FinishNight(ctx, w.n, doorzet.NightFailed, words(err))
	}
	after := retryAfter(err, w.n.Troubles)
	log.Warn("night goes on later", "why", err.Error(), "after", after.String())
	return r.Store.PostponeNight(ctx, w.n, after, words(err))
}

// words is an error as its reader needs it: of a shop's trouble only what was met and what to do.
func words(err error) string {
	if trouble, ok := errors.AsType[*doorzet.ShopError](err); ok {
		return trouble.Error()
	}
	return err.Error()
}

// givesUp tells whether a night in trouble is not tried again.
func (r *Reconciler) givesUp(n doorzet.Night, err error) bool {
	tried := r.Now().Sub(n.StartedAt)
	if n.Planned {
		return tried > giveUpAfter && n.Troubles >= giveUpTroubles || tried > giveUpLate
	}
	return isShopTrouble(err) || tried > waitByHand
}

func isShopTrouble(err error) bool {
	var trouble *doorzet.ShopError
	return errors.As(err, &trouble)
}

// retryAfter is when a night is tried again after so many troubles in a row: after 5, 10, 20, 40 minutes, then each hour, not
// before the shop said so. Trouble of our own is tried after seconds.
func retryAfter(err error, troubles int) time.Duration {
	times := max(troubles-1, 0)
	var trouble *doorzet.ShopError
	if !errors.As(err, &trouble) {
		return jittered(min(5*time.Second<<min(times, 6), 5*time.Minute))
	}
	return max(jittered(min(5*time.Minute<<min(times, 4), time.Hour)), trouble.RetryAfter)
}

// jittered gives or takes a fifth, so that many do not come back at once.
func jittered(d time.Duration) time.Duration { return d*4/5 + rand.N(d*2/5) }

// later leaves a night for a moment at which fewer shops in trouble are asked.
func (r *Reconciler) later(ctx context.Context, n doorzet.Night) error {
	err := r.Store.PostponeNight(ctx, n, jittered(notAdmitted), n.Error)
	if err != nil && !errors.Is(err, doorzet.ErrLost) {
		return fmt.Errorf("leave night %d for later: %w", n.ID, err)
	}
	return nil
}
