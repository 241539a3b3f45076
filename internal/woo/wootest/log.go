package wootest

import (
	"maps"
	"slices"
	"time"
)

// Request is one request to the shop's REST API, without its secrets.
type Request struct {
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Route  string    `json:"route"`
	Query  string    `json:"query"`
	Kind   string    `json:"kind"` // "single", "list", "other"
}

// maxLog is how many requests are kept; the counts go on.
const maxLog = 50_000

// note logs a question.
func (s *Shop) note(q question) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[q.kind]++
	if len(s.log) >= maxLog {
		s.log = slices.Delete(s.log, 0, maxLog/2)
	}
	s.log = append(s.log, Request{At: s.opt.Now(), Method: q.method, Path: q.path, Route: q.route, Query: shown(q.query), Kind: q.kind})
}

// Requests are the requests since the last reset, oldest first.
func (s *Shop) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Count is how many requests of a kind ("single", "list", "other") came since the last reset.
func (s *Shop) Count(kind string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[kind]
}

// Counts are all of Count.
func (s *Shop) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// ResetRequests forgets all requests.
func (s *Shop) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
	clear(s.counts)
}
