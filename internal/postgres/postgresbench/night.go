package postgresbench

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/lib/pq"
)

// NightState is the state of a night.
func (db *DB) NightState(ctx context.Context, id int64) (string, error) {
	return one[string](ctx, db, "read a night's state", `SELECT state FROM nights WHERE id = $1`, id)
}

// PlanNow makes a planned night of today for each of these shops, due now, as a scheduler would that finds them all due at the
// same time, and gives their ids in the order of the shops.
func (db *DB) PlanNow(ctx context.Context, shops []int64) ([]int64, error) {
	rows, err := db.x.QueryContext(ctx, `
		INSERT INTO nights (shop_id, date, planned, run_at, next_try_at, wake_at)
		SELECT shop, current_date, true, now(), now(), now() + interval '40 seconds'
		  FROM unnest(CAST($1 AS bigint[])) WITH ORDINALITY AS x(shop, place) ORDER BY place
		RETURNING id`, pq.Array(shops))
	if err != nil {
		return nil, fmt.Errorf("plan nights: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("plan nights: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// NightNow is how a night stands.
type NightNow struct {
	Shop              int64
	State, Error      string
	Attempts, Looked  int
	Started, Finished time.Time // zero = not yet
	Requests          int
}

// NightsNow tells how some nights stand, by shop.
func (db *DB) NightsNow(ctx context.Context, ids []int64) (map[int64]NightNow, error) {
	rows, err := db.x.QueryContext(ctx, `
		SELECT shop_id, state, error, attempts, looked_at, requests_total, started_at, finished_at
		  FROM nights WHERE id = ANY ($1)`, pq.Array(ids))
	if err != nil {
		return nil, fmt.Errorf("read nights: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[int64]NightNow{}
	for rows.Next() {
		var n NightNow
		var started, finished sql.NullTime
		if err := rows.Scan(&n.Shop, &n.State, &n.Error, &n.Attempts, &n.Looked, &n.Requests, &started, &finished); err != nil {
			return nil, fmt.Errorf("read nights: %w", err)
		}
		n.Started, n.Finished = started.Time, finished.Time
		out[n.Shop] = n
	}
	return out, rows.Err()
}

// NightsLeft is how many of some nights are not at their end.
func (db *DB) NightsLeft(ctx context.Context, ids []int64) (int, error) {
	return one[int](ctx, db, "count the nights", `
		SELECT count(*) FROM nights WHERE id = ANY ($1) AND state IN ('planned', 'running')`, pq.Array(ids))
}
