package postgres

import (
	"context"
	"fmt"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Wake takes bookings that are due to be worked on, moves their wake-up ahead in the same statement, and returns them to be
// enqueued: of each shop the freshest first and at most doorzet.WakePerShop at the same time, so that a large backlog never
// stands before another shop's fresh order. shopID 0 is all shops.
func (db *DB) Wake(ctx context.Context, shopID int64, limit int) ([]doorzet.WakeUp, error) {
	return db.wakeUps(ctx, `
		WITH shops_due AS (
			SELECT b.shop_id, count(*) FILTER (WHERE b.wake_at > clock_timestamp()) AS woken
			  FROM bookings b JOIN shops s ON s.id = b.shop_id
			 WHERE b.state IN ('due', 'sending', 'unknown') AND b.next_try_at <= clock_timestamp()
			   AND ($1 = 0 OR b.shop_id = $1)
			 GROUP BY b.shop_id
		), picked AS (
			SELECT p.id FROM shops_due d JOIN shops s ON s.id = d.shop_id
			 CROSS JOIN LATERAL (
				SELECT b.id FROM bookings b
				 WHERE b.shop_id = d.shop_id AND b.next_try_at <= clock_timestamp() AND b.wake_at <= clock_timestamp()
				   AND (b.claimed_until IS NULL OR b.claimed_until < clock_timestamp())
				   AND (b.state IN ('sending', 'unknown')
				        OR b.state = 'due' AND s.paused_at IS NULL AND s.blocked_why = '' AND NOT EXISTS (
				           SELECT FROM orders o WHERE o.id = b.order_id AND (o.ignored_at IS NOT NULL OR o.conflict_key <> '')))
				 ORDER BY b.due_at DESC, b.id LIMIT greatest(0, $2 - d.woken) FOR UPDATE SKIP LOCKED) p
			 LIMIT $3)
		UPDATE bookings SET wake_at = clock_timestamp() + $4 * interval '1 second'
		  FROM picked WHERE bookings.id = picked.id RETURNING bookings.id, bookings.shop_id, (SELECT pool FROM shops s WHERE s.id = bookings.shop_id) AS pool`,
		shopID, doorzet.WakePerShop, limit, doorzet.WakePause.Seconds())
}

// SweepNights moves the wake-up of nights ahead that nobody works on though they are due, and returns them to be enqueued: only those
// that a worker left behind, or also those that no worker has taken yet.
func (db *DB) SweepNights(ctx context.Context, limit int, onlyLeftBehind bool) ([]doorzet.WakeUp, error) {
	return db.wakeUps(ctx, `
		WITH picked AS (
			SELECT id FROM nights n
			 WHERE state IN ('planned', 'running') AND next_try_at <= clock_timestamp() AND wake_at <= clock_timestamp()
			   AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
			   AND (state = 'running' OR NOT $3)
			   AND NOT EXISTS (SELECT FROM shops s WHERE s.id = n.shop_id AND s.paused_at IS NOT NULL)
			   AND NOT EXISTS (SELECT FROM nights o WHERE o.shop_id = n.shop_id AND o.state = 'running' AND o.id <> n.id
			                    AND o.claimed_until >= clock_timestamp())
			 ORDER BY next_try_at LIMIT $1 FOR UPDATE SKIP LOCKED)
		UPDATE nights SET wake_at = clock_timestamp() + $2 * interval '1 second'
		  FROM picked WHERE nights.id = picked.id RETURNING nights.id, nights.shop_id, (SELECT pool FROM shops s WHERE s.id = nights.shop_id) AS pool`,
		limit, doorzet.WakePause.Seconds(), onlyLeftBehind)
}

// wakeUps runs a sweep, which gives the ids and the pools of rows to wake.
func (db *DB) wakeUps(ctx context.Context, statement string, args ...any) ([]doorzet.WakeUp, error) {
	var rows []struct {
		ID     int64  `db:"id"`
		ShopID int64  `db:"shop_id"`
		Pool   string `db:"pool"`
	}
	if err := db.x.SelectContext(ctx, &rows, statement, args...); err != nil {
		return nil, fmt.Errorf("take rows that are due: %w", err)
	}
	out := make([]doorzet.WakeUp, len(rows))
	for i, r := range rows {
		out[i] = doorzet.WakeUp{ID: r.ID, ShopID: r.ShopID, Pool: r.Pool}
	}
	return out, nil
}
