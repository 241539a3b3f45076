package woo

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// learnt is what a client learns of how much its shop can bear.
type learnt struct {
	page, batch doorzet.Reach // of lists of whole orders, and of those with few fields
	gap         doorzet.Gap
	slowedAt    time.Time

	startedAt time.Time // of the last call
	refusedAt time.Time // when the gap last grew
	holdUntil time.Time // the shop asked to be left alone until then
}

// paceFrom begins where an earlier client ended.
func paceFrom(known doorzet.Pace, now time.Time) learnt {
	known = known.Sound()
	p := known.Recovered(now)
	return learnt{
		page: doorzet.NewReach(known.Page, p.Page), batch: doorzet.NewReach(known.Batch, p.Batch),
		gap: doorzet.Gap{Length: p.Gap}, slowedAt: known.SlowedAt,
	}
}

// LearnedPace is what was learnt of how much the shop can bear, to be stored and given to the next client as Pace. A size counts
// once the shop has answered a question for so many.
func (c *Client) LearnedPace() doorzet.Pace {
	c.init()
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.learnt
	return doorzet.Pace{Page: l.page.Proven, Batch: l.batch.Proven, Gap: l.gap.Length, SlowedAt: l.slowedAt}
}

// reach is that of a list of whole orders, or of one with few fields. The caller holds the lock.
func (l *learnt) reach(fields []string) *doorzet.Reach {
	if len(fields) > 0 {
		return &l.batch
	}
	return &l.page
}

// size is how many orders a list asks for at a time.
func (c *Client) size(fields []string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.learnt.reach(fields).Size
}

// answered counts an answer to a question for so many orders.
func (c *Client) answered(fields []string, asked int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.learnt.reach(fields)
	*r = r.Answered(asked)
}

// failed counts that the shop failed at a list.
func (c *Client) failed(fields []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.learnt.reach(fields)
	*r = r.Failed()
}

// shrink learns that the shop failed at more orders at a time and answered all questions for so many.
func (c *Client) shrink(fields []string, to int) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.learnt.reach(fields)
	if to < r.Size {
		*r, c.learnt.slowedAt = r.Shrunk(to), now
	}
}

// begin waits until the shop may be called again, and for a place at it. While it waits for the gap it holds no place: others of
// this shop may have something to ask.
func (c *Client) begin(ctx context.Context) (release func(), err error) {
	for {
		before, wait := c.now(), c.due()
		if wait > 0 {
			if err := c.pause(ctx, wait); err != nil {
				return nil, err
			}
		}
		if release, err = c.acquire(ctx); err != nil {
			return nil, err
		}
		if c.start(wait > 0 && !c.now().After(before)) {
			return release, nil
		}
		release()
	}
}

// due is how long to wait for the next call.
func (c *Client) due() time.Duration {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.learnt.due(now)
}

func (l *learnt) due(now time.Time) time.Duration {
	wait := l.holdUntil.Sub(now)
	if l.gap.Length > 0 {
		wait = max(wait, l.startedAt.Add(l.gap.Length).Sub(now))
	}
	return max(wait, 0)
}

// start notes that a call begins, unless another one began meanwhile. Where waiting does not move the clock it begins anyway.
func (c *Client) start(anyway bool) bool {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !anyway && c.learnt.due(now) > 0 {
		return false
	}
	c.learnt.startedAt = now
	return true
}

// met learns the gap from how a call ended that began at some time. Calls that were under way when the gap grew tell nothing new.
func (c *Client) met(err error, startedAt time.Time) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.learnt
	var se *doorzet.ShopError
	switch {
	case err == nil, errors.As(err, &se) && se.Kind == doorzet.ShopRefused:
		l.gap = l.gap.Answered()
	case se == nil || se.Kind != doorzet.ShopBusy || se.Status != http.StatusTooManyRequests && se.RetryAfter > maxRetryAfter:
		l.gap = l.gap.Failed()
	case !startedAt.Before(l.refusedAt):
		l.gap, l.refusedAt, l.slowedAt = l.gap.Refused(), now, now
		if se.RetryAfter <= maxRetryAfter {
			l.holdUntil = now.Add(se.RetryAfter)
		}
	}
}
