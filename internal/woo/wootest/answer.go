package wootest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
)

// reply is one answer of the shop.
type reply struct {
	status int
	header http.Header
	body   []byte
	orders int // in it
}

// ok is a JSON answer with the headers that WordPress sends.
func (s *Shop) ok(q question, body []byte) reply { return s.json(q, http.StatusOK, body) }

func (s *Shop) json(q question, code int, body []byte) reply {
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=UTF-8")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Link", "<"+s.apiRoot()+`>; rel="https://api.w.org/"`)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Expose-Headers", "X-WP-Total, X-WP-TotalPages, Link")
	h.Set("Access-Control-Allow-Headers", "Authorization, X-WP-Nonce, Content-Disposition, Content-MD5, Content-Type")
	if q.route != "/" && code != http.StatusUnauthorized {
		uncached(h)
	}
	return reply{status: code, header: h, body: body}
}

func uncached(h http.Header) {
	h.Set("Expires", "Wed, 11 Jan 1984 05:00:00 GMT")
	h.Set("Cache-Control", "no-cache, must-revalidate, max-age=0, no-store, private")
}

// apiRoot is where the REST API begins, by the shop's own home address and not by the host that was called.
func (s *Shop) apiRoot() string {
	if s.opt.PlainPermalinks {
		return s.opt.Home + "/index.php?rest_route=/"
	}
	return s.opt.Home + "/wp-json/"
}

// fail is an error body as WordPress writes it.
func (s *Shop) fail(q question, code int, name, message string) reply {
	return s.json(q, code, fmt.Appendf(nil, `{"code":%s,"message":%s,"data":{"status":%d}}`, quote(name), quote(message), code))
}

// invalid is the 400 for one wrong parameter.
func (s *Shop) invalid(q question, param, code, message string) reply {
	return s.json(q, http.StatusBadRequest, fmt.Appendf(nil,
		`{"code":"rest_invalid_param","message":"Invalid parameter(s): %s","data":{"status":400,"params":{%[2]s:%[3]s},"details":{%[2]s:{"code":%[4]s,"message":%[3]s,"data":null}}}}`,
		param, quote(param), quote(message), quote(code)))
}

func (s *Shop) noRoute(q question) reply {
	return s.fail(q, http.StatusNotFound, "rest_no_route", "No route was found matching the URL and request method.")
}

// elsewhere is what a shop with plain permalinks does with an address that it does not know.
func (s *Shop) elsewhere() reply {
	h := http.Header{}
	h.Set("Content-Type", "text/html; charset=UTF-8")
	h.Set("Location", s.opt.Home+"/")
	return reply{status: http.StatusMovedPermanently, header: h}
}

// site is the shop's front page.
func site(name string) reply {
	h := http.Header{}
	h.Set("Content-Type", "text/html; charset=UTF-8")
	return reply{status: http.StatusOK, header: h, body: []byte("<!DOCTYPE html><html><head><title>" + name + "</title></head><body></body></html>")}
}

func (r reply) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // the client may have gone
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(r.Body, 8<<20))
}

// words joins as WordPress does: a, b, and c.
func words(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + ", and " + list[len(list)-1]
}
