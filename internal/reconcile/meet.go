package reconcile

import (
	"context"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// meet is steps 1 and 2: is it the same shop, are its webhooks on, what is the window, how many orders are open in it.
func (w *work) meet(ctx context.Context) error {
	id, err := w.woo.Identity(ctx)
	if err != nil {
		return err
	}
	w.shop.BlockedWhy = doorzet.SameShop(w.shop, id.Home, id.StoreID)
	w.shop.Auth = id.Auth
	if id.Version != "" {
		w.shop.WooVersion = id.Version
	}
	var on *bool
	if w.shop.BlockedWhy == "" {
		on = w.webhooks(ctx)
	}
	w.shop, err = w.r.Store.SawShop(ctx, w.shop, on, w.actor())
	if err != nil {
		return err
	}
	if w.shop.BlockedWhy != "" {
		return errStopped
	}
	return w.window(ctx)
}

// webhooks tells whether the shop's webhooks are on, or nil when the shop does not say: then the window stays as it is.
func (w *work) webhooks(ctx context.Context) *bool {
	hooks, err := w.woo.Webhooks(ctx)
	if err != nil {
		w.note("The shop does not say which webhooks it has: %s", err.Error())
		w.n.WebhooksOn = w.shop.WebhooksOn
		return nil
	}
	on := doorzet.WebhooksAreOn(w.r.PublicURL, hooks)
	w.n.WebhooksOn = on
	return &on
}

func (w *work) window(ctx context.Context) error {
	w.n.Since = doorzet.WindowSince(w.n.StartedAt, w.shop.Location(), w.shop.WebhooksOn)
	if err := w.r.Store.Widen(ctx, w.shop.ID, w.n.Since); err != nil {
		return err
	}
	open, err := w.r.Store.CountOpen(ctx, w.shop.ID, w.n.Since)
	if err != nil {
		return err
	}
	w.n.Open, w.n.Strategy = open, doorzet.StrategyFor(open)
	if w.n.Strategy == doorzet.Bulk {
		return w.next(ctx, doorzet.StepBulk)
	}
	return w.next(ctx, doorzet.StepLook)
}
