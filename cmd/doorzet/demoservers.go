package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/config"
	"github.com/doorzet/doorzet/internal/embedded"
	"github.com/doorzet/doorzet/internal/queue"
	"github.com/doorzet/doorzet/internal/web"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// prepare finds or starts Postgres and Redis and makes the connections.
func (d *demo) prepare(ctx context.Context) error {
	first, err := config.Load(d.getenv)
	if err != nil {
		return err
	}
	if d.dir, err = filepath.Abs(first.DataDir); err != nil {
		return fmt.Errorf("the data folder %s: %w", first.DataDir, err)
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if d.log, err = d.logFile(); err != nil {
		return err
	}
	d.say("Doorzet demo, data in %s", d.dir)
	given := map[string]string{"DOORZET_ALLOW_PRIVATE_SHOPS": "true"}
	if !first.Given("DATABASE_URL") {
		if given["DATABASE_URL"], err = d.postgres(ctx); err != nil {
			return err
		}
	}
	if !first.Given("REDIS_URL") {
		if given["REDIS_URL"], err = d.redis(ctx); err != nil {
			return err
		}
	}
	if !first.Given("DOORZET_SECRET_KEY") {
		if given["DOORZET_SECRET_KEY_FILE"], err = d.keyFile(); err != nil {
			return err
		}
	}
	if !first.Given("DOORZET_QUEUES_USER") {
		given["DOORZET_QUEUES_USER"], given["DOORZET_QUEUES_PASSWORD"] = "demo", "demo-queues"
	}
	return d.open(given)
}

func (d *demo) open(given map[string]string) error {
	cfg, err := config.Load(func(name string) string {
		if v, ok := given[name]; ok {
			return v
		}
		return d.getenv(name)
	})
	if err != nil {
		return err
	}
	d.cfg = cfg
	if err := d.envFile(given); err != nil {
		return err
	}
	if d.stack, err = stack.Open(cfg, d.log); err != nil {
		return err
	}
	d.closes = append(d.closes, d.stack.Close)
	return nil
}

// logFile takes what the processes log: the terminal is for the story.
func (d *demo) logFile() (*slog.Logger, error) {
	f, err := os.OpenFile(filepath.Join(d.dir, "demo.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	d.closes = append(d.closes, f.Close)
	return slog.New(slog.NewJSONHandler(f, nil)), nil
}

func (d *demo) postgres(ctx context.Context) (string, error) {
	s, err := embedded.Postgres(ctx, embedded.Options{Dir: filepath.Join(d.dir, "postgres"), Log: d.log, Fsync: true})
	if err != nil {
		return "", err
	}
	d.closes = append(d.closes, s.Close)
	d.say("  Postgres  a private one (log: %s)", filepath.Join(s.Dir, "log"))
	return s.URL, nil
}

func (d *demo) redis(ctx context.Context) (string, error) {
	s, kind, err := embedded.Redis(ctx, embedded.Options{Dir: filepath.Join(d.dir, "redis"), Log: d.log})
	if err != nil {
		return "", err
	}
	d.closes = append(d.closes, s.Close)
	d.say("  Redis     a private one (%s)", kind)
	return s.URL, nil
}

// keyFile is where the demo's own key for secrets is; it is made once.
func (d *demo) keyFile() (string, error) {
	path := filepath.Join(d.dir, "secret.key")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: it ends the process instead
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the secret key: %w", err)
	}
	return path, nil
}

// envFile holds what other doorzet commands need to work on the demo.
func (d *demo) envFile(given map[string]string) error {
	var b strings.Builder
	for _, name := range []string{"DATABASE_URL", "REDIS_URL", "DOORZET_SECRET_KEY_FILE", "DOORZET_ALLOW_PRIVATE_SHOPS"} {
		if v, ok := given[name]; ok {
			fmt.Fprintf(&b, "export %s='%s'\n", name, v)
		}
	}
	if err := os.WriteFile(d.env(), []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", d.env(), err)
	}
	return nil
}

func (d *demo) env() string { return filepath.Join(d.dir, "env") }

// start runs api, worker and scheduler in this process until the returned function is called.
func (d *demo) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := d.stack.Serve(ctx, d.stack.Worker, d.stack.Scheduler, d.api); err != nil {
			d.say("A part of Doorzet stopped: %v", err)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// api answers at the configured address, or at another port when nobody asked for that one and it is taken.
func (d *demo) api(ctx context.Context) error {
	l, err := d.listen(ctx, d.cfg.Listen, d.cfg.Given("DOORZET_LISTEN"))
	if err != nil {
		return err
	}
	d.cfg.Listen = l.Addr().String()
	return web.ServeOn(ctx, l, d.stack.Handler(), d.log)
}

func (d *demo) listen(ctx context.Context, address string, fixed bool) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil && !fixed {
		l, err = lc.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

// fakeShop serves the fake shop in this process and returns its address.
func (d *demo) fakeShop(ctx context.Context) (string, error) {
	l, err := d.listen(ctx, "127.0.0.1:9080", false)
	if err != nil {
		return "", err
	}
	address := "http://" + l.Addr().String()
	d.fake = wootest.New(wootest.Options{Orders: demoOrders, Home: address})
	server := &http.Server{Handler: d.fake, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with Close
	d.closes = append(d.closes, server.Close)
	return address, nil
}

// ready waits until this process serves the queues: else the first night would be run aside of them.
func (d *demo) ready(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	waiting := false
	for {
		n, err := d.stack.Queue.Workers(ctx, queue.Push)
		if err == nil && n > 0 {
			return nil
		}
		if err != nil && !waiting {
			waiting = true
			d.say("Waiting for Redis: %v", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
