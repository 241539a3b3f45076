package postgrestest

import (
	"database/sql"
	"testing"

	"github.com/lib/pq"
)

// Session is one connection that stays open: to watch rows, and to hold locks between Exec("BEGIN") and Exec("COMMIT").
type Session struct {
	conn *sql.Conn
}

// Connect opens a session, which ends with the test. With it end its locks.
func Connect(tb testing.TB, databaseURL string) *Session {
	tb.Helper()
	connector, err := pq.NewConnector(databaseURL)
	if err != nil {
		tb.Fatal(err)
	}
	db := sql.OpenDB(connector)
	tb.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(tb.Context())
	if err != nil {
		tb.Fatal("connect: ", err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return &Session{conn}
}

// Exec runs a statement and gives the number of rows that it touched.
func (s *Session) Exec(tb testing.TB, query string, args ...any) int64 {
	tb.Helper()
	result, err := s.conn.ExecContext(tb.Context(), query, args...)
	if err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0 // a statement that touches no rows
	}
	return n
}

// Scan reads one row into variables.
func (s *Session) Scan(tb testing.TB, into []any, query string, args ...any) {
	tb.Helper()
	if err := s.conn.QueryRowContext(tb.Context(), query, args...).Scan(into...); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
}

// Int reads one number.
func (s *Session) Int(tb testing.TB, query string, args ...any) int {
	tb.Helper()
	var n int
	s.Scan(tb, []any{&n}, query, args...)
	return n
}

// Ints reads a column of numbers.
func (s *Session) Ints(tb testing.TB, query string, args ...any) []int64 {
	tb.Helper()
	var numbers pq.Int64Array
	s.Scan(tb, []any{&numbers}, `SELECT array_agg(x.n) FROM (`+query+`) x(n)`, args...)
	return numbers
}

// Text reads one text; null is "".
func (s *Session) Text(tb testing.TB, query string, args ...any) string {
	tb.Helper()
	var text sql.NullString
	s.Scan(tb, []any{&text}, query, args...)
	return text.String
}
