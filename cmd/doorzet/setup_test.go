package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/queue/queuetest"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// testKey is 32 bytes.
const testKey = "0123456789abcdef0123456789abcdef"

// bench is an installation of its own: a database, a Redis, a fake shop and a folder.
type bench struct {
	t    *testing.T
	env  map[string]string
	shop *wootest.Shop
	url  string
	dir  string
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir()}
	b.env = map[string]string{
		"DATABASE_URL": postgrestest.URL(t), "REDIS_URL": queuetest.Redis(t),
		"DOORZET_SECRET_KEY": base64.StdEncoding.EncodeToString([]byte(testKey)), "DOORZET_ALLOW_PRIVATE_SHOPS": "true",
	}
	b.shop, b.url = fakeShop(t)
	return b
}

// fakeShop is a shop without orders.
func fakeShop(t *testing.T) (*wootest.Shop, string) {
	t.Helper()
	shop := wootest.New(wootest.Options{})
	server := httptest.NewServer(shop)
	t.Cleanup(server.Close)
	shop.Identify(wootest.Identity{Home: server.URL, StoreID: storeID(server.URL)})
	return shop, server.URL
}

// answer is what one call of the command gave.
type answer struct {
	stdout, stderr string
	code           int
}

func (b *bench) run(args ...string) answer {
	b.t.Helper()
	return b.runIn(b.t.Context(), "", args...)
}

func (b *bench) runIn(ctx context.Context, stdin string, args ...string) answer {
	b.t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, system{
		getenv: func(name string) string { return b.env[name] },
		stdin:  strings.NewReader(stdin), stdout: &stdout, stderr: &stderr,
	})
	a := answer{stdout.String(), stderr.String(), code}
	if strings.Contains(a.stdout+a.stderr, wootest.DefaultSecret) || strings.Contains(a.stdout+a.stderr, wootest.DefaultKey) {
		b.t.Errorf("%v prints a secret:\n%s\n%s", args, a.stdout, a.stderr)
	}
	return a
}

// must runs a command with --json that succeeds, and decodes the one document on stdout.
func (b *bench) must(v any, args ...string) answer {
	b.t.Helper()
	a := b.run(append(args, "--json")...)
	if a.code != exitDone {
		b.t.Fatalf("%v: exit code %d\n%s\n%s", args, a.code, a.stdout, a.stderr)
	}
	decodeOne(b.t, a.stdout, v)
	return a
}

// fails runs a command that fails with a code and a sentence, with and without --json.
func (b *bench) fails(code int, sentence string, args ...string) {
	b.t.Helper()
	a := b.run(args...)
	if a.code != code || !strings.Contains(a.stderr, sentence) || a.stdout != "" {
		b.t.Errorf("%v: exit code %d, stdout %q, stderr %q; want %d and %q", args, a.code, a.stdout, a.stderr, code, sentence)
	}
	a = b.run(append(args, "--json")...)
	var said struct {
		Error string `json:"error"`
	}
	decodeOne(b.t, a.stdout, &said)
	if a.code != code || !strings.Contains(said.Error, sentence) {
		b.t.Errorf("%v --json: exit code %d, error %q; want %d and %q", args, a.code, said.Error, code, sentence)
	}
}

// decodeOne decodes a text that must be exactly one JSON document.
func decodeOne(t *testing.T, text string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(v); err != nil {
		t.Fatalf("stdout is no JSON: %v\n%s", err, text)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("stdout is more than one JSON document:\n%s", text)
	}
}

const seller = `{"name": "Shop B.V.", "street": "Keizersgracht 1", "postcode": "1015 CN", "city": "Amsterdam", "country": "NL",
	"vat_number": "NL001234567B01", "kvk_number": "12345678", "iban": "NL91ABNA0417164300", "email": "info@example.com",
	"vat_scheme": "invoice"}`

// addBooks connects books with a folder of their own.
func (b *bench) addBooks(name string) int64 {
	b.t.Helper()
	file := filepath.Join(b.dir, "seller.json")
	if err := os.WriteFile(file, []byte(seller), 0o600); err != nil {
		b.t.Fatal(err)
	}
	var made struct {
		ID int64 `json:"id"`
	}
	b.must(&made, "books", "add", "--kind", "files", "--name", name, "--dir", filepath.Join(b.dir, name), "--seller-file", file)
	return made.ID
}

// addArgs connect the bench's shop to books.
func (b *bench) addArgs(books int64, more ...string) []string {
	return append([]string{
		"shop", "add", "--name", "Shop", "--url", b.url, "--key", wootest.DefaultKey, "--secret", wootest.DefaultSecret,
		"--statuses", "processing,completed", "--start-date", "2020-01-01", "--books", strconv.FormatInt(books, 10),
	}, more...)
}

// connect makes books and connects the bench's shop to them.
func (b *bench) connect(more ...string) {
	b.t.Helper()
	var made struct {
		ID int64 `json:"id"`
	}
	b.must(&made, b.addArgs(b.addBooks("main"), more...)...)
	if made.ID != 1 {
		b.t.Fatalf("the first shop has id %d", made.ID)
	}
}

// add puts an order into the fake shop, created some time ago.
func (b *bench) add(status string, ago time.Duration) int64 {
	b.t.Helper()
	ids, err := b.shop.Add(wootest.Order{Status: status, Total: "121.00", Created: time.Now().Add(-ago)})
	if err != nil {
		b.t.Fatal(err)
	}
	return ids[0]
}

func (b *bench) change(id int64, status string) {
	b.t.Helper()
	if err := b.shop.Change(id, wootest.Order{Status: status}); err != nil {
		b.t.Fatal(err)
	}
}

// night runs a night and gives its report.
func (b *bench) night(more ...string) nightReport {
	b.t.Helper()
	var r nightReport
	b.must(&r, append([]string{"night", "run", "--shop", "1"}, more...)...)
	return r
}

// nightReport is the report as it is documented, read independently of what writes it.
type nightReport struct {
	Shop     int64  `json:"shop"`
	Night    *int64 `json:"night"`
	Open     int    `json:"open"`
	Strategy string `json:"strategy"`
	Imported int    `json:"imported"`
	LookedAt int    `json:"looked_at"`
	Pushed   int    `json:"pushed"`
	Still    int    `json:"still_open"`
	Held     int    `json:"held"`
	Failed   int    `json:"failed"`
	Requests struct {
		List, Single, Total int
	} `json:"requests"`
	WouldPush []struct {
		ID int64 `json:"id"`
	} `json:"would_push"`
}

// row is an order as it is listed.
type row struct {
	ID        int64  `json:"id"`
	State     string `json:"state"`
	Status    string `json:"status"`
	Total     string `json:"total"`
	Why       string `json:"why"`
	NextLook  string `json:"next_look"`
	Reference string `json:"reference"`
	Error     string `json:"error"`
}

// orders lists the shop's orders.
func (b *bench) orders(more ...string) []row {
	b.t.Helper()
	var out []row
	b.must(&out, append([]string{"order", "list", "--shop", "1"}, more...)...)
	return out
}

// state is the state of one order.
func (b *bench) state(id int64) string {
	b.t.Helper()
	i := slices.IndexFunc(b.orders(), func(r row) bool { return r.ID == id })
	if i < 0 {
		return ""
	}
	return b.orders()[i].State
}

// files are the names in the folder of books.
func (b *bench) files(books string) []string {
	b.t.Helper()
	entries, err := os.ReadDir(filepath.Join(b.dir, books))
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// db is the bench's database, to look behind the command.
func (b *bench) db() *postgres.DB {
	b.t.Helper()
	keys, err := postgres.NewKeyring([]byte(testKey))
	if err != nil {
		b.t.Fatal(err)
	}
	db, err := postgres.Open(b.env["DATABASE_URL"], keys)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = db.Close() })
	return db
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

const day = 24 * time.Hour
