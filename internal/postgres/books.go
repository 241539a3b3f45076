package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/jmoiron/sqlx"

	"github.com/doorzet/doorzet/internal/doorzet"
)

type booksRow struct {
	ID     int64  `db:"id"`
	Kind   string `db:"kind"`
	Name   string `db:"name"`
	Dir    string `db:"dir"`
	Seller string `db:"seller"`

	PerMinute sql.NullInt64 `db:"per_minute"`
}

func (r booksRow) books() (doorzet.Books, error) {
	b := doorzet.Books{ID: r.ID, Kind: r.Kind, Name: r.Name, Dir: r.Dir, PerMinute: int(r.PerMinute.Int64)}
	if err := json.Unmarshal([]byte(r.Seller), &b.Seller); err != nil {
		return b, fmt.Errorf("read the seller of books %d: %w", r.ID, err)
	}
	return b, nil
}

// AddBooks stores a connection to books and returns its id. A name that is in use is an InputError, and so is a folder: files of
// two administrations would stand in one.
func (db *DB) AddBooks(ctx context.Context, b doorzet.Books) (int64, error) {
	seller, err := json.Marshal(b.Seller)
	if err != nil {
		return 0, fmt.Errorf("write the seller: %w", err)
	}
	var id int64
	err = db.x.GetContext(ctx, &id, `
		INSERT INTO books (kind, name, dir, seller) VALUES ($1, $2, $3, $4) RETURNING id`,
		b.Kind, b.Name, b.Dir, string(seller))
	return id, db.booksConflict(ctx, err, b)
}

// booksConflict says whose name or folder it is that cannot be stored once more.
func (db *DB) booksConflict(ctx context.Context, err error, b doorzet.Books) error {
	switch {
	case err == nil:
		return nil
	case violates(err, "books_name_key"):
		return doorzet.Input("books named %q exist already: choose another --name", b.Name)
	case !violates(err, "books_files_dir"):
		return fmt.Errorf("store the books: %w", err)
	}
	var other booksRow
	if err := db.x.GetContext(ctx, &other, `SELECT id, name FROM books WHERE kind = 'files' AND dir = $1`, b.Dir); err != nil {
		return fmt.Errorf("look for the folder: %w", err)
	}
	return doorzet.Input("folder %s is that of books %d, %s, already: choose another --dir", b.Dir, other.ID, other.Name)
}

// SetBooks stores what differs between two versions of the settings of books: their name, folder and seller. Settings that
// others changed since before was read stay as they are. changes are sentences for the journal of each shop that pushes there.
func (db *DB) SetBooks(ctx context.Context, before, after doorzet.Books, changes []string, actor string) error {
	err := db.inTx(ctx, func(tx *sqlx.Tx) error {
		var r booksRow
		if err := tx.GetContext(ctx, &r, `SELECT id, kind, name, dir, seller, per_minute FROM books WHERE id = $1 FOR UPDATE`, after.ID); err != nil {
			return fmt.Errorf("books %d: %w", after.ID, notFound(err))
		}
		take(&r.Name, before.Name, after.Name)
		take(&r.Dir, before.Dir, after.Dir)
		if !reflect.DeepEqual(before.Seller, after.Seller) {
			seller, err := json.Marshal(after.Seller)
			if err != nil {
				return fmt.Errorf("write the seller: %w", err)
			}
			r.Seller = string(seller)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE books SET name = $2, dir = $3, seller = $4 WHERE id = $1`, r.ID, r.Name, r.Dir, r.Seller); err != nil {
			return err
		}
		var shops []int64
		if err := tx.SelectContext(ctx, &shops, `SELECT id FROM shops WHERE books_id = $1 ORDER BY id`, r.ID); err != nil {
			return fmt.Errorf("list the shops of the books: %w", err)
		}
		for _, shop := range shops {
			for _, c := range changes {
				if err := note(ctx, tx, shop, actor, "settings", c); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return db.booksConflict(ctx, err, after)
}

// Books is one connection to books.
func (db *DB) Books(ctx context.Context, id int64) (doorzet.Books, error) {
	var r booksRow
	err := db.x.GetContext(ctx, &r, `SELECT id, kind, name, dir, seller, per_minute FROM books WHERE id = $1`, id)
	if err != nil {
		return doorzet.Books{}, fmt.Errorf("books %d: %w", id, notFound(err))
	}
	return r.books()
}

// AllBooks are all connections to books, by id.
func (db *DB) AllBooks(ctx context.Context) ([]doorzet.Books, error) {
	var rows []booksRow
	if err := db.x.SelectContext(ctx, &rows, `SELECT id, kind, name, dir, seller, per_minute FROM books ORDER BY id`); err != nil {
		return nil, fmt.Errorf("list the books: %w", err)
	}
	out := make([]doorzet.Books, 0, len(rows))
	for _, r := range rows {
		b, err := r.books()
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}
