package stack

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/accounting/accountingtest"
	"github.com/doorzet/doorzet/internal/config"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/queue/queuetest"
	"github.com/doorzet/doorzet/internal/reconcile"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

const publicURL = "https://push.example"

// bundle is a shop over real HTTP, connected to a stack on real Postgres and Redis, with books of kind files.
type bundle struct {
	*Stack
	fake *wootest.Shop
	url  string // of the database
	shop int64
	dir  string

	night *reconcile.Reconciler // what runs the nights; tests put their spies in
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return setupShop(t, wootest.Options{}, nil)
}

// setupShop connects a fake shop; change changes how it is connected.
func setupShop(t *testing.T, opt wootest.Options, change func(*doorzet.Shop)) *bundle {
	t.Helper()
	fake := wootest.New(opt)
	return connect(t, fake, servers{shop: serve(t, fake), postgres: postgrestest.URL(t), redis: queuetest.Redis(t)}, change)
}

// servers are the addresses of what a bundle stands on.
type servers struct{ shop, postgres, redis string }

// connect connects a fake shop to a stack.
func connect(t *testing.T, fake *wootest.Shop, on servers, change func(*doorzet.Shop)) *bundle {
	t.Helper()
	at, url, key := on.shop, on.postgres, sha256.Sum256([]byte("a key for tests"))
	s, err := Open(config.Config{
		DatabaseURL: doorzet.Secret(url), RedisURL: doorzet.Secret(on.redis), SecretKey: doorzet.Secret(key[:]),
		PublicURL: publicURL, AllowPrivateShops: true, WorkerPush: 2,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{Stack: s, fake: fake, url: url, dir: t.TempDir(), night: s.Reconciler()}
	t.Cleanup(func() { _ = s.Close() })
	books, err := s.DB.AddBooks(t.Context(), doorzet.Books{Kind: "files", Name: "files", Dir: b.dir, Seller: accountingtest.Seller()})
	if err != nil {
		t.Fatal(err)
	}
	shop := doorzet.Shop{
		Name: "De Boekenwinkel", URL: at, Home: at, StoreID: "e9ad3e87-726a-4f17-bf61-f0213376e525",
		Key: wootest.DefaultKey, Secret: wootest.DefaultSecret, Prefix: "WC", TimeZone: "Europe/Amsterdam",
		StartDate: doorzet.Date{Year: 2025, Month: time.January, Day: 1}, Statuses: []string{"completed", "processing"},
		NightHours: doorzet.DefaultNightHours, Remainder: true, BooksID: books, Auth: "oauth1",
	}
	if change != nil {
		change(&shop)
	}
	if b.shop, err = s.DB.AddShop(t.Context(), shop, false, "test"); err != nil {
		t.Fatal(err)
	}
	return b
}

// serve lets a fake shop answer at an address, and be at home there.
func serve(t *testing.T, fake *wootest.Shop) string {
	t.Helper()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	fake.Identify(wootest.Identity{Home: server.URL})
	return server.URL
}

// start is when the nights of these tests begin: some minutes ago, in whole seconds as the shop counts them.
var start = time.Now().UTC().Truncate(time.Second).Add(-10 * time.Minute)

// ask makes a night by hand that began at an instant.
func (b *bundle) ask(t *testing.T, at time.Time) int64 {
	t.Helper()
	shop, err := b.DB.Shop(t.Context(), b.shop)
	if err != nil {
		t.Fatal(err)
	}
	id, err := b.DB.AskNight(t.Context(), shop, "test")
	if err != nil {
		t.Fatal(err)
	}
	b.exec(t, `UPDATE nights SET started_at = $2 WHERE id = $1`, id, at)
	return id
}

// runs runs a night that began at start, and gives its report. The requests are counted anew.
func (b *bundle) runs(t *testing.T) doorzet.Night {
	t.Helper()
	return b.runsAt(t, start)
}

func (b *bundle) runsAt(t *testing.T, at time.Time) doorzet.Night {
	t.Helper()
	b.fake.ResetRequests()
	return b.goOn(t, b.ask(t, at))
}

// goOn runs a night on, and gives its report.
func (b *bundle) goOn(t *testing.T, id int64) doorzet.Night {
	t.Helper()
	if err := b.night.Run(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	n, err := b.DB.Night(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// done is runs for a night that must end well.
func (b *bundle) done(t *testing.T) doorzet.Night {
	t.Helper()
	n := b.runs(t)
	if n.State != doorzet.NightDone || n.Error != "" {
		t.Fatalf("the night ended %s: %s", n.State, n.Error)
	}
	return n
}

// push pushes all that is due, as workers would.
func (b *bundle) push(t *testing.T) {
	t.Helper()
	for {
		b.exec(t, `UPDATE bookings SET wake_at = now() WHERE claimed_until IS NULL`)
		due, err := b.DB.Wake(t.Context(), b.shop, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(due) == 0 {
			return
		}
		for _, d := range due {
			if err := b.pusher().Push(t.Context(), d.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// add adds orders to the shop that were created, and last changed, some time before the night.
func (b *bundle) add(t *testing.T, status string, n int, ago time.Duration) []int64 {
	t.Helper()
	return b.addOrder(t, wootest.Order{Status: status, Count: n, Created: start.Add(-ago), Total: "12.10"})
}

func (b *bundle) addOrder(t *testing.T, o wootest.Order) []int64 {
	t.Helper()
	ids, err := b.fake.Add(o)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// change changes an order in the shop at an instant; the zero instant is now.
func (b *bundle) change(t *testing.T, id int64, status string, at time.Time) {
	t.Helper()
	if err := b.fake.Change(id, wootest.Order{Status: status, Modified: at}); err != nil {
		t.Fatal(err)
	}
}

func (b *bundle) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	postgrestest.Exec(t, b.url, statement, args...)
}

// states counts the orders by their shown states.
func (b *bundle) states(t *testing.T) map[doorzet.OrderState]int {
	t.Helper()
	out := map[doorzet.OrderState]int{}
	err := b.DB.EachOrder(t.Context(), b.shop, "", 0, func(o doorzet.OrderRow) error {
		out[o.State]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (b *bundle) order(t *testing.T, id int64) doorzet.OrderRow {
	t.Helper()
	o, err := b.DB.Order(t.Context(), b.shop, id)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// is wants an order in a state.
func (b *bundle) is(t *testing.T, id int64, want doorzet.OrderState) {
	t.Helper()
	if o := b.order(t, id); o.State != want {
		t.Errorf("order %d (%s) is %s, want %s: %s", id, o.Status, o.State, want, o.Verdict.Sentence)
	}
}

// files are the names in the books' folder, of files that are whole.
func (b *bundle) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") { // being written
			out = append(out, e.Name())
		}
	}
	return out
}

// asked are the queries of the shop's order lists that hold a word, since the counting began.
func (b *bundle) asked(word string) []string {
	var out []string
	for _, r := range b.fake.Requests() {
		if r.Kind == "list" && strings.Contains(r.Query, word) {
			out = append(out, r.Query)
		}
	}
	return out
}

// singles counts the questions for each single order.
func (b *bundle) singles() map[string]int {
	out := map[string]int{}
	for _, r := range b.fake.Requests() {
		if r.Kind == "single" {
			out[r.Path[strings.LastIndex(r.Path, "/")+1:]]++
		}
	}
	return out
}

// spied lets a test act after each look and each page of a night, and change pages before it.
type spied struct {
	reconcile.Shop
	looked func(wooID int64)
	paged  func(reconcile.Page)
	paging func(reconcile.Page) reconcile.Page
}

func (s spied) Look(ctx context.Context, by doorzet.LookBy, wooID int64) (doorzet.Look, error) {
	l, err := s.Shop.Look(ctx, by, wooID)
	if s.looked != nil {
		s.looked(wooID)
	}
	return l, err
}

func (s spied) List(ctx context.Context, by doorzet.LookBy, q reconcile.Query, each func(reconcile.Page) error) (reconcile.Listed, error) {
	return s.Shop.List(ctx, by, q, func(p reconcile.Page) error {
		if s.paging != nil {
			p = s.paging(p)
		}
		err := each(p)
		if s.paged != nil {
			s.paged(p)
		}
		return err
	})
}

// spy puts a spy between the nights and the shop.
func (b *bundle) spy(s spied) {
	b.night.Shop = func(shop doorzet.Shop) reconcile.Shop {
		s.Shop = b.nightShop(shop)
		return s
	}
}
