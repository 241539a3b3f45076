package wootest

import (
	"bytes"
	"cmp"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// serve answers a question, wrongly when a fault says so.
func (s *Shop) serve(w http.ResponseWriter, r *http.Request, q question) {
	began := time.Now()
	f := s.fault(q)
	q.shuffle = f.Kind == "shuffle"
	var a reply
	if !f.replaces() {
		a, f = s.rightly(q, f)
	}
	if f.replaces() {
		a = s.wrong(q, f)
	}
	if d := s.latency(q, a); d > 0 && !pace(r, began.Add(d)) {
		return
	}
	f.deliver(w, r, a)
}

// rightly is the right answer, and the fault that is met with it.
func (s *Shop) rightly(q question, f Fault) (reply, Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answer(q)
	if met, ok := s.poisoned(q, a); ok {
		return a, met
	}
	return a, f
}

// deliver gives an answer as a fault has it.
func (f Fault) deliver(w http.ResponseWriter, r *http.Request, a reply) {
	switch f.Kind {
	case "down":
		panic(http.ErrAbortHandler) // net/http breaks the connection without a word
	case "hang":
		<-r.Context().Done()
	case "slow":
		if f.DelayMS == 0 {
			<-r.Context().Done()
			return
		}
		if pace(r, time.Now().Add(time.Duration(f.DelayMS)*time.Millisecond)) {
			a.write(w)
		}
	case "trickle":
		f.trickle(w, r, a)
	case "huge":
		a.write(w)
		for blanks := bytes.Repeat([]byte{' '}, 1<<20); f.MB > 0; f.MB-- {
			if _, err := w.Write(blanks); err != nil {
				return // the caller has had enough
			}
		}
	default:
		f.damage(a).write(w)
	}
}

// trickle writes an answer byte by byte, until the caller gives up.
func (f Fault) trickle(w http.ResponseWriter, r *http.Request, a reply) {
	every := 100 * time.Millisecond
	if f.DelayMS > 0 {
		every = time.Duration(f.DelayMS) * time.Millisecond
	}
	body := a.body
	a.body = nil
	a.write(w)
	out := http.NewResponseController(w)
	for i := range body {
		if _, err := w.Write(body[i : i+1]); err != nil || out.Flush() != nil || !pace(r, time.Now().Add(every)) {
			return
		}
	}
}

// damage spoils a right answer.
func (f Fault) damage(a reply) reply {
	switch f.Kind {
	case "cut":
		a.body = a.body[:len(a.body)/2]
	case "nototals":
		a.header.Del("X-WP-Total")
		a.header.Del("X-WP-TotalPages")
	case "wrongtotal":
		a.header.Set("X-WP-Total", strconv.Itoa(f.Total))
	case "warning":
		a.body = append([]byte("<br />\n<b>Warning</b>:  Undefined array key [0] in {closure} on line <b>7</b><br />\n"), a.body...)
	case "bom":
		a.body = append([]byte("\xef\xbb\xbf"), a.body...)
	case "cache":
		a.header = maps.Clone(a.header)
		if len(f.Headers) == 0 {
			a.header.Set("X-LiteSpeed-Cache", "hit")
		}
		for name, value := range f.Headers {
			a.header.Set(name, value)
		}
	}
	return a
}

// wrong is an answer that is not the shop's.
func (s *Shop) wrong(q question, f Fault) reply {
	h := http.Header{"Content-Type": {"text/html; charset=UTF-8"}}
	a := reply{status: http.StatusOK, header: h, body: []byte("<!DOCTYPE html><html><body><h1>Welkom</h1></body></html>")}
	code := f.status()
	switch {
	case code != 0 && f.Code != "":
		a = s.fail(q, code, f.Code, "Sorry.")
	case code != 0:
		a.status = code
		a.body = []byte("<html><body><h1>" + http.StatusText(code) + "</h1></body></html>")
	}
	if f.RetryAfter > 0 {
		a.header.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	switch f.Kind {
	case "html":
		a.body = []byte(cmp.Or(f.Body, string(a.body)))
	case "blank":
		a.body = nil
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
	case "empty":
		a = list(q, 0)
	case "hollow":
		a = list(q, 250)
	case "object":
		h.Set("Content-Type", "application/json; charset=UTF-8")
		a.body = []byte(`{"blocked":true}`)
	}
	return a
}

// list is an empty list that counts something.
func list(q question, total int) reply {
	perPage, err := strconv.Atoi(q.query.Get("per_page"))
	if err != nil || perPage < 1 {
		perPage = 10
	}
	return reply{status: http.StatusOK, body: []byte("[]"), header: http.Header{
		"Content-Type":    {"application/json; charset=UTF-8"},
		"X-Wp-Total":      {strconv.Itoa(total)},
		"X-Wp-Totalpages": {strconv.Itoa((total + perPage - 1) / perPage)},
	}}
}
