package postgresbench

import (
	"context"
	"fmt"
	"time"
)

// Unpushed is how many bookings are due, or on their way.
func (db *DB) Unpushed(ctx context.Context) (int, error) {
	return one[int](ctx, db, "count the bookings", `
		SELECT count(*) FROM bookings WHERE state IN ('due', 'sending', 'unknown') AND next_try_at IS NOT NULL`)
}

// Pushes is what became of the bookings.
type Pushes struct {
	All, Booked, Twice int           // Twice: orders with more than one booking
	Attempts           int           // of those that are booked
	Took               time.Duration // from the first that was sent to the last that was booked
}

// Pushes counts the bookings.
func (db *DB) Pushes(ctx context.Context) (Pushes, error) {
	var p Pushes
	var seconds float64
	row := db.x.QueryRowContext(ctx, `
		SELECT count(*), count(*) FILTER (WHERE state = 'booked'), count(*) - count(DISTINCT order_id),
		       coalesce(sum(attempts) FILTER (WHERE state = 'booked'), 0),
		       coalesce(extract(epoch FROM max(booked_at) - min(sent_at)), 0)
		  FROM bookings`)
	if err := row.Scan(&p.All, &p.Booked, &p.Twice, &p.Attempts, &seconds); err != nil {
		return p, err
	}
	p.Took = time.Duration(seconds * float64(time.Second))
	return p, nil
}

// MoveBooks gives all books another folder: a copy of a database must not write where the other one did.
func (db *DB) MoveBooks(ctx context.Context, dir string) error {
	return db.exec(ctx, "move the books", `UPDATE books SET dir = $1`, dir)
}

// BookedOf is how many bookings of a shop are booked.
func (db *DB) BookedOf(ctx context.Context, shop int64) (int, error) {
	return one[int](ctx, db, "count the bookings", `SELECT count(*) FROM bookings WHERE shop_id = $1 AND state = 'booked'`, shop)
}

// DueToBooked is how long each booking of a shop took from due to booked, oldest first; those that are not booked yet are left out.
func (db *DB) DueToBooked(ctx context.Context, shop int64) ([]time.Duration, error) {
	rows, err := db.x.QueryContext(ctx, `
		SELECT extract(epoch FROM booked_at - due_at) FROM bookings WHERE shop_id = $1 AND state = 'booked' ORDER BY due_at`, shop)
	if err != nil {
		return nil, fmt.Errorf("read the bookings: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []time.Duration
	for rows.Next() {
		var seconds float64
		if err := rows.Scan(&seconds); err != nil {
			return nil, fmt.Errorf("read the bookings: %w", err)
		}
		out = append(out, time.Duration(seconds*float64(time.Second)))
	}
	return out, rows.Err()
}
