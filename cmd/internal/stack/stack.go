// Package stack puts the parts together: the one place that knows all packages. The processes of cmd/ are made of it, and
// only they may import it. It decides nothing by itself.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
	_ "time/tzdata" // shops have time zones, and small machines and images do not know them

	"github.com/doorzet/doorzet/internal/config"
	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/queue"
	"github.com/doorzet/doorzet/internal/reconcile"
	"github.com/doorzet/doorzet/internal/woo"
)

// Stack is the connections that every process has.
type Stack struct {
	Config config.Config
	Log    *slog.Logger
	DB     *postgres.DB
	Queue  *queue.Client

	gate  *queue.Gate
	http  *http.Client
	large *woo.Large
	turns *reconcile.Turns
	watch restoreWatch
}

// Logger writes JSON lines.
func Logger(w io.Writer, cfg config.Config) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: cfg.LogLevel}))
}

// Open makes the connections. It contacts nothing: processes start while Postgres or Redis is down.
func Open(cfg config.Config, log *slog.Logger) (*Stack, error) {
	var keys postgres.Keyring
	if cfg.SecretKey != "" {
		k, err := postgres.NewKeyring([]byte(cfg.SecretKey.Reveal()))
		if err != nil {
			return nil, err
		}
		keys = k
	}
	db, err := postgres.Open(cfg.DatabaseURL.Reveal(), keys)
	if err != nil {
		return nil, err
	}
	q, err := queue.Open(cfg.RedisURL.Reveal(), log)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Stack{
		Config: cfg, Log: log, DB: db, Queue: q, gate: &queue.Gate{Client: q},
		http: woo.NewHTTPClient(cfg.AllowPrivateShops), large: woo.NewLarge(), turns: &reconcile.Turns{Nights: cfg.WorkerReconcile},
		watch: restoreWatch{ended: make(chan struct{}, 1)},
	}, nil
}

// Close ends the connections.
func (s *Stack) Close() error {
	s.gate.Close()
	return errors.Join(s.Queue.Close(), s.DB.Close())
}

// migrate brings the database up to date, and waits for Postgres as long as it is down.
func (s *Stack) migrate(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, 10*time.Second) {
		err := s.DB.Migrate(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.Log.Warn("waiting for Postgres", "error", err)
		if pause(ctx, wait) != nil {
			return ctx.Err()
		}
	}
}

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// every calls f at once and then each interval, until ctx is done. What f fails at is logged; the next call tries again.
func (s *Stack) every(ctx context.Context, what string, interval time.Duration, f func(context.Context) error) {
	for {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error(what, "error", err)
		}
		if pause(ctx, interval) != nil {
			return
		}
	}
}

// WakeShop enqueues due pushes of a shop.
func (s *Stack) WakeShop(ctx context.Context, shopID int64) error {
	ids, err := s.DB.Wake(ctx, shopID, 1000)
	if err != nil || len(ids) == 0 {
		return err
	}
	if err := s.Queue.WakePushes(ctx, ids); err != nil {
		// The rows are due: the sweep enqueues them when Redis is back.
		s.Log.Warn("pushes wait for the sweep", "shop", shopID, "error", err)
	}
	return nil
}

// ignoreCanceled makes nil of the error with which work ends that was told to stop.
func ignoreCanceled(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("stopped: %w", err)
	}
	return nil
}
