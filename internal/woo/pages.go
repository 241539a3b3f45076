package woo

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
)

// Sum is what a walk over all pages met.
type Sum struct {
	Fetched int // different orders, those that could not be read included
	Total   int // as the shop counted at the end
	Pages   int // pages read, those read again included
}

// EachPage walks all pages of a list, from q.Page on, and hands each to do; an error of do ends the walk. It walks by id
// upwards, which is the one order that changes of orders do not stir, unless the query has another.
//
// A page that is shorter than it might be is not the end: the shop leaves out what it cannot load. When the list became
// shorter under way, rows slid to pages that were read before: those are read again, so nothing is skipped and some
// orders come twice. An empty page inside the list is ShopStrange, as are no orders at all where the shop counts some.
func (c *Client) EachPage(ctx context.Context, q Query, do func(Page) error) (Sum, error) {
	if q.OrderBy == "" {
		q.OrderBy, q.Ascending = "id", true
	}
	q.Page = max(q.Page, 1)
	w := walk{perPage: q.perPage(), resumed: q.Page > 1, seen: map[int64]bool{}}
	for q.Page > 0 {
		p, err := c.page(ctx, q)
		if err != nil {
			return w.sum(), err
		}
		next, err := w.step(p)
		if err != nil {
			return w.sum(), fmt.Errorf("list orders: %w", err)
		}
		if err := do(p); err != nil {
			return w.sum(), err
		}
		q.Page = next
	}
	return w.sum(), nil
}

// walk is where a walk over pages stands.
type walk struct {
	perPage int
	resumed bool // it did not begin at the first page
	seen    map[int64]bool
	bad     int // without an id
	total   int // as last counted
	most    int // the most pages that were counted
	pages   int // read
	emptyAt int // the last empty page beyond the end
}

func (w *walk) sum() Sum { return Sum{Fetched: len(w.seen) + w.bad, Total: w.total, Pages: w.pages} }

// step takes in a page and says which one is next, 0 at the end.
func (w *walk) step(p Page) (int, error) {
	w.pages++
	w.most = max(w.most, p.TotalPages, p.Number)
	if w.pages > 4*w.most+10 {
		return 0, strange("The shop's list of orders changes faster than it can be read. It is tried again later.", nil)
	}
	if len(p.Orders)+len(p.Bad) == 0 {
		return w.empty(p)
	}
	if p.Total == 0 || p.TotalPages < (p.Total+w.perPage-1)/w.perPage {
		return 0, strange("The shop's list has more orders than it counts. A plugin probably changes its lists.", nil)
	}
	for _, o := range p.Orders {
		w.seen[o.ID] = true
	}
	for _, b := range p.Bad {
		if b.ID == 0 {
			w.bad++
			continue
		}
		w.seen[b.ID] = true
	}
	lost := w.total - p.Total
	w.total = p.Total
	switch {
	case lost > 0 && p.Number > 1:
		return max(1, p.Number-(lost+w.perPage-1)/w.perPage), nil
	case p.Number < p.TotalPages:
		return p.Number + 1, nil
	}
	return 0, nil
}

// empty judges a page without orders. Beyond its end a list says that it has no entries at all, so the page before is
// read again: the list may have become shorter. When that one still leads to this one, the shop contradicts itself.
func (w *walk) empty(p Page) (int, error) {
	inside := p.Total > 0 && p.Number <= p.TotalPages
	vanished := p.Number == 1 && (w.total > 0 || w.resumed)
	if inside || vanished || p.Number == w.emptyAt {
		return 0, strange(fmt.Sprintf("Page %d of the shop's orders is empty, and should not be. Nothing was concluded from that.", p.Number), nil)
	}
	w.emptyAt = p.Number
	return p.Number - 1, nil
}

// each walks all pages of a list that is no list of orders, and hands over each entry.
func (c *Client) each(ctx context.Context, path string, do func(raw []byte) error) error {
	for page := 1; ; page++ {
		a, err := c.do(ctx, call{path: path, query: url.Values{"per_page": {"100"}, "page": {strconv.Itoa(page)}}})
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
}
