package wootest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault makes requests go wrong. Kind is one of
//
//	latency    the answer takes DelayMS, and PerOrderMS for each whole order and PerRowMS for each order with few fields in it
//	slow       the answer comes after DelayMS; without it, not before the caller gives up
//	hang       no answer, until the caller gives up
//	trickle    the right answer: its headers at once, its body byte by byte with DelayMS (100) between two of them
//	down       the connection breaks without an answer
//	400 to 599 a page with that status, with Retry-After when it is given; with Code, WordPress' JSON error of that code
//	html       a web page with status 200, that of Body when it is given
//	blank      status 200 and nothing at all: PHP stopped before its first word
//	captcha    SiteGround's captcha: status 202 and its header
//	cloudflare Cloudflare's challenge: status 403 and its header
//	maintenance WordPress' maintenance page: 503 and Retry-After: 600
//	redirect   a redirect to www.
//	object     a JSON object with status 200
//	empty      an empty list with status 200 that says it has no entries, as WooCommerce gives on a database error
//	hollow     an empty list that says it has 250 entries
//	cut        the right answer, cut off in the middle
//	nototals   the right answer without X-WP-Total and X-WP-TotalPages
//	wrongtotal the right answer with Total as X-WP-Total
//	shuffle    the right answer to a list whose orders stand in another order each time
//	warning    the right answer with PHP's warnings before it
//	bom        the right answer with a byte order mark before it
//	huge       the right answer with MB megabytes of blanks behind it
//	cache      the right answer with Headers, those of a cache; without them, x-litespeed-cache: hit
//	limit      a list that asks for more than Limit orders is answered as another kind, As; without it, 500
//	rate       of more than Limit requests within a second, those above it get 429
//	poison     whatever shows more of Order than its id is answered as another kind, As; without it, 500: PHP stops at it
//
// Latency applies besides: to each fault and each right answer that it fits, and several of them add up.
type Fault struct {
	Kind       string            `json:"kind"`
	Count      int               `json:"count"`        // how many requests; 0 is all
	Path       string            `json:"path"`         // only those whose path or query contains this
	MaxURL     int               `json:"max_url"`      // only those whose path and query are longer than this; 0 is all
	DelayMS    int               `json:"delay_ms"`     // of latency, slow, trickle
	PerOrderMS float64           `json:"per_order_ms"` // of latency
	PerRowMS   float64           `json:"per_row_ms"`   // of latency
	RetryAfter int               `json:"retry_after"`  // seconds; of a status, and of rate
	Code       string            `json:"code"`         // of a status: "woocommerce_rest_cannot_view"
	Order      int64             `json:"order"`        // of poison
	Limit      int               `json:"limit"`        // of limit, rate
	As         string            `json:"as"`           // of limit, poison
	Body       string            `json:"body"`         // of html
	MB         int               `json:"mb"`           // of huge
	Total      int               `json:"total"`        // of wrongtotal
	Headers    map[string]string `json:"headers"`      // of cache

	left  int
	calls []time.Time // of rate: those of the last second
}

// The kinds of faults, but for HTTP statuses: those that answer in the shop's place, those that spoil its right answer, and
// those that only decide when another one applies.
var (
	instead   = []string{"hang", "down", "html", "blank", "captcha", "cloudflare", "maintenance", "redirect", "object", "empty", "hollow"}
	spoiling  = []string{"slow", "trickle", "cut", "nototals", "wrongtotal", "shuffle", "warning", "bom", "huge", "cache"}
	deciding  = []string{"latency", "limit", "rate", "poison"}
	faultKind = slices.Concat(instead, spoiling, deciding)
)

// Check refuses a fault that means nothing, in a sentence.
func (f Fault) Check() error {
	known := slices.Contains(faultKind, f.Kind) || f.status() != 0
	as := f.As == "" || slices.Contains(instead, f.As) || (Fault{Kind: f.As}).status() != 0
	switch {
	case !known:
		return fmt.Errorf("there is no fault of kind %q: give %s, or an HTTP status from 400 to 599", f.Kind, strings.Join(faultKind, ", "))
	case !as:
		return fmt.Errorf("a fault cannot be answered as %q: give %s, or an HTTP status from 400 to 599", f.As, strings.Join(instead, ", "))
	case f.Kind == "poison" && f.Order == 0:
		return errors.New("which order is the poison? Give its id as order")
	case (f.Kind == "limit" || f.Kind == "rate") && f.Limit < 1:
		return fmt.Errorf("a fault of kind %s needs a limit of 1 or more", f.Kind)
	case f.Kind == "huge" && (f.MB < 1 || f.MB > 1024):
		return errors.New("a fault of kind huge needs mb, from 1 to 1024")
	case f.Count < 0 || f.MaxURL < 0 || f.DelayMS < 0 || f.PerOrderMS < 0 || f.PerRowMS < 0 || f.RetryAfter < 0 || f.Total < 0:
		return errors.New("a number of the fault is negative")
	}
	return nil
}

// status is the HTTP status that a kind names, else 0.
func (f Fault) status() int {
	if code, err := strconv.Atoi(f.Kind); err == nil && code >= 400 && code <= 599 {
		return code
	}
	return 0
}

// replaces tells whether a fault answers in the shop's place.
func (f Fault) replaces() bool { return f.status() != 0 || slices.Contains(instead, f.Kind) }

// Fail adds a fault. The oldest one that fits a request applies. It panics at a fault that Check refuses: a test with a typing
// error must not pass.
func (s *Shop) Fail(f Fault) {
	if err := f.Check(); err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.left = f.Count
	s.faults = append(s.faults, f)
}

// Recover takes all faults away.
func (s *Shop) Recover() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// fits tells whether a fault may apply to a question.
func (f *Fault) fits(q question) bool {
	return (strings.Contains(q.uri, f.Path) || strings.Contains(q.route, f.Path)) &&
		len(q.uri) > f.MaxURL && (f.Count == 0 || f.left > 0)
}

// fault finds the fault for a question, as the kind that is met, and uses it up. The zero Fault is none.
func (s *Shop) fault(q question) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		f := &s.faults[i]
		if f.Kind == "latency" || f.Kind == "poison" || !f.fits(q) {
			continue // poison is known only by the answer
		}
		met := *f
		switch {
		case f.Kind == "limit" && q.asks() <= f.Limit:
			continue
		case f.Kind == "limit":
			met.Kind = cmp.Or(f.As, "500")
		case f.Kind == "rate" && !f.exceeded(time.Now()):
			continue
		case f.Kind == "rate":
			met.Kind = "429"
		}
		f.left--
		return met
	}
	return Fault{}
}

// exceeded counts a request of rate. Those that were refused do not count.
func (f *Fault) exceeded(now time.Time) bool {
	f.calls = slices.DeleteFunc(f.calls, func(at time.Time) bool { return now.Sub(at) >= time.Second })
	if len(f.calls) >= f.Limit {
		return true
	}
	f.calls = append(f.calls, now)
	return false
}

// poisoned tells whether an answer shows more of a poisonous order than its id, and what is met then. The caller holds the lock.
func (s *Shop) poisoned(q question, a reply) (Fault, bool) {
	for i := range s.faults {
		f := &s.faults[i]
		if f.Kind != "poison" || !f.fits(q) || !bytes.Contains(a.body, []byte(`{"id":`+strconv.FormatInt(f.Order, 10)+`,`)) {
			continue
		}
		f.left--
		met := *f
		met.Kind = cmp.Or(f.As, "500")
		return met, true
	}
	return Fault{}, false
}

// latency is how long an answer takes, by all faults of that kind.
func (s *Shop) latency(q question, a reply) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	ms := 0.0
	for i := range s.faults {
		f := &s.faults[i]
		if f.Kind != "latency" || !f.fits(q) {
			continue
		}
		f.left--
		each := f.PerOrderMS
		if q.query.Has("_fields") {
			each = f.PerRowMS
		}
		ms += float64(f.DelayMS) + each*float64(a.orders)
	}
	return time.Duration(ms * float64(time.Millisecond))
}

// asks is how many orders a list asks for, 0 when it is no list.
func (q question) asks() int {
	if q.kind != "list" {
		return 0
	}
	n, err := strconv.Atoi(q.query.Get("per_page"))
	if err != nil {
		n = 10
	}
	if include := many(q.query, "include"); len(include) > 0 {
		n = min(n, len(include))
	}
	return n
}

// pace waits until a moment; false when the caller gave up first.
func pace(r *http.Request, until time.Time) bool {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-r.Context().Done():
		return false
	case <-t.C:
		return true
	}
}
