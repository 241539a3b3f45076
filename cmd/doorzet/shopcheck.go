package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
)

// stepView is one step of a diagnosis in JSON.
type stepView struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Tried  bool   `json:"tried"`
	Found  string `json:"found"`
	Advice string `json:"advice"`
}

func (c *cli) shopCheck() *cobra.Command {
	var id int64
	var o shopOptions
	cmd := c.does(&cobra.Command{
		Use:   "check --shop ID | --url URL --key CK --secret CS",
		Short: "Look at the connection to a shop, step by step",
		Long:  "Look at the connection to a shop, step by step, and say what to do about what is wrong. Also of a shop that is not connected yet.",
		Example: "  doorzet shop check --shop 1\n" +
			"  doorzet shop check --url https://shop.example --key ck_... --secret cs_...",
	}, func(ctx context.Context, _ []string) error {
		if id != 0 && o.url == "" && o.key == "" && o.keyFile == "" && o.secret == "" && o.secretFile == "" {
			return c.withShop(ctx, id, func(s *stack.Stack, shop doorzet.Shop) error {
				return c.showCheck(ctx, s.Client(shop, nil), shop)
			})
		}
		return c.checkNew(ctx, id, o)
	})
	shopFlag(cmd, &id)
	f := cmd.Flags()
	f.StringVar(&o.url, "url", "", "address of a shop that is not connected yet")
	f.StringVar(&o.key, "key", "", "its consumer key (- reads it from stdin)")
	f.StringVar(&o.keyFile, "key-file", "", "a file that holds the key")
	f.StringVar(&o.secret, "secret", "", "its consumer secret (- reads it from stdin)")
	f.StringVar(&o.secretFile, "secret-file", "", "a file that holds the secret")
	return cmd
}

// checkNew looks at a shop that is not connected, or at another address or key of one that is.
func (c *cli) checkNew(ctx context.Context, id int64, o shopOptions) error {
	var shop doorzet.Shop
	if err := o.apply(c, &shop); err != nil {
		return err
	}
	try := func(s *stack.Stack, known doorzet.Shop) error {
		if shop.URL == "" {
			shop.URL = known.URL
		}
		if shop.Key == "" {
			shop.Key = known.Key
		}
		if shop.Secret == "" {
			shop.Secret = known.Secret
		}
		if shop.URL == "" || shop.Key == "" || shop.Secret == "" {
			return usage("give --shop of a connected shop, or --url, --key and --secret of another")
		}
		recorded := known
		recorded.URL = shop.URL
		return c.showCheck(ctx, s.Client(shop, nil), recorded)
	}
	if id != 0 {
		return c.withShop(ctx, id, try)
	}
	if shop.URL == "" || shop.Key == "" || shop.Secret == "" {
		return usage("give --shop of a connected shop, or --url, --key and --secret of another")
	}
	return c.without(func(s *stack.Stack) error { return try(s, doorzet.Shop{}) })
}

// sameShop compares what a shop says of itself with what is recorded (R14): that decides whether its nights run.
func sameShop(ctx context.Context, client *woo.Client, recorded doorzet.Shop) woo.Step {
	step := woo.Step{Name: "Same shop", Tried: true}
	about, err := client.About(ctx)
	if err != nil {
		step.Found, step.Advice = err.Error(), "Try again: what the shop says of itself could not be read."
		return step
	}
	system, err := client.System(ctx)
	if err != nil { // a step of its own said so; the home decides
		system.StoreID = ""
	}
	step.Advice = doorzet.SameShop(recorded, about.Home, system.StoreID)
	step.OK = step.Advice == ""
	step.Found = called(about.Home, system.StoreID) + ", as recorded"
	if !step.OK {
		step.Found = called(about.Home, system.StoreID) + "; recorded is " + called(recorded.Home, recorded.StoreID)
	}
	return step
}

// called is what a shop says, or said, of itself.
func called(home, storeID string) string {
	if storeID == "" {
		return "home " + home
	}
	return "home " + home + ", store id " + storeID
}

// diagnose looks at a connection step by step. Whether it is the same shop is asked of one that is connected, once it answers.
func diagnose(ctx context.Context, client *woo.Client, recorded doorzet.Shop) []woo.Step {
	steps := client.Check(ctx)
	if recorded.ID == 0 {
		return steps
	}
	if last := len(steps) - 1; last >= 0 && !steps[last].Tried {
		return append(steps, woo.Step{Name: "Same shop", Found: steps[last].Found, Advice: steps[last].Advice})
	}
	return append(steps, sameShop(ctx, client, recorded))
}

func (c *cli) showCheck(ctx context.Context, client *woo.Client, recorded doorzet.Shop) error {
	steps := diagnose(ctx, client, recorded)
	views := make([]stepView, len(steps))
	failed := len(steps) == 0
	for i, s := range steps {
		views[i] = stepView(s)
		failed = failed || !s.OK
	}
	err := c.show(views, func(w io.Writer) {
		for _, s := range views {
			mark := "ok"
			switch {
			case !s.Tried:
				mark = "-"
			case !s.OK:
				mark = "FAILED"
			}
			_, _ = fmt.Fprintf(w, "%-7s %-14s %s\n", mark, s.Name, oneLine(s.Found))
			if s.Advice != "" && s.Tried {
				_, _ = fmt.Fprintf(w, "%s%s\n", strings.Repeat(" ", 23), oneLine(s.Advice))
			}
		}
	})
	if err == nil && failed {
		return errSaid
	}
	return err
}
