package queue

import (
	"context"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

const (
	// poolsKnownFor is how long it is taken for known which pools have workers.
	poolsKnownFor = 5 * time.Second
	// poolMissedEvery is how often it is said that a pool has no workers.
	poolMissedEvery = time.Hour
)

// QueueOf is the name of the queue on which a kind travels to a pool of workers; "" is the usual one.
func (k Kind) QueueOf(pool string) string {
	if pool == "" {
		return k.Queue()
	}
	return k.Queue() + "-" + pool
}

// pools knows which queues have live workers.
type pools struct {
	mu     sync.Mutex
	asked  time.Time
	served map[string]bool
	missed map[string]time.Time // when it was last said
}

// route is the queue of a wake-up. Work of a pool without workers goes to the usual ones: nothing may wait for ever because a pool
// was stopped. So it does when that cannot be told.
func (c *Client) route(ctx context.Context, kind Kind, w doorzet.WakeUp) string {
	if w.Pool == "" {
		return kind.Queue()
	}
	queue := kind.QueueOf(w.Pool)
	p := &c.pools
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.asked) > poolsKnownFor {
		served, err := c.servedQueues(ctx)
		if err != nil {
			return kind.Queue()
		}
		p.asked, p.served = time.Now(), served
	}
	if p.served[queue] {
		return queue
	}
	if time.Since(p.missed[queue]) > poolMissedEvery {
		if p.missed == nil {
			p.missed = map[string]time.Time{}
		}
		p.missed[queue] = time.Now()
		c.log.Warn("no worker serves a pool: its shops' work goes to the usual workers", "pool", w.Pool, "queue", queue)
	}
	return kind.Queue()
}

// servedQueues are the queues that a live process serves.
func (c *Client) servedQueues(ctx context.Context) (map[string]bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	servers, err := c.look.Servers()
	if err != nil {
		return nil, err
	}
	served := map[string]bool{}
	for _, s := range servers {
		for queue := range s.Queues {
			if s.Status == "active" {
				served[queue] = true
			}
		}
	}
	return served, nil
}
