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
	w := walk{query: q, seen: map[int64]bool{}, total: -1}
	w.query.Page = max(q.Page, 1)
	for {
		p, err := c.Orders(ctx, w.query)
		if err != nil {
			return w.sum(), err
		}
		next, err := w.step(p)
		if err != nil {
			return w.sum(), err
		}
		if err := do(p); err != nil {
			return w.sum(), err
		}
		if next == 0 {
			return w.sum(), nil
		}
		w.query.Page = next
	}
}

// walk is where a walk over pages stands.
type walk struct {
	query Query
	seen  map[int64]bool
	bad   int
	total int // as last counted; -1 before the first page
	last  int // pages, as last counted
	pages int
	empty int // pages at the end that answered nothing
}

func (w *walk) sum() Sum {
	return Sum{Fetched: len(w.seen) + w.bad, Total: max(w.total, 0), Pages: w.pages}
}

// step takes in a page and says which one is next, 0 at the end.
func (w *walk) step(p Page) (int, error) {
	w.pages++
	got := len(p.Orders) + len(p.Bad)
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
	shrank := w.total > p.Total
	past := got == 0 && p.Number > 1 // beyond its end a list says that it has no entries at all
	if past {
		return w.pastEnd(p)
	}
	if got == 0 && p.Total > 0 {
		return 0, strange(fmt.Sprintf("The shop says that it has %d orders and shows none of them on page %d. Nothing was concluded from that.", p.Total, p.Number), nil)
	}
	if got > 0 && p.Total == 0 {
		return 0, strange("The shop shows orders and says that it has none. Nothing was concluded from that.", nil)
	}
	w.total, w.last, w.empty = p.Total, p.TotalPages, 0
	switch {
	case shrank && p.Number > 1:
		return p.Number - 1, nil
	case p.Number < p.TotalPages:
		return p.Number + 1, nil
	}
	return 0, nil
}

// pastEnd judges an empty page that is not the first: the list may have become shorter, so the page before it is read
// again. When that one still says that there is more, the shop contradicts itself.
func (w *walk) pastEnd(p Page) (int, error) {
	if p.Total > 0 && p.Number <= p.TotalPages || w.empty > 1 && w.last >= p.Number {
		return 0, strange(fmt.Sprintf("Page %d of the shop's orders is empty, and later ones should not be. Nothing was concluded from that.", p.Number), nil)
	}
	w.empty++
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
