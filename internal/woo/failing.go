package woo

import (
	"context"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// A shop that fails at a question for many orders is asked for the same stretch of its list in smaller parts, down to single
// orders. When all parts were answered, it was asked too much, and the size of the parts is what was learnt. When one order fails
// alone while a list of ids names it, that order is to blame: it is set aside and nothing is learnt. When not even that is
// answered, the shop is down.
const (
	// A shop counts as down when more orders in a row fail alone: ten, as a plugin may spoil all orders of a kind; two when nothing
	// was read before; one when it timed out, which has cost minutes by then, and nothing near it was read.
	poisonInARow  = 10
	poisonAtFirst = 2
	poisonLate    = 1
	// lateAlone is how many orders of a walk may time out alone: each has cost minutes, and what was read is not lost.
	lateAlone = 3
)

// stretch is a stretch of a list at which the shop failed and which is read in parts.
type stretch struct {
	from, end int // rows
	rows      int
	cause     error
	poisoned  bool // an order in it fails alone
}

// parts is how large its parts are.
func (s stretch) parts() int { return doorzet.SmallerSize(s.rows) }

// failing is what a walk knows of a shop's failures.
type failing struct {
	stretches    []stretch // the innermost is the last
	answeredRows int       // how many rows the last answer was about
	answers      int       // with orders in them
	alive        bool      // a part of the outermost stretch was answered
	poison       int       // orders in a row that failed alone
	late         int       // orders that timed out alone
}

// read reads the page at the walk's row, as large as the shop can bear.
func (w *walk) read(ctx context.Context) (Page, error) {
	for {
		size := w.size()
		rows := w.rows(size)
		p, err := w.ask(ctx, w.query, part{row: w.row, size: size, within: longTime, once: rows > 1})
		switch {
		case err == nil:
			w.answered(p, rows)
			w.answeredRows = rows
			return p, nil
		case !heavy(err) || w.ids == nil && tooLong(err):
			return Page{}, err
		}
		w.client.failed(w.query.Fields)
		if rows == 1 {
			w.answeredRows = 1
			return w.alone(ctx, err)
		}
		if err := w.split(ctx, rows, err); err != nil {
			return Page{}, err
		}
	}
}

// answered counts an answer. One that is no longer than a smaller question would have made it tells nothing of the size.
func (w *walk) answered(p Page, rows int) {
	entries := len(p.Orders) + len(p.Bad)
	if entries == 0 {
		return
	}
	w.answers++
	w.alive, w.poison = true, 0
	if entries > doorzet.SmallerSize(rows) {
		w.client.answered(w.query.Fields, rows)
	}
}

// split begins to read a stretch in parts. After a time-out, which has cost a minute, a question that costs the shop nearly nothing
// tells first whether it is there at all.
func (w *walk) split(ctx context.Context, rows int, cause error) error {
	first := len(w.stretches) == 0
	if first {
		w.alive = false
	}
	switch {
	case !TimedOut(cause):
		if err := w.client.pause(ctx, jittered(firstPause<<min(len(w.stretches), 2))); err != nil {
			return err
		}
	case first:
		if _, err := w.names(ctx, w.row, true); err != nil {
			return w.down(ctx, cause)
		}
	}
	w.stretches = append(w.stretches, stretch{from: w.row, end: w.row + rows, rows: rows, cause: cause})
	return nil
}

// down ends a walk at a shop that answers nothing: with what it said at first.
func (w *walk) down(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(w.stretches) > 0 && !w.alive {
		return w.stretches[0].cause
	}
	return err
}

// alone judges a question for one order at which the shop failed: the order is set aside, or the shop is down.
func (w *walk) alone(ctx context.Context, cause error) (Page, error) {
	w.poison++
	if TimedOut(cause) {
		w.late++
	}
	most := poisonInARow
	switch {
	case TimedOut(cause) && !w.alive:
		most = poisonLate
	case w.answers == 0:
		most = poisonAtFirst
	}
	if w.poison > most || w.late > lateAlone {
		return Page{}, w.down(ctx, cause)
	}
	p, ok := w.name(ctx)
	if !ok {
		return Page{}, w.down(ctx, cause)
	}
	p.Bad[0].Why = cause.Error()
	for i := range w.stretches {
		w.stretches[i].poisoned = true
	}
	return p, nil
}

// name finds out which order it is that the shop cannot answer: a list with nothing but ids does little with its orders. When that
// fails too, the shop is down, unless it names another order: then the question is worth repeating before the id stays unknown.
func (w *walk) name(ctx context.Context) (Page, bool) {
	named, err := w.names(ctx, w.row, true)
	if err != nil {
		other := w.row + 1
		if other >= w.end() {
			other = w.row - 1
		}
		if other < 0 {
			return Page{}, false
		}
		neighbour, failed := w.names(ctx, other, true)
		if failed != nil || len(neighbour.Orders) != 1 {
			return Page{}, false
		}
		if named, err = w.names(ctx, w.row, false); heavy(err) {
			return set(neighbour, w.unnamed()), true
		}
	}
	if err != nil || len(named.Orders) != 1 {
		return Page{}, false // nothing is there: it was not the order that failed
	}
	return set(named, BadOrder{ID: named.Orders[0].ID}), true
}

// unnamed is an order that the shop does not name. Of a list by id it is known which one it is.
func (w *walk) unnamed() BadOrder {
	if w.ids == nil {
		return BadOrder{}
	}
	return BadOrder{ID: w.ids[w.row]}
}

// names asks for the id of the order at a row, and for nothing else.
func (w *walk) names(ctx context.Context, row int, once bool) (Page, error) {
	q := w.query
	q.Fields = []string{"id"}
	p, err := w.ask(ctx, q, part{row: row, size: 1, within: shortTime, once: once})
	p.done()
	return p, err
}

// set makes a page of an order that could not be read.
func set(named Page, bad BadOrder) Page {
	return Page{Bad: []BadOrder{bad}, Row: named.Row, Total: named.Total, StartedAt: named.StartedAt, ReceivedAt: named.ReceivedAt}
}

// end is how many rows there are, as far as that is known.
func (w *walk) end() int {
	if w.ids != nil {
		return len(w.ids)
	}
	return w.total
}

// conclude learns from the stretches that were read to their ends.
func (w *walk) conclude() {
	for n := len(w.stretches); n > 0; n = len(w.stretches) {
		s := w.stretches[n-1]
		switch {
		case w.row < s.from:
			w.stretches = nil // the list became shorter: what was read was something else
			return
		case w.row < s.end && !w.over:
			return
		}
		w.stretches = w.stretches[:n-1]
		if !s.poisoned && w.alive {
			w.client.shrink(w.query.Fields, s.parts())
		}
	}
}
