package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// note appends an entry about a shop to the journal within a transaction.
func note(ctx context.Context, tx *sqlx.Tx, shopID int64, actor, kind, text string) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO events (shop_id, actor, kind, text) VALUES ($1, $2, $3, $4)`, shopID, actor, kind, text)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// noteAll appends many entries about orders of one shop.
func noteAll(ctx context.Context, tx *sqlx.Tx, shopID int64, actor string, events []doorzet.Event) error {
	if len(events) == 0 {
		return nil
	}
	list, err := json.Marshal(events)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO events (shop_id, woo_id, actor, kind, text)
		SELECT $1, x."Order", $2, x."Kind", x."Text"
		  FROM jsonb_to_recordset(CAST($3 AS jsonb)) AS x("Order" bigint, "Kind" text, "Text" text)`,
		shopID, actor, string(list))
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// Events is the journal of one order, oldest first; wooID 0 is the journal of the whole shop.
func (db *DB) Events(ctx context.Context, shopID, wooID int64) ([]doorzet.Event, error) {
	var rows []struct {
		At    time.Time `db:"at"`
		Actor string    `db:"actor"`
		Kind  string    `db:"kind"`
		Text  string    `db:"text"`
		Order int64     `db:"woo_id"`
	}
	err := db.x.SelectContext(ctx, &rows, `
		SELECT at, actor, kind, text, coalesce(woo_id, 0) AS woo_id FROM events
		 WHERE shop_id = $1 AND ($2 = 0 OR woo_id = $2) ORDER BY id`, shopID, wooID)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	out := make([]doorzet.Event, len(rows))
	for i, r := range rows {
		out[i] = doorzet.Event{At: r.At.UTC(), Actor: r.Actor, Kind: r.Kind, Text: r.Text, Order: r.Order}
	}
	return out, nil
}
