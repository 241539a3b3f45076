package queue

import (
	"context"
	"slices"
	"sync"
)

// fair keeps one shop from having all places of a lane. Work of a shop that has its share already is put aside, which costs no
// place, and done by the places that the shop has when they are free. So a shop whose pushes all wait for it holds up no other.
type fair struct {
	most int // places for one shop; 0 = as many as there are

	mu    sync.Mutex
	shops map[int64]*crowd
}

// crowd is the work of one shop in a lane of this process.
type crowd struct {
	places int
	aside  []int64
}

// free tells whether work needs no place: there is no share, or it is not known whose work it is.
func (f *fair) free(shop int64) bool { return f.most == 0 || shop == 0 }

// enter takes a place for work of a shop. Without one it is put aside: someone who has a place does it, or gives it back.
func (f *fair) enter(shop, id int64) bool {
	if f.free(shop) {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.shops[shop]
	if c == nil {
		c = &crowd{}
		if f.shops == nil {
			f.shops = map[int64]*crowd{}
		}
		f.shops[shop] = c
	}
	if c.places < f.most {
		c.places++
		return true
	}
	if !slices.Contains(c.aside, id) {
		c.aside = append(c.aside, id)
	}
	return false
}

// next is the next work of a shop for a place of it. Without any, the place is given up.
func (f *fair) next(shop int64) (id int64, ok bool) {
	if f.free(shop) {
		return 0, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.shops[shop]
	if len(c.aside) > 0 {
		id, c.aside = c.aside[0], c.aside[1:]
		return id, true
	}
	f.giveUp(shop, c)
	return 0, false
}

// leave gives a place of a shop up. Work that was put aside and would be done by nobody is returned.
func (f *fair) leave(shop int64) []int64 {
	if f.free(shop) {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.shops[shop]
	if c.places > 1 {
		c.places--
		return nil
	}
	left := c.aside
	f.giveUp(shop, c)
	return left
}

func (f *fair) giveUp(shop int64, c *crowd) {
	if c.places--; c.places == 0 {
		delete(f.shops, shop)
	}
}

// again enqueues what was put aside of a shop and not done.
func (c *Client) again(ctx context.Context, lane Lane, shop int64, ids []int64) error {
	for _, id := range ids {
		if err := enqueue(ctx, c.asynq, lane.Kind.task(lane.Kind.QueueOf(lane.Pool), id, shop)); err != nil {
			return err
		}
	}
	return nil
}
