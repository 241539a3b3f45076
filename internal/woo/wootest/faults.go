package wootest

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault makes requests go wrong. Kind is one of
//
//	down       the connection breaks without an answer
//	slow       the answer comes after DelayMS; without it, not before the caller gives up
//	429, 500,
//	502, 503   an HTML page with that status, with Retry-After when it is given
//	html       a web page with status 200
//	captcha    SiteGround's captcha: status 202 and its header
//	cloudflare Cloudflare's challenge: status 403 and its header
//	empty      an empty list with status 200 that says it has no entries, as WooCommerce gives on a database error
//	hollow     an empty list that says it has 250 entries
//	object     a JSON object with status 200
//	cut        the right answer, cut off in the middle
//	nototals   the right answer without X-WP-Total and X-WP-TotalPages
//	warning    the right answer with PHP's warnings before it
//	bom        the right answer with a byte order mark before it
//	redirect   a redirect to www.
//	maintenance WordPress' maintenance page: 503 and Retry-After: 600
//	poison     whatever shows more of Order than its id stops PHP: 500
type Fault struct {
	Kind       string `json:"kind"`
	Count      int    `json:"count"`       // how many requests; 0 is all
	Path       string `json:"path"`        // only those whose path or query contains this
	DelayMS    int    `json:"delay_ms"`    // of slow
	RetryAfter int    `json:"retry_after"` // seconds
	Order      int64  `json:"order"`       // of poison

	left int
}

// Fail adds a fault. The oldest one that fits a request applies.
func (s *Shop) Fail(f Fault) {
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

// fault finds the fault for a question, and uses it up.
func (s *Shop) fault(q question) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		f := &s.faults[i]
		if f.Kind == "poison" {
			continue // known only by the answer
		}
		if !strings.Contains(q.uri, f.Path) && !strings.Contains(q.route, f.Path) {
			continue
		}
		if f.Count > 0 && f.left == 0 {
			continue
		}
		f.left--
		return *f, true
	}
	return Fault{}, false
}

// spoil answers a question wrongly, when a fault says so.
func (s *Shop) spoil(w http.ResponseWriter, r *http.Request, q question) bool {
	f, ok := s.fault(q)
	if !ok {
		return false
	}
	switch f.Kind {
	case "down":
		panic(http.ErrAbortHandler) // net/http breaks the connection without a word
	case "slow":
		if !stall(r, f) {
			return true
		}
		return false
	case "cut", "nototals", "warning", "bom":
		s.mu.Lock()
		a := s.answer(q)
		s.mu.Unlock()
		a.damage(f.Kind).write(w)
	default:
		s.wrong(f).write(w)
	}
	return true
}

// poisoned tells whether an answer shows more of a poisonous order than its id. The caller holds the lock.
func (s *Shop) poisoned(a reply) bool {
	for _, f := range s.faults {
		if f.Kind == "poison" && bytes.Contains(a.body, []byte(`{"id":`+strconv.FormatInt(f.Order, 10)+`,`)) {
			return true
		}
	}
	return false
}

// stall holds an answer back; false when the caller gave up first.
func stall(r *http.Request, f Fault) bool {
	var after <-chan time.Time
	if f.DelayMS > 0 {
		after = time.After(time.Duration(f.DelayMS) * time.Millisecond)
	}
	select {
	case <-r.Context().Done():
		return false
	case <-after:
		return true
	}
}

// damage spoils a right answer.
func (r reply) damage(kind string) reply {
	switch kind {
	case "cut":
		r.body = r.body[:len(r.body)/2]
	case "nototals":
		r.header.Del("X-WP-Total")
		r.header.Del("X-WP-TotalPages")
	case "warning":
		r.body = append([]byte("<br />\n<b>Warning</b>:  Undefined array key [0] in {closure} on line <b>7</b><br />\n"), r.body...)
	case "bom":
		r.body = append([]byte("\xef\xbb\xbf"), r.body...)
	}
	return r
}

// wrong is an answer that is not the shop's.
func (s *Shop) wrong(f Fault) reply {
	h := http.Header{"Content-Type": {"text/html; charset=UTF-8"}}
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	a := reply{status: http.StatusOK, header: h, body: []byte("<!DOCTYPE html><html><body><h1>Welkom</h1></body></html>")}
	switch f.Kind {
	case "captcha":
		a.status = http.StatusAccepted
		h.Set("SG-Captcha", "challenge")
		a.body = []byte("<html><head><meta http-equiv=\"refresh\" content=\"0;/.well-known/captcha/\"></head></html>")
	case "cloudflare":
		a.status = http.StatusForbidden
		h.Set("cf-mitigated", "challenge")
		a.body = []byte("<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>")
	case "maintenance":
		a.status = http.StatusServiceUnavailable
		h.Set("Retry-After", "600")
		a.body = []byte("<!DOCTYPE html><html><body>Briefly unavailable for scheduled maintenance. Check back in a minute.</body></html>")
	case "redirect":
		a.status = http.StatusMovedPermanently
		h.Set("Location", strings.Replace(s.home(), "://", "://www.", 1)+"/")
	case "empty", "hollow":
		h.Set("Content-Type", "application/json; charset=UTF-8")
		n := map[string]string{"empty": "0", "hollow": "250"}[f.Kind]
		h.Set("X-WP-Total", n)
		h.Set("X-WP-TotalPages", map[string]string{"0": "0", "250": "3"}[n])
		a.body = []byte("[]")
	case "object":
		h.Set("Content-Type", "application/json; charset=UTF-8")
		a.body = []byte(`{"blocked":true}`)
	}
	if code, err := strconv.Atoi(f.Kind); err == nil {
		a.status = code
		a.body = []byte("<html><body><h1>" + http.StatusText(code) + "</h1></body></html>")
	}
	return a
}
