package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/doorzet/doorzet/internal/doorzet"
)

type nightRow struct {
	ID             int64          `db:"id"`
	ShopID         int64          `db:"shop_id"`
	Date           time.Time      `db:"date"`
	Planned        bool           `db:"planned"`
	AskedBy        string         `db:"asked_by"`
	State          string         `db:"state"`
	RunAt          time.Time      `db:"run_at"`
	NextTryAt      sql.NullTime   `db:"next_try_at"`
	ClaimToken     int64          `db:"claim_token"`
	Attempts       int            `db:"attempts"`
	StartedAt      sql.NullTime   `db:"started_at"`
	FinishedAt     sql.NullTime   `db:"finished_at"`
	Since          sql.NullTime   `db:"since"`
	WebhooksOn     sql.NullBool   `db:"webhooks_on"`
	Open           sql.NullInt64  `db:"open"`
	Strategy       string         `db:"strategy"`
	Step           string         `db:"step"`
	Page           int            `db:"page"`
	RowsStep       string         `db:"rows_step"`
	RowsRead       int            `db:"rows_read"`
	Troubles       int            `db:"troubles"`
	Takeovers      int            `db:"takeovers"`
	MetAt          sql.NullTime   `db:"met_at"`
	Done           int            `db:"done"`
	Todo           int            `db:"todo"`
	Imported       int            `db:"imported"`
	LookedAt       int            `db:"looked_at"`
	StillOpen      int            `db:"still_open"`
	Expired        int            `db:"expired"`
	Gone           int            `db:"gone"`
	Unread         int            `db:"unread"`
	BulkFound      int            `db:"bulk_found"`
	RemainderFound int            `db:"remainder_found"`
	List           int            `db:"requests_list"`
	Single         int            `db:"requests_single"`
	Total          int            `db:"requests_total"`
	Notes          pq.StringArray `db:"notes"`
	Error          string         `db:"error"`
}

const nightColumns = `id, shop_id, date, planned, asked_by, state, run_at, next_try_at, claim_token, attempts, started_at,
	finished_at, since, webhooks_on, open, strategy, step, page, done, todo, imported, looked_at, still_open, expired, gone, unread,
	bulk_found, remainder_found, requests_list, requests_single, requests_total, notes, error, rows_step, rows_read, troubles, takeovers, met_at`

func (r nightRow) night() doorzet.Night {
	return doorzet.Night{
		ID: r.ID, ShopID: r.ShopID, Date: doorzet.DateOf(r.Date, time.UTC), Planned: r.Planned, AskedBy: r.AskedBy,
		State: doorzet.NightState(r.State), RunAt: r.RunAt.UTC(), NextTry: clock(r.NextTryAt), Token: r.ClaimToken,
		Attempts: r.Attempts, Troubles: r.Troubles, Takeovers: r.Takeovers, StartedAt: clock(r.StartedAt), MetAt: clock(r.MetAt), FinishedAt: clock(r.FinishedAt), Since: clock(r.Since),
		WebhooksOn: r.WebhooksOn.Bool, Open: int(r.Open.Int64), Strategy: doorzet.Strategy(r.Strategy),
		Step: doorzet.NightStep(r.Step), Rows: r.rows(), Done: r.Done, Todo: r.Todo, Imported: r.Imported, LookedAt: r.LookedAt, StillOpen: r.StillOpen,
		Expired: r.Expired, Gone: r.Gone, Unread: r.Unread, BulkFound: r.BulkFound, RemainderFound: r.RemainderFound,
		Requests: doorzet.RequestCount{List: r.List, Single: r.Single, Total: r.Total}, Notes: r.Notes, Error: r.Error,
	}
}

// rows is how far the step's list was read. A worker of an earlier version counted pages of a hundred.
func (r nightRow) rows() int {
	switch {
	case r.RowsStep == r.Step:
		return r.RowsRead
	case r.Page < 0:
		return r.Page
	}
	return r.Page * doorzet.BatchSize
}

// AskNight makes a night by hand: now, beside the planned ones.
func (db *DB) AskNight(ctx context.Context, shop doorzet.Shop, actor string) (int64, error) {
	var id int64
	err := db.x.GetContext(ctx, &id, `
		INSERT INTO nights (shop_id, date, planned, asked_by, run_at, next_try_at, wake_at)
		VALUES ($1, $4, false, $2, now(), now(), now() + $3 * interval '1 second')
		RETURNING id`, shop.ID, actor, doorzet.WakePause.Seconds(), doorzet.DateOf(time.Now(), shop.Location()).String())
	if err != nil {
		return 0, fmt.Errorf("ask for a night: %w", err)
	}
	return id, nil
}

// ClaimNight claims a night whose time has come and that nobody holds, and says when it started (the first claim decides).
// ErrNotFound: there is nothing to do (it ended, waits for later, is held, its shop is stopped, or another night of the
// shop is running).
func (db *DB) ClaimNight(ctx context.Context, id int64) (doorzet.Night, error) {
	var r nightRow
	err := db.inTx(ctx, func(tx *sqlx.Tx) error {
		// A night of the shop that a worker left behind goes back to those that wait: it must not keep this one out.
		_, err := tx.ExecContext(ctx, `
			UPDATE nights SET state = 'planned', claim_token = claim_token + 1, takeovers = takeovers + 1, claimed_until = NULL
			 WHERE shop_id = (SELECT shop_id FROM nights WHERE id = $1) AND id <> $1 AND state = 'running'
			   AND claimed_until < clock_timestamp()`, id)
		if err != nil {
			return err
		}
		return tx.GetContext(ctx, &r, `
			UPDATE nights n
			   SET state = 'running', claim_token = `+nextToken+`, attempts = attempts + 1,
			       takeovers = takeovers + CASE WHEN state = 'running' THEN 1 ELSE 0 END,
			       claimed_until = clock_timestamp() + $2 * interval '1 second', wake_at = clock_timestamp(),
			       started_at = coalesce(started_at, clock_timestamp())
			 WHERE id = $1 AND state IN ('planned', 'running') AND next_try_at <= clock_timestamp()
			   AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
			   AND NOT EXISTS (SELECT FROM shops s WHERE s.id = n.shop_id AND s.paused_at IS NOT NULL)
			   AND NOT EXISTS (SELECT FROM nights o WHERE o.shop_id = n.shop_id AND o.state = 'running' AND o.id <> n.id)
			RETURNING `+nightColumns, id, doorzet.ClaimLease.Seconds())
	})
	if violates(err, "nights_one_running") {
		return doorzet.Night{}, doorzet.ErrNotFound
	}
	if err != nil {
		return doorzet.Night{}, fmt.Errorf("claim night %d: %w", id, notFound(err))
	}
	return r.night(), nil
}

// RenewNight holds on to a claimed night. ErrLost: another worker has it.
func (db *DB) RenewNight(ctx context.Context, n doorzet.Night) error {
	return db.hold(ctx, `
		UPDATE nights SET claimed_until = clock_timestamp() + $3 * interval '1 second'
		 WHERE id = $1 AND claim_token = $2 AND state = 'running'`, n.ID, n.Token, doorzet.ClaimLease.Seconds())
}

// SaveNight records how far a claimed night is, and holds on to it. A night that has no window yet has not found out either whether the
// webhooks are on: SawWebhooks counts it when it has. ErrLost: another worker has it.
func (db *DB) SaveNight(ctx context.Context, n doorzet.Night) error {
	return db.hold(ctx, `
		UPDATE nights
		   SET since = $3, webhooks_on = CASE WHEN $3::timestamptz IS NULL THEN webhooks_on ELSE $4 END, open = $5,
		       strategy = $6, step = $7, page = $8, unread = $9, requests_list = $10,
		       requests_single = $11, requests_total = $12, notes = $13, done = $15, todo = $16, rows_step = $7, rows_read = $17,
		       troubles = $18, takeovers = 0, error = '', met_at = $19,
		       claimed_until = clock_timestamp() + $14 * interval '1 second'
		 WHERE id = $1 AND claim_token = $2 AND state = 'running'`,
		n.ID, n.Token, at(n.Since), n.WebhooksOn, n.Open, string(n.Strategy), string(n.Step), pages(n.Rows), n.Unread,
		n.Requests.List, n.Requests.Single, n.Requests.Total, pq.StringArray(n.Notes), doorzet.ClaimLease.Seconds(), n.Done, n.Todo, n.Rows, n.Troubles, at(n.MetAt))
}

// pages is how many whole pages of a hundred are in rows: how workers of an earlier version count.
func pages(rows int) int {
	if rows < 0 {
		return rows
	}
	return rows / doorzet.BatchSize
}

// FinishNight ends a night and keeps what it did. The counts are taken from the rows it marked, so a night that was taken over
// counts right. Of a failed one the error is kept.
func (db *DB) FinishNight(ctx context.Context, n doorzet.Night, state doorzet.NightState, why string) error {
	return db.hold(ctx, `
		WITH marked AS (
			SELECT count(*) FILTER (WHERE first_night_id = $1) AS imported, count(*) FILTER (WHERE looked_night_id = $1) AS looked_at,
			       count(*) FILTER (WHERE expired_night_id = $1) AS expired, count(*) FILTER (WHERE gone_night_id = $1) AS gone
			  FROM orders WHERE shop_id = $10
		), found AS (
			SELECT count(*) FILTER (WHERE night_step = 'bulk') AS bulk, count(*) FILTER (WHERE night_step = 'remainder') AS remainder
			  FROM bookings WHERE night_id = $1
		)
		UPDATE nights n
		   SET state = $3, error = $4, finished_at = clock_timestamp(), next_try_at = NULL, claimed_until = NULL,
		       unread = $5, requests_list = $6, requests_single = $7, requests_total = $8, notes = $9,
		       imported = marked.imported, looked_at = marked.looked_at, expired = marked.expired, gone = marked.gone,
		       bulk_found = found.bulk, remainder_found = found.remainder,
		       still_open = (SELECT count(*) FROM open_orders o WHERE o.shop_id = n.shop_id AND o.created_at >= n.since)
		  FROM marked, found
		 WHERE n.id = $1 AND n.claim_token = $2 AND n.state = 'running'`,
		n.ID, n.Token, string(state), why, n.Unread, n.Requests.List, n.Requests.Single, n.Requests.Total,
		pq.StringArray(n.Notes), n.ShopID)
}

// PostponeNight gives a night's slot back: it goes on after a pause from its rows.
func (db *DB) PostponeNight(ctx context.Context, n doorzet.Night, after time.Duration, why string) error {
	return db.hold(ctx, `
		UPDATE nights
		   SET state = 'planned', error = $4, claimed_until = NULL, next_try_at = clock_timestamp() + $3 * interval '1 second',
		       wake_at = clock_timestamp() + $3 * interval '1 second', unread = $5, requests_list = $6, requests_single = $7,
		       requests_total = $8, notes = $9, troubles = $10
		 WHERE id = $1 AND claim_token = $2 AND state = 'running'`,
		n.ID, n.Token, after.Seconds(), why, n.Unread, n.Requests.List, n.Requests.Single, n.Requests.Total,
		pq.StringArray(n.Notes), n.Troubles)
}

// hold runs a statement that must change exactly one row under a claim. No row: the claim was lost.
func (db *DB) hold(ctx context.Context, statement string, args ...any) error {
	res, err := db.x.ExecContext(ctx, statement, args...)
	if err != nil {
		return fmt.Errorf("record under a claim: %w", err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return doorzet.ErrLost
	}
	return nil
}

// Night is one night with its counts as they stand now: pushes go on after the looks are done.
func (db *DB) Night(ctx context.Context, id int64) (doorzet.Night, error) {
	nights, err := db.nights(ctx, `WHERE id = $1`, id)
	if err != nil {
		return doorzet.Night{}, err
	}
	if len(nights) == 0 {
		return doorzet.Night{}, fmt.Errorf("night %d: %w", id, doorzet.ErrNotFound)
	}
	return nights[0], nil
}

// Troubles are the sentences with which the newest night of each shop came to nothing, or waits to be tried again; a shop that is
// well has none. Without ids they are those of all shops.
func (db *DB) Troubles(ctx context.Context, shopIDs ...int64) (map[int64]string, error) {
	var rows []struct {
		ShopID int64  `db:"id"`
		Error  string `db:"error"`
	}
	err := db.x.SelectContext(ctx, &rows, `
		SELECT s.id, n.error
		  FROM shops s
		 CROSS JOIN LATERAL (SELECT error FROM nights n WHERE n.shop_id = s.id AND n.started_at IS NOT NULL
		                      ORDER BY n.run_at DESC, n.id DESC LIMIT 1) n
		 WHERE n.error <> '' AND (cardinality(CAST($1 AS bigint[])) = 0 OR s.id = ANY ($1))`, pq.Array(append([]int64{}, shopIDs...)))
	if err != nil {
		return nil, fmt.Errorf("read the troubles of the shops: %w", err)
	}
	out := make(map[int64]string, len(rows))
	for _, r := range rows {
		out[r.ShopID] = r.Error
	}
	return out, nil
}

// Nights are a shop's nights, newest first; limit 0 is all.
func (db *DB) Nights(ctx context.Context, shopID int64, limit int) ([]doorzet.Night, error) {
	return db.nights(ctx, `WHERE shop_id = $1 ORDER BY run_at DESC, id DESC LIMIT nullif($2, 0)`, shopID, limit)
}

func (db *DB) nights(ctx context.Context, where string, args ...any) ([]doorzet.Night, error) {
	var rows []struct {
		nightRow
		Pushed   int `db:"pushed"`
		Held     int `db:"held"`
		Failed   int `db:"failed"`
		Underway int `db:"underway"`
	}
	err := db.x.SelectContext(ctx, &rows, `
		SELECT n.*, p.pushed, p.held + c.conflicts AS held, p.failed, p.underway
		  FROM (SELECT `+nightColumns+` FROM nights `+where+`) n
		 CROSS JOIN LATERAL (
			SELECT count(*) FILTER (WHERE b.state = 'booked' AND coalesce(b.again_night_id, b.night_id) = n.id) AS pushed,
			       count(*) FILTER (WHERE b.state = 'due' AND o.held_at IS NOT NULL AND b.next_try_at IS NULL AND o.conflict_key = '') AS held,
			       count(*) FILTER (WHERE b.state = 'refused'
			                           OR b.state = 'due' AND b.error <> '' AND b.next_try_at > clock_timestamp() + interval '30 seconds') AS failed,
			       count(*) FILTER (WHERE `+onItsWay+`) AS underway
			  FROM bookings b JOIN orders o ON o.id = b.order_id JOIN shops s ON s.id = b.shop_id WHERE b.night_id = n.id OR b.again_night_id = n.id) p
		 CROSS JOIN LATERAL (
			SELECT count(*) AS conflicts FROM orders o
			 WHERE o.shop_id = n.shop_id AND o.conflict_key <> '' AND o.looked_night_id = n.id) c`, args...)
	if err != nil {
		return nil, fmt.Errorf("read the nights: %w", err)
	}
	out := make([]doorzet.Night, len(rows))
	for i, r := range rows {
		n := r.night()
		n.Pushed, n.Held, n.Failed, n.Underway = r.Pushed, r.Held, r.Failed+r.Unread, r.Underway
		out[i] = n
	}
	return out, nil
}
