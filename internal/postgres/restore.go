package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Restored records what a person says: that Postgres was restored at an instant; the zero time is now. Refused with an
// InputError: an instant that is yet to come. It may be said any number of times; of several instants the latest counts.
func (db *DB) Restored(ctx context.Context, moment time.Time, by string) (doorzet.Restore, error) {
	var r doorzet.Restore
	err := db.inTx(ctx, func(tx *sqlx.Tx) error {
		var future bool
		if err := tx.GetContext(ctx, &future, `SELECT coalesce(CAST($1 AS timestamptz) > clock_timestamp(), false)`, at(moment)); err != nil {
			return err
		}
		if future {
			return doorzet.Input("%s is yet to come: give the moment at which Postgres was restored", moment.Format(time.RFC3339))
		}
		var err error
		r, err = recordRestore(ctx, tx, moment, "Postgres was restored from a backup, says "+by+".", by)
		return err
	})
	if err != nil {
		return doorzet.Restore{}, fmt.Errorf("record that Postgres was restored: %w", err)
	}
	return r, nil
}

// RecordRestored records that Postgres was restored, as this process found by the mark that it knew. Of several processes that find
// it at the same time one records it; the others get false.
func (db *DB) RecordRestored(ctx context.Context) (doorzet.Restore, bool, error) {
	var r doorzet.Restore
	var mine bool
	known := db.seen.mark()
	err := db.inTx(ctx, func(tx *sqlx.Tx) error {
		r, mine = doorzet.Restore{}, false
		var found struct {
			Stands bool      `db:"stands"`
			At     time.Time `db:"at"`
		}
		if _, err := tx.ExecContext(ctx, `SELECT FROM installation FOR UPDATE`); err != nil {
			return err
		}
		// Read when nobody else can record it any more. The moment is later than the one that is known, whatever the clock says:
		// the record of an earlier restore may itself have been lost in this one.
		err := tx.GetContext(ctx, &found, `
			SELECT `+markStands+` AS stands,
			       greatest(clock_timestamp(), CAST($3 AS timestamptz) + interval '1 millisecond') AS at`, withMark(known)...)
		if err != nil || found.Stands {
			return err
		}
		mine = true
		r, err = recordRestore(ctx, tx, found.At, "Postgres was restored from an older backup: what was recorded since is not in it.", "doorzet")
		return err
	})
	if err != nil {
		return doorzet.Restore{}, false, fmt.Errorf("record that Postgres was restored: %w", err)
	}
	return r, mine, nil
}

// recordRestore is what follows from a restore. Every booking that is not in the books as far as Postgres knows becomes unknown
// and loses its claim: the books are asked for it when no worker from before can still be writing to them. One whose order is
// another now (R14) is left alone. Nights go on from their rows, and the coming one of each shop compares all its orders. Refused
// bookings, withdrawn ones and those without anything to book stay as they are: nothing is made of them before they become due
// again, and then the books are asked first.
func recordRestore(ctx context.Context, tx *sqlx.Tx, moment time.Time, text, by string) (doorzet.Restore, error) {
	r := doorzet.Restore{By: by}
	err := tx.GetContext(ctx, &r.At, `
		UPDATE installation
		   SET restored_by = CASE WHEN x.at >= coalesce(restored_at, '-infinity') THEN $2 ELSE restored_by END,
		       restored_at = greatest(restored_at, x.at)
		  FROM (SELECT coalesce(CAST($1 AS timestamptz), clock_timestamp()) AS at) x
		RETURNING restored_at`, at(moment), by)
	if err != nil {
		return doorzet.Restore{}, err
	}
	r.At = r.At.UTC()
	// Shops, then bookings by their ids, then nights: as looks and nights lock them.
	err = tx.GetContext(ctx, &r.Shops, `
		WITH locked AS MATERIALIZED (SELECT id FROM shops ORDER BY id FOR NO KEY UPDATE),
		     all_ids AS (UPDATE shops SET full_import_at = NULL FROM locked WHERE shops.id = locked.id)
		SELECT count(*) FROM locked`)
	if err != nil {
		return doorzet.Restore{}, err
	}
	err = tx.GetContext(ctx, &r.Bookings, `
		WITH locked AS MATERIALIZED (
			SELECT b.id FROM bookings b
			 WHERE b.state IN ('due', 'sending', 'unknown')
			   AND NOT EXISTS (SELECT FROM orders o WHERE o.id = b.order_id AND o.conflict_key <> '')
			 ORDER BY b.id FOR UPDATE
		), asked AS (
			UPDATE bookings b
			   SET state = 'unknown', lookups = 0, claim_token = claim_token + 1, claimed_until = NULL, wake_at = clock_timestamp(),
			       next_try_at = greatest(clock_timestamp(), CAST($1 AS timestamptz) + $2 * interval '1 second'),
			       error = 'Postgres was restored from a backup: the books are asked whether they have it.'
			  FROM locked WHERE b.id = locked.id AND b.state IN ('due', 'sending', 'unknown')
			RETURNING b.shop_id
		), told AS (
			INSERT INTO events (shop_id, actor, kind, text)
			SELECT s.id, $3, 'restored', $4 || ' What is not in the books as far as it knows ('
			       || (SELECT count(*) FROM asked WHERE shop_id = s.id) || ') is looked up there first, and the coming night compares all orders.'
			       || ' What a person set or decided since that backup must be looked at by a person.'
			  FROM shops s
		)
		SELECT count(*) FROM asked`, r.At, doorzet.ClaimLease.Seconds(), by, text)
	if err != nil {
		return doorzet.Restore{}, err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE nights
		   SET state = 'planned', claim_token = claim_token + 1, claimed_until = NULL, wake_at = clock_timestamp()
		 WHERE state = 'running' OR state = 'planned' AND next_try_at <= clock_timestamp()`)
	return r, err
}

// WakeAll moves the wake-ups of everything that is due and that nobody holds to now: those that were given out are lost. The next
// sweeps give them out again. What somebody changes at this moment is left out, so it waits for nobody. It returns how many bookings
// and nights that are.
func (db *DB) WakeAll(ctx context.Context) (bookings, nights int64, err error) {
	for _, w := range []struct {
		woken     *int64
		statement string
	}{
		{&bookings, `
		WITH picked AS (
			SELECT id FROM bookings
			 WHERE state IN ('due', 'sending', 'unknown') AND next_try_at <= clock_timestamp() AND wake_at > clock_timestamp()
			   AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
			 FOR UPDATE SKIP LOCKED)
		UPDATE bookings SET wake_at = clock_timestamp() FROM picked WHERE bookings.id = picked.id`},
		{&nights, `
		WITH picked AS (
			SELECT id FROM nights
			 WHERE state IN ('planned', 'running') AND next_try_at <= clock_timestamp() AND wake_at > clock_timestamp()
			   AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
			 FOR UPDATE SKIP LOCKED)
		UPDATE nights SET wake_at = clock_timestamp() FROM picked WHERE nights.id = picked.id`},
	} {
		err := db.inTx(ctx, func(tx *sqlx.Tx) error {
			res, err := tx.ExecContext(ctx, w.statement)
			if err == nil {
				*w.woken, err = res.RowsAffected()
			}
			return err
		})
		if err != nil {
			return 0, 0, fmt.Errorf("wake all that is due: %w", err)
		}
	}
	return bookings, nights, nil
}
