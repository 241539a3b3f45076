package queue

import (
	"context"
	"fmt"
	"strings"
)

// Waiting is how many tasks of a kind wait for a worker, in the queues of all pools. Of the rows whose wake-ups were given out, and
// that nobody works on, those are the ones that are not lost.
func (c *Client) Waiting(ctx context.Context, kind Kind) (int, error) {
	queues, err := c.look.Queues() // those that have had a task
	if err != nil {
		return 0, fmt.Errorf("list the queues: %w", err)
	}
	var sum int64
	for _, queue := range queues {
		if queue != kind.Queue() && !strings.HasPrefix(queue, kind.Queue()+"-") {
			continue
		}
		n, err := c.rdb.LLen(ctx, "asynq:{"+queue+"}:pending").Result()
		if err != nil {
			return 0, fmt.Errorf("count what waits in queue %s: %w", queue, err)
		}
		sum += n
	}
	return int(sum), nil
}
