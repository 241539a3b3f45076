package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// refuseSameBooks refuses books that another shop with the same store id pushes to: one of them is a copy (R14).
func refuseSameBooks(ctx context.Context, q sqlx.QueryerContext, s doorzet.Shop) error {
	var other int64
	err := sqlx.GetContext(ctx, q, &other, `
		SELECT id FROM shops WHERE store_id = $1 AND store_id <> '' AND books_id = $2 AND id <> $3 ORDER BY id LIMIT 1`,
		s.StoreID, s.BooksID, s.ID)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look for the store id: %w", err)
	}
	return doorzet.Input("a copy of shop %d may never push to the same books (%d): choose other books with --books", other, s.BooksID)
}

// SetShop stores what differs between two versions of a shop's settings: all but its prefix. Settings that others changed since
// before was read stay as they are. What that means for orders follows at once: due orders whose status is no longer chosen
// go back to open (R1), and the next night is planned anew. changes are sentences for the journal. An earlier start date
// causes a comparison of all ids at the next night.
func (db *DB) SetShop(ctx context.Context, before, after doorzet.Shop, changes []string, actor string) error {
	err := db.inTx(ctx, func(tx *sqlx.Tx) error {
		var r shopRow
		if err := tx.GetContext(ctx, &r, selectShop+` WHERE id = $1 FOR UPDATE`, after.ID); err != nil {
			return fmt.Errorf("shop %d: %w", after.ID, notFound(err))
		}
		now, err := r.shop(db.keys)
		if err != nil {
			return err
		}
		s := merged(now, before, after)
		if err := refuseSameBooks(ctx, tx, s); err != nil {
			return err
		}
		if err := db.storeShop(ctx, tx, s); err != nil {
			return err
		}
		if now.TimeZone != s.TimeZone || now.NightHours != s.NightHours {
			next := doorzet.Retimed(now.NextNightAt, time.Now(), s.NightHours, s.Location(), s.ID)
			if err := scheduleNight(ctx, tx, s, next); err != nil {
				return err
			}
		}
		for _, c := range changes {
			if err := note(ctx, tx, s.ID, actor, "settings", c); err != nil {
				return err
			}
		}
		return withdrawUnchosen(ctx, tx, s.ID, actor)
	})
	return shopConflict(err, after)
}

// merged is the shop of now with what differs between before and after.
func merged(now, before, after doorzet.Shop) doorzet.Shop {
	take(&now.Name, before.Name, after.Name)
	take(&now.URL, before.URL, after.URL)
	take(&now.Home, before.Home, after.Home)
	take(&now.StoreID, before.StoreID, after.StoreID)
	take(&now.Key, before.Key, after.Key)
	take(&now.Secret, before.Secret, after.Secret)
	take(&now.TimeZone, before.TimeZone, after.TimeZone)
	take(&now.StartDate, before.StartDate, after.StartDate)
	take(&now.NightHours, before.NightHours, after.NightHours)
	take(&now.Remainder, before.Remainder, after.Remainder)
	take(&now.BooksID, before.BooksID, after.BooksID)
	take(&now.WooVersion, before.WooVersion, after.WooVersion)
	take(&now.Auth, before.Auth, after.Auth)
	take(&now.Pool, before.Pool, after.Pool)
	take(&now.BlockedWhy, before.BlockedWhy, after.BlockedWhy)
	if !slices.Equal(before.Statuses, after.Statuses) {
		now.Statuses = after.Statuses
	}
	return now
}

func take[T comparable](field *T, before, after T) {
	if before != after {
		*field = after
	}
}

func (db *DB) storeShop(ctx context.Context, tx *sqlx.Tx, s doorzet.Shop) error {
	key, err := db.keys.seal(s.Key)
	if err != nil {
		return err
	}
	secret, err := db.keys.seal(s.Secret)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE shops
		   SET name = $2, url = $3, home = $4, home_key = $5, store_id = $6, consumer_key = $7, consumer_secret = $8,
		       time_zone = $9, start_date = $10, starts_at = $11, statuses = $12, night_from = $13, night_to = $14,
		       remainder = $15, books_id = $16, woo_version = $17, auth = $18, blocked_why = $19, pool = $20,
		       full_import_at = CASE WHEN $11 < starts_at THEN NULL ELSE full_import_at END
		 WHERE id = $1`,
		s.ID, s.Name, s.URL, s.Home, doorzet.HomeKey(s.Home), s.StoreID, key, secret, s.TimeZone, s.StartDate.String(),
		s.StartsAt(), pq.StringArray(s.Statuses), s.NightHours.From, s.NightHours.To, s.Remainder, s.BooksID,
		s.WooVersion, s.Auth, s.BlockedWhy, s.Pool)
	return err
}

// withdrawUnchosen sends due orders back to open when neither the status that made them due nor the one last seen is chosen
// any more (R1). Those being sent, frozen by an earlier attempt or pushed by hand stay.
func withdrawUnchosen(ctx context.Context, tx *sqlx.Tx, shopID int64, actor string) error {
	var rows []struct {
		WooID  int64  `db:"woo_id"`
		Status string `db:"due_status"`
	}
	err := tx.SelectContext(ctx, &rows, `
		WITH back AS (
			UPDATE bookings b
			   SET state = 'withdrawn', next_try_at = NULL, claim_token = claim_token + 1, claimed_until = NULL, error = ''
			  FROM orders o, shops s
			 WHERE b.shop_id = $1 AND b.state = 'due' AND NOT b.by_hand AND b.document IS NULL
			   AND o.id = b.order_id AND s.id = b.shop_id
			   AND b.due_status <> ALL (s.statuses) AND o.status <> ALL (s.statuses)
			RETURNING b.order_id, b.due_status
		)
		UPDATE orders o
		   SET held_at = NULL, held_rule = '', held_why = '', verdict_move = 'withdrawn', verdict_rule = 'R1', verdict_at = now(),
		       verdict = 'Status ' || back.due_status || ', which made it due, is no longer chosen. It is open again.',
		       verdict_tell = true
		  FROM back WHERE o.id = back.order_id
		RETURNING o.woo_id, back.due_status`, shopID)
	if err != nil {
		return fmt.Errorf("send orders back to open: %w", err)
	}
	events := make([]doorzet.Event, len(rows))
	for i, r := range rows {
		events[i] = doorzet.Event{Order: r.WooID, Kind: "verdict", Text: "Status " + r.Status + ", which made it due, is no longer chosen. It is open again. (R1)"}
	}
	return noteAll(ctx, tx, shopID, actor, events)
}

// CountWouldPush counts the open orders whose last seen status is among statuses: what choosing them would push (R11).
func (db *DB) CountWouldPush(ctx context.Context, shopID int64, statuses []string) ([]int64, error) {
	var ids []int64
	err := db.x.SelectContext(ctx, &ids, `
		SELECT woo_id FROM open_orders WHERE shop_id = $1 AND status = ANY ($2) ORDER BY woo_id`,
		shopID, pq.StringArray(statuses))
	if err != nil {
		return nil, fmt.Errorf("count the open orders: %w", err)
	}
	return ids, nil
}

// Pause stops nights and pushes of a shop until Resume. Nothing is lost: rows stay, and are taken up again.
func (db *DB) Pause(ctx context.Context, shopID int64, actor string) error {
	return db.pausing(ctx, shopID, actor, "Paused.", `UPDATE shops SET paused_at = coalesce(paused_at, now()) WHERE id = $1`)
}

// Resume ends a pause. Due orders are pushed by the next sweep.
func (db *DB) Resume(ctx context.Context, shopID int64, actor string) error {
	return db.pausing(ctx, shopID, actor, "Resumed.", `UPDATE shops SET paused_at = NULL WHERE id = $1`)
}

func (db *DB) pausing(ctx context.Context, shopID int64, actor, text, update string) error {
	return db.inTx(ctx, func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, update, shopID)
		if err != nil {
			return fmt.Errorf("pause shop %d: %w", shopID, err)
		}
		if n, _ := res.RowsAffected(); n == 0 {
			return fmt.Errorf("shop %d: %w", shopID, doorzet.ErrNotFound)
		}
		return note(ctx, tx, shopID, actor, "shop", text)
	})
}
