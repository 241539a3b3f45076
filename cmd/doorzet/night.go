package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
)

func (c *cli) night() *cobra.Command {
	return c.group(&cobra.Command{
		Use:   "night",
		Short: "Nights: look at a shop's orders and push what became due",
	}, c.nightRun(), c.nightList(), c.nightShow())
}

func (c *cli) nightRun() *cobra.Command {
	var id int64
	var dry bool
	cmd := c.does(&cobra.Command{
		Use:   "run --shop ID",
		Short: "Run a night now, and follow it to the end of its pushes",
		Long: "Run a night by hand: now, whatever the hour, as often as you like, beside the planned ones. It waits for one that is" +
			" running, follows the night to the end of the pushes it caused, and prints the report.\n\n" +
			"With --dry-run it looks and reports, but keeps nothing and pushes nothing.",
		Example: "  doorzet night run --shop 1\n  doorzet night run --shop 1 --dry-run",
	}, func(ctx context.Context, _ []string) error {
		return c.withShop(ctx, id, func(s *stack.Stack, shop doorzet.Shop) error {
			if !shop.PausedAt.IsZero() {
				return fmt.Errorf("shop %d is paused, so no night runs: go on with doorzet shop resume --shop %d", id, id)
			}
			if dry {
				return c.rehearse(ctx, s, shop)
			}
			return c.runNight(ctx, s, shop)
		})
	})
	shopFlag(cmd, &id)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only look: keep nothing, push nothing")
	return cmd
}

// runNight asks for a night and follows it to the end of its pushes.
func (c *cli) runNight(ctx context.Context, s *stack.Stack, shop doorzet.Shop) error {
	id, err := s.DB.AskNight(ctx, shop, actor())
	if err != nil {
		return err
	}
	n, err := c.followNight(ctx, s, shop, id)
	if err != nil {
		return err
	}
	if err := c.show(viewNight(n), func(w io.Writer) { writeNight(w, n, shop) }); err != nil {
		return err
	}
	if n.State == doorzet.NightFailed {
		c.say("Night %d failed: %s", n.ID, n.Error)
		return errSaid
	}
	return nil
}

// followNight waits until a night ended and none of the pushes it caused is on its way any more, and returns it as it stands
// then.
func (c *cli) followNight(ctx context.Context, s *stack.Stack, shop doorzet.Shop, id int64) (doorzet.Night, error) {
	bar := c.progress()
	defer bar.end()
	var n doorzet.Night
	err := c.follow(ctx, s, errand{
		Errand: stack.Errand{ShopID: shop.ID, NightID: id},
		queues: func() bool { return n.State == doorzet.NightPlanned },
		wake: func(ctx context.Context) error {
			if n.State == "" || n.State == doorzet.NightPlanned || n.State == doorzet.NightRunning {
				return s.Queue.WakeNights(ctx, doorzet.WakeUps(shop, id))
			}
			return s.WakeShop(ctx, shop.ID)
		},
		look: func(ctx context.Context) (string, bool, error) {
			var err error
			if n, err = s.DB.Night(ctx, id); err != nil {
				return "", false, err
			}
			done := n.State == doorzet.NightDone || n.State == doorzet.NightFailed || n.State == doorzet.NightCovered
			showNight(bar, n, done)
			return c.mark(ctx, s, n), done && n.Underway == 0, nil
		},
	})
	switch {
	case ctx.Err() != nil:
		return n, fmt.Errorf("stopped: night %d goes on by itself when a worker runs (see: doorzet night show --night %d)", id, id)
	case errors.Is(err, errStuck):
		return n, fmt.Errorf("night %d does not get further (state %s, %d pushes under way): it goes on by itself when it can (see: doorzet night show --night %d)",
			id, n.State, n.Underway, id)
	}
	return n, err
}

// mark changes as long as a night gets further. One that waits for another night of its shop has the mark of that one.
func (c *cli) mark(ctx context.Context, s *stack.Stack, n doorzet.Night) string {
	text := func(n doorzet.Night) string {
		return fmt.Sprint(n.ID, n.State, n.Step, n.Rows, n.Done, n.Requests.Total, n.Pushed, n.Held, n.Failed, n.Underway)
	}
	if n.State != doorzet.NightPlanned {
		return text(n)
	}
	all, err := s.DB.Nights(ctx, n.ShopID, 20)
	if err != nil {
		return text(n)
	}
	for _, other := range all {
		if other.State == doorzet.NightRunning {
			return text(other)
		}
	}
	return text(n)
}

// steps are the words of a night's steps.
var steps = map[doorzet.NightStep]string{
	doorzet.StepShop: "shop", doorzet.StepLook: "look", doorzet.StepBulk: "bulk", doorzet.StepRemainder: "remainder",
	doorzet.StepImport: "import", doorzet.StepCompare: "compare", doorzet.StepTrash: "trash",
}

func showNight(b *bar, n doorzet.Night, done bool) {
	switch {
	case done:
		ended := n.Pushed + n.Held + n.Failed
		b.show("push", ended, ended+n.Underway)
	case n.State == doorzet.NightPlanned:
		b.show("waiting", 0, 0)
	default:
		b.show(steps[n.Step], n.Done, n.Todo)
	}
}

func (c *cli) nightList() *cobra.Command {
	var id int64
	var limit int
	cmd := c.does(&cobra.Command{
		Use: "list --shop ID", Short: "List a shop's nights, newest first", Example: "  doorzet night list --shop 1",
	}, func(ctx context.Context, _ []string) error {
		if limit < 0 {
			return usage("--limit %d: give a number above 0", limit)
		}
		return c.withShop(ctx, id, func(s *stack.Stack, shop doorzet.Shop) error {
			nights, err := s.DB.Nights(ctx, shop.ID, limit)
			if err != nil {
				return err
			}
			l := c.list("NIGHT", "DATE", "STATE", "STARTED", "OPEN", "STRATEGY", "LOOKED AT", "PUSHED", "HELD", "FAILED", "ERROR")
			for _, n := range nights {
				err := l.add(viewNight(n), n.ID, n.Date, n.State, local(n.StartedAt, shop.Location()), n.Open,
					dash(string(n.Strategy)), n.LookedAt, n.Pushed, n.Held, n.Failed, n.Error)
				if err != nil {
					return err
				}
			}
			return l.end(nil, "There was no night yet: doorzet night run")
		})
	})
	shopFlag(cmd, &id)
	limitFlag(cmd, &limit)
	return cmd
}

func (c *cli) nightShow() *cobra.Command {
	var id int64
	cmd := c.does(&cobra.Command{
		Use: "show --night ID", Short: "Show a night's report as it stands now", Example: "  doorzet night show --night 12",
	}, func(ctx context.Context, _ []string) error {
		if id <= 0 {
			return usage("--night is missing: give the id of a night, like --night 12 (see: doorzet night list)")
		}
		return c.with(ctx, func(s *stack.Stack) error {
			n, err := s.DB.Night(ctx, id)
			if errors.Is(err, doorzet.ErrNotFound) {
				return fmt.Errorf("there is no night %d (see: doorzet night list)", id)
			}
			if err != nil {
				return err
			}
			shop, err := s.DB.Shop(ctx, n.ShopID)
			if err != nil {
				return err
			}
			return c.show(viewNight(n), func(w io.Writer) { writeNight(w, n, shop) })
		}, secretKey)
	})
	cmd.Flags().Int64Var(&id, "night", 0, "id of the night (see: doorzet night list)")
	return cmd
}
