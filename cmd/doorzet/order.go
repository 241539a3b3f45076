package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
)

func (c *cli) order() *cobra.Command {
	return c.group(&cobra.Command{
		Use:   "order",
		Short: "Orders: list, explain, check, push, ignore",
		Long:  "Orders of a shop, by their WooCommerce ids.",
	}, c.orderList(), c.orderShow(), c.orderWhy(), c.orderCheck(), c.orderPush(), c.orderIgnore(), c.orderUnignore())
}

// orderView is an order in JSON.
type orderView struct {
	ID           int64              `json:"id"`
	Number       string             `json:"number"`
	Status       string             `json:"status"`
	State        doorzet.OrderState `json:"state"`
	Total        string             `json:"total"`
	Currency     string             `json:"currency"`
	Created      moment             `json:"created"`
	Why          string             `json:"why"`
	NextLook     moment             `json:"next_look"`
	LeavesWindow moment             `json:"leaves_window"`
}

func viewOrder(shop doorzet.Shop, o doorzet.OrderRow) orderView {
	e := doorzet.Explain(shop, o)
	return orderView{
		ID: o.WooID, Number: o.Number, Status: o.Status, State: o.State, Total: o.Total, Currency: o.Currency,
		Created: moment(o.Created), Why: e.Why, NextLook: moment(e.NextLook), LeavesWindow: moment(e.LeavesWindow),
	}
}

func (c *cli) orderList() *cobra.Command {
	var id int64
	var state string
	var limit int
	cmd := c.does(&cobra.Command{
		Use:   "list --shop ID [--state STATE]",
		Short: "List a shop's orders, each with the sentence that says why it is where it is",
		Long:  "List a shop's orders, each with the sentence that says why it is where it is.\n\nThe states are: " + stateNames() + ".",
		Example: "  doorzet order list --shop 1 --state open\n" +
			"  doorzet order list --shop 1 --state before-start --limit 10",
	}, func(ctx context.Context, _ []string) error {
		want := doorzet.OrderState(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(state)), "-", " "))
		if want != "" && !slices.Contains(doorzet.OrderStates, want) {
			return usage("--state %q is not known; the states are: %s", state, stateNames())
		}
		if limit < 0 {
			return usage("--limit %d: give a number above 0", limit)
		}
		return c.withShop(ctx, id, func(s *stack.Stack, shop doorzet.Shop) error {
			l := c.list("ORDER", "NUMBER", "STATUS", "STATE", "TOTAL", "", "CREATED", "WHY")
			return l.end(s.DB.EachOrder(ctx, shop.ID, want, limit, func(o doorzet.OrderRow) error {
				v := viewOrder(shop, o)
				return l.add(v, v.ID, v.Number, v.Status, v.State, v.Total, v.Currency, local(o.Created, shop.Location()), v.Why)
			}), "There are no such orders.")
		})
	})
	shopFlag(cmd, &id)
	limitFlag(cmd, &limit)
	cmd.Flags().StringVar(&state, "state", "", "only orders in this state")
	return cmd
}

func stateNames() string {
	var names []string
	for _, s := range doorzet.OrderStates {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// wooIDs are the arguments of a command that takes order ids.
func wooIDs(_ *cobra.Command, args []string) error {
	_, err := parseIDs(args)
	return err
}

func parseIDs(args []string) ([]int64, error) {
	if len(args) == 0 {
		return nil, errors.New("no order is given: give one or more WooCommerce order ids, like 1002 1003")
	}
	var ids []int64
	for _, a := range args {
		id, err := strconv.ParseInt(a, 10, 64)
		if err != nil || id <= 0 {
			return nil, fmt.Errorf("%q is no order id: give WooCommerce order ids, like 1002 1003", a)
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// orderFull is all that is known of an order, in JSON.
type orderFull struct {
	orderView
	OrderKey  string        `json:"order_key"`
	Modified  moment        `json:"modified"`
	LastLook  moment        `json:"last_look"`
	Looks     int           `json:"looks"`
	Rule      string        `json:"rule"`
	Verdict   string        `json:"verdict"`
	VerdictAt moment        `json:"verdict_at"`
	IgnoredBy string        `json:"ignored_by"`
	Ignored   string        `json:"ignored_why"`
	Bookings  []bookingView `json:"bookings"`
	Journal   []eventView   `json:"journal"`
	Error     string        `json:"error"`
}

type eventView struct {
	At    moment `json:"at"`
	Actor string `json:"actor"`
	Kind  string `json:"kind"`
	Text  string `json:"text"`
}

func (c *cli) orderShow() *cobra.Command {
	var shopID int64
	cmd := c.does(&cobra.Command{
		Use: "show --shop ID ORDER...", Short: "Show all that is known of orders, with their journal",
		Example: "  doorzet order show --shop 1 1002", Args: wooIDs,
	}, func(ctx context.Context, args []string) error {
		return c.withShop(ctx, shopID, func(s *stack.Stack, shop doorzet.Shop) error {
			return c.eachOrder(args, func(id int64) (any, func(io.Writer), error) {
				v, err := full(ctx, s, shop, id)
				return v, func(w io.Writer) { writeOrder(w, v, shop.Location()) }, err
			})
		})
	})
	shopFlag(cmd, &shopID)
	return cmd
}

func full(ctx context.Context, s *stack.Stack, shop doorzet.Shop, id int64) (orderFull, error) {
	o, err := known(ctx, s, shop, id)
	v := orderFull{orderView: orderView{ID: id}, Bookings: []bookingView{}, Journal: []eventView{}}
	if err != nil {
		v.Error = err.Error()
		return v, err
	}
	v.orderView = viewOrder(shop, o)
	v.OrderKey, v.Modified, v.LastLook, v.Looks = o.OrderKey, moment(o.Modified), moment(o.LastLookAt), o.Looks
	v.Rule, v.Verdict, v.VerdictAt = o.Verdict.Rule, o.Verdict.Sentence, moment(o.VerdictAt)
	v.IgnoredBy, v.Ignored = o.IgnoredBy, o.IgnoredWhy
	err = s.DB.EachBooking(ctx, shop.ID, id, 0, func(b doorzet.BookingRow) error {
		v.Bookings = append(v.Bookings, viewBooking(b))
		return nil
	})
	if err != nil {
		return v, err
	}
	events, err := s.DB.Events(ctx, shop.ID, id)
	for _, e := range events {
		v.Journal = append(v.Journal, eventView{moment(e.At), e.Actor, e.Kind, e.Text})
	}
	return v, err
}

func writeOrder(w io.Writer, v orderFull, loc *time.Location) {
	facts(w,
		"Order", fmt.Sprintf("%d (number %s)", v.ID, v.Number),
		"State", v.State,
		"Why", v.Why,
		"Status", v.Status,
		"Total", v.Total+" "+v.Currency,
		"Created", local(time.Time(v.Created), loc),
		"Modified", local(time.Time(v.Modified), loc),
		"Looked at", lookedAt(v, loc),
		"Last verdict", fmt.Sprintf("%s (%s)", v.Verdict, v.Rule),
	)
	for _, b := range v.Bookings {
		facts(w, "Booking", fmt.Sprintf("%s %s, %s, %s %s, attempts %d %s", b.Kind, b.Reference, b.State, b.Total, b.Currency, b.Attempts, b.Error))
	}
	for _, e := range v.Journal {
		_, _ = fmt.Fprintf(w, "  %s  %s: %s\n", local(time.Time(e.At), loc), oneLine(e.Actor), oneLine(e.Text))
	}
	_, _ = fmt.Fprintln(w)
}

// lookedAt says how often an order was looked at, and when last.
func lookedAt(v orderFull, loc *time.Location) string {
	last := local(time.Time(v.LastLook), loc)
	switch v.Looks {
	case 0:
		return "not yet"
	case 1:
		return "once, " + last
	}
	return fmt.Sprintf("%d times, last %s", v.Looks, last)
}

// eachOrder does something with each order and shows the results as a list. One that fails does not hold up the others.
func (c *cli) eachOrder(args []string, do func(id int64) (any, func(io.Writer), error)) error {
	ids, err := parseIDs(args)
	if err != nil {
		return wrong(err)
	}
	results := []any{}
	var texts []func(io.Writer)
	failed := false
	for _, id := range ids {
		v, text, err := do(id)
		results = append(results, v)
		if err != nil {
			failed = true
			c.say("%v", err)
			continue
		}
		texts = append(texts, text)
	}
	err = c.show(results, func(w io.Writer) {
		for _, text := range texts {
			text(w)
		}
	})
	if err == nil && failed {
		return errSaid
	}
	return err
}

// known is an order that is stored.
func known(ctx context.Context, s *stack.Stack, shop doorzet.Shop, id int64) (doorzet.OrderRow, error) {
	o, err := s.DB.Order(ctx, shop.ID, id)
	if errors.Is(err, doorzet.ErrNotFound) {
		return o, fmt.Errorf("order %d is not known: the next night imports it, or now: doorzet order check --shop %d %d", id, shop.ID, id)
	}
	return o, err
}

func (c *cli) orderWhy() *cobra.Command {
	var shopID int64
	cmd := c.does(&cobra.Command{
		Use: "why --shop ID ORDER...", Short: "Say why orders are where they are, what happens next and when",
		Example: "  doorzet order why --shop 1 1002", Args: wooIDs,
	}, func(ctx context.Context, args []string) error {
		return c.withShop(ctx, shopID, func(s *stack.Stack, shop doorzet.Shop) error {
			return c.eachOrder(args, func(id int64) (any, func(io.Writer), error) {
				o, err := known(ctx, s, shop, id)
				r := resultOf(shop, id, o, err)
				return r, r.write, err
			})
		})
	})
	shopFlag(cmd, &shopID)
	return cmd
}
