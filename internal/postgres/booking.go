package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/doorzet/doorzet/internal/doorzet"
)

type claimRow struct {
	shopRow
	BookingID  int64          `db:"booking_id"`
	State      string         `db:"state"`
	Token      int64          `db:"claim_token"`
	Until      time.Time      `db:"claimed_until"`
	WooID      int64          `db:"woo_id"`
	Reference  string         `db:"reference"`
	ByHand     bool           `db:"by_hand"`
	DueStatus  string         `db:"due_status"`
	DueAt      time.Time      `db:"due_at"`
	NightID    sql.NullInt64  `db:"night_id"`
	Attempts   int            `db:"attempts"`
	Lookups    int            `db:"lookups"`
	SentAt     sql.NullTime   `db:"sent_at"`
	Frozen     sql.NullString `db:"document"`
	Body       []byte         `db:"body"`
	ReadAt     sql.NullTime   `db:"read_at"`
	BooksKind  string         `db:"books_kind"`
	BooksName  string         `db:"books_name"`
	BooksDir   string         `db:"books_dir"`
	BooksBooks string         `db:"books_seller"`
	BooksKey   int64          `db:"books_key"`
	CreatedAt  time.Time      `db:"order_created_at"`
	RestoredAt sql.NullTime   `db:"restored_at"`
}

// nextToken is what a claim's token becomes: a time, in microseconds, so that the token of a claim from before Postgres was
// restored never comes again, for the same row or for another one that got its id.
const nextToken = `greatest(claim_token + 1, CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint))`

// ClaimPush claims a booking that is due to be worked on and that nobody holds, and returns all that is needed to push it.
// A create may be claimed only while its shop is not stopped and its order neither ignored nor another one (R14); Send tests
// that once more, and that it is still due. A claim that ran out while sending makes the booking unknown. When claims on it ran out
// several times in a row, the next one after this waits longer and longer: it may be the order that ends the workers.
//
// ErrNotFound: there is nothing to do. ErrRestored: Postgres was restored and that is not recorded yet; nothing is claimed until
// it is.
func (db *DB) ClaimPush(ctx context.Context, id int64) (doorzet.PushJob, error) {
	var r claimRow
	known := db.seen.mark()
	err := db.x.GetContext(ctx, &r, `
		WITH c AS (
			UPDATE bookings b
			   SET claim_token = `+nextToken+`, attempts = attempts + 1,
			       claimed_until = clock_timestamp() + $5 * interval '1 second',
			       state = CASE WHEN b.state = 'sending' THEN 'unknown' ELSE b.state END,
			       lookups = CASE WHEN b.state = 'sending' THEN 0 ELSE b.lookups END,
			       takeovers = CASE WHEN b.claimed_until IS NULL THEN 0 ELSE b.takeovers + 1 END,
			       next_try_at = CASE WHEN b.claimed_until IS NULL OR b.takeovers + 1 < $6 THEN b.next_try_at
			                          ELSE clock_timestamp() + least(60 * power(3, least(b.takeovers + 1 - $6, 10)), 3600) * interval '1 second' END,
			       error = CASE WHEN b.claimed_until IS NULL OR b.takeovers + 1 < $6 THEN b.error
			                    ELSE 'The worker was lost ' || b.takeovers + 1 || ' times in a row while it pushed this order: it is tried less and less often.' END
			  FROM shops s, orders o
			 WHERE b.id = $4 AND s.id = b.shop_id AND o.id = b.order_id AND `+markStands+`
			   AND b.state IN ('due', 'sending', 'unknown') AND b.next_try_at <= clock_timestamp()
			   AND (b.claimed_until IS NULL OR b.claimed_until < clock_timestamp())
			   AND (b.state <> 'due'
			        OR s.paused_at IS NULL AND s.blocked_why = '' AND o.ignored_at IS NULL AND o.conflict_key = '')
			RETURNING b.*, o.created_at AS order_created_at
		)
		SELECT c.id AS booking_id, c.state, c.claim_token, c.claimed_until, c.woo_id, c.reference, c.by_hand, c.due_status,
		       c.due_at, c.night_id, c.attempts, c.lookups, c.sent_at, c.document, d.body, d.read_at,
		       k.id AS books_key, k.kind AS books_kind, k.name AS books_name, k.dir AS books_dir, k.seller AS books_seller,
		       s.id, s.name, s.url, s.home, s.store_id, s.consumer_key, s.consumer_secret, s.prefix, s.time_zone, s.start_date,
		       s.statuses, s.night_from, s.night_to, s.remainder, s.books_id, s.webhooks_on, s.webhooks_off_for,
		       s.woo_version, s.auth, s.paused_at, s.blocked_why, s.added_at, s.next_night_at, s.imported_at, s.full_import_at, s.unread,
		       s.page_size, s.batch_size, s.call_gap_ms, s.slowed_at, s.pool,
		       c.order_created_at, (SELECT restored_at FROM installation) AS restored_at
		  FROM c
		  JOIN shops s ON s.id = c.shop_id
		  JOIN books k ON k.id = coalesce(c.books_id, s.books_id)
		  LEFT JOIN documents d ON d.order_id = c.order_id`, withMark(known, id, doorzet.ClaimLease.Seconds(), doorzet.TakeoversAtOnce)...)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = db.Mark(ctx) // why was nothing claimed?
		return doorzet.PushJob{}, fmt.Errorf("claim booking %d: %w", id, cmp.Or(err, doorzet.ErrNotFound))
	}
	if err != nil {
		return doorzet.PushJob{}, fmt.Errorf("claim booking %d: %w", id, err)
	}
	return r.job(db.keys)
}

func (r claimRow) job(keys Keyring) (doorzet.PushJob, error) {
	shop, err := r.shop(keys)
	if err != nil {
		return doorzet.PushJob{}, err
	}
	books, err := booksRow{ID: r.BooksKey, Kind: r.BooksKind, Name: r.BooksName, Dir: r.BooksDir, Seller: r.BooksBooks}.books()
	if err != nil {
		return doorzet.PushJob{}, err
	}
	j := doorzet.PushJob{
		Claim: doorzet.Claim{BookingID: r.BookingID, Token: r.Token, Until: r.Until},
		Shop:  shop, Books: books, State: doorzet.BookingState(r.State), WooID: r.WooID, Reference: r.Reference,
		ByHand: r.ByHand, DueStatus: r.DueStatus, DueAt: r.DueAt.UTC(), NightID: r.NightID.Int64, Attempts: r.Attempts,
		Lookups: r.Lookups, SentAt: clock(r.SentAt), ReadAt: clock(r.ReadAt), AskFirst: r.ByHand,
	}
	// What is unknown may be so because of the restore, whenever its order was created.
	if j.State == doorzet.BookingUnknown || doorzet.MayBeBooked(r.CreatedAt, clock(r.RestoredAt)) {
		j.RestoredAt = clock(r.RestoredAt)
		j.AskFirst = j.AskFirst || !j.RestoredAt.IsZero()
	}
	if r.Frozen.Valid {
		var doc doorzet.Document
		if err := json.Unmarshal([]byte(r.Frozen.String), &doc); err != nil {
			return doorzet.PushJob{}, fmt.Errorf("read the frozen document of booking %d: %w", r.BookingID, err)
		}
		j.Frozen = &doc
	}
	if r.Body != nil {
		if j.Document, err = decompress(r.Body); err != nil {
			return doorzet.PushJob{}, err
		}
	}
	return j, nil
}

// RenewPush holds on to a claimed booking. ErrLost: another worker has it.
func (db *DB) RenewPush(ctx context.Context, c doorzet.Claim) error {
	return db.hold(ctx, `
		UPDATE bookings SET claimed_until = clock_timestamp() + $3 * interval '1 second'
		 WHERE id = $1 AND claim_token = $2 AND claimed_until > clock_timestamp()`,
		c.BookingID, c.Token, doorzet.ClaimLease.Seconds())
}

// Send freezes a document and claims its create: from here on the outcome is unknown until it is recorded. In the same
// statement it tests that the order is not ignored, its shop not stopped, and (not for a push by hand, nor for a document
// that was frozen before) that it is still due under the choices of now (R1). ErrLost: the claim was lost, or one of these
// does not hold any more; nothing was sent.
func (db *DB) Send(ctx context.Context, c doorzet.Claim, doc doorzet.Document, booksID int64) error {
	frozen, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("write the document of booking %d: %w", c.BookingID, err)
	}
	return db.hold(ctx, `
		UPDATE bookings b
		   SET state = 'sending', document = $3, books_id = $4, sent_at = clock_timestamp(), error = '',
		       claimed_until = clock_timestamp() + $5 * interval '1 second'
		  FROM shops s, orders o
		 WHERE b.id = $1 AND b.claim_token = $2 AND b.claimed_until > clock_timestamp() AND b.state IN ('due', 'unknown')
		   AND s.id = b.shop_id AND o.id = b.order_id
		   AND s.paused_at IS NULL AND s.blocked_why = '' AND o.ignored_at IS NULL AND o.conflict_key = ''
		   AND (b.by_hand OR b.document IS NOT NULL OR b.due_status = ANY (s.statuses) OR o.status = ANY (s.statuses))`,
		c.BookingID, c.Token, string(frozen), booksID, doorzet.ClaimLease.Seconds())
}

// RecordBooked ends a push: the books hold the document. The content of files is stored in the same statement. ErrLost:
// another worker has taken the booking over, which looks it up.
func (db *DB) RecordBooked(ctx context.Context, c doorzet.Claim, r doorzet.Receipt, text string) error {
	return db.end(ctx, c, ending{
		kind: "pushed", text: text,
		update: `
		UPDATE bookings
		   SET state = 'booked', booked_at = clock_timestamp(), remote_id = $3, remote_number = $4, remote_total = $5,
		       content = $6, next_try_at = NULL, claimed_until = NULL, error = '',
		       books_id = coalesce(books_id, (SELECT s.books_id FROM shops s WHERE s.id = shop_id)) -- adopted: never sent
		 WHERE id = $1 AND claim_token = $2 AND state IN ('due', 'sending', 'unknown')
		   AND order_id IN (SELECT id FROM locked)
		RETURNING shop_id, order_id, woo_id`,
		order: `held_at = NULL, held_rule = '', held_why = ''`,
	}, r.RemoteID, r.Number, int64(r.Total), r.Content)
}

// RecordNothing ends a push: there is nothing to book.
func (db *DB) RecordNothing(ctx context.Context, c doorzet.Claim) error {
	return db.end(ctx, c, ending{
		kind: "nothing to book", text: "Its total is 0.00 and it has no amounts: there is nothing to book.",
		update: `
		UPDATE bookings SET state = 'nothing', next_try_at = NULL, claimed_until = NULL, error = ''
		 WHERE id = $1 AND claim_token = $2 AND state = 'due'
		   AND order_id IN (SELECT id FROM locked)
		RETURNING shop_id, order_id, woo_id`,
		order: `held_at = NULL, held_rule = '', held_why = ''`,
	})
}

// RecordHeld ends a push: the order cannot be a correct document as it stands. Each night looks at it again.
func (db *DB) RecordHeld(ctx context.Context, c doorzet.Claim, rule, why string) error {
	return db.end(ctx, c, ending{
		kind: "held", text: why,
		update: `
		UPDATE bookings SET next_try_at = NULL, claimed_until = NULL, error = ''
		 WHERE id = $1 AND claim_token = $2 AND state IN ('due', 'unknown')
		   AND order_id IN (SELECT id FROM locked)
		RETURNING shop_id, order_id, woo_id`,
		order: `held_at = coalesce(held_at, now()), held_rule = $3, held_why = $4`,
	}, rule, why)
}

// RecordRefused ends a push: the books refused it. It is not tried again by itself.
func (db *DB) RecordRefused(ctx context.Context, c doorzet.Claim, why string) error {
	return db.end(ctx, c, ending{
		kind: "refused", text: why,
		update: `
		UPDATE bookings SET state = 'refused', next_try_at = NULL, claimed_until = NULL, error = $3
		 WHERE id = $1 AND claim_token = $2 AND state IN ('due', 'sending', 'unknown')
		   AND order_id IN (SELECT id FROM locked)
		RETURNING shop_id, order_id, woo_id`,
		order: `held_at = NULL, held_rule = '', held_why = ''`,
	}, why)
}

// RecordLater ends an attempt before anything was sent, or an attempt of which the books surely kept nothing: again after a
// pause.
func (db *DB) RecordLater(ctx context.Context, c doorzet.Claim, after time.Duration, why string) error {
	return db.hold(ctx, `
		UPDATE bookings
		   SET state = CASE WHEN state = 'sending' THEN 'due' ELSE state END,
		       document = CASE WHEN state = 'sending' THEN NULL ELSE document END, claimed_until = NULL, error = $4,
		       next_try_at = clock_timestamp() + $3 * interval '1 second',
		       wake_at = clock_timestamp() + $3 * interval '1 second'
		 WHERE id = $1 AND claim_token = $2 AND state IN ('due', 'sending', 'unknown')`,
		c.BookingID, c.Token, after.Seconds(), why)
}

// RecordUnknown ends an attempt whose outcome is not known: it is looked up in the books after a pause. One whose create was
// not even claimed, because the claim itself could not be stored, is just due again after the pause, half a minute at least.
func (db *DB) RecordUnknown(ctx context.Context, c doorzet.Claim, lookups int, after time.Duration, why string) error {
	return db.hold(ctx, `
		UPDATE bookings
		   SET state = CASE WHEN state = 'due' THEN 'due' ELSE 'unknown' END, lookups = $3, claimed_until = NULL, error = $5,
		       next_try_at = clock_timestamp() + greatest(CAST($4 AS float8), CASE WHEN state = 'due' THEN 30 END) * interval '1 second',
		       wake_at = clock_timestamp() + greatest(CAST($4 AS float8), CASE WHEN state = 'due' THEN 30 END) * interval '1 second'
		 WHERE id = $1 AND claim_token = $2 AND state IN ('due', 'sending', 'unknown')`,
		c.BookingID, c.Token, lookups, after.Seconds(), why)
}

// RecordAbsent records of a booking that is unknown because Postgres was restored, and of which nothing is known to have been sent,
// that the books do not have it: it is due, and still claimed. ErrLost: the claim was lost.
func (db *DB) RecordAbsent(ctx context.Context, c doorzet.Claim) error {
	return db.hold(ctx, `
		UPDATE bookings SET state = 'due', lookups = 0, error = ''
		 WHERE id = $1 AND claim_token = $2 AND claimed_until > clock_timestamp() AND state = 'unknown' AND document IS NULL`,
		c.BookingID, c.Token)
}

// Release gives a claim up without an outcome: what was found in between decided already.
func (db *DB) Release(ctx context.Context, c doorzet.Claim) error {
	_, err := db.x.ExecContext(ctx, `
		UPDATE bookings SET claimed_until = NULL WHERE id = $1 AND claim_token = $2`, c.BookingID, c.Token)
	if err != nil {
		return fmt.Errorf("release booking %d: %w", c.BookingID, err)
	}
	return nil
}

// ending is how a push ends: an entry of the journal, and what becomes of the booking and of its order. The update's parameters
// are the booking's id, the claim's token and args; it returns shop_id, order_id and woo_id. order is a list of assignments
// with the same parameters.
type ending struct{ kind, text, update, order string }

// end runs the one statement that ends a push. No row: the claim was lost. The order is locked before the booking, as looks
// do it.
func (db *DB) end(ctx context.Context, c doorzet.Claim, e ending, args ...any) error {
	params := append([]any{c.BookingID, c.Token}, args...)
	k, t := len(params)+1, len(params)+2
	params = append(params, e.kind, e.text)
	var entry struct {
		ID sql.NullInt64 `db:"id"`
		At sql.NullTime  `db:"at"`
	}
	err := db.again(ctx, &entry, fmt.Sprintf(`
		WITH locked AS MATERIALIZED (
			SELECT o.id FROM orders o WHERE o.id = (SELECT order_id FROM bookings WHERE id = $1) FOR UPDATE
		), b AS (%s), o AS (
			UPDATE orders SET %s FROM b WHERE orders.id = b.order_id
		), e AS (
			INSERT INTO events (shop_id, woo_id, actor, kind, text) SELECT shop_id, woo_id, 'push', $%d, $%d FROM b
			RETURNING id, at
		)
		SELECT max(id) AS id, max(at) AS at FROM e`, e.update, e.order, k, t), params)
	if err != nil {
		return fmt.Errorf("end the push of booking %d: %w", c.BookingID, err)
	}
	if !entry.ID.Valid {
		return doorzet.ErrLost
	}
	// It is committed: a Postgres that does not have it was restored.
	db.Know(doorzet.Mark{Entry: entry.ID.Int64, At: clock(entry.At), Restored: db.seen.mark().Restored})
	return nil
}

// ToExport are booked files whose folder may not have them yet, by id, after one of them: one that its folder does not take
// keeps none of the others back.
func (db *DB) ToExport(ctx context.Context, after int64, limit int) ([]doorzet.Export, error) {
	return db.exports(ctx, `
		SELECT b.id, b.remote_id, b.content, k.dir FROM bookings b JOIN books k ON k.id = b.books_id
		 WHERE b.content IS NOT NULL AND b.exported_at IS NULL AND b.booked_at < clock_timestamp() - interval '10 seconds'
		   AND b.id > $1
		 ORDER BY b.id LIMIT $2`, after, limit)
}

// ExportsOf are all booked files of a books after one booking, by id: for making its folder again, a batch at a time.
func (db *DB) ExportsOf(ctx context.Context, booksID, after int64, limit int) ([]doorzet.Export, error) {
	return db.exports(ctx, `
		SELECT b.id, b.remote_id, b.content, k.dir FROM bookings b JOIN books k ON k.id = b.books_id
		 WHERE b.content IS NOT NULL AND k.id = $1 AND b.id > $2 ORDER BY b.id LIMIT $3`, booksID, after, limit)
}

func (db *DB) exports(ctx context.Context, query string, args ...any) ([]doorzet.Export, error) {
	var rows []struct {
		ID      int64  `db:"id"`
		Name    string `db:"remote_id"`
		Content []byte `db:"content"`
		Dir     string `db:"dir"`
	}
	if err := db.x.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("list files to export: %w", err)
	}
	out := make([]doorzet.Export, len(rows))
	for i, r := range rows {
		out[i] = doorzet.Export{BookingID: r.ID, Dir: r.Dir, Name: r.Name, Content: r.Content}
	}
	return out, nil
}

// Exported records that the folder has a booking's file, once.
func (db *DB) Exported(ctx context.Context, bookingID int64) error {
	return db.AllExported(ctx, []int64{bookingID})
}

// AllExported records that the folders have the files of some bookings, once. One without content is another one, which got the
// id of a booking that was lost when Postgres was restored.
func (db *DB) AllExported(ctx context.Context, bookingIDs []int64) error {
	_, err := db.x.ExecContext(ctx, `
		WITH picked AS MATERIALIZED (
			SELECT id FROM bookings WHERE id = ANY ($1) AND content IS NOT NULL AND exported_at IS NULL ORDER BY id FOR NO KEY UPDATE)
		UPDATE bookings SET exported_at = clock_timestamp() FROM picked WHERE bookings.id = picked.id`, pq.Array(bookingIDs))
	if err != nil {
		return fmt.Errorf("record the exports of %d bookings: %w", len(bookingIDs), err)
	}
	return nil
}

// EachBooking calls f for each booking of a shop, by order; withdrawn ones are left out. Order 0 is all orders.
func (db *DB) EachBooking(ctx context.Context, shopID, wooID int64, limit int, f func(doorzet.BookingRow) error) error {
	rows, err := db.x.QueryxContext(ctx, `
		SELECT b.id, o.woo_id AS order_id, b.kind, b.round, b.state, b.reference, b.remote_id, b.remote_total, o.total AS order_total,
		       o.currency, b.attempts, b.error, b.due_at, b.booked_at, b.by_hand, b.next_try_at, o.held_why
		  FROM bookings b JOIN orders o ON o.id = b.order_id
		 WHERE b.shop_id = $1 AND ($2 = 0 OR o.woo_id = $2) AND b.state <> 'withdrawn'
		 ORDER BY o.woo_id, b.kind DESC, b.round LIMIT nullif($3, 0)`, shopID, wooID, limit)
	if err != nil {
		return fmt.Errorf("list the bookings of shop %d: %w", shopID, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r bookingRow
		if err := rows.StructScan(&r); err != nil {
			return fmt.Errorf("read a booking of shop %d: %w", shopID, err)
		}
		if err := f(r.booking()); err != nil {
			return err
		}
	}
	return rows.Err()
}

// onItsWay is the condition that a booking b of an order o of a shop s is being worked on, or will be within half a minute.
const onItsWay = `(b.state IN ('sending', 'unknown')
	OR b.state = 'due' AND b.next_try_at <= clock_timestamp() + interval '30 seconds' AND o.ignored_at IS NULL
	   AND o.conflict_key = '' AND s.paused_at IS NULL AND s.blocked_why = '')`
