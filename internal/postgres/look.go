package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
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
