package wootest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Who asks, and what WooCommerce says to those whom it refuses at the door. The rules are those of
// WC_REST_Authentication: only a request line with "wp-json/wc/" in it is looked at; over https keys in the query win
// over Basic; else OAuth 1.0a is read, the only one that works over plain http.
func (s *Shop) enter(q question) (known bool, refused *reply) {
	if !strings.Contains(q.uri, "wp-json/wc/") {
		return false, nil
	}
	if q.secure {
		key, secret := q.query.Get("consumer_key"), q.query.Get("consumer_secret")
		if key == "" || secret == "" {
			key, secret = q.key, q.secret
		}
		if key == s.opt.Key {
			if secret != s.opt.Secret {
				return s.deny(q, "Consumer secret is invalid.")
			}
			return s.allowed(q)
		}
		if key != "" {
			return false, nil
		}
	}
	return s.oauth(q)
}

func (s *Shop) deny(q question, message string) (bool, *reply) {
	r := s.fail(q, http.StatusUnauthorized, "woocommerce_rest_authentication_error", message)
	return false, &r
}

// allowed checks the key's rights, by method.
func (s *Shop) allowed(q question) (bool, *reply) {
	switch q.method {
	case http.MethodGet, http.MethodHead:
		if s.opt.Rights == "write" {
			return s.unable(q, "read")
		}
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		if s.opt.Rights == "read" {
			return s.unable(q, "write")
		}
	}
	return true, nil
}

// unable refuses a key that is known: its user is logged in by then, so the answer has the headers that forbid caching.
func (s *Shop) unable(q question, what string) (bool, *reply) {
	known, r := s.deny(q, "The API key provided does not have "+what+" permissions.")
	uncached(r.header)
	return known, r
}

// oauth proves an OAuth 1.0a signature.
func (s *Shop) oauth(q question) (bool, *reply) {
	var missing []string
	names := []string{"oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method"}
	for _, name := range names {
		if q.query.Get(name) == "" {
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) == len(names):
		return false, nil
	case len(missing) > 0:
		r := s.fail(q, http.StatusUnauthorized, "woocommerce_rest_authentication_missing_parameter", "Missing OAuth parameter "+strings.Join(missing, ", "))
		return false, &r
	case q.query.Get("oauth_consumer_key") != s.opt.Key:
		return s.deny(q, "Consumer key is invalid.")
	case q.query.Get("oauth_signature_method") != "HMAC-SHA256":
		return s.deny(q, "Invalid signature - signature method is invalid.")
	case q.query.Get("oauth_signature") != s.signature(q):
		return s.deny(q, "Invalid signature - provided signature does not match.")
	}
	if message := s.stale(q.query.Get("oauth_timestamp"), q.query.Get("oauth_nonce")); message != "" {
		return s.deny(q, message)
	}
	return s.allowed(q)
}

// signature is what the signature should be: over the shop's home address, with the scheme that it believes in.
func (s *Shop) signature(q question) string {
	base := s.opt.Home
	home, err := url.Parse(base)
	if err != nil {
		return ""
	}
	home.Scheme = "http"
	if q.secure {
		home.Scheme = "https"
	}
	path, _, _ := strings.Cut(q.uri, "?")
	base = strings.TrimRight(home.String(), "/")
	if path = strings.TrimPrefix(path, strings.TrimRight(home.Path, "/")+"/"); path != "" {
		base += "/" + strings.TrimLeft(path, "/")
	}
	var names, pairs []string
	for name := range q.query {
		if name != "oauth_signature" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		pairs = append(pairs, raw(name)+"="+raw(q.query.Get(name)))
	}
	mac := hmac.New(sha256.New, []byte(s.opt.Secret+"&"))
	mac.Write([]byte(q.method + "&" + raw(base) + "&" + raw(strings.Join(pairs, "&"))))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// raw is PHP's rawurlencode.
func raw(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

const nonceWindow = 15 * time.Minute

// stale refuses old and future timestamps, and nonces that were used before.
func (s *Shop) stale(stamp, nonce string) string {
	sec, err := strconv.ParseInt(stamp, 10, 64)
	now := s.opt.Now()
	if age := now.Sub(time.Unix(sec, 0)); err != nil || age.Abs() > nonceWindow {
		return "Invalid timestamp."
	}
	if _, used := s.nonces[nonce]; used {
		return "Invalid nonce - nonce has already been used."
	}
	for old, at := range s.nonces {
		if now.Sub(at) > nonceWindow {
			delete(s.nonces, old)
		}
	}
	s.nonces[nonce] = now
	return ""
}
