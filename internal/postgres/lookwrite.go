package postgres

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// insertOrders makes the rows of orders not seen before, and tells which those are. It comes before any lock: who waits here
// for the same order of another transaction holds nothing that the other one waits for.
func insertOrders(ctx context.Context, tx *sqlx.Tx, a doorzet.LookContext, looks []doorzet.Look) (map[int64]bool, error) {
	type row struct {
		WooID   int64
		Created time.Time
	}
	var seen []row
	for _, l := range looks {
		if !l.Missing {
			seen = append(seen, row{l.WooID, l.Created.UTC()})
		}
	}
	if len(seen) == 0 {
		return nil, nil
	}
	var ids []int64
	err := tx.SelectContext(ctx, &ids, `
		INSERT INTO orders (shop_id, woo_id, created_at, first_night_id)
		SELECT $1, x."WooID", x."Created", nullif($3, 0)
		  FROM jsonb_to_recordset(CAST($2 AS jsonb)) AS x("WooID" bigint, "Created" timestamptz)
		 WHERE NOT EXISTS (SELECT FROM orders o WHERE o.shop_id = $1 AND o.woo_id = x."WooID")
		 ORDER BY x."WooID"
		ON CONFLICT (shop_id, woo_id) DO NOTHING
		RETURNING woo_id`, a.Shop.ID, asJSON(seen), a.NightID)
	if err != nil {
		return nil, err
	}
	fresh := make(map[int64]bool, len(ids))
	for _, id := range ids {
		fresh[id] = true
	}
	return fresh, nil
}

// writeLooks writes facts and verdicts. Of a look that does not count only the night's mark is written; of a conflicting
// order (R14) nothing that would replace the order we knew.
func writeLooks(ctx context.Context, tx *sqlx.Tx, a doorzet.LookContext, changes []change) error {
	_, err := tx.ExecContext(ctx, `
		WITH x AS (
			SELECT * FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS x(
				"ID" bigint, "OrderKey" text, "Number" text, "Status" text, "By" text, "Currency" text, "Total" numeric,
				"Created" timestamptz, "Modified" timestamptz, "Started" timestamptz, "Received" timestamptz,
				"Counts" boolean, "Missing" boolean, "Reopen" boolean, "Move" text, "Rule" text, "Sentence" text,
				"Tell" boolean, "Changed" boolean, "Expires" boolean, "Conflict" boolean, "Withdraw" boolean)
		), seen AS (
			SELECT *, "Counts" AND NOT "Missing" AND NOT "Conflict" AS facts FROM x
		)
		UPDATE orders o
		   SET order_key        = CASE WHEN facts AND "OrderKey" <> '' THEN "OrderKey" ELSE order_key END,
		       number           = CASE WHEN facts THEN "Number" ELSE number END,
		       status           = CASE WHEN facts THEN "Status" ELSE status END,
		       currency         = CASE WHEN facts THEN "Currency" ELSE currency END,
		       total            = CASE WHEN facts THEN "Total" ELSE total END,
		       created_at       = CASE WHEN facts THEN "Created" ELSE created_at END,
		       modified_at      = CASE WHEN facts THEN "Modified" ELSE modified_at END,
		       look_started_at  = CASE WHEN "Counts" THEN "Started" ELSE look_started_at END,
		       look_received_at = CASE WHEN "Counts" THEN "Received" ELSE look_received_at END,
		       look_by          = CASE WHEN "Counts" THEN "By" ELSE look_by END,
		       looks            = looks + CASE WHEN "Counts" THEN 1 ELSE 0 END,
		       looked_night_id  = CASE WHEN $3 THEN $2 ELSE looked_night_id END,
		       verdict_move     = CASE WHEN "Counts" AND "Changed" THEN "Move" ELSE verdict_move END,
		       verdict_rule     = CASE WHEN "Counts" AND "Changed" THEN "Rule" ELSE verdict_rule END,
		       verdict          = CASE WHEN "Counts" AND "Changed" THEN "Sentence" ELSE verdict END,
		       verdict_tell     = CASE WHEN "Counts" AND "Changed" THEN "Tell" ELSE verdict_tell END,
		       verdict_at       = CASE WHEN "Counts" AND "Changed" THEN now() ELSE verdict_at END,
		       conflict_key     = CASE WHEN "Conflict" THEN "OrderKey" WHEN facts THEN '' ELSE conflict_key END,
		       missing_since    = CASE WHEN facts THEN NULL WHEN "Move" = 'missing' THEN "Started" ELSE missing_since END,
		       gone_at          = CASE WHEN facts THEN NULL WHEN "Move" = 'gone' THEN now() ELSE gone_at END,
		       gone_night_id    = CASE WHEN "Move" = 'gone' THEN nullif($2, 0) ELSE gone_night_id END,
		       expired_at       = CASE WHEN "Expires" THEN now() WHEN "Reopen" THEN NULL ELSE expired_at END,
		       expired_night_id = CASE WHEN "Expires" THEN nullif($2, 0) ELSE expired_night_id END,
		       held_at          = CASE WHEN "Withdraw" THEN NULL ELSE held_at END,
		       held_rule        = CASE WHEN "Withdraw" THEN '' ELSE held_rule END,
		       held_why         = CASE WHEN "Withdraw" THEN '' ELSE held_why END
		  FROM seen WHERE o.id = seen."ID"`, asJSON(changes), a.NightID, a.Marks)
	return err
}

// writeBookings makes bookings due, sends them back, and wakes held ones. What becomes due keeps the moment at which a
// chosen status was first seen, also when it was withdrawn in between.
func writeBookings(ctx context.Context, tx *sqlx.Tx, a doorzet.LookContext, changes []change) error {
	due := only(changes, func(c change) bool { return c.Due })
	if len(due) > 0 {
		var rows []struct {
			ID      int64 `db:"id"`
			OrderID int64 `db:"order_id"`
		}
		err := tx.SelectContext(ctx, &rows, `
			INSERT INTO bookings (shop_id, order_id, kind, woo_id, state, due_status, night_id, night_step, next_try_at, reference)
			SELECT $1, x."ID", 'invoice', x."WooID", 'due', x."DueStatus", nullif($3, 0), $4, now(), x."Reference"
			  FROM jsonb_to_recordset(CAST($2 AS jsonb)) AS x("ID" bigint, "WooID" bigint, "DueStatus" text, "Reference" text)
			 ORDER BY x."WooID"
			ON CONFLICT (shop_id, kind, woo_id, round) DO UPDATE
			   SET state = 'due', due_status = excluded.due_status, night_id = excluded.night_id,
			       night_step = excluded.night_step, again_night_id = NULL, next_try_at = now(), wake_at = now(), by_hand = false, attempts = 0, error = ''
			 WHERE bookings.state IN ('withdrawn', 'nothing')
			RETURNING id, order_id`, a.Shop.ID, asJSON(due), a.NightID, a.Step)
		if err != nil {
			return err
		}
		ids := make(map[int64]int64, len(rows))
		for _, r := range rows {
			ids[r.OrderID] = r.ID
		}
		for i := range changes {
			if changes[i].Due {
				changes[i].BookingID, changes[i].Wake = ids[changes[i].ID], true
			}
		}
	}
	back := only(changes, func(c change) bool { return c.Withdraw })
	if len(back) > 0 {
		_, err := tx.ExecContext(ctx, `
			UPDATE bookings SET state = 'withdrawn', next_try_at = NULL, claim_token = claim_token + 1, claimed_until = NULL, error = ''
			 WHERE id = ANY ($1) AND state = 'due'`, pq.Array(bookingIDs(back)))
		if err != nil {
			return err
		}
	}
	held := only(changes, func(c change) bool { return c.Wake && !c.Due })
	if len(held) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE bookings SET next_try_at = now(), wake_at = now(), again_night_id = nullif($2, 0)
		 WHERE id = ANY ($1) AND state = 'due'`, pq.Array(bookingIDs(held)), a.NightID)
	return err
}

// writeDocuments keeps the documents of orders that are to be booked.
func writeDocuments(ctx context.Context, tx *sqlx.Tx, changes []change) error {
	var ids []int64
	var bodies pq.ByteaArray
	var read []string
	for _, c := range changes {
		needed := c.Due || c.facts.Booking == doorzet.BookingDue
		if needed && c.Counts && !c.Conflict && c.document != nil {
			ids, bodies, read = append(ids, c.ID), append(bodies, compress(c.document)), append(read, c.Started.Format(time.RFC3339Nano))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO documents (order_id, body, read_at)
		SELECT * FROM unnest(CAST($1 AS bigint[]), CAST($2 AS bytea[]), CAST($3 AS timestamptz[]))
		ON CONFLICT (order_id) DO UPDATE SET body = excluded.body, read_at = excluded.read_at`,
		pq.Array(ids), bodies, pq.Array(read))
	return err
}

func only(changes []change, keep func(change) bool) []change {
	var out []change
	for _, c := range changes {
		if keep(c) {
			out = append(out, c)
		}
	}
	return out
}

func bookingIDs(changes []change) []int64 {
	out := make([]int64, len(changes))
	for i, c := range changes {
		out[i] = c.BookingID
	}
	return out
}

// asJSON is a list as one parameter: text, because binary parameters cannot be jsonb.
func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of ours always marshal
	}
	return string(b)
}

// packers are used again: a new one is most of a megabyte.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func compress(b []byte) []byte {
	var buf bytes.Buffer
	w := packers.Get().(*gzip.Writer) //nolint:forcetypeassert,errcheck // the pool holds nothing else
	defer packers.Put(w)
	w.Reset(&buf)
	_, _ = w.Write(b) // a buffer takes everything
	_ = w.Close()
	return buf.Bytes()
}

func decompress(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("unpack a stored document: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(r, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("unpack a stored document: %w", err)
	}
	return out, nil
}
