package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
)

func (c *cli) shop() *cobra.Command {
	return c.group(&cobra.Command{
		Use:   "shop",
		Short: "Shops: connect, change, check, pause",
	}, c.shopAdd(), c.shopList(), c.shopShow(), c.shopSet(), c.shopCheck(), c.shopPause(), c.shopResume())
}

// shopFlag adds --shop.
func shopFlag(cmd *cobra.Command, id *int64) {
	cmd.Flags().Int64Var(id, "shop", 0, "id of the shop (see: doorzet shop list)")
}

// shopView is a shop in JSON: everything but its keys.
type shopView struct {
	ID         int64                      `json:"id"`
	Name       string                     `json:"name"`
	URL        string                     `json:"url"`
	Home       string                     `json:"home"`
	StoreID    string                     `json:"store_id"`
	Prefix     string                     `json:"prefix"`
	TimeZone   string                     `json:"time_zone"`
	StartDate  doorzet.Date               `json:"start_date"`
	Statuses   []string                   `json:"statuses"`
	NightHours string                     `json:"night_hours"`
	Remainder  bool                       `json:"remainder"`
	Books      int64                      `json:"books"`
	Pool       string                     `json:"pool"`
	WebhooksOn bool                       `json:"webhooks_on"`
	WooVersion string                     `json:"woo_version"`
	Paused     bool                       `json:"paused"`
	PausedAt   moment                     `json:"paused_at"`
	Blocked    string                     `json:"blocked"`
	NextNight  moment                     `json:"next_night"`
	Added      moment                     `json:"added"`
	RestoredAt *moment                    `json:"restored_at,omitempty"` // shop show: null when Postgres never was
	Orders     map[doorzet.OrderState]int `json:"orders,omitempty"`
	Trouble    string                     `json:"trouble,omitempty"` // of its newest night
	Pace       *paceView                  `json:"pace,omitempty"`    // when it is not asked at full pace
}

func viewShop(s doorzet.Shop) shopView {
	return shopView{
		ID: s.ID, Name: s.Name, URL: s.URL, Home: s.Home, StoreID: s.StoreID, Prefix: s.Prefix, TimeZone: s.TimeZone,
		StartDate: s.StartDate, Statuses: s.Statuses, NightHours: s.NightHours.String(), Remainder: s.Remainder,
		Books: s.BooksID, Pool: s.Pool, WebhooksOn: s.WebhooksOn, WooVersion: s.WooVersion, Paused: !s.PausedAt.IsZero(),
		PausedAt: moment(s.PausedAt), Blocked: s.BlockedWhy, NextNight: moment(nextNight(s)), Added: moment(s.AddedAt),
		Pace: viewPace(s.Pace),
	}
}

func (c *cli) shopList() *cobra.Command {
	return c.does(&cobra.Command{
		Use: "list", Short: "List the shops", Example: "  doorzet shop list",
	}, func(ctx context.Context, _ []string) error {
		return c.with(ctx, func(s *stack.Stack) error {
			shops, err := s.DB.Shops(ctx)
			if err != nil {
				return err
			}
			troubles, err := s.DB.Troubles(ctx)
			if err != nil {
				return err
			}
			l := c.list("ID", "NAME", "URL", "PREFIX", "CHOSEN", "NEXT NIGHT", "")
			for _, shop := range shops {
				v := viewShop(shop)
				v.Trouble = troubles[shop.ID]
				err := l.add(v, shop.ID, shop.Name, shop.URL, shop.Prefix, strings.Join(shop.Statuses, ","),
					local(nextNight(shop), shop.Location()), cmp.Or(stopped(shop), v.Trouble))
				if err != nil {
					return err
				}
			}
			return l.end(nil, "There are no shops yet: doorzet shop add")
		}, secretKey)
	})
}

// stopped says in a word why nothing is done for a shop.
func stopped(s doorzet.Shop) string {
	switch {
	case s.BlockedWhy != "":
		return "stopped: " + s.BlockedWhy
	case !s.PausedAt.IsZero():
		return "paused"
	}
	return ""
}

// goOn is stopped, with what to do about it. A stop says that itself: no resume ends it.
func goOn(s doorzet.Shop) string {
	if s.BlockedWhy != "" {
		return stopped(s)
	}
	return fmt.Sprintf("%s (go on with: doorzet shop resume --shop %d)", stopped(s), s.ID)
}

// nextNight is when the next night of a shop is planned; the zero time when none runs.
func nextNight(s doorzet.Shop) time.Time {
	if s.Paused() {
		return time.Time{}
	}
	return s.NextNightAt
}

func (c *cli) shopShow() *cobra.Command {
	var id int64
	cmd := c.does(&cobra.Command{
		Use: "show --shop ID", Short: "Show a shop's settings and how many orders it has in each state", Example: "  doorzet shop show --shop 1",
	}, func(ctx context.Context, _ []string) error {
		return c.withShop(ctx, id, func(s *stack.Stack, shop doorzet.Shop) error {
			counts, err := s.DB.CountStates(ctx, shop.ID)
			if err != nil {
				return err
			}
			troubles, err := s.DB.Troubles(ctx, shop.ID)
			if err != nil {
				return err
			}
			restore, err := s.DB.LastRestore(ctx)
			if err != nil {
				return err
			}
			v := viewShop(shop)
			v.Trouble = troubles[shop.ID]
			v.RestoredAt = (*moment)(&restore.At)
			v.Orders = make(map[doorzet.OrderState]int, len(doorzet.OrderStates))
			for _, state := range doorzet.OrderStates {
				v.Orders[state] = counts[state]
			}
			return c.show(v, func(w io.Writer) { writeShop(w, shop, restore, v.Trouble, counts) })
		})
	})
	shopFlag(cmd, &id)
	return cmd
}

func writeShop(w io.Writer, s doorzet.Shop, restore doorzet.Restore, trouble string, counts map[doorzet.OrderState]int) {
	loc := s.Location()
	webhooks := "off: the nights look 21 days back"
	if s.WebhooksOn {
		webhooks = "on: the nights look 3 months back"
	}
	facts(w, append([]any{
		"Shop", fmt.Sprintf("%d, %s", s.ID, s.Name),
		"Address", s.URL,
		"Calls itself", s.Home,
		"Store id", dash(s.StoreID),
		"WooCommerce", dash(s.WooVersion),
		"References", s.Prefix + "-...",
		"Books", s.BooksID,
		"Time zone", s.TimeZone,
		"Start date", s.StartDate,
		"Chosen statuses", strings.Join(s.Statuses, ", "),
		"Night hours", s.NightHours,
		"Webhooks", webhooks,
		"Remainder", onOff(s.Remainder),
		"Workers", cmp.Or(s.Pool, "the usual ones"),
		"Added", local(s.AddedAt, loc),
	}, slices.Concat(standing(s), health(s, trouble), restoredAt(restore, loc))...)...)
	_, _ = fmt.Fprintln(w)
	for _, state := range doorzet.OrderStates {
		facts(w, fmt.Sprintf("%-15s", state), counts[state])
	}
}

// standing is when a shop's next night is, or why there is none.
func standing(s doorzet.Shop) []any {
	var out []any
	if !s.PausedAt.IsZero() {
		out = append(out, "Paused", "since "+local(s.PausedAt, s.Location()))
	}
	if s.BlockedWhy != "" {
		out = append(out, "Stopped", s.BlockedWhy)
	}
	if out == nil {
		out = append(out, "Next night", local(s.NextNightAt, s.Location()))
	}
	return out
}

// paceView is how a shop that cannot bear everything is asked.
type paceView struct {
	Page     int    `json:"orders_per_page"`
	Batch    int    `json:"orders_per_batch"`
	Gap      string `json:"pause_between_calls"`
	SlowedAt moment `json:"slowed_at"`
}

func viewPace(p doorzet.Pace) *paceView {
	if p.Page >= doorzet.FullPace.Page && p.Batch >= doorzet.FullPace.Batch && p.Gap == 0 {
		return nil
	}
	return &paceView{p.Page, p.Batch, p.Gap.String(), moment(p.SlowedAt)}
}

// health is what is wrong with a shop: the trouble of its newest night, and how carefully it is asked.
func health(s doorzet.Shop, trouble string) []any {
	var out []any
	if trouble != "" {
		out = append(out, "Trouble", trouble)
	}
	if p := viewPace(s.Pace); p != nil {
		out = append(out, "Asked slowly", fmt.Sprintf("%d orders a page, %d in short lists, %s between calls, since %s: it could not bear more",
			p.Page, p.Batch, p.Gap, local(s.Pace.SlowedAt, s.Location())))
	}
	return out
}

// restoredAt is when Postgres was last restored, if it ever was.
func restoredAt(r doorzet.Restore, loc *time.Location) []any {
	if r.At.IsZero() {
		return nil
	}
	return []any{"Postgres restored", local(r.At, loc) + ", recorded by " + r.By + ": orders from before it are looked up in the books first"}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// pauseView is what pause and resume answer.
type pauseView struct {
	ID      int64  `json:"id"`
	Paused  bool   `json:"paused"`
	Blocked string `json:"blocked"`
}

func (c *cli) shopPause() *cobra.Command {
	var id int64
	cmd := c.does(&cobra.Command{
		Use: "pause --shop ID", Short: "Stop nights and pushes of a shop until it is resumed",
		Long:    "Stop nights and pushes of a shop until it is resumed. Nothing is lost: orders stay as they are, and are taken up again.",
		Example: "  doorzet shop pause --shop 1",
	}, func(ctx context.Context, _ []string) error {
		return c.withShop(ctx, id, func(s *stack.Stack, shop doorzet.Shop) error {
			if err := s.DB.Pause(ctx, id, actor()); err != nil {
				return err
			}
			return c.show(pauseView{id, true, shop.BlockedWhy}, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "Shop %d is paused: no night runs and nothing is pushed. Go on with: doorzet shop resume --shop %d\n", id, id)
			})
		})
	})
	shopFlag(cmd, &id)
	return cmd
}

func (c *cli) shopResume() *cobra.Command {
	var id int64
	cmd := c.does(&cobra.Command{
		Use: "resume --shop ID", Short: "End a pause", Example: "  doorzet shop resume --shop 1",
	}, func(ctx context.Context, _ []string) error {
		return c.withShop(ctx, id, func(s *stack.Stack, shop doorzet.Shop) error {
			if err := s.DB.Resume(ctx, id, actor()); err != nil {
				return err
			}
			if err := s.WakeShop(ctx, id); err != nil {
				return err
			}
			return c.show(pauseView{id, false, shop.BlockedWhy}, func(w io.Writer) {
				if shop.BlockedWhy != "" {
					_, _ = fmt.Fprintf(w, "Shop %d is not paused any more, but it is still stopped: %s\n", id, shop.BlockedWhy)
					return
				}
				_, _ = fmt.Fprintf(w, "Shop %d goes on. Its next night is %s.\n", id, shop.NextNightAt.In(shop.Location()).Format(time.DateTime))
			})
		})
	})
	shopFlag(cmd, &id)
	return cmd
}
