package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorzet/doorzet/internal/web"
)

// part is a dependency whose answer a test decides.
type part func(ctx context.Context) error

func (p part) Ping(ctx context.Context) error { return p(ctx) }

var (
	fine = part(func(context.Context) error { return nil })
	away = part(func(context.Context) error { return errors.New("dial db.internal as doorzet: refused") })
)

// page collects what a handler logs.
type page struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func get(t *testing.T, h http.Handler, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHealthAndReady(t *testing.T) {
	t.Parallel()
	hang := part(func(context.Context) error { select {} })
	for _, c := range []struct {
		name   string
		parts  map[string]web.Pinger
		status int
		want   map[string]string
	}{
		{"all there", map[string]web.Pinger{"postgres": fine, "redis": fine}, 200, map[string]string{"postgres": "ok", "redis": "ok"}},
		{"one away", map[string]web.Pinger{"postgres": fine, "redis": away}, 503, map[string]string{"postgres": "ok", "redis": "does not answer"}},
		{"one hangs and does not honour its context", map[string]web.Pinger{"postgres": hang, "redis": fine}, 503,
			map[string]string{"postgres": "does not answer within a second", "redis": "ok"}},
		{"nothing needed", nil, 200, map[string]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			api := (&web.Server{Parts: c.parts, Log: quiet()}).Handler()
			for _, h := range []http.Handler{api, web.Metrics(c.parts, quiet())} {
				if r := get(t, h, "/healthz"); r.Code != http.StatusOK || r.Body.String() != "ok\n" {
					t.Errorf("/healthz: got %d, want 200 whatever is away", r.Code)
				}
				began := time.Now()
				r := get(t, h, "/readyz")
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("/readyz took %s", took)
				}
				var got map[string]string
				if err := json.Unmarshal(r.Body.Bytes(), &got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" || r.Code != c.status {
					t.Errorf("/readyz: got %d, want %d\n%s", r.Code, c.status, diff)
				}
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	r := get(t, web.Metrics(nil, quiet()), "/metrics")
	if text := r.Body.String(); r.Code != http.StatusOK || !strings.Contains(text, "go_goroutines") || !strings.Contains(text, "process_cpu_seconds_total") {
		t.Errorf("got %d %.200s", r.Code, text)
	}
	if r := get(t, (&web.Server{Log: quiet()}).Handler(), "/metrics"); r.Code != http.StatusNotFound {
		t.Errorf("the api's /metrics, which anybody could read: got %d, want 404", r.Code)
	}
}

func login(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

func TestQueuePages(t *testing.T) {
	t.Parallel()
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "pages "+r.URL.Path) })
	s := &web.Server{Queues: pages, QueuesUser: "ops", QueuesPassword: "long enough", Log: quiet()}
	h := s.Handler()
	for _, path := range []string{"/queues", "/queues/", "/queues/api/queues"} {
		if r := get(t, h, path, login("ops", "long enough")); r.Code != http.StatusOK || r.Body.String() != "pages "+path {
			t.Errorf("%s with the password: got %d", path, r.Code)
		}
		for _, wrong := range []func(*http.Request){func(*http.Request) {}, login("ops", "long enougH"), login("Ops", "long enough"), login("ops", ""), login("", "")} {
			r := get(t, h, path, wrong)
			if r.Code != http.StatusUnauthorized || !strings.HasPrefix(r.Header().Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s with a wrong login: got %d, want 401", path, r.Code)
			}
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/queues/api/queues/push:pause", nil)
	r.SetBasicAuth("ops", "long enough")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("a request that another site made the browser send: got %d, want 403", w.Code)
	}
	for name, none := range map[string]*web.Server{
		"no user":     {Queues: pages, QueuesPassword: "long enough", Log: quiet()},
		"no password": {Queues: pages, QueuesUser: "ops", Log: quiet()},
		"no pages":    {QueuesUser: "ops", QueuesPassword: "long enough", Log: quiet()},
	} {
		for _, path := range []string{"/queues", "/queues/api/queues"} {
			if r := get(t, none.Handler(), path, login(none.QueuesUser, none.QueuesPassword.Reveal())); r.Code != http.StatusNotFound {
				t.Errorf("%s: %s: got %d, want 404", name, path, r.Code)
			}
		}
	}
}

func TestEveryAnswerIsCarefulAndLoggedWithoutItsQuery(t *testing.T) {
	t.Parallel()
	log := &page{}
	h := (&web.Server{Log: slog.New(slog.NewJSONHandler(log, nil))}).Handler()
	r := get(t, h, "/nothing?consumer_secret=hush", func(r *http.Request) { r.Header.Set("Authorization", "Basic hush") })
	if r.Code != http.StatusNotFound {
		t.Errorf("got %d, want 404", r.Code)
	}
	for header, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
	} {
		if got := r.Header().Get(header); got != want {
			t.Errorf("%s: got %q, want %q", header, got, want)
		}
	}
	if !strings.Contains(r.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("Content-Security-Policy: got %q", r.Header().Get("Content-Security-Policy"))
	}
	line := log.String()
	if !strings.Contains(line, `"path":"/nothing"`) || !strings.Contains(line, `"status":404`) || strings.Contains(line, "hush") {
		t.Errorf("the line is %s", line)
	}
	before := len(log.String())
	get(t, h, "/healthz")
	if after := log.String(); len(after) != before {
		t.Errorf("a health check was logged: %s", after[before:])
	}
}

func TestServeLetsRunningRequestsEnd(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		_, _ = fmt.Fprint(w, "whole")
	})
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- web.ServeOn(ctx, listener, h, quiet()) }()
	answer := make(chan string, 1)
	go func() {
		r, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			answer <- err.Error()
			return
		}
		defer func() { _ = r.Body.Close() }()
		b, err := io.ReadAll(r.Body)
		answer <- fmt.Sprint(string(b), err)
	}()
	<-begun
	cancel()
	// New connections are refused while the running request still runs.
	for {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	close(finish)
	if got := <-answer; got != "whole<nil>" {
		t.Errorf("the running request got %q", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestServeSaysThatItsAddressIsTaken(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if err := web.Serve(t.Context(), listener.Addr().String(), http.NotFoundHandler(), quiet()); err == nil {
		t.Error("no error")
	}
}

func TestServeRefusesEndlessHeaders(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- web.ServeOn(ctx, listener, (&web.Server{Log: quiet()}).Handler(), quiet()) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Large", strings.Repeat("x", 64<<10))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d, want %d", answer.StatusCode, http.StatusRequestHeaderFieldsTooLarge)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
