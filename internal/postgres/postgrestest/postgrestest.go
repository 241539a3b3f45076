// Package postgrestest gives tests a database of their own on a real Postgres.
package postgrestest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lib/pq"

	"github.com/doorzet/doorzet/internal/embedded"
	"github.com/doorzet/doorzet/internal/postgres"
)

// template is the migrated database that each test's own is copied from.
const template = "doorzet_template"

var (
	next  atomic.Int64
	start = sync.OnceValues(func() (string, error) {
		// A context of its own: the server is for all tests of this binary, and ends with it.
		ctx := context.Background()
		dir, err := embedded.Scratch(ctx)
		if err != nil {
			return "", err
		}
		s, err := embedded.Postgres(ctx, embedded.Options{Dir: dir})
		if err != nil {
			return "", err
		}
		return s.URL, prepare(ctx, s.URL)
	})
)

// prepare makes the template.
func prepare(ctx context.Context, server string) error {
	if err := statement(ctx, server, `CREATE DATABASE `+template); err != nil {
		return err
	}
	db, err := postgres.Open(named(server, template), postgres.Keyring{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.Migrate(ctx)
}

// URL gives the URL of a fresh, migrated database that no other test uses. The first call starts a private Postgres, which
// ends with the test binary.
func URL(tb testing.TB) string {
	tb.Helper()
	server, err := start()
	if err != nil {
		tb.Fatal("start a private Postgres: ", err)
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), next.Add(1))
	if err := statement(tb.Context(), server, `CREATE DATABASE `+name+` TEMPLATE `+template); err != nil {
		tb.Fatal("make a database: ", err)
	}
	return named(server, name)
}

// Keys are the keys that tests encrypt with.
func Keys(tb testing.TB) postgres.Keyring {
	tb.Helper()
	sum := sha256.Sum256([]byte("a key for tests"))
	keys, err := postgres.NewKeyring(sum[:])
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

// Open gives a fresh database, opened.
func Open(tb testing.TB) *postgres.DB {
	tb.Helper()
	db, err := postgres.Open(URL(tb), Keys(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

// Exec runs a statement on a database, for what no method of the product does: making time pass.
func Exec(tb testing.TB, databaseURL, query string, args ...any) {
	tb.Helper()
	if err := statement(tb.Context(), databaseURL, query, args...); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
}

// One reads one value, for what no method of the product tells.
func One[T any](tb testing.TB, databaseURL, query string, args ...any) T {
	tb.Helper()
	value, err := Try[T](tb.Context(), databaseURL, query, args...)
	if err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return value
}

// Try is One for a database that may be away.
func Try[T any](ctx context.Context, databaseURL, query string, args ...any) (T, error) {
	var value T
	connector, err := pq.NewConnector(databaseURL)
	if err != nil {
		return value, err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	err = db.QueryRowContext(ctx, query, args...).Scan(&value)
	return value, err
}

func statement(ctx context.Context, databaseURL, query string, args ...any) error {
	connector, err := pq.NewConnector(databaseURL)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, query, args...)
	return err
}

func named(server, database string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Path = "/" + database
	return u.String()
}
