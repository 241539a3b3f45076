package push_test

import (
	"context"
	"testing"

	"github.com/doorzet/doorzet/internal/accounting/accountingtest"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
)

// half are books in which a document can be looked up, whatever else is wrong.
type half struct{ *accountingtest.Fake }

func (half) Find(context.Context, string) ([]doorzet.Found, error) { return nil, nil }

// wrongTotal are books that add a cent.
type wrongTotal struct{ *accountingtest.Fake }

func (w wrongTotal) Create(ctx context.Context, doc doorzet.Document) (doorzet.Receipt, error) {
	r, err := w.Fake.Create(ctx, doc)
	r.Total++
	return r, err
}

// broken are books that fail in a way that nobody foresaw.
type broken struct{ *accountingtest.Fake }

func (broken) Create(context.Context, doorzet.Document) (doorzet.Receipt, error) {
	return doorzet.Receipt{}, errStrange
}

// sentAgo says how long ago the bookings were sent.
func (b *bundle) sentAgo(t *testing.T, ago string) {
	t.Helper()
	postgrestest.Exec(t, b.url, `UPDATE bookings SET sent_at = now() - CAST($1 AS interval)`, ago)
}
