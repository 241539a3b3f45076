package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// pagePolicy is what a page of ours may load: nothing, so far.
const pagePolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// queuesPolicy is what the queue pages need: they are a program of one page with scripts and styles in it, and fetch
// their letters from Google. They work without the letters, so those are not let in.
const queuesPolicy = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"font-src 'self' data:; connect-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// secured adds the headers that tell a browser to be careful with everything.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// queues are the queue pages behind their login; there are none without one.
func (s *Server) queues() http.Handler {
	if s.Queues == nil || s.QueuesUser == "" || s.QueuesPassword == "" {
		return http.NotFoundHandler()
	}
	// The pages have no protection against requests that another site makes a logged-in browser send.
	guarded := http.NewCrossOriginProtection().Handler(s.Queues)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		// Both are always compared, so the time tells nothing of either.
		if !same(user, s.QueuesUser) || !same(password, s.QueuesPassword.Reveal()) {
			w.Header().Set("WWW-Authenticate", `Basic realm="Doorzet queues", charset="UTF-8"`)
			http.Error(w, "user and password of the queue pages, please", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Security-Policy", queuesPolicy)
		guarded.ServeHTTP(w, r)
	})
}

// same compares in a time that does not depend on what is compared, nor on its length.
func same(got, want string) bool {
	g, w := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(g[:], w[:]) == 1
}

// logged writes one line for each request: never its query, which can hold a key. Health checks come every few seconds
// and are lines at debug level while all is well.
func logged(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		recorder := &statusRecorder{ResponseWriter: w}
		defer func() {
			level := slog.LevelInfo
			switch {
			case recorder.code() >= http.StatusInternalServerError:
				level = slog.LevelWarn
			case r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || r.URL.Path == "/metrics" || strings.HasPrefix(r.URL.Path, QueuesPath+"/"):
				level = slog.LevelDebug
			}
			log.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path, "status", recorder.code(),
				"ms", time.Since(began).Milliseconds(), "from", r.RemoteAddr)
		}()
		next.ServeHTTP(recorder, r)
	})
}

// statusRecorder remembers the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the first status.
func (s *statusRecorder) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer below.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *statusRecorder) code() int {
	if s.status == 0 {
		return http.StatusOK
	}
	return s.status
}
