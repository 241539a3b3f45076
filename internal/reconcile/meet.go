package reconcile

import (
	"context"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// sameShop makes sure that it is still the same shop (R14), also when a night goes on: another may have moved in meanwhile. A
// night that goes on soon after the shop was asked does not ask again.
func (w *work) sameShop(ctx context.Context) error {
	now := w.r.Now()
	if w.shop.BlockedWhy == "" && now.Sub(w.n.MetAt) < doorzet.NightSlot {
		return nil
	}
	if err := w.meet(ctx); err != nil {
		return err
	}
	w.n.MetAt = now
	return w.save(ctx, true)
}

// meet asks the shop who it is.
func (w *work) meet(ctx context.Context) error {
	id, err := w.woo.Identity(ctx)
	if err != nil {
		return err
	}
	w.shop.BlockedWhy = doorzet.SameShop(w.shop, id.Home, id.StoreID)
	w.shop.Auth, w.shop.ZoneSaid = id.Auth, id.TimeZone
	if id.Version != "" {
		w.shop.WooVersion = id.Version
	}
	if w.shop.StoreID == "" {
		w.shop.StoreID = id.StoreID
	}
	if err := w.r.Store.SawShop(ctx, w.shop, w.actor()); err != nil {
		return err
	}
	if w.shop.BlockedWhy != "" {
		return errStopped
	}
	return nil
}

// webhooks asks whether the shop's webhooks are on. When the shop does not say, the window stays as it is.
func (w *work) webhooks(ctx context.Context) error {
	hooks, err := w.woo.Webhooks(ctx)
	if isShopTrouble(err) {
		w.note("The shop does not say which webhooks it has: %s", words(err))
		w.n.WebhooksOn = w.shop.WebhooksOn
		return nil
	}
	if err != nil {
		return err
	}
	w.n.WebhooksOn = doorzet.WebhooksAreOn(w.r.PublicURL, hooks)
	w.shop.WebhooksOn, err = w.r.Store.SawWebhooks(ctx, w.shop.ID, w.n.ID, w.n.WebhooksOn)
	return err
}

// window is the rest of step 1, and step 2: are the webhooks on, what is the window, how many orders are open in it.
func (w *work) window(ctx context.Context) error {
	if err := w.webhooks(ctx); err != nil {
		return err
	}
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
