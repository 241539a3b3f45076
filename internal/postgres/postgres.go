// Package postgres holds all SQL: one file per noun, whole literals, one method = one transaction = one business act.
//
// Postgres is where everything lives that may not be lost. Times of leases and retries are Postgres' own clock.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/migrations"
)

// DB is the database. It is safe for concurrent use. It remembers the newest entry of the journal that this process has seen, and
// so notices when Postgres was restored.
type DB struct {
	x         *sqlx.DB
	keys      Keyring
	rehearsal bool
	seen      *memory
}

// Open prepares a connection pool; it does not connect yet, so a process starts while Postgres is down. Keys encrypt the
// secrets of shops; the zero Keyring is enough for work that reads none.
func Open(address string, keys Keyring) (*DB, error) {
	connector, err := connect(address)
	if err != nil {
		return nil, doorzet.Input("DATABASE_URL cannot be read: write it as postgres://user:password@host:5432/database?sslmode=disable")
	}
	x := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	x.SetMaxOpenConns(20) // several processes share a Postgres that allows a hundred by default
	x.SetMaxIdleConns(20)
	x.SetConnMaxIdleTime(5 * time.Minute)
	return &DB{x: x, keys: keys, seen: &memory{}}, nil
}

// Close closes all connections.
func (db *DB) Close() error { return db.x.Close() }

// Ping tells whether Postgres answers.
func (db *DB) Ping(ctx context.Context) error { return db.x.PingContext(ctx) }

// Rehearsal is the same database on which every change is rolled back: the same code runs, nothing stays. A night's
// dry-run works on it.
func (db *DB) Rehearsal() *DB {
	r := *db
	r.rehearsal = true
	return &r
}

// Migrate brings the database to the newest version under an advisory lock, so that processes that start together do not
// collide. It is safe to repeat.
func (db *DB) Migrate(ctx context.Context) error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300), lock.WithUnlockTimeout(1, 60))
	if err != nil {
		return fmt.Errorf("make the migration lock: %w", err)
	}
	files, err := fs.Sub(migrations.Files, ".")
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db.x.DB, files, goose.WithSessionLocker(locker), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// errRehearsed ends the transaction of a rehearsal.
var errRehearsed = errors.New("rehearsal")

// inTx runs f in a transaction and repeats it when Postgres asks for that: deadlock or serialization failure. Nested use is not
// possible: f gets the transaction, not the DB.
func (db *DB) inTx(ctx context.Context, f func(tx *sqlx.Tx) error) error {
	for try := 1; ; try++ {
		err := db.once(ctx, f)
		if err == nil || try == 5 || !repeatable(err) || ctx.Err() != nil {
			return err
		}
	}
}

func repeatable(err error) bool {
	var pe *pq.Error
	return errors.As(err, &pe) && (pe.Code == "40P01" || pe.Code == "40001")
}

func (db *DB) once(ctx context.Context, f func(tx *sqlx.Tx) error) error {
	tx, err := db.x.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	err = f(tx)
	if err == nil && db.rehearsal {
		err = errRehearsed
	}
	if err != nil {
		_ = tx.Rollback() // the connection is gone when this fails, and the transaction with it
		if errors.Is(err, errRehearsed) {
			return nil
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// again runs a single statement that returns one value, and repeats it when Postgres asks for that.
func (db *DB) again(ctx context.Context, value any, statement string, args []any) error {
	for try := 1; ; try++ {
		err := db.x.GetContext(ctx, value, statement, args...)
		if err == nil || try == 5 || !repeatable(err) || ctx.Err() != nil {
			return err
		}
	}
}

// violates tells whether an error is a violation of the named unique constraint or index.
func violates(err error, constraint string) bool {
	var pe *pq.Error
	return errors.As(err, &pe) && pe.Code == "23505" && pe.Constraint == constraint
}

// notFound turns "no rows" into doorzet.ErrNotFound.
func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return doorzet.ErrNotFound
	}
	return err
}

// at is a nullable time as the zero time means null.
func at(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

// clock is a nullable time of a row; null is the zero time.
func clock(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

// Now is Postgres' clock.
func (db *DB) Now(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := db.x.GetContext(ctx, &now, `SELECT clock_timestamp()`)
	return now.UTC(), err
}
