package stack

import (
	"context"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/postgres"
)

// recordExports is how often a worker records which files its folders have: well before another one would write them too.
const recordExports = 250 * time.Millisecond

// exported is the store of a worker's pushes. It gathers which files are in their folders and records many of them at once, so that
// a push is one commit less. What a killed worker did not record is written once more by the sweep, which changes nothing.
type exported struct {
	*postgres.DB

	mu  sync.Mutex
	ids []int64
}

// Exported remembers that the folder has a booking's file.
func (e *exported) Exported(_ context.Context, bookingID int64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ids = append(e.ids, bookingID)
	return nil
}

// record records what was gathered. What could not be recorded stays for the next time.
func (e *exported) record(ctx context.Context) error {
	e.mu.Lock()
	ids := e.ids
	e.ids = nil
	e.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	err := e.AllExported(ctx, ids)
	if err != nil {
		e.mu.Lock()
		e.ids = append(e.ids, ids...)
		e.mu.Unlock()
	}
	return err
}
