package queue

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// noise passes on what asynq says: nearly all of it at debug level. Its errors are warnings here (they are about Redis,
// never about our work, which the server logs itself), at most one in errorPause for each process, because every part
// of every asynq server repeats itself each second while Redis is down.
type noise struct {
	log   *slog.Logger
	limit *limiter
}

const errorPause = 10 * time.Second

// Debug passes on at debug level.
func (n noise) Debug(args ...any) { n.log.Debug("asynq: " + fmt.Sprint(args...)) }

// Info passes on at debug level.
func (n noise) Info(args ...any) { n.log.Debug("asynq: " + fmt.Sprint(args...)) }

// Warn passes on at debug level: asynq warns of each task that failed, which was logged already.
func (n noise) Warn(args ...any) { n.log.Debug("asynq: " + fmt.Sprint(args...)) }

// Error passes on as a warning, seldom.
func (n noise) Error(args ...any) {
	if held, ok := n.limit.allow(time.Now()); ok {
		n.log.Warn("asynq: "+fmt.Sprint(args...), "held_back", held)
		return
	}
	n.log.Debug("asynq: " + fmt.Sprint(args...))
}

// Fatal passes on as an error. asynq's contract is that the process ends; its servers never say it.
func (n noise) Fatal(args ...any) { n.log.Error("asynq: " + fmt.Sprint(args...)) }

// limiter lets one line pass in a while and counts those that it held back.
type limiter struct {
	mu   sync.Mutex
	last time.Time
	held int
}

func (l *limiter) allow(now time.Time) (held int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.last.IsZero() && now.Sub(l.last) < errorPause {
		l.held++
		return 0, false
	}
	held, l.held, l.last = l.held, 0, now
	return held, true
}

// quietGoRedis sends go-redis' own log to the first client's. go-redis has one logger for the whole process, and
// changing it while clients run is a race.
func quietGoRedis(log *slog.Logger) {
	goRedisLog.Do(func() { redis.SetLogger(goRedis{log}) })
}

var goRedisLog sync.Once

type goRedis struct{ log *slog.Logger }

// Printf is go-redis' only way to speak, at debug level: whoever called gets the error anyway.
func (g goRedis) Printf(ctx context.Context, format string, args ...any) {
	if g.log.Enabled(ctx, slog.LevelDebug) {
		g.log.DebugContext(ctx, "redis: "+fmt.Sprintf(format, args...))
	}
}
