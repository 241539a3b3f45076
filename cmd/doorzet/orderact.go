package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
)

// result is what became of one order, in JSON.
type result struct {
	ID        int64              `json:"id"`
	State     doorzet.OrderState `json:"state"`
	Status    string             `json:"status"`
	Why       string             `json:"why"`
	Reference string             `json:"reference"`
	NextLook  moment             `json:"next_look"`
	Error     string             `json:"error"`
}

func resultOf(shop doorzet.Shop, id int64, o doorzet.OrderRow, err error) result {
	if o.WooID == 0 {
		return result{ID: id, Error: text(err)}
	}
	e := doorzet.Explain(shop, o)
	r := result{ID: id, State: o.State, Status: o.Status, Why: e.Why, NextLook: moment(e.NextLook), Error: text(err)}
	if o.State == doorzet.StatePushed {
		r.Reference = o.Reference
	}
	return r
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (r result) write(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%d  %s  %s\n", r.ID, r.State, oneLine(r.Why))
}

// hand is one thing that a person does to some orders: first each by itself, then the pushes that follow from it together.
type hand struct {
	c     *cli
	stack *stack.Stack
	shop  doorzet.Shop
	actor string
	due   []int64 // bookings to follow
}

// act runs a command on orders. do is called for each; wants tells whether the end of it is what was asked for.
func (c *cli) act(ctx context.Context, shopID int64, args []string, do func(h *hand, id int64) error, wants func(doorzet.OrderRow) error) error {
	return c.withShop(ctx, shopID, func(s *stack.Stack, shop doorzet.Shop) error {
		ids, err := parseIDs(args)
		if err != nil {
			return wrong(err)
		}
		h := &hand{c: c, stack: s, shop: shop, actor: actor()}
		errs := map[int64]error{}
		for _, id := range ids {
			if ctx.Err() != nil {
				return errors.New("stopped: the orders that were not reached are as they were")
			}
			errs[id] = do(h, id)
		}
		followed := h.follow(ctx)
		err = c.eachOrder(args, func(id int64) (any, func(io.Writer), error) {
			o, err := s.DB.Order(context.WithoutCancel(ctx), shop.ID, id)
			switch {
			case errs[id] != nil:
				err = errs[id]
			case errors.Is(err, doorzet.ErrNotFound):
				err = fmt.Errorf("order %d is not known", id)
			case err == nil:
				err = wants(o)
			}
			r := resultOf(shop, id, o, err)
			return r, r.write, err
		})
		if followed != nil {
			c.say("%v", followed)
			return errSaid
		}
		return err
	})
}

// follow waits for the pushes that were caused. A paused shop's pushes wait for it to be resumed.
func (h *hand) follow(ctx context.Context) error {
	if h.shop.Paused() {
		return nil
	}
	return h.c.followPushes(ctx, h.stack, h.shop, h.due)
}

// look reads an order from the shop now, records it and judges it.
func (h *hand) look(ctx context.Context, id int64) (doorzet.Applied, error) {
	if h.shop.BlockedWhy != "" {
		return doorzet.Applied{}, fmt.Errorf("order %d was not looked at, as the shop is stopped: %s", id, h.shop.BlockedWhy)
	}
	look, err := stack.Look(ctx, h.stack.Client(h.shop, nil), doorzet.ByHand, id)
	if err != nil {
		return doorzet.Applied{}, fmt.Errorf("order %d: %w", id, err)
	}
	applied, err := h.apply(ctx, []doorzet.Look{look})
	if err != nil {
		return doorzet.Applied{}, err
	}
	if len(applied) == 0 {
		return doorzet.Applied{}, fmt.Errorf("order %d: the shop has no such order", id)
	}
	return applied[0], nil
}

// apply records looks by hand, and remembers the pushes they cause.
func (h *hand) apply(ctx context.Context, looks []doorzet.Look) ([]doorzet.Applied, error) {
	a := doorzet.LookContext{
		Shop: h.shop, Since: doorzet.WindowSince(time.Now(), h.shop.Location(), h.shop.WebhooksOn), Actor: h.actor,
	}
	applied, err := h.stack.DB.ApplyLooks(ctx, a, looks)
	for _, ap := range applied {
		if ap.Wake {
			h.due = append(h.due, ap.BookingID)
		}
	}
	return applied, err
}

// lookAtMany reads up to a hundred orders at once. Those that the list leaves out are read one by one.
func (h *hand) lookAtMany(ctx context.Context, ids []int64) error {
	client := h.stack.Client(h.shop, nil)
	left := slices.Clone(ids)
	var looks []doorzet.Look
	_, err := client.EachPage(ctx, woo.Query{Include: ids}, func(p woo.Page) error {
		for _, look := range stack.Looks(doorzet.ByHand, p) {
			looks = append(looks, look)
			left = slices.DeleteFunc(left, func(id int64) bool { return id == look.WooID })
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range left {
		look, err := stack.Look(ctx, client, doorzet.ByHand, id)
		if err != nil {
			h.c.say("order %d was not looked at: %v", id, err)
			continue
		}
		looks = append(looks, look)
	}
	_, err = h.apply(ctx, looks)
	return err
}

// anything is content with whatever became of an order.
func anything(doorzet.OrderRow) error { return nil }

func (c *cli) orderCheck() *cobra.Command {
	var shopID int64
	cmd := c.does(&cobra.Command{
		Use: "check --shop ID ORDER...", Short: "Look at orders now", Args: wooIDs,
		Long:    "Look at orders in the shop now, and do what follows from it. An order that was not known yet is stored.",
		Example: "  doorzet order check --shop 1 1002 1003",
	}, func(ctx context.Context, args []string) error {
		return c.act(ctx, shopID, args, func(h *hand, id int64) error {
			_, err := h.look(ctx, id)
			return err
		}, anything)
	})
	shopFlag(cmd, &shopID)
	return cmd
}

func (c *cli) orderPush() *cobra.Command {
	var shopID int64
	var yes bool
	cmd := c.does(&cobra.Command{
		Use: "push --shop ID ORDER...", Short: "Push orders now, whatever their status", Args: wooIDs,
		Long: "Push orders now, whatever their status. They are read again first, and the books are asked whether they have them.\n\n" +
			"An order whose status says that it is no sale (pending, failed, cancelled, refunded, a draft, trash) is pushed only with --yes.",
		Example: "  doorzet order push --shop 1 1002",
	}, func(ctx context.Context, args []string) error {
		return c.act(ctx, shopID, args, func(h *hand, id int64) error { return h.push(ctx, id, yes) }, booked)
	})
	shopFlag(cmd, &shopID)
	cmd.Flags().BoolVar(&yes, "yes", false, "also push orders whose status says that they are no sale")
	return cmd
}

// booked is content with an order that is in the books, or has nothing to be put there.
func booked(o doorzet.OrderRow) error {
	switch {
	case o.State == doorzet.StatePushed, o.State == doorzet.StateNothing:
		return nil
	case o.State == doorzet.StateHeld:
		return fmt.Errorf("order %d is held: %s", o.WooID, o.HeldWhy)
	case o.State == doorzet.StateRefused:
		return fmt.Errorf("order %d was refused: %s", o.WooID, o.Error)
	case o.Error != "":
		return fmt.Errorf("order %d is not in the books yet: %s", o.WooID, o.Error)
	}
	return fmt.Errorf("order %d is not in the books yet: its state is %s", o.WooID, o.State)
}

// push pushes an order by hand (R10): it is read again first.
func (h *hand) push(ctx context.Context, id int64, yes bool) error {
	if h.shop.Paused() {
		return fmt.Errorf("order %d was not pushed, as the shop is %s", id, goOn(h.shop))
	}
	if before, err := h.stack.DB.Order(ctx, h.shop.ID, id); err == nil && before.State == doorzet.StatePushed {
		return fmt.Errorf("order %d is in the books already, as %s", id, before.Reference)
	}
	applied, err := h.look(ctx, id)
	if err != nil {
		return err
	}
	o, err := h.stack.DB.Order(ctx, h.shop.ID, id)
	if err != nil {
		return err
	}
	if applied.Verdict.Move == doorzet.Missing || applied.Verdict.Move == doorzet.Gone || !o.MissingSince.IsZero() {
		return fmt.Errorf("order %d was not pushed: the shop says that it has no such order", id)
	}
	if !doorzet.Choosable(o.Status) && !yes {
		return fmt.Errorf("order %d was not pushed: its status is %s, which is no sale (yet, or any more). If it must be booked all the same: doorzet order push --shop %d %d --yes",
			id, o.Status, h.shop.ID, id)
	}
	booking, err := h.stack.DB.PushByHand(ctx, h.shop, id, h.actor)
	var refused *doorzet.InputError
	switch {
	case errors.As(err, &refused) && applied.Wake: // the look made it due, and a worker was faster
		return nil
	case errors.As(err, &refused):
		return refused
	case err != nil:
		return err
	}
	h.due = append(h.due, booking)
	return nil
}

func (c *cli) orderIgnore() *cobra.Command {
	var shopID int64
	var why string
	cmd := c.does(&cobra.Command{
		Use: "ignore --shop ID ORDER...", Short: "Set orders aside: they are not pushed by themselves", Args: wooIDs,
		Example: `  doorzet order ignore --shop 1 1002 --reason "test order"`,
	}, func(ctx context.Context, args []string) error {
		return c.act(ctx, shopID, args, func(h *hand, id int64) error {
			o, err := known(ctx, h.stack, h.shop, id)
			if err != nil {
				return err
			}
			if o.State == doorzet.StatePushed {
				return fmt.Errorf("order %d is in the books already, as %s: there is nothing to ignore", id, o.Reference)
			}
			_, err = h.stack.DB.Ignore(ctx, h.shop.ID, []int64{id}, why, h.actor)
			return err
		}, anything)
	})
	shopFlag(cmd, &shopID)
	cmd.Flags().StringVar(&why, "reason", "", "why, for the journal")
	return cmd
}

func (c *cli) orderUnignore() *cobra.Command {
	var shopID int64
	cmd := c.does(&cobra.Command{
		Use: "unignore --shop ID ORDER...", Short: "Take orders back that were ignored, and look at them", Args: wooIDs,
		Example: "  doorzet order unignore --shop 1 1002",
	}, func(ctx context.Context, args []string) error {
		return c.act(ctx, shopID, args, func(h *hand, id int64) error {
			o, err := known(ctx, h.stack, h.shop, id)
			if err != nil {
				return err
			}
			if o.State == doorzet.StateIgnored {
				if _, err := h.stack.DB.Unignore(ctx, h.shop.ID, []int64{id}, h.actor); err != nil {
					return err
				}
			}
			_, err = h.look(ctx, id)
			return err
		}, anything)
	})
	shopFlag(cmd, &shopID)
	return cmd
}
