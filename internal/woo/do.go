package woo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// How often and how long one call is repeated. Longer waits are the caller's: it has a schedule, a call has not.
const (
	maxTries      = 3
	firstPause    = 500 * time.Millisecond
	maxRetryAfter = 5 * time.Second
)

// answer is an answer of the shop that was found to be JSON with a status that means success.
type answer struct {
	status int
	header http.Header
	body   []byte // JSON
	tls    *tls.ConnectionState
	dirty  bool // something stood before the JSON and was cut away
}

// do asks one question: it finds the way in, repeats what may be repeated, and returns the shop's JSON or a ShopError.
func (c *Client) do(ctx context.Context, q call) (answer, error) {
	c.init()
	a, err := c.enter(ctx, q)
	if !wrongRoute(err) || c.plain() {
		return a, err
	}
	// With plain permalinks /wp-json/ leads to some page of the site.
	if !c.findPlain(ctx, q) {
		return a, err
	}
	return c.enter(ctx, q)
}

// enter tries the ways in until the shop knows us.
func (c *Client) enter(ctx context.Context, q call) (answer, error) {
	if q.public {
		return c.try(ctx, q, way{plain: c.plain()})
	}
	var first error
	for _, w := range c.ways() {
		if w.home && first != nil && !c.elsewhere(ctx) {
			continue
		}
		a, err := c.try(ctx, q, w)
		if q.verb() == http.MethodOptions {
			return a, err // everybody may ask that, so nothing is learnt from it
		}
		if !anonymous(err, w) {
			c.learn(w, err)
			return a, err
		}
		if first == nil {
			first = err
		}
	}
	c.mu.Lock()
	c.shut = true
	c.mu.Unlock()
	return answer{}, first
}

// elsewhere tells whether the shop says that its home is another address than the called one. Only then is a signature for
// the home another try.
func (c *Client) elsewhere(ctx context.Context) bool {
	home, err := c.homeURL(ctx)
	return err == nil && !c.calledAt(home)
}

// learn remembers a way in that worked: also a 400 or a 404 in WooCommerce's own words was answered to somebody it knows.
func (c *Client) learn(w way, err error) {
	var se *doorzet.ShopError
	known := err == nil || errors.As(err, &se) &&
		(strings.HasPrefix(se.Code, "woocommerce_rest_") || se.Code == "rest_invalid_param") &&
		se.Status != http.StatusUnauthorized
	if !known {
		return
	}
	c.mu.Lock()
	c.way, c.shut = w, false
	c.mu.Unlock()
}

func (c *Client) plain() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.way.plain
}

// wrongRoute tells whether an error may mean that /wp-json/ does not exist there.
func wrongRoute(err error) bool {
	var se *doorzet.ShopError
	if !errors.As(err, &se) {
		return false
	}
	page := se.Status == http.StatusOK && se.Kind == doorzet.ShopStrange && errors.Is(se, errPage)
	return page || se.Kind == doorzet.ShopRedirect || se.Status == http.StatusNotFound && se.Code == ""
}

// findPlain asks whether the shop has no /wp-json/ at all but answers routes as ?rest_route=, and remembers that. Every
// WordPress answers those; one whose /wp-json/ works merely stumbled.
func (c *Client) findPlain(ctx context.Context, asked call) bool {
	if !asked.public {
		if _, err := c.try(ctx, aboutCall(), way{}); !wrongRoute(err) {
			return false
		}
	}
	a, err := c.try(ctx, aboutCall(), way{plain: true})
	if err != nil {
		return false
	}
	if _, err := decodeAbout(a.body); err != nil {
		return false
	}
	c.mu.Lock()
	c.way.plain = true
	c.mu.Unlock()
	return true
}

// try asks in one way, and again after trouble that passes.
func (c *Client) try(ctx context.Context, q call, w way) (answer, error) {
	for n := 1; ; n++ {
		a, err := c.send(ctx, q, w)
		wait, again := pauseAfter(err, n)
		if !again || q.verb() != http.MethodGet {
			return a, err
		}
		if err := c.pause(ctx, wait); err != nil {
			return answer{}, err
		}
	}
}

// pauseAfter says whether a call is worth another try, and after how long.
func pauseAfter(err error, n int) (time.Duration, bool) {
	var se *doorzet.ShopError
	if !errors.As(err, &se) || n >= maxTries || !passing(se) || se.RetryAfter > maxRetryAfter {
		return 0, false
	}
	wait := firstPause << (2 * (n - 1)) // 0.5 s, 2 s
	wait = wait/2 + rand.N(wait)
	return max(wait, se.RetryAfter), true
}

// passing tells whether trouble may be over in a moment: no answer, 429, 5xx, and a page where JSON was due.
func passing(se *doorzet.ShopError) bool {
	switch {
	case se.Status == http.StatusTooManyRequests || se.Status >= 500:
		return true
	case TimedOut(se):
		return false // a shop that needs this long is not helped by being asked again
	case se.Kind == doorzet.ShopDown:
		return true
	}
	return se.Status/100 == 2 && errors.Is(se, errPage)
}

// TimedOut tells whether an error of a call means that the shop did not answer in time.
func TimedOut(err error) bool {
	var se *doorzet.ShopError
	var late interface{ Timeout() bool }
	return errors.As(err, &se) && errors.As(se.Err, &late) && late.Timeout()
}

func (c *Client) pause(ctx context.Context, d time.Duration) error {
	if c.Pause != nil {
		return c.Pause(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// send sends one request and reads its answer, inside the gate.
func (c *Client) send(ctx context.Context, q call, w way) (answer, error) {
	req, err := c.request(ctx, q, w) // may ask the shop for its home first, so before the gate
	if err != nil {
		return answer{}, err
	}
	release, err := c.acquire(ctx)
	if err != nil {
		return answer{}, fmt.Errorf("wait for a free place at the shop: %w", err)
	}
	defer release()
	c.count(q.kind)
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, unreachable(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return answer{}, brokenOff(ctx, err)
	}
	if len(body) > maxBody {
		return answer{}, &doorzet.ShopError{Kind: doorzet.ShopStrange, Status: resp.StatusCode,
			Advice: fmt.Sprintf("The shop's answer is larger than %d MB. A plugin probably fills the orders with data; ask the shop's builder.", maxBody>>20)}
	}
	return read(resp, body, c.now())
}

// unreachable says why no answer came. The client's own error holds the URL, which may hold a key: only its cause is kept.
func unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if se, ok := errors.AsType[*doorzet.ShopError](err); ok {
		return se // the guard's
	}
	timeout := false
	if ue, ok := errors.AsType[*url.Error](err); ok {
		timeout, err = ue.Timeout(), ue.Err
	}
	down := &doorzet.ShopError{Kind: doorzet.ShopDown, Err: err}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		down.Advice = "The shop's host name " + dns.Name + " does not exist. Check the address for a typing error, and the domain with its registrar."
	case errors.As(err, &dns):
		down.Advice = "The shop's host name " + dns.Name + " could not be looked up just now."
	case errors.As(err, &cert):
		down.Advice = "The shop's TLS certificate is not valid for its address. Ask the host to renew or repair it."
	case timeout:
		down.Advice = "The shop did not answer in time. It may be overloaded, or its firewall drops our calls without a word."
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		down.Advice = "The shop answers without TLS at an https address. Ask the host to set up https, or use the http address."
	default:
		down.Advice = "The shop could not be reached."
	}
	return down
}

// brokenOff says that an answer began and did not end.
func brokenOff(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &doorzet.ShopError{Kind: doorzet.ShopDown, Err: err,
		Advice: "The shop's answer broke off. PHP on the shop probably ran out of time or memory."}
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return min(time.Duration(n)*time.Second, 24*time.Hour)
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return min(t.Sub(now), 24*time.Hour)
	}
	return 0
}
