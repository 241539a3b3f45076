package woo

import (
	"context"
	"errors"
	"fmt"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// walk is where a walk over a list stands. Its place counts in rows: pages differ in size under way.
type walk struct {
	client *Client
	query  Query
	ids    []int64 // of a list by id: these are its rows
	most   int     // rows at a time

	row     int // the next one to ask for
	over    bool
	total   int // rows, as last counted
	longest int // the most that were counted
	asked   int // rows in all
	pages   int // read
	seen    map[int64]bool
	bad     int // without an id
	resumed bool
	emptyAt int // where the last empty page beyond the end was, -1 = nowhere
	overAt  int // where the last page was that went beyond the end, -1 = nowhere

	failing
}

// walk begins a walk.
func (c *Client) walk(q Query) (*walk, error) {
	w := &walk{client: c, query: q, ids: q.Include, most: doorzet.SizeUpTo(q.perPage()), seen: map[int64]bool{}, emptyAt: -1, overAt: -1}
	switch {
	case len(q.Include) > doorzet.BatchSize:
		return nil, fmt.Errorf("list orders: %d ids asked for, %d at a time is the most", len(q.Include), doorzet.BatchSize)
	case len(q.Include) > 0 && q.FromRow > 0, q.FromRow < 0:
		return nil, errors.New("list orders: a walk by id begins at its first row")
	case q.OrderBy == "" && len(q.Include) == 0:
		w.query.OrderBy, w.query.Ascending = "id", true
	}
	w.row, w.resumed = q.FromRow, q.FromRow > 0
	return w, nil
}

func (w *walk) sum() Sum { return Sum{Fetched: len(w.seen) + w.bad, Total: w.total, Pages: w.pages} }

// next reads the next page that is worth something.
func (w *walk) next(ctx context.Context) (Page, error) {
	for {
		p, err := w.read(ctx)
		if err != nil {
			return Page{}, err
		}
		useful, err := w.step(&p)
		if err == nil && useful {
			return p, nil
		}
		p.done()
		if err != nil {
			return Page{}, fmt.Errorf("list orders: %w", err)
		}
	}
}

// size is how many rows to ask for: what the shop can bear, half of what it just failed at, and in a list that is not by id no
// more than make a page that begins at the row.
func (w *walk) size() int {
	size := min(w.client.size(w.query.Fields), w.most)
	if n := len(w.stretches); n > 0 {
		size = min(size, w.stretches[n-1].parts())
	}
	for w.ids == nil && w.row%size != 0 {
		size = doorzet.SmallerSize(size)
	}
	return size
}

// rows is how many rows a question for so many is about.
func (w *walk) rows(size int) int {
	if w.ids != nil {
		return min(size, len(w.ids)-w.row)
	}
	return size
}

// ask asks for rows from one on.
func (w *walk) ask(ctx context.Context, q Query, part part) (Page, error) {
	if w.ids == nil {
		return w.client.list(ctx, q, part)
	}
	q.Include = w.ids[part.row : part.row+w.rows(part.size)]
	part.row, part.size = 0, q.perPage()
	return w.client.list(ctx, q, part)
}

// step takes in a page that was read at the walk's row, and goes on to the next. A page that is of no use is read again, or
// another one first.
func (w *walk) step(p *Page) (useful bool, err error) {
	w.pages++
	if w.ids != nil {
		return true, w.stepByID(p)
	}
	n := w.answeredRows
	w.asked += n
	w.longest = max(w.longest, p.Total, w.row+n)
	if w.asked > 4*w.longest+10*doorzet.BatchSize {
		return false, strange("The shop's list of orders changes faster than it can be read. It is tried again later.", nil)
	}
	entries := len(p.Orders) + len(p.Bad)
	switch {
	case entries == 0:
		return w.empty(p, n)
	case w.row+entries > p.Total && w.overAt == w.row:
		return false, strange("The shop's list has more orders than it counts (X-WP-Total). A plugin probably changes its lists.", nil)
	case w.row+entries > p.Total: // it may have become shorter between the shop's counting and its reading
		w.overAt = w.row
		return false, nil
	}
	w.see(p)
	lost := w.total - p.Total
	w.total = p.Total
	switch next := w.row + n; {
	case lost > 0 && w.row > 0:
		back := max(0, w.row-lost)
		w.goTo(back - back%n)
	case next < p.Total:
		w.goTo(next)
	default:
		w.over = true
		w.goTo(p.Total)
	}
	p.Rows = w.row
	return true, nil
}

// stepByID is step for a list by id. What the shop leaves out is for the caller to judge, but not an empty answer that counts.
func (w *walk) stepByID(p *Page) error {
	if len(p.Orders)+len(p.Bad) == 0 && p.Total > 0 {
		return strange(fmt.Sprintf("The shop counts %d orders (X-WP-Total) and shows none. Nothing was concluded from that.", p.Total), nil)
	}
	w.see(p)
	w.total += p.Total
	p.Row = w.row
	w.over = w.row+w.answeredRows >= len(w.ids)
	w.goTo(w.row + w.answeredRows)
	p.Rows, p.Total = w.row, len(w.ids)
	return nil
}

func (w *walk) see(p *Page) {
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
}

// empty judges a page without orders. Beyond its end a list says that it has no entries at all, so the rows before are read again:
// the list may have become shorter. When those still lead to this page, the shop contradicts itself.
func (w *walk) empty(p *Page, n int) (useful bool, err error) {
	inside := p.Total > w.row
	vanished := w.row == 0 && (w.total > 0 || w.resumed)
	switch {
	case inside || vanished || w.row == w.emptyAt:
		return false, strange(fmt.Sprintf("Row %d of the shop's list of orders is empty, and should not be. Nothing was concluded from that.", w.row+1), nil)
	case w.row == 0:
		w.over = true
		w.goTo(0)
		return true, nil
	}
	w.emptyAt = w.row
	w.goTo(max(0, w.row-n))
	return false, nil
}

// goTo moves on to a row, and concludes what was read in parts up to there.
func (w *walk) goTo(row int) {
	w.row = row
	w.conclude()
}
