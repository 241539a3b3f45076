package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// pingTimeout bounds each part's answer: a part that is slower than this is not ready.
const pingTimeout = time.Second

// health says that the process is up, and nothing of what it depends on: a process is not restarted because Postgres is
// away.
func health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// ready asks all parts at the same time: 200 when each is "ok", else 503 and what is wrong. The reasons are for the log:
// an error can name hosts and users, and this page is open to everybody.
func ready(parts map[string]Pinger, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers, allOK := ask(r.Context(), parts, log)
		w.Header().Set("Content-Type", "application/json")
		if !allOK {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(answers) // the only error is that the client left
	})
}

func ask(ctx context.Context, parts map[string]Pinger, log *slog.Logger) (answers map[string]string, allOK bool) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	type answer struct{ name, says string }
	said := make(chan answer, len(parts))
	var wg sync.WaitGroup
	for name, part := range parts {
		wg.Go(func() {
			if err := part.Ping(ctx); err != nil {
				log.WarnContext(ctx, "not ready", "part", name, "error", err.Error())
				said <- answer{name, "does not answer"}
				return
			}
			said <- answer{name, "ok"}
		})
	}
	go func() { wg.Wait(); close(said) }()
	answers = map[string]string{}
	for name := range parts {
		answers[name] = "does not answer within a second"
	}
	allOK = true
	for range parts {
		select {
		case a := <-said:
			answers[a.name] = a.says
		case <-ctx.Done():
			// A part that does not honour its context is not waited for.
			return answers, false
		}
	}
	for _, says := range answers {
		allOK = allOK && says == "ok"
	}
	return answers, allOK
}

// metrics are this process' own: its memory, goroutines, files and processor time. Each handler has a registry of its
// own, so two of them in one process do not meet.
func metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}
