package wootest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// hook is one webhook of the shop. Its secret is kept and never shown.
type hook struct {
	id       int64
	name     string
	status   string
	topic    string
	url      string
	secret   string
	created  time.Time
	modified time.Time
}

// hookBody is what a webhook is made or changed with.
type hookBody struct {
	Name   *string `json:"name"`
	Status *string `json:"status"`
	Topic  *string `json:"topic"`
	URL    *string `json:"delivery_url"`
	Secret *string `json:"secret"`
}

var (
	goodTopic = regexp.MustCompile(`^((order|product|coupon|customer)\.(created|updated|deleted|restored)|action\.(woocommerce|wc)_\w+)$`)
	goodURL   = regexp.MustCompile(`^https?://.`)
)

// hooksRoute answers /webhooks and what lies below it.
func (s *Shop) hooksRoute(q question, rest string, known bool) reply {
	id := orderID(rest)
	if rest != "" && id == 0 {
		return s.noRoute(q)
	}
	if !known {
		return s.fail(q, 401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
	}
	if rest == "" {
		switch q.method {
		case http.MethodGet:
			return s.listHooks(q)
		case http.MethodPost:
			return s.postHook(q)
		}
		return s.noRoute(q)
	}
	at := slices.IndexFunc(s.hooks, func(h hook) bool { return h.id == id })
	if at < 0 {
		return s.fail(q, http.StatusNotFound, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
	}
	switch q.method {
	case http.MethodGet:
		return s.ok(q, s.renderHook(s.hooks[at]))
	case http.MethodPut, http.MethodPost, http.MethodPatch:
		return s.changeHook(q, at)
	case http.MethodDelete:
		if q.query.Get("force") != "true" {
			return s.fail(q, http.StatusNotImplemented, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
		}
		gone := s.renderHook(s.hooks[at])
		s.hooks = slices.Delete(s.hooks, at, at+1)
		return s.ok(q, gone)
	}
	return s.noRoute(q)
}

func (s *Shop) listHooks(q question) reply {
	var parts []string
	for _, h := range s.hooks {
		if st := q.query.Get("status"); st == "" || st == "all" || st == h.status {
			parts = append(parts, string(s.renderHook(h)))
		}
	}
	return s.page(q, []byte("["+strings.Join(parts, ",")+"]"), len(parts))
}

// postHook makes a webhook. It is active whatever was asked, as long as topic and address are right.
func (s *Shop) postHook(q question) reply {
	body, wrong := s.readHook(q)
	if wrong != nil {
		return *wrong
	}
	switch {
	case body.Topic == nil || !goodTopic.MatchString(*body.Topic):
		return s.fail(q, 400, "woocommerce_rest_shop_webhook_invalid_topic", "Webhook topic is required and must be valid.")
	case body.URL == nil || !goodURL.MatchString(*body.URL):
		return s.fail(q, 400, "woocommerce_rest_shop_webhook_invalid_delivery_url", "Webhook delivery URL must be a valid URL starting with http:// or https://.")
	}
	body.Status = nil
	h := s.addHook(body)
	r := s.json(q, http.StatusCreated, s.renderHook(h))
	r.header.Set("Location", fmt.Sprintf("%s/wp-json/wc/v3/webhooks/%d", s.opt.Home, h.id))
	return r
}

func (s *Shop) addHook(body hookBody) hook {
	h := hook{id: s.nextHook, status: "active", created: s.now()}
	h.take(body)
	if h.name == "" {
		h.name = "Webhook created on " + h.created.Format("2 January 2006")
	}
	s.nextHook++
	s.hooks = append(s.hooks, h)
	return h
}

func (s *Shop) changeHook(q question, at int) reply {
	body, wrong := s.readHook(q)
	if wrong != nil {
		return *wrong
	}
	s.hooks[at].take(body)
	s.hooks[at].modified = s.now()
	return s.ok(q, s.renderHook(s.hooks[at]))
}

func (s *Shop) readHook(q question) (hookBody, *reply) {
	var body hookBody
	if len(q.body) > 0 && json.Unmarshal(q.body, &body) != nil || q.bad != nil {
		r := s.fail(q, 400, "rest_invalid_json", "Invalid JSON body passed.")
		return body, &r
	}
	return body, nil
}

// take sets what is given.
func (h *hook) take(b hookBody) {
	for _, f := range []struct {
		to   *string
		from *string
	}{{&h.name, b.Name}, {&h.status, b.Status}, {&h.topic, b.Topic}, {&h.url, b.URL}, {&h.secret, b.Secret}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
}

func (s *Shop) renderHook(h hook) []byte {
	resource, event, _ := strings.Cut(h.topic, ".")
	return fmt.Appendf(nil, `{"id":%d,"name":%s,"status":%s,"topic":%s,"resource":%s,"event":%s,"hooks":[],"delivery_url":%s,"date_created":%s,"date_created_gmt":%s,"date_modified":%s,"date_modified_gmt":%s}`,
		h.id, quote(h.name), quote(h.status), quote(h.topic), quote(resource), quote(event), quote(h.url),
		s.date(h.created, s.zone), s.date(h.created, time.UTC), s.date(h.modified, s.zone), s.date(h.modified, time.UTC))
}
