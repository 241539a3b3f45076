package woo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
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
	status     int
	header     http.Header
	body       []byte // JSON
	tls        *tls.ConnectionState
	dirty      bool      // something stood before the JSON and was cut away
	startedAt  time.Time // when the request was sent
	receivedAt time.Time // when the answer was here
	free       func()    // gives back the memory that the answer was allowed to take; nil when that is little
}

// done tells that nothing holds the answer any more.
func (a answer) done() {
	if a.free != nil {
		a.free()
	}
}

// do asks one question: it finds the way in, repeats what may be repeated, and returns the shop's JSON or a ShopError.
func (c *Client) do(ctx context.Context, q call) (answer, error) {
	c.init()
	a, err := c.enter(ctx, q)
	if !wrongRoute(err) || c.routed() {
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
	c.way, c.shut, c.served = w, false, true
	c.mu.Unlock()
}

// routed tells whether it is known where the shop has its routes: without /wp-json/, or there, because it has answered there.
func (c *Client) routed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.way.plain || c.served
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
		if !again || q.verb() != http.MethodGet || q.once && heavy(err) {
			return a, err
		}
		if err := c.pause(ctx, max(wait, c.due())); err != nil {
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
	return max(jittered(firstPause<<(2*(n-1))), se.RetryAfter), true // 0.5 s, 2 s
}

// jittered is a pause of half to one and a half times as long, so that many calls do not come back at once.
func jittered(d time.Duration) time.Duration { return d/2 + rand.N(d) }

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
	release, err := c.begin(ctx)
	if err != nil {
		return answer{}, fmt.Errorf("wait for a free place at the shop: %w", err)
	}
	defer release()
	c.count(q.kind)
	startedAt := c.now()
	a, err := c.exchange(ctx, req, q.time())
	c.met(err, startedAt)
	if err != nil {
		return answer{}, c.hint(err)
	}
	a.startedAt, a.receivedAt = startedAt, c.now()
	if !q.large {
		a.done()
	}
	return a, nil
}

// exchange sends a request and judges the answer. It takes no longer than within, waiting for our own parts aside.
func (c *Client) exchange(ctx context.Context, req *http.Request, within time.Duration) (answer, error) {
	timed, clock := startClock(ctx, within)
	defer clock.end()
	began := time.Now()
	resp, err := c.http.Do(req.WithContext(timed))
	if err != nil {
		return answer{}, unreachable(ctx, err, clock)
	}
	defer resp.Body.Close()
	body, free, err := c.large.read(ctx, resp, clock)
	if err != nil {
		return answer{}, err
	}
	a, err := judge(resp, body, c.now(), time.Since(began))
	a.free = free
	if err != nil {
		a.done()
		return answer{}, err
	}
	return a, nil
}

// hint adds to an error that says little how to look closer.
func (c *Client) hint(err error) error {
	var se *doorzet.ShopError
	c.mu.Lock()
	checks := c.checks
	c.mu.Unlock()
	if c.Closer == "" || checks || !errors.As(err, &se) || se.Status != http.StatusUnauthorized {
		return err
	}
	hinted := *se
	hinted.Advice += fmt.Sprintf(" %q tells step by step what is wrong.", c.Closer)
	return &hinted
}
