package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/doorzet/doorzet/internal/doorzet"
)

type shopRow struct {
	ID             int64          `db:"id"`
	Name           string         `db:"name"`
	URL            string         `db:"url"`
	Home           string         `db:"home"`
	StoreID        string         `db:"store_id"`
	Key            []byte         `db:"consumer_key"`
	Secret         []byte         `db:"consumer_secret"`
	Prefix         string         `db:"prefix"`
	TimeZone       string         `db:"time_zone"`
	StartDate      time.Time      `db:"start_date"`
	Statuses       pq.StringArray `db:"statuses"`
	NightFrom      int            `db:"night_from"`
	NightTo        int            `db:"night_to"`
	Remainder      bool           `db:"remainder"`
	BooksID        int64          `db:"books_id"`
	WebhooksOn     bool           `db:"webhooks_on"`
	WebhooksOffFor int            `db:"webhooks_off_for"`
	WooVersion     string         `db:"woo_version"`
	Auth           string         `db:"auth"`
	PausedAt       sql.NullTime   `db:"paused_at"`
	BlockedWhy     string         `db:"blocked_why"`
	AddedAt        time.Time      `db:"added_at"`
	NextNightAt    time.Time      `db:"next_night_at"`
	ImportedAt     sql.NullTime   `db:"imported_at"`
	FullImportAt   sql.NullTime   `db:"full_import_at"`
	Unread         pq.Int64Array  `db:"unread"`
	PageSize       int            `db:"page_size"`
	BatchSize      int            `db:"batch_size"`
	CallGapMS      int            `db:"call_gap_ms"`
	SlowedAt       sql.NullTime   `db:"slowed_at"`
	Pool           string         `db:"pool"`
	ZoneSaid       string         `db:"zone_said"`
}

const selectShop = `
	SELECT id, name, url, home, store_id, consumer_key, consumer_secret, prefix, time_zone, start_date, statuses,
	       night_from, night_to, remainder, books_id, webhooks_on, webhooks_off_for, woo_version, auth, paused_at,
	       blocked_why, added_at, next_night_at, imported_at, full_import_at, unread,
	       page_size, batch_size, call_gap_ms, slowed_at, pool, zone_said
	  FROM shops`

func (r shopRow) shop(keys Keyring) (doorzet.Shop, error) {
	key, err := keys.open(r.Key)
	if err != nil {
		return doorzet.Shop{}, fmt.Errorf("read the key of shop %d: %w", r.ID, err)
	}
	secret, err := keys.open(r.Secret)
	if err != nil {
		return doorzet.Shop{}, fmt.Errorf("read the secret of shop %d: %w", r.ID, err)
	}
	return doorzet.Shop{
		ID: r.ID, Name: r.Name, URL: r.URL, Home: r.Home, StoreID: r.StoreID, Key: key, Secret: secret,
		Prefix: r.Prefix, TimeZone: r.TimeZone, ZoneSaid: r.ZoneSaid, StartDate: doorzet.DateOf(r.StartDate, time.UTC),
		Statuses: r.Statuses, NightHours: doorzet.NightHours{From: r.NightFrom, To: r.NightTo},
		Remainder: r.Remainder, BooksID: r.BooksID, WebhooksOn: r.WebhooksOn, WebhooksOffFor: r.WebhooksOffFor,
		WooVersion: r.WooVersion, Auth: r.Auth, PausedAt: clock(r.PausedAt), BlockedWhy: r.BlockedWhy,
		AddedAt: r.AddedAt.UTC(), NextNightAt: r.NextNightAt.UTC(), ImportedAt: clock(r.ImportedAt),
		FullImportAt: clock(r.FullImportAt), Unread: r.Unread, Pool: r.Pool,
		Pace: doorzet.Pace{
			Page: r.PageSize, Batch: r.BatchSize, Gap: time.Duration(r.CallGapMS) * time.Millisecond, SlowedAt: clock(r.SlowedAt),
		},
	}, nil
}

// AddShop stores a new shop and returns its id. Refused with an InputError: a home address or a prefix that is in use, and
// a store id already known under another address unless asCopy says that this is a copy (R14).
func (db *DB) AddShop(ctx context.Context, s doorzet.Shop, asCopy bool, actor string) (int64, error) {
	key, err := db.keys.seal(s.Key)
	if err != nil {
		return 0, err
	}
	secret, err := db.keys.seal(s.Secret)
	if err != nil {
		return 0, err
	}
	if err := db.refuseKnownStore(ctx, s, asCopy); err != nil {
		return 0, err
	}
	var id int64
	err = db.inTx(ctx, func(tx *sqlx.Tx) error {
		err := tx.GetContext(ctx, &id, `
			INSERT INTO shops (name, url, home, home_key, store_id, copy_of_store, consumer_key, consumer_secret, prefix,
			                   time_zone, start_date, starts_at, statuses, night_from, night_to, remainder, books_id,
			                   woo_version, auth, pool, zone_said, next_night_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, now())
			RETURNING id`,
			s.Name, s.URL, s.Home, doorzet.HomeKey(s.Home), s.StoreID, asCopy, key, secret, s.Prefix, s.TimeZone,
			s.StartDate.String(), s.StartsAt(), pq.StringArray(s.Statuses), s.NightHours.From, s.NightHours.To, s.Remainder,
			s.BooksID, s.WooVersion, s.Auth, s.Pool, s.ZoneSaid)
		if err != nil {
			return err
		}
		s.ID = id
		_, next := doorzet.NextNight(time.Now(), s.NightHours, s.Location(), s.ID)
		if err := scheduleNight(ctx, tx, s, next); err != nil {
			return err
		}
		return note(ctx, tx, id, actor, "shop", "Added "+s.Name+" at "+s.URL+".")
	})
	return id, shopConflict(err, s)
}

func (db *DB) refuseKnownStore(ctx context.Context, s doorzet.Shop, asCopy bool) error {
	if s.StoreID == "" {
		return nil
	}
	var other struct {
		ID      int64  `db:"id"`
		Home    string `db:"home"`
		HomeKey string `db:"home_key"`
	}
	err := db.x.GetContext(ctx, &other, `
		SELECT id, home, home_key FROM shops WHERE store_id = $1 ORDER BY copy_of_store, id LIMIT 1`, s.StoreID)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look for the store id: %w", err)
	case other.HomeKey == doorzet.HomeKey(s.Home):
		return doorzet.Input("the shop at %s is connected already: it is shop %d (see: doorzet shop show --shop %d)", other.Home, other.ID, other.ID)
	case !asCopy:
		return doorzet.Input("this store (store id %s) is known already as shop %d at %s. If that shop moved to the new address: doorzet shop set --shop %d --url %s --moved. If this is a copy of it: add it with --copy and other books than those of shop %d",
			s.StoreID, other.ID, other.Home, other.ID, s.URL, other.ID)
	}
	return refuseSameBooks(ctx, db.x, s)
}

func shopConflict(err error, s doorzet.Shop) error {
	var pe *pq.Error
	switch {
	case err == nil:
		return nil
	case violates(err, "shops_home_key_key"):
		return doorzet.Input("the shop at %s is connected already; a shop's home address can be connected only once (see: doorzet shop list)", s.Home)
	case violates(err, "shops_prefix_key"):
		return doorzet.Input("prefix %s is used by another shop of this installation: choose another --prefix", s.Prefix)
	case violates(err, "shops_store_id"):
		return doorzet.Input("store id %s is known already under another address (see: doorzet shop list)", s.StoreID)
	case errors.As(err, &pe) && pe.Code == "23503":
		return doorzet.Input("there are no books with id %d (make them with: doorzet books add)", s.BooksID)
	}
	return fmt.Errorf("store the shop: %w", err)
}

// scheduleNight sets when the shop's next night begins.
func scheduleNight(ctx context.Context, tx *sqlx.Tx, s doorzet.Shop, next time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE shops SET next_night_at = $2 WHERE id = $1`, s.ID, next); err != nil {
		return fmt.Errorf("set the next night of shop %d: %w", s.ID, err)
	}
	return nil
}

// Shop is one shop with its keys.
func (db *DB) Shop(ctx context.Context, id int64) (doorzet.Shop, error) {
	var r shopRow
	if err := db.x.GetContext(ctx, &r, selectShop+` WHERE id = $1`, id); err != nil {
		return doorzet.Shop{}, fmt.Errorf("shop %d: %w", id, notFound(err))
	}
	return r.shop(db.keys)
}

// Shops are all shops, by id.
func (db *DB) Shops(ctx context.Context) ([]doorzet.Shop, error) {
	var rows []shopRow
	if err := db.x.SelectContext(ctx, &rows, selectShop+` ORDER BY id`); err != nil {
		return nil, fmt.Errorf("list the shops: %w", err)
	}
	out := make([]doorzet.Shop, 0, len(rows))
	for _, r := range rows {
		s, err := r.shop(db.keys)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Prefixes are the prefixes in use.
func (db *DB) Prefixes(ctx context.Context) ([]string, error) {
	var out []string
	if err := db.x.SelectContext(ctx, &out, `SELECT prefix FROM shops ORDER BY prefix`); err != nil {
		return nil, fmt.Errorf("list the prefixes: %w", err)
	}
	return out, nil
}

// SawShop records what a shop said of itself when a night began or went on: the reason to stop it (R14; "" lets it go on), its
// version, how it lets us in, a store id that it did not have before, and its zone ("" = it did not say), which its nights and
// its start date follow.
func (db *DB) SawShop(ctx context.Context, s doorzet.Shop, actor string) error {
	return db.inTx(ctx, func(tx *sqlx.Tx) error {
		var before shopRow
		if err := tx.GetContext(ctx, &before, selectShop+` WHERE id = $1 FOR UPDATE`, s.ID); err != nil {
			return fmt.Errorf("shop %d: %w", s.ID, notFound(err))
		}
		_, err := tx.ExecContext(ctx, `
			UPDATE shops SET blocked_why = $2, woo_version = $3, auth = $4,
			       store_id = CASE WHEN store_id = '' AND NOT EXISTS (SELECT FROM shops o WHERE o.store_id = $5) THEN $5 ELSE store_id END
			 WHERE id = $1`, s.ID, s.BlockedWhy, s.WooVersion, s.Auth, s.StoreID)
		if err != nil {
			return fmt.Errorf("record what shop %d said: %w", s.ID, err)
		}
		switch {
		case s.BlockedWhy != before.BlockedWhy && s.BlockedWhy != "":
			return note(ctx, tx, s.ID, actor, "shop", "Stopped: "+s.BlockedWhy)
		case s.BlockedWhy != before.BlockedWhy:
			err = note(ctx, tx, s.ID, actor, "shop", "It is the same shop again: nights and pushes go on.")
		}
		if err != nil || s.BlockedWhy != "" || s.ZoneSaid == "" || s.ZoneSaid == before.ZoneSaid {
			return err
		}
		return followZone(ctx, tx, before, s.ZoneSaid, actor)
	})
}

// followZone records that a shop says another zone than before. When that was ours too its nights and its start date follow; one that
// its owner chose stays. A zone that is not known here is left alone.
func followZone(ctx context.Context, tx *sqlx.Tx, before shopRow, said, actor string) error {
	if _, err := doorzet.ParseZone(said); err != nil {
		return nil //nolint:nilerr // what a shop says of itself is no error of ours
	}
	s := doorzet.Shop{
		ID: before.ID, TimeZone: said, StartDate: doorzet.DateOf(before.StartDate, time.UTC),
		NightHours: doorzet.NightHours{From: before.NightFrom, To: before.NightTo},
	}
	if before.TimeZone != before.ZoneSaid || before.TimeZone == said {
		_, err := tx.ExecContext(ctx, `UPDATE shops SET zone_said = $2 WHERE id = $1`, s.ID, said)
		return err
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE shops
		   SET zone_said = $2, time_zone = $2, starts_at = $3, next_night_at = $4,
		       full_import_at = CASE WHEN $3 < starts_at THEN NULL ELSE full_import_at END
		 WHERE id = $1`,
		s.ID, said, s.StartsAt(), doorzet.Retimed(before.NextNightAt, time.Now(), s.NightHours, s.Location(), s.ID))
	if err != nil {
		return fmt.Errorf("record the zone of shop %d: %w", s.ID, err)
	}
	text := fmt.Sprintf("Time zone: %s → %s, as the shop says now. Its nights and its start date follow.", before.TimeZone, said)
	return note(ctx, tx, s.ID, actor, "shop", text)
}

// SawPace keeps what was learnt of how much a shop can bear.
func (db *DB) SawPace(ctx context.Context, shopID int64, p doorzet.Pace) error {
	return db.inTx(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE shops SET page_size = $2, batch_size = $3, call_gap_ms = $4, slowed_at = $5 WHERE id = $1`,
			shopID, p.Page, p.Batch, p.Gap.Milliseconds(), at(p.SlowedAt))
		if err != nil {
			return fmt.Errorf("record the pace of shop %d: %w", shopID, err)
		}
		return nil
	})
}

// SawWebhooks records whether a night found a shop's webhooks on, and returns what that makes of the window's width (R4). Each
// night counts once, also when it is taken over.
func (db *DB) SawWebhooks(ctx context.Context, shopID, nightID int64, found bool) (on bool, err error) {
	err = db.inTx(ctx, func(tx *sqlx.Tx) error {
		var s struct {
			On     bool `db:"webhooks_on"`
			OffFor int  `db:"webhooks_off_for"`
		}
		err := tx.GetContext(ctx, &s, `SELECT webhooks_on, webhooks_off_for FROM shops WHERE id = $1 FOR UPDATE`, shopID)
		if err != nil {
			return fmt.Errorf("shop %d: %w", shopID, notFound(err))
		}
		on = s.On
		res, err := tx.ExecContext(ctx, `UPDATE nights SET webhooks_on = $2 WHERE id = $1 AND webhooks_on IS NULL`, nightID, found)
		if err != nil {
			return fmt.Errorf("record the webhooks of shop %d: %w", shopID, err)
		}
		if n, _ := res.RowsAffected(); n == 0 && nightID != 0 {
			return nil
		}
		var offFor int
		on, offFor = doorzet.WebhooksSeen(s.On, s.OffFor, found)
		_, err = tx.ExecContext(ctx, `UPDATE shops SET webhooks_on = $2, webhooks_off_for = $3 WHERE id = $1`, shopID, on, offFor)
		if err != nil {
			return fmt.Errorf("record the webhooks of shop %d: %w", shopID, err)
		}
		return nil
	})
	return on, err
}

// FinishImport records that an import that began at start is complete. full says that it compared all ids, from the start date
// that the shop had then.
func (db *DB) FinishImport(ctx context.Context, shop doorzet.Shop, start time.Time, full bool) error {
	return db.inTx(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE shops
			   SET imported_at = greatest(imported_at, $2),
			       full_import_at = CASE WHEN $3 AND starts_at = $4 THEN greatest(full_import_at, $2) ELSE full_import_at END
			 WHERE id = $1`, shop.ID, start.UTC(), full, shop.StartsAt())
		if err != nil {
			return fmt.Errorf("record the import of shop %d: %w", shop.ID, err)
		}
		return nil
	})
}

// SetUnread remembers orders that an import could not read, and forgets those that were read since. Orders that are stored are
// not remembered: nights look at them anyway.
func (db *DB) SetUnread(ctx context.Context, shopID int64, unread, read []int64) error {
	return db.inTx(ctx, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE shops s
			   SET unread = ARRAY(
			           SELECT DISTINCT id FROM unnest(s.unread || coalesce(CAST($2 AS bigint[]), '{}')) AS id
			            WHERE id <> 0 AND id <> ALL (coalesce(CAST($3 AS bigint[]), '{}'))
			              AND NOT EXISTS (SELECT FROM orders o WHERE o.shop_id = s.id AND o.woo_id = id)
			            ORDER BY id)
			 WHERE s.id = $1`, shopID, pq.Array(unread), pq.Array(read))
		if err != nil {
			return fmt.Errorf("remember what could not be read of shop %d: %w", shopID, err)
		}
		return nil
	})
}
