package postgres_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
)

// bundle is a database with one shop.
type bundle struct {
	db   *postgres.DB
	raw  *sqlx.DB
	url  string
	shop doorzet.Shop
}

// seenAt is when the orders of these tests are first looked at.
var seenAt = time.Now().UTC().Truncate(time.Second).Add(-time.Hour)

func setup(t *testing.T) *bundle {
	t.Helper()
	url := postgrestest.URL(t)
	db, err := postgres.Open(url, postgrestest.Keys(t))
	if err != nil {
		t.Fatal(err)
	}
	connector, err := pq.NewConnector(url)
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{db: db, raw: sqlx.NewDb(sql.OpenDB(connector), "postgres"), url: url}
	t.Cleanup(func() { _, _ = b.raw.Close(), db.Close() })
	b.shop = b.addShop(t, "WC", "https://shop.example")
	return b
}

// newShop is a shop that is not stored yet, with books of its own.
func (b *bundle) newShop(t *testing.T, prefix, home string) doorzet.Shop {
	t.Helper()
	books, err := b.db.AddBooks(t.Context(), doorzet.Books{Kind: "files", Name: "books of " + prefix, Dir: "/nowhere/" + prefix})
	if err != nil {
		t.Fatal(err)
	}
	return doorzet.Shop{
		Name: "Shop " + prefix, URL: home, Home: home, StoreID: "store " + prefix, Key: "ck_verysecret", Secret: "cs_verysecret",
		Prefix: prefix, TimeZone: "Europe/Amsterdam", StartDate: doorzet.Date{Year: 2020, Month: time.January, Day: 1},
		Statuses: []string{"completed", "processing"}, NightHours: doorzet.DefaultNightHours, Remainder: true, BooksID: books,
	}
}

func (b *bundle) addShop(t *testing.T, prefix, home string) doorzet.Shop {
	t.Helper()
	id, err := b.db.AddShop(t.Context(), b.newShop(t, prefix, home), false, "test")
	if err != nil {
		t.Fatal(err)
	}
	return b.reload(t, id)
}

func (b *bundle) reload(t *testing.T, shopID int64) doorzet.Shop {
	t.Helper()
	s, err := b.db.Shop(t.Context(), shopID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// look is one reading of an order with a status, the nth second after seenAt; the shop changed it then too.
func look(wooID int64, status string, second int) doorzet.Look {
	at := seenAt.Add(time.Duration(second) * time.Second)
	return doorzet.Look{
		By: doorzet.ByNight, WooID: wooID, OrderKey: fmt.Sprint("wc_order_", wooID), Number: fmt.Sprint("#", wooID), Status: status,
		Currency: "EUR", Total: decimal.RequireFromString("12.10"), Created: seenAt.Add(-24 * time.Hour), Modified: at,
		StartedAt: at, ReceivedAt: at.Add(100 * time.Millisecond), REST: true, Document: []byte(`{"id":` + fmt.Sprint(wooID) + `}`),
	}
}

// missing is the answer "no such order".
func missing(wooID int64, second int) doorzet.Look {
	at := seenAt.Add(time.Duration(second) * time.Second)
	return doorzet.Look{By: doorzet.ByNight, WooID: wooID, Missing: true, REST: true, StartedAt: at, ReceivedAt: at.Add(time.Second)}
}

// window is the oldest creation that is inside, for all looks of these tests.
var window = seenAt.Add(-doorzet.WindowShort)

func (b *bundle) context() doorzet.LookContext {
	return doorzet.LookContext{Shop: b.shop, Since: window, Actor: "test"}
}

// see records looks by nobody's night.
func (b *bundle) see(t *testing.T, looks ...doorzet.Look) []doorzet.Applied {
	t.Helper()
	return b.seeAs(t, b.context(), looks...)
}

func (b *bundle) seeAs(t *testing.T, c doorzet.LookContext, looks ...doorzet.Look) []doorzet.Applied {
	t.Helper()
	applied, err := b.db.ApplyLooks(t.Context(), c, looks)
	if err != nil {
		t.Fatal(err)
	}
	return applied
}

// due makes an order due and gives its booking.
func (b *bundle) due(t *testing.T, wooID int64) int64 {
	t.Helper()
	return b.see(t, look(wooID, "processing", 0))[0].BookingID
}

func (b *bundle) claim(t *testing.T, bookingID int64) doorzet.PushJob {
	t.Helper()
	job, err := b.db.ClaimPush(t.Context(), bookingID)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// sent claims a booking and sends a document of it.
func (b *bundle) sent(t *testing.T, bookingID int64) doorzet.PushJob {
	t.Helper()
	job := b.claim(t, bookingID)
	if err := b.db.Send(t.Context(), job.Claim, document(job.Reference), job.Books.ID); err != nil {
		t.Fatal(err)
	}
	return job
}

func document(reference string) doorzet.Document {
	return doorzet.Document{Kind: doorzet.KindInvoice, Reference: reference, Currency: "EUR", Total: 1210}
}

func (b *bundle) order(t *testing.T, wooID int64) doorzet.OrderRow {
	t.Helper()
	o, err := b.db.Order(t.Context(), b.shop.ID, wooID)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// exec changes the database behind the product's back: time passes.
func (b *bundle) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := b.raw.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// leaseOver lets all claims run out.
func (b *bundle) leaseOver(t *testing.T) {
	t.Helper()
	b.exec(t, `UPDATE bookings SET claimed_until = clock_timestamp() - interval '1 second' WHERE claimed_until IS NOT NULL`)
	b.exec(t, `UPDATE nights SET claimed_until = clock_timestamp() - interval '1 second' WHERE claimed_until IS NOT NULL`)
}

// one reads one value.
func one[T any](t *testing.T, b *bundle, query string, args ...any) T {
	t.Helper()
	var v T
	if err := b.raw.GetContext(t.Context(), &v, query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}
