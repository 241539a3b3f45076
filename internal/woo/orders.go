package woo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// LookFields are the fields that a look at an order's status needs. A list with them costs the shop a third of a full one.
var LookFields = []string{
	"id", "parent_id", "order_key", "number", "status", "currency", "total", "date_created_gmt", "date_modified_gmt",
}

// Query is what a list of orders is asked for. The zero Query is all orders that are not in the trash, newest first,
// drafts included.
type Query struct {
	// Statuses are slugs without "wc-"; none is "any", which leaves trash out. "trash" must stand alone. A slug that the
	// shop does not know refuses the whole question: see Client.Statuses.
	Statuses []string

	// Include asks for these orders only. The shop leaves out without a word what it has not, what is in the trash, and
	// refunds: an order that is not answered is not gone. At most 100.
	Include []int64

	// After and ModifiedAfter are strict: whole seconds, and an order of that very second is not found. Subtract what
	// should overlap. See doorzet.ModifiedFilter.
	After         time.Time
	ModifiedAfter time.Time

	OrderBy   string // "date" (the default), "id", "modified", "include"
	Ascending bool
	Fields    []string // nil is the whole order; else usually LookFields

	FromRow int // how many of the list's first rows are left out; not with Include
	PerPage int // at most so many at a time, 1 to 100; 0 is as many as the shop can bear
}

// Page is one page of a list of orders.
type Page struct {
	Orders []doorzet.ShopOrder
	Raw    []json.RawMessage // the body of each of Orders
	Bad    []BadOrder

	Row   int // how many rows of the list come before this page
	Rows  int // how many rows are read with it: where a walk goes on
	Total int // rows of the whole list, as the shop counted them

	StartedAt  time.Time // when the question was sent
	ReceivedAt time.Time // when the answer was here

	pages int           // as the shop counted them
	free  func()        // gives back the memory that the page was allowed to take; nil when that is little
	dealt chan struct{} // closed when it was given back
}

// done tells that nothing holds the page any more.
func (p Page) done() {
	if p.free != nil {
		p.free()
	}
}

// BadOrder is an entry of a list that could not be read. It holds up no other order.
type BadOrder struct {
	ID  int64 // 0 when not even that could be read
	Why string
}

// Reading is the answer to a question for one order.
type Reading struct {
	Order      doorzet.ShopOrder
	Raw        []byte    // its body
	StartedAt  time.Time // when the question was sent
	ReceivedAt time.Time // when the answer was here
}

// Order reads one whole order. The error is ErrOrderMissing (wrapped) only when WooCommerce itself says that no such order exists;
// then the Reading has its times. An order in the trash exists.
func (c *Client) Order(ctx context.Context, id int64) (Reading, error) {
	askedAt := c.now()
	a, err := c.do(ctx, call{path: "/wc/v3/orders/" + strconv.FormatInt(id, 10), kind: KindSingle, within: longTime, large: true})
	var se *doorzet.ShopError
	if errors.As(err, &se) && se.Status == http.StatusNotFound && se.Code == "woocommerce_rest_shop_order_invalid_id" {
		return Reading{StartedAt: askedAt, ReceivedAt: c.now()}, fmt.Errorf("order %d: %w", id, doorzet.ErrOrderMissing)
	}
	if err != nil {
		return Reading{}, fmt.Errorf("read order %d: %w", id, err)
	}
	defer a.done()
	o, err := DecodeOrder(a.body)
	if err != nil {
		return Reading{}, fmt.Errorf("read order %d: %w", id,
			strange("The shop's answer is no order that can be read. A plugin probably changes it.", err))
	}
	if o.ID != id {
		return Reading{}, fmt.Errorf("read order %d: %w", id,
			strange(fmt.Sprintf("The shop answered with order %d instead. A cache probably stands before the shop.", o.ID), nil))
	}
	return Reading{Order: o, Raw: a.body, StartedAt: a.startedAt, ReceivedAt: a.receivedAt}, nil
}

// Orders reads one page of a list of orders, with one question: the page of PerPage orders that begins at FromRow.
func (c *Client) Orders(ctx context.Context, q Query) (Page, error) {
	p, err := c.list(ctx, q, part{row: q.FromRow, size: q.perPage(), within: longTime})
	p.done()
	return p, err
}

// part is the part of a list that one question asks for.
type part struct {
	row    int // a multiple of size
	size   int
	within time.Duration
	once   bool // the question is not repeated when the shop fails at it
}

// list asks for a part of a list. The caller frees the page.
func (c *Client) list(ctx context.Context, q Query, part part) (Page, error) {
	values, err := q.values(part)
	if err != nil {
		return Page{}, err
	}
	a, err := c.do(ctx, call{path: "/wc/v3/orders", query: values, kind: KindList, within: part.within, once: part.once, large: true})
	if err != nil {
		return Page{}, fmt.Errorf("list orders: %w", err)
	}
	p, err := decodePage(a)
	if err == nil {
		err = q.fits(p, part)
	}
	if err != nil {
		a.done()
		return Page{}, fmt.Errorf("list orders: %w", err)
	}
	p.Row, p.StartedAt, p.ReceivedAt = part.row, a.startedAt, a.receivedAt
	if a.free != nil {
		p.dealt = make(chan struct{})
		p.free = sync.OnceFunc(func() { a.free(); close(p.dealt) })
	}
	p.Rows = min(part.row+part.size, p.Total)
	return p, nil
}

// fits refuses a list that answers another question: some caches look at the path only.
func (q Query) fits(p Page, part part) error {
	switch n := len(p.Orders) + len(p.Bad); {
	case n > part.size:
		return strange("The shop answered with more orders than it was asked for. A plugin probably changes its lists.", nil)
	case p.pages != (p.Total+part.size-1)/part.size:
		return strange(fmt.Sprintf("The shop counts %d orders on %d pages of %d, which cannot be (X-WP-Total and X-WP-TotalPages). A cache or a plugin probably puts in the headers of another answer.", p.Total, p.pages, part.size), nil)
	case len(q.Include) > 0 && p.Total > len(q.Include):
		return strange(fmt.Sprintf("The shop was asked for %d orders and counts %d (X-WP-Total). A cache or a plugin probably answers another question.", len(q.Include), p.Total), nil)
	}
	for _, o := range p.Orders {
		if len(q.Include) > 0 && !slices.Contains(q.Include, o.ID) {
			return strange(fmt.Sprintf("The shop answered with order %d, which it was not asked for. A cache probably stands before the shop.", o.ID), nil)
		}
	}
	return nil
}

// perPage is how many orders a question asks for at most. With Include it is always the most: WooCommerce's own default is ten.
func (q Query) perPage() int {
	if q.PerPage <= 0 || len(q.Include) > 0 {
		return doorzet.BatchSize
	}
	return q.PerPage
}

// values are the parameters. Times go as UTC without a zone together with dates_are_gmt: with a zone as well, WooCommerce
// shifts them by the shop's offset, and orders are missed.
func (q Query) values(part part) (url.Values, error) {
	switch {
	case len(q.Include) > doorzet.BatchSize:
		return nil, fmt.Errorf("list orders: %d ids asked for, %d at a time is the most", len(q.Include), doorzet.BatchSize)
	case part.row%part.size != 0:
		return nil, fmt.Errorf("list orders: no page of %d begins at row %d", part.size, part.row)
	}
	v := url.Values{"per_page": {strconv.Itoa(part.size)}}
	if part.row > 0 {
		v.Set("page", strconv.Itoa(part.row/part.size+1))
	}
	if len(q.Statuses) > 0 {
		v.Set("status", strings.Join(q.Statuses, ","))
	}
	if len(q.Include) > 0 {
		ids := make([]string, len(q.Include))
		for i, id := range q.Include {
			ids[i] = strconv.FormatInt(id, 10)
		}
		v.Set("include", strings.Join(ids, ","))
	}
	for name, t := range map[string]time.Time{"after": q.After, "modified_after": q.ModifiedAfter} {
		if !t.IsZero() {
			v.Set(name, t.UTC().Truncate(time.Second).Format(dateForm))
			v.Set("dates_are_gmt", "true")
		}
	}
	switch {
	case q.OrderBy != "":
		v.Set("orderby", q.OrderBy)
	case len(q.Include) > 0:
		v.Set("orderby", "include")
	}
	if q.Ascending {
		v.Set("order", "asc")
	}
	if len(q.Fields) > 0 {
		v.Set("_fields", strings.Join(q.Fields, ","))
	}
	return v, nil
}

// decodePage reads a list. An answer without totals did not come from WooCommerce's list of orders.
func decodePage(a answer) (Page, error) {
	var p Page
	var err error
	if p.Total, p.pages, err = totals(a.header); err != nil {
		return Page{}, err
	}
	entries, err := entries(a.body)
	if err != nil {
		return Page{}, err
	}
	for _, raw := range entries {
		o, err := DecodeOrder(raw)
		if err != nil {
			p.Bad = append(p.Bad, BadOrder{ID: peekID(raw), Why: err.Error()})
			continue
		}
		p.Orders = append(p.Orders, o)
		p.Raw = append(p.Raw, raw)
	}
	return p, nil
}

// entries are the elements of a JSON array.
func entries(body []byte) ([]json.RawMessage, error) {
	if len(body) == 0 || body[0] != '[' {
		return nil, strange("The shop answered with something else than a list. A firewall or a plugin probably answers in its place.", nil)
	}
	var out []json.RawMessage
	if err := json.Unmarshal(body, &out); err != nil {
		return nil, strange("The shop's list cannot be read.", err)
	}
	return out, nil
}

// totals reads how many entries and pages a whole list has.
func totals(h http.Header) (total, pages int, err error) {
	total, err1 := strconv.Atoi(h.Get("X-WP-Total"))
	pages, err2 := strconv.Atoi(h.Get("X-WP-TotalPages"))
	if err1 != nil || err2 != nil || total < 0 || pages < 0 {
		return 0, 0, strange("The shop does not say how long its list is. A cache or a firewall before the shop drops the headers X-WP-Total and X-WP-TotalPages; let it pass them on.", nil)
	}
	return total, pages, nil
}
