package woo

import (
	"context"
	"errors"
	"net/http"

	"github.com/doorzet/doorzet/internal/doorzet"
)

const (
	// piece is how many orders a shop is asked for at a time when it cannot answer a whole page: one order that stops PHP, or a
	// page that takes longer than the server allows.
	piece = 10
	// pieceFailures is how many orders of a page may fail by themselves before the shop counts as down.
	pieceFailures = 5
)

// page reads one page of orders, in pieces when the shop fails at the whole: one order that cannot be answered keeps none of
// the others back. It stands among the page's bad ones, with its id when the shop tells at least that.
func (c *Client) page(ctx context.Context, q Query) (Page, error) {
	p, err := c.Orders(ctx, q)
	if err == nil || !overwhelmed(err) || q.perPage() != doorzet.BatchSize {
		return p, err
	}
	r := pieces{client: c, query: q}
	if !r.read(ctx) {
		return Page{}, err
	}
	r.page.Number = max(q.Page, 1)
	r.page.TotalPages = (r.page.Total + doorzet.BatchSize - 1) / doorzet.BatchSize
	return r.page, nil
}

// overwhelmed tells whether a shop failed at a question that it might answer in smaller pieces.
func overwhelmed(err error) bool {
	var se *doorzet.ShopError
	if !errors.As(err, &se) || se.Kind == doorzet.ShopBusy {
		return false
	}
	return se.Status >= http.StatusInternalServerError || TimedOut(err) || errors.Is(err, errPage) || se.Kind == doorzet.ShopDown
}

// pieces reads one page bit by bit.
type pieces struct {
	client *Client
	query  Query
	page   Page
	failed int
	over   bool // the list ends here
}

// read reads the page in pieces, and those that fail order by order. It gives up when the shop answers nothing at all.
func (r *pieces) read(ctx context.Context) bool {
	first := (max(r.query.Page, 1) - 1) * doorzet.BatchSize / piece
	for n := range doorzet.BatchSize / piece {
		err := r.ask(ctx, piece, first+n+1)
		if err != nil && (!overwhelmed(err) || TimedOut(err) || !r.singly(ctx, first+n)) {
			return false
		}
		if r.over {
			break
		}
	}
	return true
}

// singly reads one piece order by order.
func (r *pieces) singly(ctx context.Context, n int) bool {
	for i := range piece {
		at := n*piece + i + 1
		err := r.ask(ctx, 1, at)
		switch {
		case err == nil:
		case !overwhelmed(err) || !r.name(ctx, at, err):
			return false
		}
		if r.over {
			break
		}
	}
	return true
}

// ask reads a part of the page into it.
func (r *pieces) ask(ctx context.Context, size, page int) error {
	q := r.query
	q.PerPage, q.Page, q.part = size, page, true
	p, err := r.client.Orders(ctx, q)
	if err != nil {
		return err
	}
	r.page.Orders = append(r.page.Orders, p.Orders...)
	r.page.Raw = append(r.page.Raw, p.Raw...)
	r.page.Bad = append(r.page.Bad, p.Bad...)
	if p.Total > 0 {
		r.page.Total = p.Total
	}
	r.over = page >= p.TotalPages
	return nil
}

// name finds out which order it is that the shop cannot answer: a list with nothing but ids builds no orders. When not even
// that is answered, and nothing else was, or when many fail, the shop is down.
func (r *pieces) name(ctx context.Context, at int, cause error) bool {
	q := r.query
	q.PerPage, q.Page, q.part, q.Fields = 1, at, true, []string{"id"}
	if r.failed++; r.failed > pieceFailures {
		return false
	}
	p, err := r.client.Orders(ctx, q)
	switch {
	case err == nil && len(p.Orders) == 1:
		r.page.Bad = append(r.page.Bad, BadOrder{ID: p.Orders[0].ID, Why: cause.Error()})
		r.page.Total, r.over = p.Total, at >= p.TotalPages
	case len(r.page.Orders) == 0:
		return false
	default:
		r.page.Bad = append(r.page.Bad, BadOrder{Why: cause.Error()})
	}
	return true
}
