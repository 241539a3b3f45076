package woo_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		name   string
		opt    wootest.Options
		change func(*woo.Client, *wootest.Shop)
		tls    bool
		failed string // the step that fails; "" none
		says   string // in that step, or anywhere
	}{
		{name: "all is well", tls: true, says: "by basic"},
		{name: "plain permalinks", tls: true, opt: wootest.Options{PlainPermalinks: true}, says: "permalinks are plain"},
		{name: "a stripped header", tls: true, opt: wootest.Options{StripHeader: true}, says: "access log"},
		{name: "plain http works, and is told", says: "Set up https"},
		{name: "no address", tls: true, failed: "Address", says: "https://shop.example",
			change: func(c *woo.Client, _ *wootest.Shop) { c.URL = "shop" }},
		{name: "a name that does not exist", tls: true, failed: "Address", says: "typing error",
			change: func(c *woo.Client, _ *wootest.Shop) { c.URL = "https://winkel.invalid" }},
		{name: "a private address", tls: true, failed: "Answer", says: "public address",
			change: func(c *woo.Client, _ *wootest.Shop) { c.HTTP = woo.NewHTTPClient(false) }},
		{name: "the shop is down", tls: true, failed: "Answer", says: "could not be reached",
			change: func(_ *woo.Client, s *wootest.Shop) { s.Fail(wootest.Fault{Kind: "down"}) }},
		{name: "a firewall", tls: true, failed: "REST API", says: "Cloudflare",
			change: func(_ *woo.Client, s *wootest.Shop) { s.Fail(wootest.Fault{Kind: "cloudflare"}) }},
		{name: "a redirect", tls: true, failed: "REST API", says: "redirects to",
			change: func(_ *woo.Client, s *wootest.Shop) { s.Fail(wootest.Fault{Kind: "redirect"}) }},
		{name: "warnings in the answers", tls: true, says: "error log",
			change: func(_ *woo.Client, s *wootest.Shop) { s.Fail(wootest.Fault{Kind: "warning"}) }},
		{name: "an unknown key", tls: true, failed: "Key", says: "does not know our key",
			change: func(c *woo.Client, _ *wootest.Shop) { c.Key = "ck_unknown" }},
		{name: "key and secret swapped", tls: true, failed: "Key", says: "swapped",
			change: func(c *woo.Client, _ *wootest.Shop) { c.Key, c.Secret = c.Secret, c.Key }},
		{name: "no key", tls: true, failed: "Key", says: "Advanced > REST API",
			change: func(c *woo.Client, _ *wootest.Shop) { c.Key = "" }},
		{name: "the system status is shut", tls: true, failed: "Identity", says: "recognised by its address",
			change: func(_ *woo.Client, s *wootest.Shop) { s.Fail(wootest.Fault{Kind: "403", Path: "system_status"}) }},
		{name: "webhooks cannot be read", tls: true, failed: "Webhooks", says: "night only",
			change: func(_ *woo.Client, s *wootest.Shop) { s.Fail(wootest.Fault{Kind: "403", Path: "webhooks"}) }},
		{name: "an old version", tls: true, opt: wootest.Options{Version: "5.7.1"}, failed: "Version", says: "Update WooCommerce"},
		{name: "a wrong clock", tls: true, failed: "Clock", says: "clock",
			change: func(c *woo.Client, _ *wootest.Shop) {
				c.Now = func() time.Time { return time.Now().Add(-time.Hour) }
			}},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			v.opt.Orders = 3
			shop := wootest.New(v.opt)
			server := httptest.NewUnstartedServer(shop)
			if v.tls {
				server.StartTLS()
			} else {
				server.Start()
			}
			t.Cleanup(server.Close)
			c, _ := client(server, v.opt)
			if v.change != nil {
				v.change(c, shop)
			}
			steps := c.Check(t.Context())
			if len(steps) != 13 {
				t.Fatalf("%d steps", len(steps))
			}
			assertSteps(t, steps, v.failed, v.says)
		})
	}
}

// assertSteps wants the named step to be the first that fails, with advice; "" wants none to fail.
func assertSteps(t *testing.T, steps []woo.Step, failed, says string) {
	t.Helper()
	first, said := "", false
	for _, s := range steps {
		noSecret(t, s.Found+s.Advice)
		if !s.OK && s.Advice == "" || s.Found == "" {
			t.Errorf("step without a word: %+v", s)
		}
		if !s.OK && first == "" {
			first = s.Name
		}
		if (s.Name == failed || failed == "") && strings.Contains(s.Found+" "+s.Advice, says) {
			said = true
		}
		if !s.Tried && !strings.Contains(s.Advice, "First solve: "+first) {
			t.Errorf("%+v does not name %s", s, first)
		}
	}
	if first != failed || !said {
		t.Errorf("first failed step %q, want %q saying %q:\n%+v", first, failed, says, steps)
	}
}
