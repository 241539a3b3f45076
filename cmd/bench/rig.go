package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/doorzet/doorzet/internal/embedded"
	"github.com/doorzet/doorzet/internal/postgres/postgresbench"
	"github.com/doorzet/doorzet/internal/queue/queuebench"
)

// The users of Postgres: the programs that are measured, and those who look on.
const (
	measuredRole = "doorzet"
	watchingRole = "bench"
)

// rig is what all benchmarks of a run share: a private Postgres that keeps what it commits, a private Redis, the programs.
type rig struct {
	dir      string
	programs string
	postgres *embedded.Server
	redis    *embedded.Server
	admin    *postgresbench.DB
	counts   bool                             // Postgres counts statements
	versions string                           // of what is measured with
	key      string                           // base64, of the secrets of shops
	started  int                              // processes so far
	places   int                              // so far
	top      func(format string, args ...any) // is told which statements took longest; nil = nobody asks
	closes   []func() error
}

// newRig starts the servers in a folder of their own below dir.
func newRig(ctx context.Context, dir, programs string) (*rig, error) {
	sweep(dir)
	r := &rig{dir: filepath.Join(dir, runPrefix+strconv.Itoa(os.Getpid())), programs: programs}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return nil, err
	}
	r.closes = append(r.closes, func() error { return remove(r.dir) })
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *rig) open(ctx context.Context) (err error) {
	for _, program := range []string{"worker", "scheduler", "doorzet"} {
		if _, err := os.Stat(filepath.Join(r.programs, program)); err != nil {
			return fmt.Errorf("the program %s is not in %s: make bench builds it", program, r.programs)
		}
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: it ends the process instead
	r.key = base64.StdEncoding.EncodeToString(key)
	r.postgres, err = embedded.Postgres(ctx, embedded.Options{Dir: filepath.Join(r.dir, "postgres"), Fsync: true, Count: true})
	if err != nil {
		return err
	}
	r.closes = append(r.closes, r.postgres.Close)
	redis, kind, err := embedded.Redis(ctx, embedded.Options{Dir: filepath.Join(r.dir, "redis"), Fsync: true})
	if err != nil {
		return err
	}
	r.redis = redis
	r.closes = append(r.closes, r.redis.Close)
	if r.admin, err = postgresbench.Open(r.postgres.URL); err != nil {
		return err
	}
	r.closes = append(r.closes, r.admin.Close)
	return r.learn(ctx, kind)
}

// learn makes the role of those who look on, and asks what is measured with.
func (r *rig) learn(ctx context.Context, redisKind string) (err error) {
	if err := r.admin.Role(ctx, watchingRole); err != nil {
		return err
	}
	if r.counts, err = r.admin.CountStatements(ctx); err != nil {
		return err
	}
	pg, err := r.admin.Version(ctx)
	if err != nil {
		return err
	}
	redis, err := queuebench.Version(ctx, r.redis.URL)
	if err != nil {
		return err
	}
	r.versions = fmt.Sprintf("%s, PostgreSQL %s, %s %s", strings.Replace(runtime.Version(), "go", "Go ", 1), pg, redisKind, redis)
	return nil
}

// measured is the line that says where and when something was measured, and how busy the machine was before.
func (r *rig) measured(now time.Time, load float64) string {
	s := fmt.Sprintf("Measured on %s: %s; %s.", now.Format("2 January 2006"), thisMachine(), r.versions)
	if load >= 0 {
		s += fmt.Sprintf(" Load average before it began: %.1f.", load)
	}
	return s
}

// close ends the servers and removes what they wrote.
func (r *rig) close() error {
	var failed []error
	for _, end := range slices.Backward(r.closes) {
		failed = append(failed, end())
	}
	r.closes = nil
	return errors.Join(failed...)
}

// program is the path of one of the programs.
func (r *rig) program(name string) string {
	path, err := filepath.Abs(filepath.Join(r.programs, name))
	if err != nil {
		return filepath.Join(r.programs, name)
	}
	return path
}

// runPrefix begins the names of the folders of runs; their process id follows.
const runPrefix = "run-"

// sweep removes the folders of runs that were killed.
func sweep(dir string) {
	runs, _ := filepath.Glob(filepath.Join(dir, runPrefix+"*")) // the pattern is well formed
	for _, run := range runs {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(run), runPrefix))
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = remove(run) // what cannot be removed now is tried again by the next run
		}
	}
}

// remove removes the folder of a run, and the folders of servers that lie elsewhere.
func remove(run string) error {
	for _, server := range []string{"postgres", "redis"} {
		if target, err := os.Readlink(filepath.Join(run, server)); err == nil {
			if err := os.RemoveAll(target); err != nil {
				return err
			}
		}
	}
	return os.RemoveAll(run)
}
