// Package web is what Doorzet answers over HTTP: the api's health and queue pages, and the health and metrics of the
// workers and schedulers.
//
// It knows its neighbours only as interfaces and handlers: what they are is said by the processes.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Pinger is a part that this process depends on and that can be asked whether it is there.
type Pinger interface {
	Ping(ctx context.Context) error
}

const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
	// shutdownTimeout is how long running requests may take once the process is told to stop.
	shutdownTimeout = 10 * time.Second
)

// Server is the api's HTTP.
type Server struct {
	// Parts are asked by /readyz, by name.
	Parts map[string]Pinger
	// Queues are the queue pages, shown under QueuesPath to who knows user and password. Without both there are none.
	Queues         http.Handler
	QueuesUser     string
	QueuesPassword doorzet.Secret
	Log            *slog.Logger
}

// QueuesPath is where the queue pages are.
const QueuesPath = "/queues"

// Handler is every route of the api.
func (s *Server) Handler() http.Handler {
	queues := s.queues()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", health)
	mux.Handle("GET /readyz", ready(s.Parts, s.Log))
	mux.Handle(QueuesPath, queues)
	mux.Handle(QueuesPath+"/", queues)
	return logged(s.Log, secured(mux))
}

// Metrics is every route of a worker or a scheduler: it answers no one but the operator.
func Metrics(parts map[string]Pinger, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", health)
	mux.Handle("GET /readyz", ready(parts, log))
	mux.Handle("GET /metrics", metrics())
	return logged(log, secured(mux))
}

// Serve answers at an address until ctx is done, and then lets running requests end. It returns nil after that.
func Serve(ctx context.Context, address string, handler http.Handler, log *slog.Logger) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return ServeOn(ctx, listener, handler, log)
}

// ServeOn is Serve on a listener, which it closes: a caller that asks for port 0 sees at the listener which one it got.
func ServeOn(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what clients do wrong
	}
	log.Info("listening", "address", listener.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	// The context is over; the requests that run get their time all the same.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}
