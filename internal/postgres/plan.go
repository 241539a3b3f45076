package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// dueShop is a shop whose night's time has come, as far as its timetable goes.
type dueShop struct {
	ID          int64     `db:"id"`
	TimeZone    string    `db:"time_zone"`
	From        int       `db:"night_from"`
	To          int       `db:"night_to"`
	NextNightAt time.Time `db:"next_night_at"`
	Paused      bool      `db:"paused"`
	Pool        string    `db:"pool"`
}

// Planned is what one call of PlanNights did.
type Planned struct {
	Shops  int              // how many, whether or not a night came of it
	Last   int64            // the last of them
	Nights []doorzet.WakeUp // those to wake
}

// PlanNights plans the nights whose time has come: one row per shop and date, whatever runs twice. Of several missed nights
// only the latest is planned to run, the others are marked covered; while an earlier night is under way, the new one is covered
// by it, as a first import may take longer than a day. It plans at most limit shops, by their ids, after one of them.
//
// It is five statements for all of them: planners at the same time take different shops, and none waits for another.
func (db *DB) PlanNights(ctx context.Context, now time.Time, after int64, limit int) (Planned, error) {
	var done Planned
	err := db.inTx(ctx, func(tx *sqlx.Tx) error {
		done = Planned{}
		due, err := lockDue(ctx, tx, now, after, limit)
		if err != nil {
			return err
		}
		if len(due) == 0 {
			return nil
		}
		done.Shops, done.Last = len(due), due[len(due)-1].ID
		underWay, err := coverWaiting(ctx, tx, due)
		if err != nil {
			return err
		}
		plan := timetable(due, underWay, now)
		if done.Nights, err = insertNights(ctx, tx, plan, poolsOf(due)); err != nil {
			return err
		}
		return moveOn(ctx, tx, due, plan)
	})
	if err != nil {
		return Planned{}, fmt.Errorf("plan the nights: %w", err)
	}
	return done, nil
}

// lockDue locks shops whose night's time has come, in the order of their ids. Not as if their keys changed: rows that refer to a
// shop are written meanwhile. A shop that is locked already is looked at again in seconds.
func lockDue(ctx context.Context, tx *sqlx.Tx, now time.Time, after int64, limit int) ([]dueShop, error) {
	// The commit is not waited for to be on disk: planning that a crash of Postgres takes back is done again, shops and nights
	// together; and the planning of a night that was claimed is never taken back, as nothing is kept without what was written
	// before it. Each statement touches few rows of its tables, by an index, also where Postgres does not know yet how large a
	// table has become; plans that seem expensive to it are not worth compiling.
	_, err := tx.ExecContext(ctx, `
		SET LOCAL synchronous_commit = off; SET LOCAL enable_seqscan = off; SET LOCAL jit = off`)
	if err != nil {
		return nil, err
	}
	var due []dueShop
	err = tx.SelectContext(ctx, &due, `
		SELECT id, time_zone, night_from, night_to, next_night_at, paused_at IS NOT NULL AS paused, pool
		  FROM shops WHERE id > $3 AND next_night_at <= $1 ORDER BY id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED`, now, limit, after)
	return due, err
}

// coverWaiting marks planned nights of shops that never began as covered, since another one is planned now, and gives the shops of
// which a planned night has begun and is not at its end.
func coverWaiting(ctx context.Context, tx *sqlx.Tx, due []dueShop) (underWay map[int64]bool, err error) {
	ids := make([]int64, len(due))
	for i, s := range due {
		ids[i] = s.ID
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE nights SET state = 'covered', next_try_at = NULL, error = 'Missed; covered by a later night.'
		 WHERE shop_id = ANY ($1) AND planned AND state = 'planned' AND started_at IS NULL`, pq.Array(ids))
	if err != nil {
		return nil, fmt.Errorf("cover the missed nights: %w", err)
	}
	var busy []int64
	err = tx.SelectContext(ctx, &busy, `
		SELECT shop_id FROM nights WHERE shop_id = ANY ($1) AND planned AND state IN ('planned', 'running')`, pq.Array(ids))
	if err != nil {
		return nil, fmt.Errorf("look for nights under way: %w", err)
	}
	underWay = make(map[int64]bool, len(busy))
	for _, id := range busy {
		underWay[id] = true
	}
	return underWay, nil
}

// plan is the nights of some shops, column by column as Postgres takes them, and when the next one of each shop begins.
type plan struct {
	shop  []int64
	date  []string
	at    []int64 // seconds since 1970
	state []string
	why   []string
	next  []int64 // of each shop, in the order of the shops
}

// timetable says which nights of some shops there are to plan.
func timetable(due []dueShop, underWay map[int64]bool, now time.Time) plan {
	var p plan
	zones := map[string]*time.Location{} // each of some hundreds is loaded once, and not for each shop
	for _, d := range due {
		s := doorzet.Shop{ID: d.ID, TimeZone: d.TimeZone, NightHours: doorzet.NightHours{From: d.From, To: d.To}}
		zone := zones[s.TimeZone]
		if zone == nil {
			zone = s.Location()
			zones[s.TimeZone] = zone
		}
		missed, next := doorzet.MissedNights(d.NextNightAt, now, s.NightHours, zone, s.ID)
		p.next = append(p.next, next.Unix())
		for i, m := range missed {
			state, why := doorzet.NightPlanned, ""
			switch {
			case i < len(missed)-1:
				state, why = doorzet.NightCovered, "Missed; covered by a later night."
			case d.Paused:
				state, why = doorzet.NightCovered, "The shop was paused."
			case underWay[d.ID]:
				state, why = doorzet.NightCovered, "An earlier night was still under way."
			}
			p.shop, p.date, p.at = append(p.shop, d.ID), append(p.date, m.Date.String()), append(p.at, m.At.Unix())
			p.state, p.why = append(p.state, string(state)), append(p.why, why)
		}
	}
	return p
}

// insertNights makes the rows of nights, and gives those to wake. A night within half a day of another is the same night once
// more, after the owner changed hours or zone; a second one of a date that lies further apart stands beside the planned ones. (Two
// nights of a date never lie four days apart.)
func insertNights(ctx context.Context, tx *sqlx.Tx, p plan, pools map[int64]string) ([]doorzet.WakeUp, error) {
	var rows []struct {
		ID   int64 `db:"id"`
		Shop int64 `db:"shop_id"`
		Wake bool  `db:"wake"`
	}
	err := tx.SelectContext(ctx, &rows, `
		INSERT INTO nights (shop_id, date, planned, asked_by, state, run_at, next_try_at, wake_at, error)
		SELECT x.shop, x.date, NOT taken, CASE WHEN taken THEN 'changed night hours' ELSE '' END, x.state, x.at,
		       CASE WHEN x.state = 'planned' THEN x.at END, now() + $6 * interval '1 second', x.why
		  FROM (SELECT u.shop, CAST(u.date AS date) AS date, to_timestamp(u.at) AS at, u.state, u.why
		          FROM unnest(CAST($1 AS bigint[]), CAST($2 AS text[]), CAST($3 AS bigint[]), CAST($4 AS text[]), CAST($5 AS text[]))
		               AS u(shop, date, at, state, why)) x
		 CROSS JOIN LATERAL (
		       SELECT coalesce(bool_or(n.planned AND n.date = x.date), false) AS taken,
		              coalesce(bool_or((n.planned OR n.asked_by = 'changed night hours') AND n.run_at > x.at - $7 * interval '1 second'), false) AS near
		         FROM nights n WHERE n.shop_id = x.shop AND n.run_at > x.at - interval '4 days') t
		 WHERE NOT near
		RETURNING id, shop_id, state = 'planned' AS wake`,
		pq.Array(p.shop), pq.Array(p.date), pq.Array(p.at), pq.Array(p.state), pq.Array(p.why),
		doorzet.WakePause.Seconds(), doorzet.NightsApart.Seconds())
	if err != nil {
		return nil, fmt.Errorf("insert the nights: %w", err)
	}
	nights := make([]doorzet.WakeUp, 0, len(rows))
	for _, r := range rows {
		if r.Wake {
			nights = append(nights, doorzet.WakeUp{ID: r.ID, ShopID: r.Shop, Pool: pools[r.Shop]})
		}
	}
	return nights, nil
}

func poolsOf(due []dueShop) map[int64]string {
	pools := map[int64]string{}
	for _, d := range due {
		if d.Pool != "" {
			pools[d.ID] = d.Pool
		}
	}
	return pools
}

// moveOn sets when the next nights of shops begin.
func moveOn(ctx context.Context, tx *sqlx.Tx, due []dueShop, p plan) error {
	ids := make([]int64, len(due))
	for i, d := range due {
		ids[i] = d.ID
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE shops SET next_night_at = to_timestamp(x.at)
		  FROM unnest(CAST($1 AS bigint[]), CAST($2 AS bigint[])) AS x(id, at) WHERE shops.id = x.id`,
		pq.Array(ids), pq.Array(p.next))
	if err != nil {
		return fmt.Errorf("set the next nights: %w", err)
	}
	return nil
}
