package postgres_test

import (
	"testing"

	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
)

// A process that stands still in a transaction, or whose machine is gone, keeps nobody out for longer than a claim holds. How
// long is the operator's when the URL says so.
func TestOpen_aSilentTransactionIsEnded(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	for address, want := range map[string]string{url: "10s", url + "&idle_in_transaction_session_timeout=3s": "3s"} {
		db, err := postgres.Open(address, postgrestest.Keys(t))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := db.Show(t.Context(), "idle_in_transaction_session_timeout"); got != want || err != nil {
			t.Errorf("a silent transaction is ended after %s, want %s: %v", got, want, err)
		}
		_ = db.Close()
	}
}
