package woo_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

func TestUnsafe(t *testing.T) {
	t.Parallel()
	for _, a := range []string{
		"127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
		"100.127.255.255", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "255.255.255.255", "240.0.0.1", "198.18.0.1",
		"192.0.2.1", "198.51.100.1", "203.0.113.1", "192.0.0.1",
		"::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:c0a8:101::", "2001:db8::1", "2001::1", "100::1",
	} {
		if woo.Unsafe(netip.MustParseAddr(a)) == "" {
			t.Errorf("%s may be called", a)
		}
	}
	for _, a := range []string{
		"8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "169.253.0.1", "192.167.1.1", "223.255.255.255",
		"2a00:1450:400e::1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::",
	} {
		if why := woo.Unsafe(netip.MustParseAddr(a)); why != "" {
			t.Errorf("%s may not be called: %s", a, why)
		}
	}
	if woo.Unsafe(netip.Addr{}) == "" {
		t.Error("no address may be called")
	}
}

func TestPrivateShops(t *testing.T) {
	t.Parallel()
	shop := wootest.New(wootest.Options{Orders: 1})
	server := httptest.NewServer(shop)
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		c, w := client(server, wootest.Options{})
		c.URL, c.HTTP = "http://"+host+":"+port, woo.NewHTTPClient(false)
		_, err := c.Orders(t.Context(), woo.Query{})
		shopError(t, err, doorzet.ShopUnsafe)
		if len(w.all) != 0 {
			t.Errorf("%s: tried again", host)
		}
	}
	if n := len(shop.Requests()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	c, _ := client(server, wootest.Options{})
	c.HTTP = woo.NewHTTPClient(true)
	if _, err := c.Orders(t.Context(), woo.Query{}); err != nil {
		t.Errorf("where it is allowed: %v", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	other := wootest.New(wootest.Options{Orders: 1})
	target := httptest.NewServer(other)
	t.Cleanup(target.Close)
	for _, v := range []struct{ name, to, says string }{
		{"to another host", target.URL + "/wp-json/wc/v3/orders", "redirects to " + target.URL},
		{"to a login page", "/wp-login.php", "login page"},
		{"to another page", "/over-ons/", "Permalinks"},
		{"to nowhere", "", "does not say where"},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if v.to != "" {
					w.Header().Set("Location", v.to)
				}
				w.WriteHeader(http.StatusFound)
			}))
			t.Cleanup(server.Close)
			c, _ := client(server, wootest.Options{})
			c.HTTP = &http.Client{} // one that follows redirects, if it were let
			_, err := c.Orders(t.Context(), woo.Query{})
			if se := shopError(t, err, doorzet.ShopRedirect); !strings.Contains(se.Advice, v.says) {
				t.Errorf("says %q, want %q", se.Advice, v.says)
			}
		})
	}
	t.Cleanup(func() {
		if n := len(other.Requests()); n != 0 {
			t.Errorf("%d requests were redirected", n)
		}
	})
}

func TestHTTPClientHasLimits(t *testing.T) {
	t.Parallel()
	c := woo.NewHTTPClient(false)
	tr, ok := c.Transport.(*http.Transport)
	if !ok || tr.Proxy != nil || tr.MaxResponseHeaderBytes == 0 {
		t.Error("a proxy is used, or headers have no limit")
	}
	if tr.MaxIdleConnsPerHost > 4 || tr.MaxIdleConns < 64*tr.MaxIdleConnsPerHost || tr.IdleConnTimeout == 0 {
		t.Errorf("idle connections: %d to a shop, %d in all, for %s", tr.MaxIdleConnsPerHost, tr.MaxIdleConns, tr.IdleConnTimeout)
	}
}
