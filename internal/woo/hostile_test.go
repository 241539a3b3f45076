package woo_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// Each of these stands in front of a real shop somewhere. None of them may be taken for "no orders".
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		fault wootest.Fault
		kind  doorzet.ShopErrorKind
		tries int
		says  string
	}{
		{wootest.Fault{Kind: "html"}, doorzet.ShopStrange, 3, "web page"},
		{wootest.Fault{Kind: "captcha"}, doorzet.ShopBlocked, 3, "captcha"},
		{wootest.Fault{Kind: "cloudflare"}, doorzet.ShopBlocked, 1, "Cloudflare"},
		{wootest.Fault{Kind: "down"}, doorzet.ShopDown, 3, "could not be reached"},
		{wootest.Fault{Kind: "cut"}, doorzet.ShopStrange, 3, "cut off"},
		{wootest.Fault{Kind: "nototals"}, doorzet.ShopStrange, 1, "X-WP-Total"},
		{wootest.Fault{Kind: "object"}, doorzet.ShopStrange, 1, "does not say how long"},
		{wootest.Fault{Kind: "maintenance"}, doorzet.ShopBusy, 1, "being updated"},
		{wootest.Fault{Kind: "429"}, doorzet.ShopBusy, 3, "too much"},
		{wootest.Fault{Kind: "429", RetryAfter: 3}, doorzet.ShopBusy, 3, "too much"},
		{wootest.Fault{Kind: "429", RetryAfter: 120}, doorzet.ShopBusy, 1, "too much"},
		{wootest.Fault{Kind: "500"}, doorzet.ShopDown, 3, "error"},
		{wootest.Fault{Kind: "502"}, doorzet.ShopDown, 3, "error"},
		{wootest.Fault{Kind: "503"}, doorzet.ShopDown, 3, "error"},
		{wootest.Fault{Kind: "504"}, doorzet.ShopDown, 3, "took too long"},
		{wootest.Fault{Kind: "403"}, doorzet.ShopBlocked, 1, "firewall"},
		{wootest.Fault{Kind: "406"}, doorzet.ShopBlocked, 1, "firewall"},
		{wootest.Fault{Kind: "401"}, doorzet.ShopBlocked, 1, "firewall"},
		{wootest.Fault{Kind: "redirect"}, doorzet.ShopRedirect, 1, "https://www.shop.example"},
	} {
		name := v.fault.Kind
		if v.fault.RetryAfter > 0 {
			name += " with Retry-After"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop, c, w := setup(t, wootest.Options{Orders: 5})
			c.Auth = "oauth1+home"
			if _, err := c.About(t.Context()); err != nil {
				t.Fatal(err)
			}
			v.fault.Path = "/orders"
			shop.Fail(v.fault)
			_, err := c.Orders(t.Context(), woo.Query{})
			se := shopError(t, err, v.kind)
			if !strings.Contains(se.Advice, v.says) {
				t.Errorf("says %q, want something about %q", se.Advice, v.says)
			}
			// On a connection that breaks, net/http itself repeats a GET once.
			if n := shop.Count("list"); n != v.tries && v.fault.Kind != "down" {
				t.Errorf("tried %d times, want %d", n, v.tries)
			}
			if len(w.all) != v.tries-1 {
				t.Errorf("waited %v", w.all)
			}
			for _, d := range w.all {
				if d <= 0 || d > 5*time.Second || d < time.Duration(v.fault.RetryAfter)*time.Second {
					t.Errorf("waited %v", w.all)
				}
			}
			if want := time.Duration(v.fault.RetryAfter) * time.Second; v.fault.Kind == "429" && se.RetryAfter != want {
				t.Errorf("RetryAfter %s, want %s", se.RetryAfter, want)
			}
			shop.Recover()
			if p, err := c.Orders(t.Context(), woo.Query{}); err != nil || len(p.Orders) != 5 {
				t.Errorf("afterwards: %d orders, %v", len(p.Orders), err)
			}
		})
	}
}

func TestTroubleThatPassesIsNotSeen(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"down", "html", "cut", "500", "429", "captcha"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			shop, c, _ := setup(t, wootest.Options{Orders: 5})
			c.Auth = "oauth1+home"
			shop.Fail(wootest.Fault{Kind: kind, Count: 2, Path: "/orders"})
			if p, err := c.Orders(t.Context(), woo.Query{}); err != nil || len(p.Orders) != 5 {
				t.Errorf("got %d orders, %v", len(p.Orders), err)
			}
		})
	}
}

func TestDirtBeforeTheJSONIsCutAway(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"warning", "bom"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			shop, c, _ := setup(t, wootest.Options{Orders: 5})
			shop.Fail(wootest.Fault{Kind: kind})
			if p, err := c.Orders(t.Context(), woo.Query{}); err != nil || len(p.Orders) != 5 {
				t.Errorf("got %d orders, %v", len(p.Orders), err)
			}
			id := shop.IDs()[0]
			if r, err := c.Order(t.Context(), id); err != nil || r.Order.ID != id {
				t.Errorf("got order %d, %v", r.Order.ID, err)
			}
		})
	}
}

func TestACacheInFrontOfTheShop(t *testing.T) {
	t.Parallel()
	for _, h := range [][2]string{{"X-LiteSpeed-Cache", "hit,private"}, {"CF-Cache-Status", "HIT"}} {
		c := answering(t, http.StatusOK, `[]`, "X-WP-Total", "0", "X-WP-TotalPages", "0", h[0], h[1])
		_, err := c.Orders(t.Context(), woo.Query{})
		if se := shopError(t, err, doorzet.ShopStrange); !strings.Contains(se.Advice, "cache") {
			t.Errorf("says %q", se.Advice)
		}
	}
	c := answering(t, http.StatusOK, `[]`, "X-WP-Total", "0", "X-WP-TotalPages", "0", "CF-Cache-Status", "DYNAMIC")
	if _, err := c.Orders(t.Context(), woo.Query{}); err != nil {
		t.Error(err)
	}
}

func TestTotalsThatAreNoNumbers(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"", "many", "-1", "1,5"} {
		c := answering(t, http.StatusOK, `[]`, "X-WP-Total", v, "X-WP-TotalPages", "1")
		_, err := c.Orders(t.Context(), woo.Query{})
		shopError(t, err, doorzet.ShopStrange)
	}
}

func TestAListThatIsAnObject(t *testing.T) {
	t.Parallel()
	c := answering(t, http.StatusOK, `{"id":7}`, "X-WP-Total", "1", "X-WP-TotalPages", "1")
	_, err := c.Orders(t.Context(), woo.Query{})
	shopError(t, err, doorzet.ShopStrange)
}

func TestPluginsThatCloseTheAPI(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403} {
		c := answering(t, status, `{"code":"rest_cannot_access","message":"Nee.","data":{"status":401}}`)
		_, err := c.Orders(t.Context(), woo.Query{})
		if se := shopError(t, err, doorzet.ShopBlocked); !strings.Contains(se.Advice, "plugin") {
			t.Errorf("%d: says %q", status, se.Advice)
		}
	}
}

func TestErrorBodiesOfAnyShape(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"code":401,"message":null,"data":[]}`, `[]`, `null`, `"x"`, `{"code":{"a":1}}`, `{"data":{"params":[]}}`} {
		c := answering(t, 400, body)
		_, err := c.Orders(t.Context(), woo.Query{})
		var se *doorzet.ShopError
		if !errors.As(err, &se) || se.Status != 400 {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

func TestASlowShop(t *testing.T) {
	t.Parallel()
	t.Run("the caller's patience ends", func(t *testing.T) {
		t.Parallel()
		shop, c, _ := setup(t, wootest.Options{Orders: 1})
		shop.Fail(wootest.Fault{Kind: "slow"})
		ctx, cancel := context.WithCancel(t.Context())
		c.Counter = func(string) { cancel() }
		if _, err := c.Orders(ctx, woo.Query{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a time-out is told apart, and not repeated", func(t *testing.T) {
		t.Parallel()
		shop, c, _ := setup(t, wootest.Options{Orders: 1})
		hasty := *c.HTTP
		hasty.Timeout = 50 * time.Millisecond
		c.HTTP = &hasty
		shop.Fail(wootest.Fault{Kind: "slow"})
		_, err := c.Orders(t.Context(), woo.Query{})
		shopError(t, err, doorzet.ShopDown)
		if !woo.TimedOut(err) || shop.Count("list") != 1 {
			t.Errorf("timed out: %v, %d tries", woo.TimedOut(err), shop.Count("list"))
		}
	})
}

func TestAnAnswerThatBreaksOff(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`[{"id":1`))
	}))
	t.Cleanup(server.Close)
	c, w := client(server, wootest.Options{})
	_, err := c.Orders(t.Context(), woo.Query{})
	if se := shopError(t, err, doorzet.ShopDown); !strings.Contains(se.Advice, "broke off") || len(w.all) != 2 {
		t.Errorf("says %q after waiting %v", se.Advice, w.all)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	shop, c, _ := setup(t, wootest.Options{Orders: 1})
	shop.Fail(wootest.Fault{Kind: "429", RetryAfter: 5})
	c.Pause = nil // really wait
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := c.Orders(ctx, woo.Query{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestAnswersThatAreTooLarge(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range 33 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	c, _ := client(server, wootest.Options{})
	_, err := c.Orders(t.Context(), woo.Query{})
	shopError(t, err, doorzet.ShopStrange)
}

func TestAddressesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "shop.example", "ftp://shop.example", "https://", "https://u:p@shop.example", "https://shop.example/?a=b", "http://[::1"} {
		c := &woo.Client{URL: address, Key: wootest.DefaultKey, Secret: wootest.DefaultSecret}
		_, err := c.Orders(t.Context(), woo.Query{})
		if _, ok := errors.AsType[*doorzet.InputError](err); !ok {
			t.Errorf("%q: got %v", address, err)
		}
	}
}

func TestNoKeyInErrors(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(wootest.New(wootest.Options{}))
	c, _ := client(server, wootest.Options{})
	for _, way := range []string{"query", "oauth1", "basic"} {
		dead := &woo.Client{URL: c.URL, Key: c.Key, Secret: c.Secret, HTTP: c.HTTP, Pause: c.Pause, Auth: way}
		if way == "query" {
			server.Close()
		}
		_, err := dead.Orders(t.Context(), woo.Query{})
		shopError(t, err, doorzet.ShopDown)
	}
}
