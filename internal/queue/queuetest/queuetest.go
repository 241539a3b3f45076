// Package queuetest gives tests a Redis of their own.
package queuetest

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/doorzet/doorzet/internal/embedded"
)

// databases is how many tests of one binary can have a database each: what a private Redis is started with.
const databases = 1024

var (
	next  atomic.Int64
	start = sync.OnceValues(func() (string, error) {
		// A context of its own: the server is for all tests of this binary, and ends with it.
		ctx := context.Background()
		dir, err := embedded.Scratch(ctx)
		if err != nil {
			return "", err
		}
		s, _, err := embedded.Redis(ctx, embedded.Options{Dir: dir})
		if err != nil {
			return "", err
		}
		return s.URL, nil
	})
)

// Redis gives the URL of an empty Redis database that no other test of this binary uses. The first call starts a private
// server, which ends with the test binary; on a machine without redis-server it is one inside the test's process. Do not
// say FLUSHALL there, but FLUSHDB.
func Redis(tb testing.TB) string {
	tb.Helper()
	n := next.Add(1)
	if n >= databases {
		tb.Fatalf("more than %d tests want a Redis", databases)
	}
	url, err := start()
	if err != nil {
		tb.Fatal("start a private Redis: ", err)
	}
	if base, ok := strings.CutSuffix(url, "?db=0"); ok {
		return base + "?db=" + strconv.FormatInt(n, 10)
	}
	base, _ := strings.CutSuffix(url, "/0") // miniredis, which has any number of databases
	return base + "/" + strconv.FormatInt(n, 10)
}

// Do says a command to a Redis, for what no method of the product does: emptying it, making its time pass.
func Do(tb testing.TB, url string, command ...any) {
	tb.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		tb.Fatal(err)
	}
	rdb := redis.NewClient(options)
	defer func() { _ = rdb.Close() }()
	if err := rdb.Do(tb.Context(), command...).Err(); err != nil && !errors.Is(err, redis.Nil) {
		tb.Fatalf("%v: %v", command, err)
	}
}
