// Package queuebench is what benchmarks need of Redis and asynq and the product does not: the floors that the queue is compared
// with, and how much waits in it.
//
// The floors are asynq's own client and server as anybody would use them, so they share no code with package queue. No process
// of the product uses it.
package queuebench

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/redis/go-redis/v9"
)

// open makes a client of a Redis URL: redis:// or unix://.
func open(url string) (*redis.Client, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("the Redis URL cannot be read")
	}
	return redis.NewClient(o), nil
}

// with runs something on a client of its own.
func with[T any](url string, do func(*redis.Client) (T, error)) (T, error) {
	rdb, err := open(url)
	if err != nil {
		var none T
		return none, err
	}
	defer func() { _ = rdb.Close() }()
	return do(rdb)
}

var versionLine = regexp.MustCompile(`(?m)^(?:valkey|redis)_version:(\S+)`)

// Version is the server's, such as "7.0.15"; "" when it does not say.
func Version(ctx context.Context, url string) (string, error) {
	return with(url, func(rdb *redis.Client) (string, error) {
		info, err := rdb.Info(ctx, "server").Result()
		if err != nil {
			return "", fmt.Errorf("ask Redis for its version: %w", err)
		}
		if m := versionLine.FindStringSubmatch(info); m != nil {
			return m[1], nil
		}
		return "", nil
	})
}

// Waiting is how many tasks wait in a queue for a worker.
func Waiting(ctx context.Context, url, queue string) (int, error) {
	return with(url, func(rdb *redis.Client) (int, error) {
		n, err := rdb.LLen(ctx, "asynq:{"+queue+"}:pending").Result()
		if err != nil {
			return 0, fmt.Errorf("look how much waits: %w", err)
		}
		return int(n), nil
	})
}
