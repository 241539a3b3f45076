package postgres

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// known is an order's row as ApplyLooks locks it, joined with its newest invoice booking.
type known struct {
	ID             int64          `db:"id"`
	WooID          int64          `db:"woo_id"`
	OrderKey       string         `db:"order_key"`
	Status         string         `db:"status"`
	CreatedAt      time.Time      `db:"created_at"`
	ModifiedAt     sql.NullTime   `db:"modified_at"`
	LookStartedAt  sql.NullTime   `db:"look_started_at"`
	LookReceivedAt sql.NullTime   `db:"look_received_at"`
	Ignored        bool           `db:"ignored"`
	Expired        bool           `db:"expired"`
	Held           bool           `db:"held"`
	MissingSince   sql.NullTime   `db:"missing_since"`
	Verdict        string         `db:"verdict"`
	BookingID      sql.NullInt64  `db:"booking_id"`
	BookingState   sql.NullString `db:"booking_state"`
	DueStatus      sql.NullString `db:"due_status"`
	ByHand         sql.NullBool   `db:"by_hand"`
	Frozen         sql.NullBool   `db:"frozen"`
}

func (k known) facts() doorzet.Facts {
	state := doorzet.BookingState(k.BookingState.String)
	sent := state == doorzet.BookingSending || state == doorzet.BookingUnknown || state == doorzet.BookingBooked
	return doorzet.Facts{
		Known: true, OrderKey: k.OrderKey, Status: k.Status, Created: k.CreatedAt, Ignored: k.Ignored, Expired: k.Expired,
		MissingSince: clock(k.MissingSince), Booking: state, DueStatus: k.DueStatus.String, DueByHand: k.ByHand.Bool,
		InBooks: sent || k.Frozen.Bool,
	}
}

func (k known) stored() doorzet.Stored {
	return doorzet.Stored{Modified: clock(k.ModifiedAt), StartedAt: clock(k.LookStartedAt), ReceivedAt: clock(k.LookReceivedAt)}
}

// change is what one look writes. The keys of the JSON are the names of the record set in writeLooks.
type change struct {
	ID, WooID, BookingID             int64
	OrderKey, Number, Status, By     string
	Currency, Total                  string
	Created, Started, Received       time.Time
	Modified                         *time.Time
	Counts, Missing, Reopen          bool
	Move, Rule, Sentence             string
	Tell, Changed, New, WasHeld      bool
	Expires, Conflict, Due, Withdraw bool
	DueStatus, Reference             string
	Wake                             bool
	document                         []byte
	facts                            doorzet.Facts
}

// ApplyLooks records what was seen of orders of one shop, judges each by the rules (doorzet.Judge) and writes what follows:
// facts, verdicts, bookings that became due or went back, documents of what is to be booked, the journal. An older look
// never overwrites a newer one, and what is chosen is asked now: a night may have begun under other choices (R1). It is one
// transaction; rows are locked in the order of their keys.
func (db *DB) ApplyLooks(ctx context.Context, a doorzet.LookContext, looks []doorzet.Look) ([]doorzet.Applied, error) {
	looks = newestPerOrder(looks)
	if len(looks) == 0 {
		return nil, nil
	}
	var changes []change
	err := db.inTx(ctx, func(tx *sqlx.Tx) error {
		// The choices of this moment, held until all is written: a change of them waits, and then sees what became due.
		var chosen pq.StringArray
		if err := tx.GetContext(ctx, &chosen, `SELECT statuses FROM shops WHERE id = $1 FOR SHARE`, a.Shop.ID); err != nil {
			return fmt.Errorf("read what is chosen: %w", notFound(err))
		}
		a.Shop.Statuses = chosen
		fresh, err := insertOrders(ctx, tx, a, looks)
		if err != nil {
			return err
		}
		rows, err := lockOrders(ctx, tx, a.Shop.ID, looks)
		if err != nil {
			return err
		}
		changes = judge(a, rows, fresh, looks)
		if len(changes) == 0 {
			return nil
		}
		if err := writeLooks(ctx, tx, a, changes); err != nil {
			return err
		}
		if err := writeBookings(ctx, tx, a, changes); err != nil {
			return err
		}
		if err := writeDocuments(ctx, tx, changes); err != nil {
			return err
		}
		return noteAll(ctx, tx, a.Shop.ID, a.Actor, journal(changes))
	})
	if err != nil {
		return nil, fmt.Errorf("record what was seen of shop %d: %w", a.Shop.ID, err)
	}
	return applied(changes), nil
}

// newestPerOrder keeps the last look of each order and sorts by key.
func newestPerOrder(looks []doorzet.Look) []doorzet.Look {
	last := make(map[int64]doorzet.Look, len(looks))
	for _, l := range looks {
		last[l.WooID] = l
	}
	out := make([]doorzet.Look, 0, len(last))
	for _, l := range last {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b doorzet.Look) int { return cmp.Compare(a.WooID, b.WooID) })
	return out
}

// lockOrders locks the orders of some looks and gives their rows. Nothing is read that is not locked.
func lockOrders(ctx context.Context, tx *sqlx.Tx, shopID int64, looks []doorzet.Look) (map[int64]known, error) {
	ids := make([]int64, len(looks))
	for i, l := range looks {
		ids[i] = l.WooID
	}
	var locked []int64
	err := tx.SelectContext(ctx, &locked, `
		SELECT id FROM orders WHERE shop_id = $1 AND woo_id = ANY ($2) ORDER BY woo_id FOR UPDATE`, shopID, pq.Array(ids))
	if err != nil {
		return nil, err
	}
	// Bookings are locked before they are read: a push that sends one waits for us, or we see that it was sent.
	_, err = tx.ExecContext(ctx, `
		SELECT FROM bookings WHERE order_id = ANY ($1) AND kind = 'invoice' ORDER BY id FOR UPDATE`, pq.Array(locked))
	if err != nil {
		return nil, err
	}
	var rows []known
	err = tx.SelectContext(ctx, &rows, `
		SELECT o.id, o.woo_id, o.order_key, o.status, o.created_at, o.modified_at, o.look_started_at, o.look_received_at,
		       o.ignored_at IS NOT NULL AS ignored, o.expired_at IS NOT NULL AS expired, o.held_at IS NOT NULL AS held,
		       o.missing_since, o.verdict,
		       b.id AS booking_id, b.state AS booking_state, b.due_status, b.by_hand, b.document IS NOT NULL AS frozen
		  FROM orders o
		  LEFT JOIN LATERAL (SELECT * FROM bookings b WHERE b.order_id = o.id AND b.kind = 'invoice'
		                      ORDER BY b.round DESC LIMIT 1) b ON true
		 WHERE o.id = ANY ($1)`, pq.Array(locked))
	if err != nil {
		return nil, err
	}
	out := make(map[int64]known, len(rows))
	for _, r := range rows {
		out[r.WooID] = r
	}
	return out, nil
}

// judge applies the rules to each look. Fresh are the orders that were never seen before; a look of an order that is not stored
// and does not exist changes nothing.
func judge(a doorzet.LookContext, rows map[int64]known, fresh map[int64]bool, looks []doorzet.Look) []change {
	var out []change
	for _, l := range looks {
		row, ok := rows[l.WooID]
		if !ok {
			continue
		}
		f := doorzet.Facts{}
		if !fresh[l.WooID] {
			f = row.facts()
		}
		c := change{
			ID: row.ID, WooID: l.WooID, BookingID: row.BookingID.Int64, OrderKey: l.OrderKey, Number: l.Number, Status: l.Status,
			By: string(l.By), Currency: l.Currency, Total: l.Total.String(), Created: l.Created.UTC(), Started: l.StartedAt.UTC(),
			Received: l.ReceivedAt.UTC(), New: fresh[l.WooID], Counts: l.Counts(row.stored()), Missing: l.Missing, WasHeld: row.Held,
			document: l.Document, facts: f, DueStatus: l.Status, Reference: doorzet.Reference(a.Shop.Prefix, l.WooID, 1),
		}
		if !l.Modified.IsZero() {
			m := l.Modified.UTC()
			c.Modified = &m
		}
		if c.Counts {
			c.decide(doorzet.Judge(a.Shop, a.Since, f, l), row, a.Since)
		}
		out = append(out, c)
	}
	return out
}

func (c *change) decide(v doorzet.Verdict, row known, since time.Time) {
	c.Move, c.Rule, c.Sentence, c.Tell = string(v.Move), v.Rule, v.Sentence, v.Tell
	c.Changed = v.Sentence != row.Verdict
	c.Conflict = v.Move == doorzet.Conflict
	c.Due = v.Move == doorzet.MakeDue
	c.Reopen = v.Move == doorzet.Reopen || v.Move == doorzet.MakeDue
	c.Withdraw = v.Move == doorzet.Withdraw || (v.Move == doorzet.Gone && c.facts.Booking == doorzet.BookingDue)
	c.Expires = v.Move == doorzet.Expire || (v.Move == doorzet.Withdraw && c.facts.Created.Before(since))
	// A held order is made again of what was read now: it may have been mended in the shop or in the settings.
	c.Wake = v.Move == doorzet.Stay && row.Held && c.facts.Booking == doorzet.BookingDue && !c.Missing
}

func journal(changes []change) []doorzet.Event {
	var events []doorzet.Event
	for _, c := range changes {
		if !c.Counts {
			continue
		}
		if !c.New && !c.Missing && !c.Conflict && c.facts.Status != c.Status {
			events = append(events, doorzet.Event{Order: c.WooID, Kind: "status", Text: c.facts.Status + " → " + c.Status})
		}
		if c.Changed && (c.Move != string(doorzet.Stay) || !c.New) {
			events = append(events, doorzet.Event{Order: c.WooID, Kind: "verdict", Text: c.Sentence + " (" + c.Rule + ")"})
		}
	}
	return events
}

func applied(changes []change) []doorzet.Applied {
	out := make([]doorzet.Applied, 0, len(changes))
	for _, c := range changes {
		out = append(out, doorzet.Applied{
			WooID: c.WooID, OrderID: c.ID, New: c.New, Counted: c.Counts, BookingID: c.BookingID,
			Wake:    c.Wake,
			Verdict: doorzet.Verdict{Move: doorzet.Move(c.Move), Rule: c.Rule, Sentence: c.Sentence, Tell: c.Tell},
		})
	}
	return out
}

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
			       night_step = excluded.night_step, next_try_at = now(), wake_at = now(), by_hand = false, attempts = 0, error = ''
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
		UPDATE bookings SET next_try_at = now(), wake_at = now(), night_id = nullif($2, 0), night_step = 'held'
		 WHERE id = ANY ($1) AND state = 'due'`, pq.Array(bookingIDs(held)), a.NightID)
	return err
}

// writeDocuments keeps the documents of orders that are to be booked.
func writeDocuments(ctx context.Context, tx *sqlx.Tx, changes []change) error {
	for _, c := range changes {
		needed := c.Due || c.facts.Booking == doorzet.BookingDue
		if !needed || !c.Counts || c.Conflict || c.document == nil {
			continue
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO documents (order_id, body, read_at) VALUES ($1, $2, $3)
			ON CONFLICT (order_id) DO UPDATE SET body = excluded.body, read_at = excluded.read_at`,
			c.ID, compress(c.document), c.Started)
		if err != nil {
			return err
		}
	}
	return nil
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

func compress(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
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
