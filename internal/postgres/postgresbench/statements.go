package postgresbench

import (
	"context"
	"fmt"
)

// CountStatements makes the counts of a database readable. It tells whether the server counts at all.
func (db *DB) CountStatements(ctx context.Context) (bool, error) {
	loaded, err := one[bool](ctx, db, "ask for the counts of statements",
		`SELECT position('pg_stat_statements' IN current_setting('shared_preload_libraries')) > 0`)
	if err != nil || !loaded {
		return false, err
	}
	return true, db.exec(ctx, "make the counts of statements", `CREATE EXTENSION IF NOT EXISTS pg_stat_statements`)
}

// ResetStatements begins to count from nothing, in all databases.
func (db *DB) ResetStatements(ctx context.Context) error {
	return db.exec(ctx, "reset the counts of statements", `SELECT pg_stat_statements_reset()`)
}

// Count is how many statements were run, those that begin and end transactions aside, and with them: each is one round trip.
type Count struct{ Statements, RoundTrips int }

// Statements is how many statements a user had run in this database since the reset.
func (db *DB) Statements(ctx context.Context, user string) (Count, error) {
	var c Count
	row := db.x.QueryRowContext(ctx, `
		SELECT coalesce(sum(s.calls) FILTER (WHERE s.query !~* '^\s*(BEGIN|COMMIT|ROLLBACK|START)'), 0), coalesce(sum(s.calls), 0)
		  FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid JOIN pg_database d ON d.oid = s.dbid
		 WHERE r.rolname = $1 AND d.datname = current_database()`, user)
	if err := row.Scan(&c.Statements, &c.RoundTrips); err != nil {
		return c, fmt.Errorf("count the statements: %w", err)
	}
	return c, nil
}

// Statement is one statement that was run.
type Statement struct {
	Text  string // with parameters in place of constants
	Calls int
	Ms    float64 // in total, on the server
}

// Top are a user's statements that took the server longest.
func (db *DB) Top(ctx context.Context, user string, limit int) ([]Statement, error) {
	rows, err := db.x.QueryContext(ctx, `
		SELECT regexp_replace(s.query, '\s+', ' ', 'g'), s.calls, s.total_exec_time
		  FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid JOIN pg_database d ON d.oid = s.dbid
		 WHERE r.rolname = $1 AND d.datname = current_database()
		 ORDER BY s.total_exec_time DESC LIMIT $2`, user, limit)
	if err != nil {
		return nil, fmt.Errorf("list the statements: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Statement
	for rows.Next() {
		var s Statement
		if err := rows.Scan(&s.Text, &s.Calls, &s.Ms); err != nil {
			return nil, fmt.Errorf("list the statements: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
