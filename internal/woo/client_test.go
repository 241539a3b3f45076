package woo_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// setup starts a fake shop below a path, and a client for it that does not wait between tries.
func setup(t *testing.T, opt wootest.Options) (*wootest.Shop, *woo.Client, *waits) {
	t.Helper()
	if opt.Home == "" {
		opt.Home = "https://shop.example/winkel"
	}
	shop := wootest.New(opt)
	server := httptest.NewServer(shop)
	t.Cleanup(server.Close)
	c, w := client(server, opt)
	return shop, c, w
}

func client(server *httptest.Server, opt wootest.Options) (*woo.Client, *waits) {
	w := &waits{}
	home, _ := url.Parse(opt.Home)
	return &woo.Client{
		URL:       server.URL + home.Path + "/",
		Key:       wootest.DefaultKey,
		Secret:    wootest.DefaultSecret,
		HTTP:      server.Client(),
		UserAgent: "Doorzet/test (+https://doorzet.example)",
		Now:       w.now,
		Pause:     w.pause,
	}, w
}

// waits keeps what a client would have waited, and is its clock: waiting takes no time but moves the clock on.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
	sum time.Duration
}

func (w *waits) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.sum)
}

func (w *waits) pause(_ context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, d)
	w.sum += d
	return nil
}

// shopError asserts the kind of an error, and that it says something and no secret.
func shopError(t *testing.T, err error, kind doorzet.ShopErrorKind) doorzet.ShopError {
	t.Helper()
	var se *doorzet.ShopError
	if !errors.As(err, &se) {
		t.Fatalf("got %v, want a ShopError", err)
	}
	if se.Kind != kind {
		t.Errorf("got kind %s (%v), want %s", se.Kind, err, kind)
	}
	if len(se.Advice) < 20 || !strings.HasSuffix(se.Advice, ".") {
		t.Errorf("the advice is no sentence: %q", se.Advice)
	}
	noSecret(t, err.Error())
	return *se
}

// cent is n hundredths.
func cent(n int64) decimal.Decimal { return decimal.New(n, -2) }

func noSecret(t *testing.T, text string) {
	t.Helper()
	for _, s := range []string{wootest.DefaultKey, wootest.DefaultSecret, "consumer_key", "oauth_"} {
		if strings.Contains(text, s) {
			t.Errorf("%q stands in %q", s, text)
		}
	}
}

func TestWaysIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		opt  wootest.Options
		tls  bool
		want string
		most int // requests for the first call
	}{
		{"https takes Basic", wootest.Options{}, true, "basic", 1},
		{"a stripped header: keys in the query", wootest.Options{StripHeader: true}, true, "query", 2},
		{"plain http: OAuth over the home address", wootest.Options{}, false, "oauth1+home", 3},
		{"TLS ends at a proxy that does not say so", wootest.Options{HideTLS: true}, true, "oauth1+home", 5},
		{"plain permalinks over https", wootest.Options{PlainPermalinks: true}, true, "basic+rest-route", 4},
		{"plain permalinks over plain http", wootest.Options{PlainPermalinks: true}, false, "oauth1+home+rest-route", 6},
		{"a home without a path", wootest.Options{Home: "http://shop.example", PlainPermalinks: true}, false, "oauth1+home+rest-route", 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.opt.Home == "" {
				c.opt.Home = "https://shop.example/winkel"
			}
			c.opt.Orders = 3
			shop := wootest.New(c.opt)
			server := httptest.NewUnstartedServer(shop)
			if c.tls {
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			first, _ := client(server, c.opt)
			id := shop.IDs()[0]
			if r, err := first.Order(t.Context(), id); err != nil || r.Order.ID != id {
				t.Fatalf("got order %d, %v", r.Order.ID, err)
			}
			if got := first.LearnedAuth(); got != c.want {
				t.Errorf("learned %q, want %q", got, c.want)
			}
			if n := len(shop.Requests()); n > c.most {
				t.Errorf("the first call took %d requests, want at most %d", n, c.most)
			}
			shop.ResetRequests()
			next, _ := client(server, c.opt)
			next.Auth = first.LearnedAuth()
			for range 2 {
				if _, err := next.Order(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
			if n := shop.Count("single"); n != 2 {
				t.Errorf("with the known way two calls took %d requests", n)
			}
		})
	}
}

func TestOAuthSignsTheCalledAddressFirst(t *testing.T) {
	t.Parallel()
	var shop *wootest.Shop
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { shop.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	opt := wootest.Options{Home: server.URL, Orders: 1}
	shop = wootest.New(opt)
	c, _ := client(server, opt)
	if _, err := c.Orders(t.Context(), woo.Query{Statuses: []string{"completed", "on-hold"}, Fields: woo.LookFields}); err != nil {
		t.Fatal(err)
	}
	if got := c.LearnedAuth(); got != "oauth1" || len(shop.Requests()) != 1 {
		t.Errorf("learned %q with %d requests, want oauth1 with 1", got, len(shop.Requests()))
	}
}

func TestOAuthSignsTheHomeAddressOnceItIsKnown(t *testing.T) {
	t.Parallel()
	shop, c, _ := setup(t, wootest.Options{Orders: 1})
	if _, err := c.About(t.Context()); err != nil {
		t.Fatal(err)
	}
	shop.ResetRequests()
	if _, err := c.Order(t.Context(), shop.IDs()[0]); err != nil {
		t.Fatal(err)
	}
	if n := len(shop.Requests()); n != 1 {
		t.Errorf("the first order took %d requests, want 1", n)
	}
}

func TestRefusedKeys(t *testing.T) {
	t.Parallel()
	t.Run("an unknown key is denied, and not tried in every way each time", func(t *testing.T) {
		t.Parallel()
		shop, c, _ := setup(t, wootest.Options{Orders: 1})
		c.Key = "ck_unknown"
		_, err := c.Orders(t.Context(), woo.Query{})
		shopError(t, err, doorzet.ShopDenied)
		n := len(shop.Requests())
		if c.LearnedAuth() != "" {
			t.Errorf("learned %q from a refusal", c.LearnedAuth())
		}
		_, err = c.Orders(t.Context(), woo.Query{})
		shopError(t, err, doorzet.ShopDenied)
		if again := len(shop.Requests()) - n; again > n {
			t.Errorf("the second refusal took %d requests, the first %d", again, n)
		}
	})
	t.Run("a wrong secret", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewTLSServer(wootest.New(wootest.Options{}))
		t.Cleanup(server.Close)
		c, _ := client(server, wootest.Options{})
		c.Secret = "cs_wrong"
		_, err := c.Orders(t.Context(), woo.Query{})
		if se := shopError(t, err, doorzet.ShopDenied); se.Code != "woocommerce_rest_authentication_error" {
			t.Errorf("got code %s", se.Code)
		}
	})
	t.Run("a key that was revoked later, then made valid again", func(t *testing.T) {
		t.Parallel()
		shop := wootest.New(wootest.Options{Orders: 1})
		server := httptest.NewTLSServer(shop)
		t.Cleanup(server.Close)
		c, _ := client(server, wootest.Options{})
		c.Auth = "basic"
		if _, err := c.Orders(t.Context(), woo.Query{}); err != nil {
			t.Fatal(err)
		}
		other, _ := client(server, wootest.Options{})
		other.Auth, other.Key = "basic", "ck_revoked"
		_, err := other.Orders(t.Context(), woo.Query{})
		shopError(t, err, doorzet.ShopDenied)
		n := len(shop.Requests())
		_, err = other.Orders(t.Context(), woo.Query{})
		shopError(t, err, doorzet.ShopDenied)
		if again := len(shop.Requests()) - n; again != 1 {
			t.Errorf("the second refusal took %d requests, want 1", again)
		}
	})
	t.Run("a key that may not read", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewTLSServer(wootest.New(wootest.Options{Rights: "write"}))
		t.Cleanup(server.Close)
		c, _ := client(server, wootest.Options{})
		_, err := c.Orders(t.Context(), woo.Query{})
		shopError(t, err, doorzet.ShopDenied)
	})
	t.Run("blanks around a pasted key do no harm", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewTLSServer(wootest.New(wootest.Options{}))
		t.Cleanup(server.Close)
		c, _ := client(server, wootest.Options{})
		c.Key, c.Secret = " "+c.Key+"\n", c.Secret+"\r\n"
		if _, err := c.Orders(t.Context(), woo.Query{}); err != nil {
			t.Error(err)
		}
	})
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	shop := wootest.New(wootest.Options{Secure: true})
	var mu sync.Mutex
	var seen []*http.Request
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.Clone(context.Background()))
		mu.Unlock()
		shop.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c, _ := client(server, wootest.Options{})
	for range 2 {
		if _, err := c.Orders(t.Context(), woo.Query{}); err != nil {
			t.Fatal(err)
		}
	}
	var urls []string
	for _, r := range seen {
		if r.Header.Get("Accept") != "application/json" || r.Header.Get("Cache-Control") != "no-cache" ||
			!strings.HasPrefix(r.Header.Get("User-Agent"), "Doorzet/") {
			t.Errorf("headers: %v", r.Header)
		}
		urls = append(urls, r.URL.String())
	}
	if slices.Sort(urls); len(slices.Compact(urls)) != 2 {
		t.Errorf("two questions share a URL, so a cache could answer the second: %v", urls)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	shop, c, _ := setup(t, wootest.Options{Orders: 20})
	var wg sync.WaitGroup
	for _, id := range shop.IDs() {
		wg.Go(func() {
			if r, err := c.Order(t.Context(), id); err != nil || r.Order.ID != id {
				t.Errorf("order %d: got %d, %v", id, r.Order.ID, err)
			}
		})
	}
	wg.Wait()
	if got := c.LearnedAuth(); got != "oauth1+home" {
		t.Errorf("learned %q", got)
	}
}

func TestGateAndCounter(t *testing.T) {
	t.Parallel()
	_, c, _ := setup(t, wootest.Options{Orders: 1})
	g := &gate{}
	counts := map[string]int{}
	c.Gate, c.Counter = g, func(kind string) { counts[kind]++ }
	if _, err := c.Orders(t.Context(), woo.Query{}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Order(t.Context(), 424242)
	if !errors.Is(err, doorzet.ErrOrderMissing) {
		t.Fatalf("got %v", err)
	}
	if g.in != 0 || g.most != 1 {
		t.Errorf("gate: %d inside at the end, %d at most", g.in, g.most)
	}
	if g.total != counts[woo.KindList]+counts[woo.KindSingle]+counts[woo.KindOther] {
		t.Errorf("%d passed the gate, counted %v", g.total, counts)
	}
	if counts[woo.KindSingle] != 1 {
		t.Errorf("counted %v", counts)
	}
	g.shut = errors.New("no place")
	if _, err := c.Orders(t.Context(), woo.Query{}); !errors.Is(err, g.shut) {
		t.Errorf("a shut gate: got %v", err)
	}
}

type gate struct {
	mu              sync.Mutex
	in, most, total int
	shut            error
}

func (g *gate) Acquire(context.Context) (func(), error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		return nil, g.shut
	}
	g.in++
	g.total++
	g.most = max(g.most, g.in)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.in--
	}, nil
}
