// Package postgresbench is what benchmarks need of Postgres and the product does not: databases made and copied in a moment,
// many rows at once, counts of statements, what became of the rows, and the floor that pushes are compared with.
//
// It knows the tables of the product, so it stands with the rest of the SQL. No process of the product uses it.
package postgresbench

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"

	"github.com/lib/pq"
)

// DB is one database, as a benchmark looks at it. Its connections are apart from those that are measured.
type DB struct{ x *sql.DB }

// Open prepares the connections to a database; nothing is contacted yet.
func Open(address string) (*DB, error) {
	connector, err := pq.NewConnector(address)
	if err != nil {
		return nil, fmt.Errorf("read the address of Postgres: %w", err)
	}
	x := sql.OpenDB(connector)
	x.SetMaxOpenConns(4)
	return &DB{x}, nil
}

// Close closes the connections.
func (db *DB) Close() error { return db.x.Close() }

// Named is the address of another database of the same server, as a user.
func Named(address, database, user string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("read the address of Postgres: %w", err)
	}
	u.Path, u.User = "/"+database, url.User(user)
	return u.String(), nil
}

// Role makes a user who may do everything. Statements are counted by user, so that those who look on are not counted.
func (db *DB) Role(ctx context.Context, name string) error {
	return db.exec(ctx, "make a role", `CREATE ROLE `+pq.QuoteIdentifier(name)+` SUPERUSER LOGIN`)
}

// Create makes an empty database.
func (db *DB) Create(ctx context.Context, name string) error {
	return db.exec(ctx, "make a database", `CREATE DATABASE `+pq.QuoteIdentifier(name))
}

// Copy makes a database as another one is. Nobody may be connected to that one.
func (db *DB) Copy(ctx context.Context, name, from string) error {
	return db.exec(ctx, "copy a database", `CREATE DATABASE `+pq.QuoteIdentifier(name)+` TEMPLATE `+pq.QuoteIdentifier(from))
}

// Drop removes a database, whoever is connected to it.
func (db *DB) Drop(ctx context.Context, name string) error {
	return db.exec(ctx, "remove a database", `DROP DATABASE IF EXISTS `+pq.QuoteIdentifier(name)+` WITH (FORCE)`)
}

// Settle brings a database into the state of one that has been there for a while: statistics are known, dead rows are gone, and
// what was written is on disk.
func (db *DB) Settle(ctx context.Context) error {
	if err := db.exec(ctx, "gather statistics", `VACUUM ANALYZE`); err != nil {
		return err
	}
	return db.exec(ctx, "write to disk", `CHECKPOINT`)
}

// Version is the server's, such as "15.18".
func (db *DB) Version(ctx context.Context) (string, error) {
	return one[string](ctx, db, "ask for the version", `SELECT split_part(current_setting('server_version'), ' ', 1)`)
}

func (db *DB) exec(ctx context.Context, what, statement string, args ...any) error {
	if _, err := db.x.ExecContext(ctx, statement, args...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// one reads one value.
func one[T any](ctx context.Context, db *DB, what, statement string, args ...any) (T, error) {
	var value T
	if err := db.x.QueryRowContext(ctx, statement, args...).Scan(&value); err != nil {
		return value, fmt.Errorf("%s: %w", what, err)
	}
	return value, nil
}
