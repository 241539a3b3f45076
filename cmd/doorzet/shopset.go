package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
)

// setShop is one change of a shop's settings.
type setShop struct {
	shopOptions
	id    int64
	moved bool
	push  string // "now", "tonight": what newly chosen statuses do to the open orders that have one
}

func (c *cli) shopSet() *cobra.Command {
	var o setShop
	cmd := c.does(&cobra.Command{
		Use:   "set --shop ID",
		Short: "Change a shop's settings",
		Long: "Change a shop's settings. What is not given stays as it is; each change is written to the journal.\n\n" +
			"A new address must lead to the same shop; when the shop itself moved, confirm it with --moved.\n" +
			"New statuses need --push: now pushes the open orders that have one of them at once, tonight leaves them to the coming night.",
		Example: "  doorzet shop set --shop 1 --statuses processing,completed,shipped --push tonight\n" +
			"  doorzet shop set --shop 1 --url https://new.example --moved",
	}, func(ctx context.Context, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		return c.withShop(ctx, o.id, func(s *stack.Stack, shop doorzet.Shop) error { return c.changeShop(ctx, s, shop, &o) })
	})
	shopFlag(cmd, &o.id)
	o.flags(cmd.Flags())
	_ = cmd.Flags().MarkHidden("prefix") // it exists, to be refused with a reason
	cmd.Flags().BoolVar(&o.moved, "moved", false, "the shop moved to the address of --url")
	cmd.Flags().StringVar(&o.push, "push", "", "now or tonight: when new statuses push the open orders that have one")
	return cmd
}

// check refuses what cannot be meant.
func (o *setShop) check() error {
	given := o.shopOptions
	switch {
	case o.prefix != "":
		return usage("--prefix: the prefix of a shop never changes, because every reference in the books begins with it")
	case o.moved && o.url == "":
		return usage("--moved needs --url: give the address to which the shop moved")
	case o.push != "" && o.push != "now" && o.push != "tonight":
		return usage("--push %q: write now or tonight", o.push)
	case o.push != "" && o.statuses == "":
		return usage("--push goes with --statuses: which statuses should be chosen?")
	case given == shopOptions{}:
		return usage("nothing to change: give one or more of --name, --url, --key, --secret, --statuses, --start-date, --books, --timezone, --night-hours, --remainder, --pool")
	}
	return nil
}

// changeView is what set answers.
type changeView struct {
	ID        int64    `json:"id"`
	WouldPush int      `json:"would_push"`
	Pushed    int      `json:"pushed"`
	Changes   []string `json:"changes"`
}

// changeShop changes settings: everything is proved before anything is stored.
func (c *cli) changeShop(ctx context.Context, s *stack.Stack, old doorzet.Shop, o *setShop) error {
	shop := old
	if err := o.apply(c, &shop); err != nil {
		return err
	}
	v := changeView{ID: shop.ID, Changes: []string{}}
	would, err := c.wouldPush(ctx, s, shop, o)
	if err != nil {
		return err
	}
	v.WouldPush = len(would)
	if o.url != "" || shop.Key != old.Key || shop.Secret != old.Secret {
		if shop, err = c.meetAgain(ctx, s, old, shop, o); err != nil {
			return err
		}
	}
	if o.push == "now" && shop.Paused() {
		return fmt.Errorf("nothing was changed: --push tonight would do, but --push now cannot push, as the shop is %s", goOn(shop))
	}
	if o.statuses != "" {
		c.warnStatuses(ctx, s, shop)
	}
	if changes := changesOf(old, shop); len(changes) > 0 {
		if err := s.DB.SetShop(ctx, old, shop, changes, actor()); err != nil {
			return err
		}
		v.Changes = changes
	}
	if o.push == "now" {
		if v.Pushed, err = c.pushChosen(ctx, s, shop, would); err != nil {
			return err
		}
	}
	return c.show(v, func(w io.Writer) { writeChange(w, v, o.push) })
}

func writeChange(w io.Writer, v changeView, push string) {
	if len(v.Changes) == 0 {
		_, _ = fmt.Fprintln(w, "Everything was so already.")
	}
	for _, change := range v.Changes {
		_, _ = fmt.Fprintln(w, oneLine(change))
	}
	switch push {
	case "now":
		_, _ = fmt.Fprintf(w, "Of %d open orders with a chosen status %d were pushed.\n", v.WouldPush, v.Pushed)
	case "tonight":
		_, _ = fmt.Fprintf(w, "%d open orders with a chosen status are looked at first in the coming night, and pushed.\n", v.WouldPush)
	}
}

// wouldPush are the open orders that new statuses would push (R11); how must be said before anything is saved.
func (c *cli) wouldPush(ctx context.Context, s *stack.Stack, shop doorzet.Shop, o *setShop) ([]int64, error) {
	if o.statuses == "" {
		return nil, nil
	}
	ids, err := s.DB.CountWouldPush(ctx, shop.ID, shop.Statuses)
	if err != nil {
		return nil, err
	}
	if o.push == "" {
		return nil, usage("--statuses %s would push %s: say when, with --push now or --push tonight. Nothing was changed",
			strings.Join(shop.Statuses, ","), orders(len(ids)))
	}
	return ids, nil
}

func orders(n int) string {
	if n == 1 {
		return "1 open order"
	}
	return fmt.Sprintf("%d open orders", n)
}

// meetAgain contacts a shop under its new address or key, and makes sure that it is the same one (R14).
func (c *cli) meetAgain(ctx context.Context, s *stack.Stack, old, shop doorzet.Shop, o *setShop) (doorzet.Shop, error) {
	m, err := c.meet(ctx, s, shop)
	if err != nil {
		return shop, err
	}
	differs := doorzet.SameShop(shop, m.home, m.storeID) != ""
	if differs && !o.moved {
		return shop, fmt.Errorf("nothing was changed: at %s another shop answers. It calls itself %s (store id %s); shop %d is %s (store id %s). If shop %d moved there, confirm it with: doorzet shop set --shop %d --url %s --moved",
			shop.URL, m.home, dash(m.storeID), old.ID, old.Home, dash(old.StoreID), old.ID, old.ID, shop.URL)
	}
	if err := c.refuseTaken(ctx, s, shop, m); err != nil {
		return shop, err
	}
	shop.Auth, shop.BlockedWhy = m.auth, ""
	if m.version != "" {
		shop.WooVersion = m.version
	}
	if o.moved {
		shop.Home = m.home
	}
	if m.storeID != "" {
		shop.StoreID = m.storeID
	}
	return shop, nil
}

// refuseTaken refuses an address that another shop has: each is connected once.
func (c *cli) refuseTaken(ctx context.Context, s *stack.Stack, shop doorzet.Shop, m met) error {
	all, err := s.DB.Shops(ctx)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ID != shop.ID && doorzet.HomeKey(other.Home) == doorzet.HomeKey(m.home) {
			return fmt.Errorf("nothing was changed: the shop at %s is connected already, as shop %d", m.home, other.ID)
		}
	}
	return nil
}

// changesOf are the changes as sentences for the journal. Keys are named, never shown.
func changesOf(old, shop doorzet.Shop) []string {
	var out []string
	changed := func(what string, from, to any) {
		if a, b := fmt.Sprint(from), fmt.Sprint(to); a != b {
			out = append(out, fmt.Sprintf("%s: %s → %s.", what, dash(a), dash(b)))
		}
	}
	changed("Name", old.Name, shop.Name)
	changed("Address", old.URL, shop.URL)
	changed("Home", old.Home, shop.Home)
	changed("Store id", old.StoreID, shop.StoreID)
	if old.Key != shop.Key {
		out = append(out, "Key changed.")
	}
	if old.Secret != shop.Secret {
		out = append(out, "Secret changed.")
	}
	changed("Chosen statuses", strings.Join(old.Statuses, ", "), strings.Join(shop.Statuses, ", "))
	changed("Start date", old.StartDate, shop.StartDate)
	changed("Books", old.BooksID, shop.BooksID)
	changed("Time zone", old.TimeZone, shop.TimeZone)
	changed("Night hours", old.NightHours, shop.NightHours)
	changed("Pool", old.Pool, shop.Pool)
	changed("Remainder", onOff(old.Remainder), onOff(shop.Remainder))
	if old.BlockedWhy != "" && shop.BlockedWhy == "" {
		out = append(out, "No longer stopped: it is the same shop.")
	}
	return out
}

// pushChosen looks at open orders that have a status which is chosen now, pushes those that still have one, and counts what
// came into the books.
func (c *cli) pushChosen(ctx context.Context, s *stack.Stack, shop doorzet.Shop, ids []int64) (int, error) {
	h := &hand{c: c, stack: s, shop: shop, actor: actor()}
	for batch := range slices.Chunk(ids, doorzet.BatchSize) {
		if err := h.lookAtMany(ctx, batch); err != nil {
			return 0, fmt.Errorf("the settings are saved, but not all orders were pushed; the coming night does: %w", err)
		}
	}
	if err := h.follow(ctx); err != nil {
		return 0, err
	}
	_, pushed, err := s.DB.CountUnsettled(ctx, h.due)
	return pushed, err
}
