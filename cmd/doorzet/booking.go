package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
)

// bookingView is a booking in JSON.
type bookingView struct {
	Order     int64                `json:"order"`
	Kind      doorzet.BookingKind  `json:"kind"`
	State     doorzet.BookingState `json:"state"`
	Reference string               `json:"reference"`
	RemoteID  string               `json:"remote_id"`
	Total     string               `json:"total"`
	Currency  string               `json:"currency"`
	Attempts  int                  `json:"attempts"`
	Error     string               `json:"error"`
}

func viewBooking(b doorzet.BookingRow) bookingView {
	return bookingView{
		Order: b.Order, Kind: b.Kind, State: b.State, Reference: b.Reference, RemoteID: b.RemoteID, Total: b.Total,
		Currency: b.Currency, Attempts: b.Attempts, Error: b.Error,
	}
}

func (c *cli) booking() *cobra.Command {
	return c.group(&cobra.Command{Use: "booking", Short: "Bookings: what went, or goes, into the books"}, c.bookingList())
}

func (c *cli) bookingList() *cobra.Command {
	var id int64
	var limit int
	cmd := c.does(&cobra.Command{
		Use: "list --shop ID", Short: "List a shop's bookings", Example: "  doorzet booking list --shop 1",
	}, func(ctx context.Context, _ []string) error {
		if limit < 0 {
			return usage("--limit %d: give a number above 0", limit)
		}
		return c.withShop(ctx, id, func(s *stack.Stack, shop doorzet.Shop) error {
			l := c.list("ORDER", "KIND", "STATE", "REFERENCE", "IN THE BOOKS AS", "TOTAL", "", "ATTEMPTS", "ERROR")
			return l.end(s.DB.EachBooking(ctx, shop.ID, 0, limit, func(b doorzet.BookingRow) error {
				return l.add(viewBooking(b), b.Order, b.Kind, b.State, b.Reference, dash(b.RemoteID), b.Total, b.Currency, b.Attempts, b.Error)
			}), "There are no bookings yet.")
		})
	})
	shopFlag(cmd, &id)
	limitFlag(cmd, &limit)
	return cmd
}

// limitFlag adds --limit.
func limitFlag(cmd *cobra.Command, limit *int) {
	cmd.Flags().IntVar(limit, "limit", 0, "at most so many rows (all)")
}
