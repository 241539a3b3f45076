package postgresbench

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// AddShops makes n shops in a moment: rows that are enough for planning their nights, and for nothing else. They
// live in UTC, and their nights begin in some hours.
func (db *DB) AddShops(ctx context.Context, books int64, hours doorzet.NightHours, n int) error {
	return db.exec(ctx, "make shops", `
		INSERT INTO shops (name, url, home, home_key, consumer_key, consumer_secret, prefix, time_zone, start_date, starts_at,
		                   statuses, night_from, night_to, books_id, added_at, next_night_at)
		SELECT 'Shop ' || i, 'https://shop' || i || '.example', 'https://shop' || i || '.example', 'shop' || i || '.example', '', '',
		       'P' || i, 'UTC', current_date - 90, now() - interval '90 days', '{processing,completed}', $2, $3, $1,
		       now() - interval '30 days', now() + interval '30 days'
		  FROM generate_series(1, $4) AS i`, books, hours.From, hours.To, n)
}

// MakeDue makes each shop's night of the last 24 hours one that is to be planned. The shops are those of AddShops.
func (db *DB) MakeDue(ctx context.Context, hours doorzet.NightHours) error {
	var ids []int64
	if err := db.x.QueryRowContext(ctx, `SELECT array_agg(id ORDER BY id) FROM shops`).Scan(pq.Array(&ids)); err != nil {
		return fmt.Errorf("list the shops: %w", err)
	}
	yesterday, at := time.Now().Add(-24*time.Hour), make([]int64, len(ids))
	for i, id := range ids {
		_, night := doorzet.NextNight(yesterday, hours, time.UTC, id)
		at[i] = night.Unix()
	}
	return db.exec(ctx, "make nights due", `
		UPDATE shops SET next_night_at = to_timestamp(x.at)
		  FROM unnest(CAST($1 AS bigint[]), CAST($2 AS bigint[])) AS x(id, at) WHERE shops.id = x.id`, pq.Array(ids), pq.Array(at))
}

// Due tells whether any shop waits for its night to be planned.
func (db *DB) Due(ctx context.Context) (bool, error) {
	return one[bool](ctx, db, "look for due shops", `SELECT EXISTS (SELECT FROM shops WHERE next_night_at <= now())`)
}

// Nights counts the nights, and the shops that have more than one.
func (db *DB) Nights(ctx context.Context) (all, twice int, err error) {
	row := db.x.QueryRowContext(ctx, `
		SELECT coalesce(sum(n), 0), count(*) FILTER (WHERE n > 1) FROM (SELECT count(*) AS n FROM nights GROUP BY shop_id) x`)
	err = row.Scan(&all, &twice)
	return all, twice, err
}

// EndNights ends all nights well, as if workers had run them.
func (db *DB) EndNights(ctx context.Context) error {
	return db.exec(ctx, "end the nights", `
		UPDATE nights SET state = 'done', started_at = now(), finished_at = now(), next_try_at = NULL`)
}
