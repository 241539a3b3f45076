package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/doorzet/doorzet/internal/doorzet"
)

type booksRow struct {
	ID     int64  `db:"id"`
	Kind   string `db:"kind"`
	Name   string `db:"name"`
	Dir    string `db:"dir"`
	Seller string `db:"seller"`
}

func (r booksRow) books() (doorzet.Books, error) {
	b := doorzet.Books{ID: r.ID, Kind: r.Kind, Name: r.Name, Dir: r.Dir}
	if err := json.Unmarshal([]byte(r.Seller), &b.Seller); err != nil {
		return b, fmt.Errorf("read the seller of books %d: %w", r.ID, err)
	}
	return b, nil
}

// AddBooks stores a connection to books and returns its id. A name that is in use is an InputError.
func (db *DB) AddBooks(ctx context.Context, b doorzet.Books) (int64, error) {
	seller, err := json.Marshal(b.Seller)
	if err != nil {
		return 0, fmt.Errorf("write the seller: %w", err)
	}
	var id int64
	err = db.x.GetContext(ctx, &id, `
		INSERT INTO books (kind, name, dir, seller) VALUES ($1, $2, $3, $4) RETURNING id`,
		b.Kind, b.Name, b.Dir, string(seller))
	if violates(err, "books_name_key") {
		return 0, doorzet.Input("books named %q exist already: choose another --name", b.Name)
	}
	if err != nil {
		return 0, fmt.Errorf("store the books: %w", err)
	}
	return id, nil
}

// Books is one connection to books.
func (db *DB) Books(ctx context.Context, id int64) (doorzet.Books, error) {
	var r booksRow
	err := db.x.GetContext(ctx, &r, `SELECT id, kind, name, dir, seller FROM books WHERE id = $1`, id)
	if err != nil {
		return doorzet.Books{}, fmt.Errorf("books %d: %w", id, notFound(err))
	}
	return r.books()
}

// AllBooks are all connections to books, by id.
func (db *DB) AllBooks(ctx context.Context) ([]doorzet.Books, error) {
	var rows []booksRow
	if err := db.x.SelectContext(ctx, &rows, `SELECT id, kind, name, dir, seller FROM books ORDER BY id`); err != nil {
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
