package postgres

import (
	"context"
	"fmt"

	"github.com/lib/pq"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// CountStates counts a shop's orders by their shown state, drafts left out. A state without orders is not in it.
func (db *DB) CountStates(ctx context.Context, shopID int64) (map[doorzet.OrderState]int, error) {
	var rows []struct {
		State string `db:"state"`
		Count int    `db:"count"`
	}
	err := db.x.SelectContext(ctx, &rows, `
		SELECT state, count(*) AS count FROM order_states WHERE shop_id = $1 AND state <> 'draft' GROUP BY state`, shopID)
	if err != nil {
		return nil, fmt.Errorf("count the orders of shop %d: %w", shopID, err)
	}
	out := make(map[doorzet.OrderState]int, len(rows))
	for _, r := range rows {
		out[doorzet.OrderState(r.State)] = r.Count
	}
	return out, nil
}

// CountUnsettled counts those of some bookings that are still on their way, and those that are booked. One whose order or shop was
// set aside is not on its way.
func (db *DB) CountUnsettled(ctx context.Context, bookingIDs []int64) (underway, booked int, err error) {
	var n struct {
		Underway int `db:"underway"`
		Booked   int `db:"booked"`
	}
	err = db.x.GetContext(ctx, &n, `
		SELECT count(*) FILTER (WHERE `+onItsWay+`) AS underway, count(*) FILTER (WHERE b.state = 'booked') AS booked
		  FROM bookings b JOIN orders o ON o.id = b.order_id JOIN shops s ON s.id = b.shop_id
		 WHERE b.id = ANY ($1)`, pq.Array(bookingIDs))
	if err != nil {
		return 0, 0, fmt.Errorf("read bookings: %w", err)
	}
	return n.Underway, n.Booked, nil
}
