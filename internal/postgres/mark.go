package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// memory is the newest mark that this process has seen, here or elsewhere.
type memory struct {
	mu sync.Mutex
	m  doorzet.Mark
}

func (m *memory) mark() doorzet.Mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.m
}

// Know remembers a mark that was seen, here or by another process, if it is newer than the one that is known.
func (db *DB) Know(m doorzet.Mark) {
	db.seen.mu.Lock()
	defer db.seen.mu.Unlock()
	if m.Newer(db.seen.m) {
		db.seen.m = m
	}
}

// withMark are the parameters of a statement that tests a mark: the mark's own are $1 to $3.
func withMark(m doorzet.Mark, args ...any) []any {
	return append([]any{m.Entry, at(m.At), at(m.Restored)}, args...)
}

// markStands is whether the journal holds the entry of the mark that withMark gives, or a restore was recorded since: then the books
// are asked.
const markStands = `(CAST($1 AS bigint) = 0 OR EXISTS (SELECT FROM events WHERE id = CAST($1 AS bigint) AND at = CAST($2 AS timestamptz))
		OR EXISTS (SELECT FROM installation WHERE restored_at > coalesce(CAST($3 AS timestamptz), '-infinity')))`

// Mark is the newest mark, which is known from now on. An entry that is read is committed and on disk, so a crash of Postgres
// takes no mark back; what is rolled back is never seen. ErrRestored: the newest mark that was known is not there, and no restore
// was recorded since.
func (db *DB) Mark(ctx context.Context) (doorzet.Mark, error) {
	var r struct {
		Stands   bool          `db:"stands"`
		Restored sql.NullTime  `db:"restored_at"`
		Entry    sql.NullInt64 `db:"entry"`
		At       sql.NullTime  `db:"at"`
	}
	err := db.x.GetContext(ctx, &r, `
		SELECT `+markStands+` AS stands, i.restored_at, m.entry, m.at
		  FROM installation i
		  LEFT JOIN LATERAL (SELECT e.id AS entry, e.at FROM events e ORDER BY e.id DESC LIMIT 1) m ON true`, withMark(db.seen.mark())...)
	switch {
	case err != nil:
		return doorzet.Mark{}, fmt.Errorf("read the newest entry of the journal: %w", err)
	case !r.Stands:
		return doorzet.Mark{}, doorzet.ErrRestored
	}
	m := doorzet.Mark{Entry: r.Entry.Int64, At: clock(r.At), Restored: clock(r.Restored)}
	db.Know(m)
	return m, nil
}

// Installation is the name of this installation, which tells it from others. It is made with the database and restored with it.
func (db *DB) Installation(ctx context.Context) (string, error) {
	var id string
	if err := db.x.GetContext(ctx, &id, `SELECT CAST(id AS text) FROM installation`); err != nil {
		return "", fmt.Errorf("read the name of the installation: %w", err)
	}
	return id, nil
}

// LastRestore is when Postgres was last restored and who said so or found it; the zero time when it never was.
func (db *DB) LastRestore(ctx context.Context) (doorzet.Restore, error) {
	var r struct {
		At sql.NullTime `db:"restored_at"`
		By string       `db:"restored_by"`
	}
	err := db.x.GetContext(ctx, &r, `SELECT restored_at, restored_by FROM installation`)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return doorzet.Restore{}, fmt.Errorf("read the last restore: %w", err)
	}
	return doorzet.Restore{At: clock(r.At), By: r.By}, nil
}
