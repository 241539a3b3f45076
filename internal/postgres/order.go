package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

type orderRow struct {
	ID           int64           `db:"id"`
	ShopID       int64           `db:"shop_id"`
	WooID        int64           `db:"woo_id"`
	OrderKey     string          `db:"order_key"`
	Number       string          `db:"number"`
	Status       string          `db:"status"`
	State        string          `db:"state"`
	Total        decimal.Decimal `db:"total"`
	Currency     string          `db:"currency"`
	CreatedAt    time.Time       `db:"created_at"`
	ModifiedAt   sql.NullTime    `db:"modified_at"`
	LookAt       sql.NullTime    `db:"look_received_at"`
	Looks        int             `db:"looks"`
	VerdictMove  string          `db:"verdict_move"`
	VerdictRule  string          `db:"verdict_rule"`
	Verdict      string          `db:"verdict"`
	VerdictTell  bool            `db:"verdict_tell"`
	VerdictAt    sql.NullTime    `db:"verdict_at"`
	HeldWhy      string          `db:"held_why"`
	IgnoredWhy   string          `db:"ignored_why"`
	IgnoredBy    string          `db:"ignored_by"`
	MissingSince sql.NullTime    `db:"missing_since"`
	ConflictKey  string          `db:"conflict_key"`
	Booking      string          `db:"booking_state"`
	DueStatus    string          `db:"due_status"`
	Reference    string          `db:"reference"`
	Attempts     int             `db:"attempts"`
	Error        string          `db:"error"`
	NextTryAt    sql.NullTime    `db:"next_try_at"`
}

func (r orderRow) order() doorzet.OrderRow {
	held := r.HeldWhy
	if r.ConflictKey != "" {
		held = r.Verdict
	}
	return doorzet.OrderRow{
		ID: r.ID, ShopID: r.ShopID, WooID: r.WooID, OrderKey: r.OrderKey, Number: r.Number, Status: r.Status,
		State: doorzet.OrderState(r.State), Total: r.Total.StringFixed(2), Currency: r.Currency, Created: r.CreatedAt.UTC(),
		Modified: clock(r.ModifiedAt), LastLookAt: clock(r.LookAt), Looks: r.Looks,
		Verdict:   doorzet.Verdict{Move: doorzet.Move(r.VerdictMove), Rule: r.VerdictRule, Sentence: r.Verdict, Tell: r.VerdictTell},
		VerdictAt: clock(r.VerdictAt), HeldWhy: held, IgnoredWhy: r.IgnoredWhy, IgnoredBy: r.IgnoredBy,
		MissingSince: clock(r.MissingSince), Booking: doorzet.BookingState(r.Booking), DueStatus: r.DueStatus,
		Reference: r.Reference, Attempts: r.Attempts, Error: r.Error, NextTry: clock(r.NextTryAt),
	}
}

const selectOrder = `
	SELECT id, shop_id, woo_id, order_key, number, status, state, total, currency, created_at, modified_at,
	       look_received_at, looks, verdict_move, verdict_rule, verdict, verdict_tell, verdict_at, held_why, ignored_why,
	       ignored_by, missing_since, conflict_key, booking_state, due_status, reference, attempts, error, next_try_at
	  FROM order_states`

// EachOrder calls f for each order of a shop, by the shop's ids, drafts left out. State "" is every state; limit 0 is all.
// Rows are streamed: memory does not grow with their number.
func (db *DB) EachOrder(ctx context.Context, shopID int64, state doorzet.OrderState, limit int, f func(doorzet.OrderRow) error) error {
	rows, err := db.x.QueryxContext(ctx, selectOrder+`
		 WHERE shop_id = $1 AND ($2 = '' AND state <> 'draft' OR state = $2)
		 ORDER BY woo_id LIMIT nullif($3, 0)`, shopID, string(state), limit)
	if err != nil {
		return fmt.Errorf("list the orders of shop %d: %w", shopID, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r orderRow
		if err := rows.StructScan(&r); err != nil {
			return fmt.Errorf("read an order of shop %d: %w", shopID, err)
		}
		if err := f(r.order()); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Order is one order by the shop's id of it.
func (db *DB) Order(ctx context.Context, shopID, wooID int64) (doorzet.OrderRow, error) {
	var r orderRow
	err := db.x.GetContext(ctx, &r, selectOrder+` WHERE shop_id = $1 AND woo_id = $2`, shopID, wooID)
	if err != nil {
		return doorzet.OrderRow{}, fmt.Errorf("order %d of shop %d: %w", wooID, shopID, notFound(err))
	}
	return r.order(), nil
}

// CountOpen counts the open orders inside the window: the count of R3. Expired ones that a wider window holds again are open
// as well, also before Widen said so, as a rehearsal's does not last.
func (db *DB) CountOpen(ctx context.Context, shopID int64, since time.Time) (int, error) {
	var n int
	err := db.x.GetContext(ctx, &n, `
		SELECT (SELECT count(*) FROM open_orders WHERE shop_id = $1 AND created_at >= $2)
		     + (SELECT count(*) FROM order_states WHERE shop_id = $1 AND created_at >= $2 AND expired_at IS NOT NULL AND state = 'expired')`,
		shopID, since)
	if err != nil {
		return 0, fmt.Errorf("count the open orders of shop %d: %w", shopID, err)
	}
	return n, nil
}

// ToLookAt are the orders that a night still has to look at in step 3: first the open ones inside the window (those whose last
// seen status has meanwhile been chosen at the front, then the oldest look first), and apart from them the ones outside the
// count: the last look of open orders that left the window (R4), and held orders. Orders that this night has looked at
// already, and those it saw first, are left out.
func (db *DB) ToLookAt(ctx context.Context, shop doorzet.Shop, nightID int64, since time.Time) (inside, outside []int64, err error) {
	err = db.x.SelectContext(ctx, &inside, `
		SELECT woo_id FROM (
			SELECT woo_id, status, look_started_at FROM open_orders
			 WHERE shop_id = $1 AND created_at >= $2 AND looked_night_id IS DISTINCT FROM $3 AND first_night_id IS DISTINCT FROM $3
			UNION ALL
			SELECT woo_id, status, look_started_at FROM order_states
			 WHERE shop_id = $1 AND created_at >= $2 AND looked_night_id IS DISTINCT FROM $3 AND first_night_id IS DISTINCT FROM $3
			   AND expired_at IS NOT NULL AND state = 'expired') o
		 ORDER BY status = ANY ($4) DESC, look_started_at NULLS FIRST, woo_id`,
		shop.ID, since, nightID, pq.StringArray(shop.Statuses))
	if err != nil {
		return nil, nil, fmt.Errorf("list the open orders of shop %d: %w", shop.ID, err)
	}
	err = db.x.SelectContext(ctx, &outside, `
		SELECT woo_id FROM open_orders
		 WHERE shop_id = $1 AND created_at < $2 AND looked_night_id IS DISTINCT FROM $3 AND first_night_id IS DISTINCT FROM $3
		UNION ALL
		SELECT woo_id FROM order_states
		 WHERE shop_id = $1 AND (held_at IS NOT NULL OR conflict_key <> '') AND state = 'held'
		   AND looked_night_id IS DISTINCT FROM $3 AND first_night_id IS DISTINCT FROM $3
		 ORDER BY woo_id`, shop.ID, since, nightID)
	if err != nil {
		return nil, nil, fmt.Errorf("list the orders of shop %d outside the count: %w", shop.ID, err)
	}
	return inside, outside, nil
}

// Known tells which of some orders are stored already, and when each was last modified in the shop.
func (db *DB) Known(ctx context.Context, shopID int64, wooIDs []int64) (map[int64]time.Time, error) {
	var rows []struct {
		WooID    int64        `db:"woo_id"`
		Modified sql.NullTime `db:"modified_at"`
	}
	err := db.x.SelectContext(ctx, &rows, `
		SELECT woo_id, modified_at FROM orders WHERE shop_id = $1 AND woo_id = ANY ($2)`, shopID, pq.Array(wooIDs))
	if err != nil {
		return nil, fmt.Errorf("look up orders of shop %d: %w", shopID, err)
	}
	out := make(map[int64]time.Time, len(rows))
	for _, r := range rows {
		out[r.WooID] = clock(r.Modified)
	}
	return out, nil
}

// Widen brings expired orders back that a wider window holds again (R4).
func (db *DB) Widen(ctx context.Context, shopID int64, since time.Time) error {
	return db.inTx(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE orders SET expired_at = NULL, verdict_move = 'reopened', verdict_rule = 'R4', verdict_tell = false,
			       verdict = 'Inside the window again: the window widened.', verdict_at = now()
			 WHERE shop_id = $1 AND expired_at IS NOT NULL AND created_at >= $2`, shopID, since)
		if err != nil {
			return fmt.Errorf("widen the window of shop %d: %w", shopID, err)
		}
		return nil
	})
}

// Ignore sets orders aside by hand (R10). It returns the ids it found.
func (db *DB) Ignore(ctx context.Context, shopID int64, wooIDs []int64, why, actor string) ([]int64, error) {
	return db.ignoring(ctx, shopID, actor, "Ignored"+reason(why)+".", `
		UPDATE orders SET ignored_at = coalesce(ignored_at, now()), ignored_by = $3, ignored_why = $4
		 WHERE shop_id = $1 AND woo_id = ANY ($2) RETURNING woo_id`, shopID, pq.Array(wooIDs), actor, why)
}

// Unignore takes orders back that were ignored; the caller reads them again (R10).
func (db *DB) Unignore(ctx context.Context, shopID int64, wooIDs []int64, actor string) ([]int64, error) {
	return db.ignoring(ctx, shopID, actor, "No longer ignored.", `
		UPDATE orders SET ignored_at = NULL, ignored_by = '', ignored_why = ''
		 WHERE shop_id = $1 AND woo_id = ANY ($2) RETURNING woo_id`, shopID, pq.Array(wooIDs))
}

func reason(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

func (db *DB) ignoring(ctx context.Context, shopID int64, actor, text, update string, args ...any) ([]int64, error) {
	var ids []int64
	err := db.inTx(ctx, func(tx *sqlx.Tx) error {
		ids = nil
		if err := tx.SelectContext(ctx, &ids, update, args...); err != nil {
			return fmt.Errorf("change orders of shop %d: %w", shopID, err)
		}
		events := make([]doorzet.Event, len(ids))
		for i, id := range ids {
			events[i] = doorzet.Event{Order: id, Kind: "hand", Text: text}
		}
		return noteAll(ctx, tx, shopID, actor, events)
	})
	return ids, err
}

// PushByHand makes an order due whatever its status, after it was read again (R10). An order that is ignored is no longer. Its
// books are asked for the reference before anything is made there. It returns the id of the booking; one that is in the
// books already is an InputError.
func (db *DB) PushByHand(ctx context.Context, shop doorzet.Shop, wooID int64, actor string) (int64, error) {
	var id int64
	err := db.inTx(ctx, func(tx *sqlx.Tx) error {
		var o struct {
			ID       int64  `db:"id"`
			Status   string `db:"status"`
			Conflict string `db:"conflict_key"`
		}
		err := tx.GetContext(ctx, &o, `
			UPDATE orders SET ignored_at = NULL, ignored_by = '', ignored_why = ''
			 WHERE shop_id = $1 AND woo_id = $2 RETURNING id, status, conflict_key`, shop.ID, wooID)
		if err != nil {
			return fmt.Errorf("order %d: %w", wooID, notFound(err))
		}
		if o.Conflict != "" {
			return doorzet.Input("order %d: the shop now has another order under this id; it cannot be pushed under the same reference", wooID)
		}
		err = tx.GetContext(ctx, &id, `
			INSERT INTO bookings (shop_id, order_id, kind, woo_id, state, due_status, by_hand, asked_by, next_try_at, reference)
			VALUES ($1, $2, 'invoice', $3, 'due', $4, true, $5, now(), $6)
			ON CONFLICT (shop_id, kind, woo_id, round) DO UPDATE
			   SET state = 'due', by_hand = true, asked_by = excluded.asked_by, next_try_at = now(), wake_at = now(),
			       attempts = 0, error = '', document = NULL
			 WHERE bookings.state IN ('due', 'withdrawn', 'refused', 'nothing') AND
			       (bookings.claimed_until IS NULL OR bookings.claimed_until < clock_timestamp())
			RETURNING id`,
			shop.ID, o.ID, wooID, o.Status, actor, doorzet.Reference(shop.Prefix, wooID, 1))
		if notFound(err) == doorzet.ErrNotFound { //nolint:errorlint // notFound returns the bare sentinel
			return doorzet.Input("order %d is in the books already, or is being pushed right now (see: doorzet order show --shop %d %d)", wooID, shop.ID, wooID)
		}
		if err != nil {
			return err
		}
		event := doorzet.Event{Order: wooID, Kind: "hand", Text: "Push now, with status " + o.Status + "."}
		return noteAll(ctx, tx, shop.ID, actor, []doorzet.Event{event})
	})
	if err != nil {
		return 0, fmt.Errorf("push by hand: %w", err)
	}
	return id, nil
}
