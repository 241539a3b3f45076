package woo_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// Whatever stands in front of a shop, its owner reads what was met and what to do.
func TestTheOwnersWords(t *testing.T) {
	t.Parallel()
	const denied = "woocommerce_rest_authentication_error"
	for _, v := range []struct {
		name  string
		fault wootest.Fault
		kind  doorzet.ShopErrorKind
		met   string
		to    string // what to do
	}{
		{"a 401 that says little", wootest.Fault{Kind: "401", Code: "woocommerce_rest_cannot_view"}, doorzet.ShopDenied, "does not know our key", `"doorzet shop check --shop 7" tells step by step`},
		{"a wrong secret", wootest.Fault{Kind: "401", Code: denied}, doorzet.ShopDenied, "refuses the key", "Make a key with Read permission"},
		{"a 401 of the server", wootest.Fault{Kind: "401"}, doorzet.ShopBlocked, "before WordPress sees the question", `"doorzet shop check --shop 7" tells step by step`},
		{"a user without rights", wootest.Fault{Kind: "403", Code: "woocommerce_rest_cannot_view"}, doorzet.ShopDenied, "user may not see this", "administrator or a shop manager"},
		{"a firewall", wootest.Fault{Kind: "403"}, doorzet.ShopBlocked, "firewall blocks us", "allow-list"},
		{"a security plugin", wootest.Fault{Kind: "403", Code: "rest_forbidden"}, doorzet.ShopBlocked, "closes the REST API (rest_forbidden)", "Allow /wp-json/wc/"},
		{"no such page", wootest.Fault{Kind: "404"}, doorzet.ShopStrange, "no WordPress REST API", "Check the address"},
		{"WooCommerce off", wootest.Fault{Kind: "404", Code: "rest_no_route"}, doorzet.ShopStrange, "REST API is not there", "plugin active?"},
		{"413", wootest.Fault{Kind: "413"}, doorzet.ShopStrange, "as too large", "ask the host to raise its limits"},
		{"414", wootest.Fault{Kind: "414"}, doorzet.ShopStrange, "address is too long", "ask the host to raise its limits"},
		{"408", wootest.Fault{Kind: "408"}, doorzet.ShopDown, "took too long", "server gave up"},
		{"429", wootest.Fault{Kind: "429"}, doorzet.ShopBusy, "ask too much", "go slower"},
		{"500", wootest.Fault{Kind: "500"}, doorzet.ShopDown, "an error of its own", "ask the host"},
		{"a critical error", wootest.Fault{Kind: "500", Code: "internal_server_error"}, doorzet.ShopDown, "critical error", "PHP error log"},
		{"504", wootest.Fault{Kind: "504"}, doorzet.ShopDown, "took too long", "server gave up"},
		{"an answer that is too large", wootest.Fault{Kind: "huge", MB: 17}, doorzet.ShopStrange, "larger than 16 MB", "ask the shop's builder"},
		{"no answer", wootest.Fault{Kind: "hang"}, doorzet.ShopDown, "did not answer in time", "overloaded"},
		{"an answer that trickles", wootest.Fault{Kind: "trickle", DelayMS: 500}, doorzet.ShopDown, "did not finish in time", "ask the host"},
		{"a broken connection", wootest.Fault{Kind: "down"}, doorzet.ShopDown, "broke the connection off without an answer", "ask the host"},
		{"an answer that is cut off", wootest.Fault{Kind: "cut"}, doorzet.ShopStrange, "cut off or is not valid JSON", "error log"},
		{"a web page", wootest.Fault{Kind: "html"}, doorzet.ShopStrange, "a web page instead of data", "firewall, a maintenance plugin or a wrong address"},
		{"nothing at all", wootest.Fault{Kind: "blank"}, doorzet.ShopStrange, "answered with nothing at all", "error log"},
		{"a maintenance page", wootest.Fault{Kind: "html", Body: "<h1>Site under maintenance</h1>"}, doorzet.ShopStrange, "shows a maintenance page", "asked again later"},
		{"another captcha", wootest.Fault{Kind: "html", Body: "<h1>Are you human?</h1>"}, doorzet.ShopBlocked, "captcha page", "allow-list"},
		{"JSON that is not marked", wootest.Fault{Kind: "html", Body: "[]"}, doorzet.ShopStrange, "not marked as JSON", "error log"},
		{"SiteGround's captcha", wootest.Fault{Kind: "captcha"}, doorzet.ShopBlocked, "captcha", "allow-list"},
		{"Cloudflare's challenge", wootest.Fault{Kind: "cloudflare"}, doorzet.ShopBlocked, "Cloudflare wants to see a browser", "Bot Fight Mode"},
		{"maintenance", wootest.Fault{Kind: "maintenance"}, doorzet.ShopBusy, "being updated", "come back later"},
		{"a redirect", wootest.Fault{Kind: "redirect"}, doorzet.ShopRedirect, "redirects to https://www.shop.example", "a key goes to the given address only"},
		{"an object for a list", wootest.Fault{Kind: "object"}, doorzet.ShopStrange, "does not say how long its list is", "drops the headers"},
		{"no totals", wootest.Fault{Kind: "nototals"}, doorzet.ShopStrange, "does not say how long its list is", "let it pass them on"},
		{"a total that does not fit", wootest.Fault{Kind: "wrongtotal", Total: 101}, doorzet.ShopStrange, "counts 101 orders on 1 pages of 100", "cache or a plugin"},
		{"LiteSpeed", wootest.Fault{Kind: "cache"}, doorzet.ShopStrange, "not the shop but a cache", `switch off "Cache REST API"`},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			timed(t, 5, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
				c.Closer = "doorzet shop check --shop 7"
				if _, err := c.About(t.Context()); err != nil {
					t.Fatal(err)
				}
				v.fault.Path = "/orders"
				shop.Fail(v.fault)
				_, err := c.Orders(t.Context(), woo.Query{})
				se := shopError(t, err, v.kind)
				if !strings.Contains(strings.ToLower(se.Advice), strings.ToLower(v.met)) || !strings.Contains(se.Advice, v.to) {
					t.Errorf("says %q, want %q and %q", se.Advice, v.met, v.to)
				}
				if looked := strings.Contains(se.Advice, "step by step"); looked != (se.Status == http.StatusUnauthorized) {
					t.Errorf("says %q", se.Advice)
				}
				shop.Recover()
				if p, err := c.Orders(t.Context(), woo.Query{}); err != nil || len(p.Orders) != 5 {
					t.Errorf("afterwards: %d orders, %v", len(p.Orders), err)
				}
			})
		})
	}
}

// The closer look does not tell to look closer.
func TestTheCloserLookNamesNoOther(t *testing.T) {
	t.Parallel()
	shop, c, _ := quick(t, 1)
	c.Closer = "doorzet shop check --shop 7"
	shop.Fail(wootest.Fault{Kind: "401", Path: "/wc/v3"})
	refused := false
	for _, s := range c.Check(t.Context()) {
		refused = refused || strings.Contains(s.Found, "401")
		if strings.Contains(s.Advice, "shop check") {
			t.Errorf("%+v", s)
		}
	}
	if !refused {
		t.Error("nothing was refused")
	}
}

// A cache that stands in front of a shop gives itself away by its headers, or by an answer that is older than the question.
func TestCaches(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		headers map[string]string
		by      string // "" is no cache
	}{
		{map[string]string{"X-LiteSpeed-Cache": "hit,private"}, "LiteSpeed"},
		{map[string]string{"X-LiteSpeed-Cache": "miss"}, ""},
		{map[string]string{"CF-Cache-Status": "HIT"}, "Cloudflare"},
		{map[string]string{"CF-Cache-Status": "STALE"}, "Cloudflare"},
		{map[string]string{"CF-Cache-Status": "UPDATING"}, "Cloudflare"},
		{map[string]string{"CF-Cache-Status": "DYNAMIC"}, ""},
		{map[string]string{"CF-Cache-Status": "BYPASS", "Age": "0"}, ""},
		{map[string]string{"X-Cache": "HIT", "Age": "7"}, "at its host"},
		{map[string]string{"X-Cache": "HIT"}, "at its host"},
		{map[string]string{"X-Cache": "HIT", "Age": "0"}, ""},
		{map[string]string{"X-Cache": "TCP_HIT from proxy", "Age": "1"}, "at its host"},
		{map[string]string{"X-Cache": "Hit from cloudfront", "Age": "9"}, "at its host"},
		{map[string]string{"X-Cache": "MISS, HIT", "Age": "9"}, "at its host"},
		{map[string]string{"X-Cache": "MISS", "Age": "0"}, ""},
		{map[string]string{"X-Cache": "white-list"}, ""},
		{map[string]string{"X-Proxy-Cache": "HIT"}, "at its host"},
		{map[string]string{"X-Proxy-Cache": "MISS"}, ""},
		{map[string]string{"X-Varnish": "123 45", "Age": "3"}, "Varnish"},
		{map[string]string{"X-Varnish": "123 45", "Age": "0"}, ""},
		{map[string]string{"X-Varnish": "123"}, ""},
		{map[string]string{"Age": "86400"}, "does not give its name"},
		{map[string]string{"Age": "2"}, "does not give its name"},
		{map[string]string{"Age": "1"}, ""}, // rounded up, by a server that passes everything on
		{map[string]string{"Age": "veel"}, ""},
	} {
		timed(t, 1, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
			shop.Fail(wootest.Fault{Kind: "cache", Headers: v.headers})
			_, err := c.Orders(t.Context(), woo.Query{})
			if v.by == "" {
				if err != nil {
					t.Errorf("%v: %v", v.headers, err)
				}
				return
			}
			if err == nil {
				t.Errorf("%v was believed", v.headers)
				return
			}
			if se := shopError(t, err, doorzet.ShopStrange); !strings.Contains(se.Advice, v.by) {
				t.Errorf("%v: says %q", v.headers, se.Advice)
			}
			if n := shop.Count("list"); n != 1 {
				t.Errorf("%v: asked %d times", v.headers, n)
			}
		})
	}
	// An answer that took long may be as old as that.
	timed(t, 1, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
		shop.Fail(wootest.Fault{Kind: "latency", DelayMS: 20_000})
		shop.Fail(wootest.Fault{Kind: "cache", Headers: map[string]string{"Age": "19"}})
		if _, err := c.Orders(t.Context(), woo.Query{}); err != nil {
			t.Error(err)
		}
	})
}

// A batch by id that counts more than it was asked for, or counts what it does not show, is not believed.
func TestBatchesThatMiscount(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		fault wootest.Fault
		gone  bool // the shop has none of the orders
		says  string
	}{
		{wootest.Fault{Kind: "wrongtotal", Total: 7}, false, "was asked for 5 orders and counts 7 (X-WP-Total)"},
		{wootest.Fault{Kind: "hollow"}, false, "asked for 5 orders and counts 250"},
		{wootest.Fault{Kind: "wrongtotal", Total: 0}, false, "counts 0 orders on 1 pages"},
		{wootest.Fault{Kind: "cache", Headers: map[string]string{"X-WP-Total": "3", "X-WP-TotalPages": "1"}}, true, "counts 3 orders (X-WP-Total) and shows none"},
		{wootest.Fault{Kind: "bom"}, true, ""},
	} {
		timed(t, 5, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
			ids := shop.IDs()
			for _, id := range ids {
				if v.gone {
					_ = shop.Delete(id)
				}
			}
			shop.Fail(v.fault)
			m := walk(t, c, looks(ids))
			if v.says == "" {
				if m.err != nil || m.sum != (woo.Sum{Pages: 1}) {
					t.Errorf("orders that are gone: %+v, %v", m.sum, m.err)
				}
				return
			}
			if se := shopError(t, m.err, doorzet.ShopStrange); !strings.Contains(se.Advice, v.says) || len(m.pages) != 0 {
				t.Errorf("%d pages, says %q, want %q", len(m.pages), se.Advice, v.says)
			}
		})
	}
}
