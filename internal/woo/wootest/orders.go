package wootest

import (
	"encoding/json"
	"net/http"
	"slices"
)

// ordersRoute answers /orders and what lies below it.
func (s *Shop) ordersRoute(q question, rest string, known bool) reply {
	switch {
	case rest == "" && q.method == http.MethodOptions:
		return s.ok(q, s.describe())
	case rest == "" && q.method == http.MethodGet:
		return s.listOrders(q, known)
	case rest == "" && q.method == http.MethodPost:
		return s.postOrder(q, known)
	case rest == "/statuses" && q.method == http.MethodGet && s.hasStatusRoute():
		if !known {
			return s.fail(q, 401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
		}
		return s.ok(q, s.statusList())
	}
	id := orderID(rest)
	if id == 0 {
		return s.noRoute(q)
	}
	switch q.method {
	case http.MethodGet:
		return s.getOrder(q, id, known)
	case http.MethodPut, http.MethodPost, http.MethodPatch:
		return s.putOrder(q, id, known)
	case http.MethodDelete:
		return s.deleteOrder(q, id, known)
	}
	return s.noRoute(q)
}

// hasStatusRoute tells whether this version has /orders/statuses; it came at about 9.6.
func (s *Shop) hasStatusRoute() bool {
	major, minor := versionOf(s.opt.Version)
	return major > 9 || major == 9 && minor >= 6
}

func (s *Shop) getOrder(q question, id int64, known bool) reply {
	r := s.orders[id]
	if r == nil {
		return s.noOrder(q, http.StatusNotFound)
	}
	if !known {
		return s.fail(q, 401, "woocommerce_rest_cannot_view", "Sorry, you cannot view this resource.")
	}
	fields := many(q.query, "_fields")
	if len(fields) > 0 {
		fields = append(fields, "_links") // added to a single order whatever was asked for
	}
	a := s.ok(q, s.render(r, fields))
	a.orders = 1
	return a
}

func (s *Shop) noOrder(q question, code int) reply {
	return s.fail(q, code, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
}

// change is what an order is made or changed with, as far as the fake looks at it.
type change struct {
	Status *string `json:"status"`
}

func (s *Shop) readChange(q question) (change, *reply) {
	var c change
	if len(q.body) > 0 && json.Unmarshal(q.body, &c) != nil || q.bad != nil {
		r := s.json(q, 400, []byte(`{"code":"rest_invalid_json","message":"Invalid JSON body passed.","data":{"status":400,"json_error_code":4,"json_error_message":"Syntax error"}}`))
		return c, &r
	}
	if c.Status != nil && !s.registered(*c.Status) && *c.Status != "auto-draft" {
		valid := []string{"auto-draft"}
		for _, st := range s.statuses {
			valid = append(valid, st.Slug)
		}
		r := s.invalid(q, "status", "rest_not_in_enum", "status is not one of "+words(valid)+".")
		return c, &r
	}
	return c, nil
}

// postOrder makes an order with the status that is asked for.
func (s *Shop) postOrder(q question, known bool) reply {
	c, wrong := s.readChange(q)
	if wrong != nil {
		return *wrong
	}
	if !known {
		return s.fail(q, 401, "woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources.")
	}
	o := Order{Status: "pending"}
	if c.Status != nil {
		o.Status = *c.Status
	}
	r, err := s.build(o)
	if err != nil {
		return s.fail(q, 500, "internal_server_error", err.Error())
	}
	s.insert(r)
	return s.json(q, http.StatusCreated, s.render(r, nil))
}

// putOrder changes an order's status, and nothing else. Saving it raises the modified time even when nothing changed, but
// not among the posts.
func (s *Shop) putOrder(q question, id int64, known bool) reply {
	body, wrong := s.readChange(q)
	if wrong != nil {
		return *wrong
	}
	r := s.orders[id]
	if r != nil && !known {
		return s.fail(q, 401, "woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource.")
	}
	if r == nil {
		return s.noOrder(q, http.StatusBadRequest)
	}
	changed := body.Status != nil && *body.Status != r.status
	if changed {
		s.setStatus(r, *body.Status)
	} else if !s.opt.Posts {
		s.touch(r)
	}
	return s.ok(q, s.render(r, nil))
}

// deleteOrder puts an order in the trash, or removes it for ever. The answer shows it as it was before.
func (s *Shop) deleteOrder(q question, id int64, known bool) reply {
	r := s.orders[id]
	if r == nil {
		return s.noOrder(q, http.StatusNotFound)
	}
	if !known {
		return s.fail(q, 401, "woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource.")
	}
	force := q.query.Get("force") == "true" || q.query.Get("force") == "1"
	if !force && r.status == "trash" {
		return s.fail(q, http.StatusGone, "woocommerce_rest_already_trashed", "The order has already been deleted.")
	}
	before := s.render(r, nil)
	if force {
		s.remove(id)
		return s.ok(q, before)
	}
	s.trash(r)
	return s.ok(q, before)
}

func (s *Shop) registered(slug string) bool {
	return slices.ContainsFunc(s.statuses, func(st status) bool { return st.Slug == slug })
}

// setStatus moves an order to a status, with the dates that come with it.
func (s *Shop) setStatus(r *record, slug string) {
	r.status, r.former = slug, ""
	s.touch(r)
	r.settle(r.modified, r.modified)
}

func (s *Shop) trash(r *record) {
	r.former, r.status = r.status, "trash"
	s.touch(r)
}

func (s *Shop) remove(id int64) {
	s.forget()
	delete(s.orders, id)
	if at, found := slices.BinarySearch(s.ids, id); found {
		s.ids = slices.Delete(s.ids, at, at+1)
	}
}
