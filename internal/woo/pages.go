package woo

import (
	"context"
	"fmt"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"
)

// Sum is what a walk over a list met.
type Sum struct {
	Fetched int // different orders, those that could not be read included
	Total   int // as the shop counted at the end
	Pages   int // pages read, those read again included
}

// EachPage walks a list, from row q.FromRow on, and hands each page to do; an error of do ends the walk. It walks by id upwards,
// which is the one order that changes of orders do not stir, unless the query has another. While do works on a page the next one
// is read: one ahead and no further, one question at a time.
//
// How many orders a page has is learnt: a shop that fails at many is asked for fewer (see failing.go). A page that is shorter than
// it might be is not the end: the shop leaves out what it cannot load. When the list became shorter under way, rows slid to pages
// that were read before: those are read again, so nothing is skipped and some orders come twice. An empty page inside the list is
// ShopStrange, as are no orders at all where the shop counts some.
//
// With q.Include, of up to 100 orders, those are the list.
func (c *Client) EachPage(ctx context.Context, q Query, do func(Page) error) (Sum, error) {
	c.init()
	w, err := c.walk(q)
	if err != nil {
		return Sum{}, err
	}
	reading, stop := context.WithCancel(ctx)
	pages := make(chan read) // without a buffer: the page that waits here is the one that is read ahead
	go func() {
		defer close(pages)
		w.run(reading, pages)
	}()
	err = handle(pages, stop, do)
	if err == nil && !w.over {
		err = ctx.Err()
	}
	return w.sum(), err
}

// read is a page that was read, or what came instead.
type read struct {
	page  Page
	err   error
	panic error
}

// run reads pages until the list is over, or nobody wants them any more. What comes after a page that was allowed to take much
// memory is read when that page was dealt with: who waits for memory must not hold some.
func (w *walk) run(ctx context.Context, pages chan<- read) {
	for !w.over {
		r := w.guarded(ctx)
		select {
		case pages <- r:
		case <-ctx.Done():
			r.page.done()
			return
		}
		if r.err != nil || r.panic != nil {
			return
		}
		if r.page.dealt == nil {
			continue
		}
		select {
		case <-r.page.dealt:
		case <-ctx.Done():
			return
		}
	}
}

// guarded reads a page. A panic goes on where do is called: the caller may know what to do with it, and the process must not end.
func (w *walk) guarded(ctx context.Context) (r read) {
	defer func() {
		if p := recover(); p != nil {
			r.panic = fmt.Errorf("read a page: %v\n%s", p, debug.Stack())
		}
	}()
	r.page, r.err = w.next(ctx)
	return r
}

// handle hands pages to do. Whatever ends it, a panic too, nothing is left running.
func handle(pages <-chan read, stop func(), do func(Page) error) error {
	defer func() {
		stop()
		for r := range pages {
			r.page.done()
		}
	}()
	for r := range pages {
		switch {
		case r.panic != nil:
			panic(r.panic)
		case r.err != nil:
			return r.err
		}
		err := do(r.page)
		r.page.done()
		if err != nil {
			return err
		}
	}
	return nil
}

// each walks all pages of a list that is no list of orders, and hands over each entry. The shop may take so long for each page.
func (c *Client) each(ctx context.Context, path string, within time.Duration, do func(raw []byte) error) error {
	const most = 200 // pages; no shop has as many tax rates
	for page := 1; page <= most; page++ {
		a, err := c.do(ctx, call{path: path, within: within, query: url.Values{"per_page": {"100"}, "page": {strconv.Itoa(page)}}})
		if err != nil {
			return err
		}
		_, pages, err := totals(a.header)
		if err != nil {
			return err
		}
		list, err := entries(a.body)
		if err != nil {
			return err
		}
		for _, raw := range list {
			if err := do(raw); err != nil {
				return err
			}
		}
		if page >= pages {
			return nil
		}
	}
	return strange("The shop's list has no end. A plugin probably changes its lists.", nil)
}
