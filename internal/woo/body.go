package woo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A list of 100 full orders is about 350 kB; some shops put megabytes of meta data into theirs. An answer that is larger than
// freeBody needs one of the process' maxLarge permits, so that many shops with large answers do not fill its memory together.
const (
	freeBody = 4 << 20
	maxBody  = 16 << 20
	maxLarge = 4
)

// Large lets only a few large answers be in memory at the same time.
type Large struct{ places chan struct{} }

// NewLarge makes a Large for the clients of one process.
func NewLarge() *Large { return &Large{places: make(chan struct{}, maxLarge)} }

// read reads the body of an answer. Free gives its permit back when nothing holds the body any more, and may be called more than
// once; it is nil when the answer needed none. While an answer waits for a permit its clock stands still: that is not the shop's doing.
func (l *Large) read(ctx context.Context, resp *http.Response, clock *clock) (body []byte, free func(), err error) {
	var b bytes.Buffer
	_, err = io.CopyN(&b, resp.Body, freeBody+1)
	switch {
	case errors.Is(err, io.EOF):
		return b.Bytes(), nil, nil
	case err != nil:
		return nil, nil, brokenOff(ctx, resp.StatusCode, err, clock)
	}
	clock.halt()
	select {
	case l.places <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("wait until a large answer may be read: %w", ctx.Err())
	}
	clock.goOn()
	free = sync.OnceFunc(func() { <-l.places })
	b.Grow(maxBody - b.Len() + 1 + bytes.MinRead)
	_, err = io.Copy(&b, io.LimitReader(resp.Body, int64(maxBody-b.Len()+1)))
	switch {
	case err != nil:
		free()
		return nil, nil, brokenOff(ctx, resp.StatusCode, err, clock)
	case b.Len() > maxBody:
		free()
		return nil, nil, tooLarge(resp.StatusCode)
	}
	return b.Bytes(), free, nil
}

// clock ends a call that takes too long. It can be halted.
type clock struct {
	timer  *time.Timer
	left   time.Duration
	since  time.Time // when it was set going
	isLate atomic.Bool
	cancel context.CancelFunc
}

// startClock starts a clock, and gives the context that it ends.
func startClock(ctx context.Context, d time.Duration) (context.Context, *clock) {
	ctx, cancel := context.WithCancel(ctx)
	c := &clock{left: d, since: time.Now(), cancel: cancel}
	c.timer = time.AfterFunc(d, func() {
		c.isLate.Store(true)
		cancel()
	})
	return ctx, c
}

// late tells whether the time was up.
func (c *clock) late() bool { return c.isLate.Load() }

func (c *clock) halt() {
	c.timer.Stop()
	c.left -= time.Since(c.since)
}

func (c *clock) goOn() {
	c.since = time.Now()
	c.timer.Reset(max(c.left, time.Second)) // what was nearly late gets a moment
}

// end stops the clock when the call is over.
func (c *clock) end() {
	c.timer.Stop()
	c.cancel()
}
