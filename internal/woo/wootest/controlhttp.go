package wootest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// control answers below /_control/.
func (s *Shop) control(w http.ResponseWriter, r *http.Request) {
	out, err := s.command(r)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]string{"error": err.Error()}
	}
	if raw, ok := out.([]byte); ok {
		_, _ = w.Write(raw) // the client may have gone
		return
	}
	_ = json.NewEncoder(w).Encode(out) // the same
}

var done = map[string]bool{"ok": true}

// command does what a control request says.
func (s *Shop) command(r *http.Request) (any, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	what, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/_control/"), "/")
	switch r.Method + " " + what {
	case "GET requests":
		return map[string]any{"counts": s.Counts(), "requests": s.Requests()}, nil
	case "POST reset-requests":
		s.ResetRequests()
		return done, nil
	case "POST webhooks":
		return s.commandHook(body)
	case "DELETE webhooks":
		id, _ := strconv.ParseInt(r.URL.Query().Get("id"), 10, 64) // none is all
		s.RemoveWebhooks(id)
		return done, nil
	case "POST identity":
		var i Identity
		if err := strict(body, &i); err != nil {
			return nil, err
		}
		s.Identify(i)
		return done, nil
	case "POST statuses":
		return s.commandStatus(body)
	case "POST faults":
		var f Fault
		if err := strict(body, &f); err != nil {
			return nil, err
		}
		if err := f.Check(); err != nil {
			return nil, err
		}
		s.Fail(f)
		return done, nil
	case "DELETE faults":
		s.Recover()
		return done, nil
	case "GET orders", "POST orders", "DELETE orders":
		return s.commandOrders(r, rest, body)
	}
	return nil, errors.New("there is no such control: see the package's comment")
}

func (s *Shop) commandHook(body []byte) (any, error) {
	var h struct {
		URL    string `json:"delivery_url"`
		Topic  string `json:"topic"`
		Status string `json:"status"`
	}
	if err := strict(body, &h); err != nil {
		return nil, err
	}
	if h.Topic == "" {
		h.Topic = "order.updated"
	}
	if h.Status == "" {
		h.Status = "active"
	}
	return map[string]int64{"id": s.Webhook(h.Topic, h.URL, h.Status)}, nil
}

func (s *Shop) commandStatus(body []byte) (any, error) {
	var st struct {
		Slug   string `json:"slug"`
		Name   string `json:"name"`
		Remove bool   `json:"remove"`
	}
	if err := strict(body, &st); err != nil {
		return nil, err
	}
	if st.Remove {
		s.Unregister(st.Slug)
		return done, nil
	}
	s.Register(st.Slug, st.Name)
	return done, nil
}

func (s *Shop) commandOrders(r *http.Request, rest string, body []byte) (any, error) {
	if rest == "" && r.Method == http.MethodPost {
		return s.commandAdd(body)
	}
	id, err := strconv.ParseInt(rest, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is no order id", rest)
	}
	switch r.Method {
	case http.MethodPost:
		var o Order
		if err := strict(body, &o); err != nil {
			return nil, err
		}
		return done, s.Change(id, o)
	case http.MethodDelete:
		if r.URL.Query().Get("force") == "true" {
			return done, s.Delete(id)
		}
		return done, s.Trash(id)
	}
	raw := s.JSON(id)
	if raw == nil {
		return nil, fmt.Errorf("the shop has no order %d", id)
	}
	return raw, nil
}

// commandAdd adds one order or an array of them.
func (s *Shop) commandAdd(body []byte) (any, error) {
	var list []Order
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '[' {
		body = append(append([]byte{'['}, body...), ']')
	}
	if err := strict(body, &list); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		list = []Order{{}}
	}
	ids := []int64{}
	for _, o := range list {
		added, err := s.Add(o)
		ids = append(ids, added...)
		if err != nil {
			return nil, err
		}
	}
	return map[string][]int64{"ids": ids}, nil
}

// strict decodes and refuses unknown names: a typing error must not pass for success.
func strict(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}
