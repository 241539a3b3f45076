package postgresbench

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Commits is the floor of everything that is durable: how many transactions a second Postgres commits that change one small
// row each, by so many connections at the same time, over a while.
func Commits(ctx context.Context, address string, connections int, while time.Duration) (perSecond float64, err error) {
	db, err := Open(address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	db.x.SetMaxOpenConns(connections)
	db.x.SetMaxIdleConns(connections)
	if err := db.exec(ctx, "make rows to change", `CREATE TABLE IF NOT EXISTS floor (id int PRIMARY KEY, n int NOT NULL)`); err != nil {
		return 0, err
	}
	err = db.exec(ctx, "make rows to change", `
		INSERT INTO floor SELECT id, 0 FROM generate_series(1, $1) AS id ON CONFLICT DO NOTHING`, connections)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	done, err := db.commit(ctx, connections, began.Add(while))
	return float64(done) / time.Since(began).Seconds(), err
}

// commit changes rows, each connection its own, until a moment.
func (db *DB) commit(ctx context.Context, connections int, until time.Time) (done int, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for id := 1; id <= connections; id++ {
		wg.Go(func() {
			n := 0
			var failed error
			for failed == nil && time.Now().Before(until) {
				_, failed = db.x.ExecContext(ctx, `UPDATE floor SET n = n + 1 WHERE id = $1`, id)
				n++
			}
			mu.Lock()
			defer mu.Unlock()
			done += n
			if failed != nil {
				err = fmt.Errorf("commit: %w", failed)
			}
		})
	}
	wg.Wait()
	return done, err
}
