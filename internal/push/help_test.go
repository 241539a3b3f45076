package push_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/accounting/accountingtest"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/push"
)

// bundle is a shop of one order per test, fake books, and pushers on real Postgres.
type bundle struct {
	db    *postgres.DB
	url   string
	shop  doorzet.Shop
	books push.Books
	fake  *accountingtest.Fake

	mu     sync.Mutex
	orders map[int64]doorzet.ShopOrder // what the shop has
	reads  int
	down   error // of the shop
}

func setup(t *testing.T) *bundle {
	t.Helper()
	url := postgrestest.URL(t)
	db, err := postgres.Open(url, postgrestest.Keys(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	fake := &accountingtest.Fake{}
	b := &bundle{db: db, url: url, books: fake, fake: fake, orders: map[int64]doorzet.ShopOrder{}}
	books, err := db.AddBooks(t.Context(), doorzet.Books{Kind: "fake", Name: "fake", Seller: accountingtest.Seller()})
	if err != nil {
		t.Fatal(err)
	}
	id, err := db.AddShop(t.Context(), doorzet.Shop{
		Name: "Shop", URL: "https://shop.example", Home: "https://shop.example", Key: "ck", Secret: "cs", Prefix: "WC",
		TimeZone: "Europe/Amsterdam", StartDate: doorzet.Date{Year: 2020, Month: time.January, Day: 1},
		Statuses: []string{"completed", "processing"}, NightHours: doorzet.DefaultNightHours, BooksID: books,
	}, false, "test")
	if err != nil {
		t.Fatal(err)
	}
	if b.shop, err = db.Shop(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return b
}

// pusher is one worker.
func (b *bundle) pusher() *push.Pusher {
	return &push.Pusher{
		Store: b.db, Open: func(doorzet.Books) (push.Books, error) { return b.books, nil }, Read: b.read,
		Decode: func(document []byte) (doorzet.ShopOrder, error) {
			var o doorzet.ShopOrder
			err := json.Unmarshal(document, &o)
			return o, err
		},
		Rates: func(context.Context, doorzet.Shop) (push.Rates, error) { return push.Rates{}, nil },
		Keep: func(ctx context.Context, _ func(context.Context) error) (context.Context, func()) {
			return ctx, func() {}
		},
		Ended: func(context.Context, int64) {}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
}

// read is the shop's REST API.
func (b *bundle) read(_ context.Context, _ doorzet.Shop, wooID int64) (doorzet.Look, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	if b.down != nil {
		return doorzet.Look{}, b.down
	}
	return b.look(wooID, doorzet.ByPush), nil
}

func (b *bundle) look(wooID int64, by doorzet.LookBy) doorzet.Look {
	now := time.Now()
	o, ok := b.orders[wooID]
	if !ok {
		return doorzet.Look{By: by, WooID: wooID, Missing: true, REST: true, StartedAt: now, ReceivedAt: now}
	}
	document, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return doorzet.LookAt(by, o, document, now, now)
}

// order is an order of one line with 21 % VAT.
func order(id int64, status, total string) doorzet.ShopOrder {
	gross := decimal.RequireFromString(total)
	net := gross.Div(decimal.RequireFromString("1.21")).Round(2)
	now := time.Now().UTC().Truncate(time.Second)
	return doorzet.ShopOrder{
		ID: id, OrderKey: fmt.Sprint("wc_order_", id), Number: fmt.Sprint(id), Status: status, Currency: "EUR", Version: "10.5.2",
		Created: now.Add(-time.Hour), Modified: now, Paid: now.Add(-time.Hour), Total: gross, TotalTax: gross.Sub(net), PaymentMethod: "ideal", Full: true,
		Billing: doorzet.Address{FirstName: "Jan", LastName: "de Vries", Street: "Damrak 12", City: "Amsterdam", Zip: "1012 LG", Country: "NL"},
		Lines: []doorzet.OrderPart{{Kind: doorzet.PartLine, ID: 1, Name: "Mok", Quantity: decimal.NewFromInt(1), Net: net, Tax: gross.Sub(net),
			Taxes: []doorzet.PartTax{{RateID: 1, Total: gross.Sub(net)}}}},
		TaxLines: []doorzet.TaxLine{{RateID: 1, RateCode: "NL-BTW 21%-1", Label: "BTW", Percent: decimal.NewFromInt(21), HasPercent: true, Tax: gross.Sub(net)}},
	}
}

// has gives the shop an order as it is from now on.
func (b *bundle) has(o doorzet.ShopOrder) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders[o.ID] = o
}

// due gives the shop an order, sees it and gives its booking.
func (b *bundle) due(t *testing.T, o doorzet.ShopOrder) int64 {
	t.Helper()
	b.has(o)
	return b.see(t, o.ID).BookingID
}

// see looks at an order as a night does.
func (b *bundle) see(t *testing.T, id int64) doorzet.Applied {
	t.Helper()
	b.mu.Lock()
	l := b.look(id, doorzet.ByNight)
	b.mu.Unlock()
	applied, err := b.db.ApplyLooks(t.Context(), doorzet.LookContext{Shop: b.shop, Since: time.Now().Add(-doorzet.WindowShort), Actor: "test"}, []doorzet.Look{l})
	if err != nil || len(applied) != 1 {
		t.Fatalf("%d looks applied, %v", len(applied), err)
	}
	return applied[0]
}

func (b *bundle) push(t *testing.T, booking int64) {
	t.Helper()
	if err := b.pusher().Push(t.Context(), booking); err != nil {
		t.Fatal(err)
	}
}

// later lets the time of the next attempt come, and all claims run out.
func (b *bundle) later(t *testing.T) {
	t.Helper()
	postgrestest.Exec(t, b.url, `UPDATE bookings SET next_try_at = now(), claimed_until = now() - interval '1 second' WHERE next_try_at IS NOT NULL`)
}

// stale lets an hour pass since the documents were read and the orders looked at.
func (b *bundle) stale(t *testing.T) {
	t.Helper()
	postgrestest.Exec(t, b.url, `UPDATE documents SET read_at = read_at - interval '1 hour'`)
}

func (b *bundle) booking(t *testing.T, id int64) doorzet.BookingRow {
	t.Helper()
	var found doorzet.BookingRow
	err := b.db.EachBooking(t.Context(), b.shop.ID, 0, 0, func(r doorzet.BookingRow) error {
		if r.ID == id {
			found = r
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// is wants a booking in a state.
func (b *bundle) is(t *testing.T, id int64, want doorzet.BookingState) doorzet.BookingRow {
	t.Helper()
	r := b.booking(t, id)
	if r.State != want {
		t.Errorf("the booking is %q, want %q: %s", r.State, want, r.Error)
	}
	return r
}

// shown wants an order in a state.
func (b *bundle) shown(t *testing.T, wooID int64, want doorzet.OrderState) doorzet.OrderRow {
	t.Helper()
	o, err := b.db.Order(t.Context(), b.shop.ID, wooID)
	if err != nil {
		t.Fatal(err)
	}
	if o.State != want {
		t.Errorf("order %d (%s) is %s, want %s: %s %s", wooID, o.Status, o.State, want, o.HeldWhy, o.Error)
	}
	return o
}

// asked wants so many creates, and documents under the reference of order 7.
func (b *bundle) asked(t *testing.T, creates, held int) {
	t.Helper()
	if c, _ := b.fake.Asked(); c != creates || b.fake.Held("WC-7") != held {
		t.Errorf("%d creates, %d documents; want %d, %d", c, b.fake.Held("WC-7"), creates, held)
	}
}
