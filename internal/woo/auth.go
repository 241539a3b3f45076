package woo

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// way is how a shop lets us in.
type way struct {
	kind  string // "basic", "query", "oauth1"; "" = not known
	home  bool   // oauth1: sign the shop's home address instead of the called one
	plain bool   // plain permalinks: routes go as ?rest_route=
}

// parseWay reads what String wrote. Anything else is not known.
func parseWay(s string) way {
	var w way
	for i, word := range strings.Split(s, "+") {
		switch {
		case i == 0 && (word == "basic" || word == "query" || word == "oauth1"):
			w.kind = word
		case i > 0 && word == "home":
			w.home = true
		case i > 0 && word == "rest-route":
			w.plain = true
		default:
			return way{}
		}
	}
	return w
}

func (w way) String() string {
	if w.kind == "" {
		return ""
	}
	s := w.kind
	if w.home {
		s += "+home"
	}
	if w.plain {
		s += "+rest-route"
	}
	return s
}

// ways are the ways in to try, in order: the one that worked last, then those that suit the address.
//
// Over https WooCommerce takes Basic, and keys in the query where a server strips the Authorization header; those stand
// in the shop's access log, so they come second. Over plain http only OAuth 1.0a works. It is the last try over https
// too: behind a proxy that ends TLS without saying so, WooCommerce believes that it was called over plain http.
func (c *Client) ways() []way {
	c.mu.Lock()
	known, shut, home := c.way, c.shut, c.home
	c.mu.Unlock()
	all := []way{{kind: "oauth1"}, {kind: "oauth1", home: true}}
	if home != "" && !c.calledAt(home) {
		slices.Reverse(all) // WooCommerce checks against its home, so the called address is the poorer guess
	}
	if strings.HasPrefix(c.base(), "https:") {
		all = append([]way{{kind: "basic"}, {kind: "query"}}, all...)
	}
	for i := range all {
		all[i].plain = known.plain
	}
	if known.kind == "" {
		return all
	}
	if shut {
		return []way{known}
	}
	all = slices.DeleteFunc(all, func(w way) bool { return w == known })
	return append([]way{known}, all...)
}

// anonymous tells whether an error may mean that the shop did not see our key at all, so that another way in may work.
// A known key with a wrong secret, or with a user without rights, is refused in every way.
func anonymous(err error, w way) bool {
	var se *doorzet.ShopError
	if !errors.As(err, &se) || se.Status != http.StatusUnauthorized {
		return false
	}
	switch se.Code {
	case "woocommerce_rest_cannot_view", "invalid_username", "incorrect_password",
		"woocommerce_rest_authentication_missing_parameter":
		return true
	case "woocommerce_rest_authentication_error":
		return w.kind == "oauth1" // a signature for another address looks like this
	}
	return false
}

// calledAt tells whether the shop is called at its home address, the scheme aside.
func (c *Client) calledAt(home string) bool {
	_, called, _ := strings.Cut(c.base(), "://")
	_, home, _ = strings.Cut(strings.TrimRight(home, "/"), "://")
	return called == home
}

// homeURL is what the shop calls itself, asked once.
func (c *Client) homeURL(ctx context.Context) (string, error) {
	c.mu.Lock()
	home := c.home
	c.mu.Unlock()
	if home != "" {
		return home, nil
	}
	about, err := c.About(ctx)
	if err != nil {
		return "", err
	}
	return about.Home, nil
}

// request builds one try of a call: a new nonce and a new cache-buster each time. Both are in the URL, never in an error.
func (c *Client) request(ctx context.Context, q call, w way) (*http.Request, error) {
	if err := c.validURL(); err != nil {
		return nil, err
	}
	query := maps.Clone(q.query)
	if query == nil {
		query = url.Values{}
	}
	address := c.base() + "/wp-json" + q.path
	if w.plain {
		address = c.base() + "/"
		query.Set("rest_route", q.path)
	}
	// Caches in front of shops (LiteSpeed's "Cache REST API") keep answers for days and look at the URL only. An unknown
	// parameter is ignored by WordPress; in a signature it counts like any other.
	query.Set("nocache", rand.Text()[:12])
	switch {
	case q.public:
	case w.kind == "query":
		query.Set("consumer_key", c.key())
		query.Set("consumer_secret", c.secret())
	case w.kind == "oauth1":
		if err := c.sign(ctx, q, query, w); err != nil {
			return nil, err
		}
	}
	address += "?" + query.Encode()
	if w.plain {
		address += "&" + routeHint // raw: WooCommerce looks for these very characters in the request line
	}
	req, err := http.NewRequestWithContext(ctx, q.verb(), address, nil)
	if err != nil {
		return nil, doorzet.Input("the shop's address cannot be read: write it like https://shop.example")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("User-Agent", cmp.Or(c.UserAgent, "Doorzet")) // the library's own name is on many a firewall's list
	if !q.public && w.kind == "basic" {
		req.SetBasicAuth(c.key(), c.secret())
	}
	return req, nil
}

// validURL refuses an address that cannot be a shop's, before anything is sent.
func (c *Client) validURL() error {
	u, err := url.Parse(c.base())
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return doorzet.Input("the shop's address is no web address: write it like https://shop.example")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return doorzet.Input("the shop's address has a password, a question mark or a # in it: write it like https://shop.example")
	}
	return nil
}

// WooCommerce accepts keys only when "wp-json/wc/" stands somewhere in the request line; with plain permalinks it never
// does by itself.
const (
	routeHintName  = "x"
	routeHintValue = "/wp-json/wc/"
	routeHint      = routeHintName + "=" + routeHintValue
)

// sign adds OAuth 1.0a parameters (HMAC-SHA256). WooCommerce checks the signature over its own home address with the
// scheme that it believes in, which is http wherever this way in is needed, followed by the path below the home; a bare
// home has no slash at its end. A nonce works once, so every try is signed anew.
func (c *Client) sign(ctx context.Context, q call, query url.Values, w way) error {
	base := c.base()
	if w.home {
		home, err := c.homeURL(ctx)
		if err != nil {
			return err
		}
		base = strings.TrimRight(home, "/")
	}
	if _, rest, ok := strings.Cut(base, "://"); ok {
		base = "http://" + rest
	}
	query.Set("oauth_consumer_key", c.key())
	query.Set("oauth_timestamp", strconv.FormatInt(c.now().Unix(), 10))
	query.Set("oauth_nonce", rand.Text())
	query.Set("oauth_signature_method", "HMAC-SHA256")
	signed := maps.Clone(query)
	if w.plain {
		signed.Set(routeHintName, routeHintValue)
	} else {
		base += "/wp-json" + q.path
	}
	query.Set("oauth_signature", signature(q.verb(), base, signed, c.secret()))
	return nil
}

// signature is the OAuth 1.0a signature of a request without a token.
func signature(method, base string, params url.Values, secret string) string {
	pairs := make([]string, 0, len(params))
	for _, name := range slices.Sorted(maps.Keys(params)) {
		pairs = append(pairs, escape(name)+"="+escape(params.Get(name)))
	}
	mac := hmac.New(sha256.New, []byte(secret+"&"))
	mac.Write([]byte(method + "&" + escape(base) + "&" + escape(strings.Join(pairs, "&"))))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// escape is RFC 3986 escaping, as OAuth wants it and PHP's rawurlencode does it.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
