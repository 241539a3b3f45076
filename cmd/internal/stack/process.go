package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/doorzet/doorzet/internal/config"
	"github.com/doorzet/doorzet/internal/web"
)

// Main is a process: it runs parts of the stack until it is told to stop, and returns its exit code.
func Main(name string, parts ...func(*Stack, context.Context) error) int {
	if len(os.Args) > 1 {
		return answer(name, os.Args[1:], os.Stdout, os.Stderr)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout, parts); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "doorzet %s: %v\n", name, err)
		return 1
	}
	return 0
}

// answer is for arguments, which a process has none of: somebody asks for help, or takes it for another program. It returns the
// exit code.
func answer(name string, args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && (args[0] == "--help" || args[0] == "-h") {
		_, _ = fmt.Fprintf(stdout, "doorzet %s takes no arguments. It is configured by environment variables, such as DATABASE_URL, REDIS_URL and"+
			" DOORZET_SECRET_KEY; the README has all of them, under Configuration. It runs until SIGTERM or Ctrl-C, and then finishes what"+
			" it is doing. To set shops up and look at orders, use the command doorzet.\n", name)
		return 0
	}
	_, _ = fmt.Fprintf(stderr, "doorzet %s: %q: it takes no arguments, it is configured by environment variables (see: %s --help)\n", name, args[0], name)
	return 2
}

// run starts a process and returns when ctx is done and its work has drained.
func run(ctx context.Context, getenv func(string) string, stdout io.Writer, parts []func(*Stack, context.Context) error) error {
	s, err := Start(getenv, stdout)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // the process ends
	var own []func(context.Context) error
	for _, part := range parts {
		own = append(own, func(ctx context.Context) error { return part(s, ctx) })
	}
	return s.Serve(ctx, own...)
}

// Start reads the environment and makes the connections of a process. It refuses to start without the key that the secrets
// of shops are encrypted with.
func Start(getenv func(string) string, stdout io.Writer) (*Stack, error) {
	cfg, err := config.Load(getenv)
	if err != nil {
		return nil, err
	}
	if err := cfg.Need("DOORZET_SECRET_KEY"); err != nil {
		return nil, err
	}
	return Open(cfg, Logger(stdout, cfg))
}

// Serve runs the parts of a process until ctx is done or one of them fails; then it ends them all and waits for them.
func (s *Stack) Serve(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		failed  []error
	)
	for _, part := range parts {
		running.Go(func() {
			if err := part(ctx); err != nil {
				mu.Lock()
				failed = append(failed, err)
				mu.Unlock()
				cancel()
			}
		})
	}
	running.Wait()
	return errors.Join(failed...)
}

// Prepare brings the database up to date, and ends.
func (s *Stack) Prepare(ctx context.Context) error { return ignoreCanceled(ctx, s.migrate(ctx)) }

// API answers over HTTP until ctx is done. It starts and answers while Postgres or Redis is down.
func (s *Stack) API(ctx context.Context) error {
	return web.Serve(ctx, s.Config.Listen, s.Handler(), s.Log)
}

// Handler is the api's HTTP.
func (s *Stack) Handler() http.Handler {
	server := &web.Server{
		Parts: s.dependencies(), Queues: s.Queue.Monitor(web.QueuesPath, s.Config.QueuesWritable),
		QueuesUser: s.Config.QueuesUser, QueuesPassword: s.Config.QueuesPassword, Log: s.Log,
	}
	return server.Handler()
}

// Metrics answers for a worker or scheduler until ctx is done, if an address for that is configured.
func (s *Stack) Metrics(ctx context.Context) error {
	if s.Config.MetricsListen == "" {
		return nil
	}
	return web.Serve(ctx, s.Config.MetricsListen, web.Metrics(s.dependencies(), s.Log), s.Log)
}

func (s *Stack) dependencies() map[string]web.Pinger {
	return map[string]web.Pinger{"postgres": s.DB, "redis": s.Queue}
}
