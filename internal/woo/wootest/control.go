package wootest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Order says which order to add or how to change one. What is left out stays as it is, or is made up for a new order.
type Order struct {
	ID       int64     `json:"id,omitempty"`
	Status   string    `json:"status,omitempty"`   // "processing"; any word, also one that is not registered
	Total    string    `json:"total,omitempty"`    // including 21% VAT, on one line; new orders only
	Currency string    `json:"currency,omitempty"` // new orders only
	Created  time.Time `json:"created,omitzero"`   // now
	Modified time.Time `json:"modified,omitzero"`  // now; of a changed order the next second at least
	OrderKey string    `json:"order_key,omitempty"`
	Number   string    `json:"number,omitempty"`
	Template string    `json:"template,omitempty"` // a file of testdata/orders without ".json"; new orders only
	Count    int       `json:"count,omitempty"`    // how many of them; new orders only

	// Fields replace fields of the order's JSON, as they are.
	Fields map[string]json.RawMessage `json:"fields,omitempty"`
}

// Add adds orders and gives their ids.
func (s *Shop) Add(o Order) ([]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.ID != 0 && (s.orders[o.ID] != nil || o.Count > 1) {
		return nil, fmt.Errorf("order %d exists already, or cannot be there %d times", o.ID, o.Count)
	}
	var out []int64
	for range max(o.Count, 1) {
		r, err := s.build(o)
		if err != nil {
			return out, err
		}
		s.insert(r)
		out = append(out, r.id)
	}
	return out, nil
}

// defaultTemplate is one line of 100.00 and 21% VAT.
const defaultTemplate = "line_without_product"

func (s *Shop) build(o Order) (*record, error) {
	name := o.Template
	if name == "" {
		name = defaultTemplate
	}
	tmpl := slices.IndexFunc(templates(), func(t template) bool { return t.name == name })
	if tmpl < 0 {
		return nil, fmt.Errorf("there is no recorded order %q", name)
	}
	r := &record{id: o.ID, tmpl: tmpl, status: "processing", created: s.now(), fields: map[string]json.RawMessage{}}
	if r.id == 0 {
		r.id = s.nextID
	}
	r.key = orderKey(rand.New(rand.NewPCG(s.opt.Seed, uint64(r.id)<<1|1)))
	if !o.Created.IsZero() {
		r.created = o.Created.UTC().Truncate(time.Second)
	}
	r.modified = r.created
	if o.Total != "" {
		if err := price(r, o.Total); err != nil {
			return nil, err
		}
	}
	if o.Currency != "" {
		r.fields["currency"] = quote(o.Currency)
	}
	r.take(o)
	r.settle(r.created, r.modified)
	return r, nil
}

// take sets what a change names.
func (r *record) take(o Order) {
	if o.Status != "" {
		r.status = o.Status
	}
	if !o.Created.IsZero() {
		r.created = o.Created.UTC().Truncate(time.Second)
	}
	if !o.Modified.IsZero() {
		r.modified = o.Modified.UTC().Truncate(time.Second)
	}
	if o.OrderKey != "" {
		r.key = o.OrderKey
	}
	if r.fields == nil {
		r.fields = map[string]json.RawMessage{}
	}
	if o.Number != "" {
		r.fields["number"] = quote(o.Number)
	}
	maps.Copy(r.fields, o.Fields)
}

// price makes an order of one line with 21% VAT that adds up to a total.
func price(r *record, total string) error {
	gross, err := decimal.NewFromString(total)
	if err != nil {
		return fmt.Errorf("total %q is no amount", total)
	}
	net := gross.Div(decimal.RequireFromString("1.21")).Round(2)
	tax := gross.Sub(net)
	n, t := net.StringFixed(2), tax.StringFixed(2)
	r.fields["total"] = quote(gross.StringFixed(2))
	r.fields["total_tax"] = quote(t)
	r.fields["cart_tax"] = quote(t)
	r.fields["line_items"] = fmt.Appendf(nil, `[{"id":%[1]d,"name":"Maatwerk","product_id":0,"variation_id":0,"quantity":1,"tax_class":"","subtotal":"%[2]s","subtotal_tax":"%[3]s","total":"%[2]s","total_tax":"%[3]s","taxes":[{"id":1,"total":"%[3]s","subtotal":"%[3]s"}],"meta_data":[],"sku":null,"price":%[2]s,"image":{"id":"","src":""},"parent_name":null}]`, r.id*10, n, t)
	r.fields["tax_lines"] = fmt.Appendf(nil, `[{"id":%d,"rate_code":"NL-BTW 21%%-1","rate_id":1,"label":"BTW 21%%","compound":false,"tax_total":"%s","shipping_tax_total":"0.00","rate_percent":21,"meta_data":[]}]`, r.id*10+1, t)
	for _, key := range []string{"shipping_lines", "fee_lines", "coupon_lines"} {
		r.fields[key] = json.RawMessage("[]")
	}
	for _, key := range []string{"shipping_total", "shipping_tax", "discount_total", "discount_tax"} {
		r.fields[key] = json.RawMessage(`"0.00"`)
	}
	return nil
}

// Change changes an order, also one in the trash. Its modified time rises, unless one is given.
func (s *Shop) Change(id int64, o Order) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.orders[id]
	if r == nil {
		return fmt.Errorf("the shop has no order %d", id)
	}
	if o.Modified.IsZero() {
		s.touch(r)
	}
	s.forget()
	r.take(o)
	r.settle(r.modified, r.modified)
	return nil
}

// Trash puts an order in the trash.
func (s *Shop) Trash(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.orders[id]
	if r == nil {
		return fmt.Errorf("the shop has no order %d", id)
	}
	s.trash(r)
	return nil
}

// Delete removes an order for ever, without a trace.
func (s *Shop) Delete(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.orders[id] == nil {
		return fmt.Errorf("the shop has no order %d", id)
	}
	s.remove(id)
	return nil
}

// IDs are the ids of all orders, trash included, rising.
func (s *Shop) IDs() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ids)
}

// JSON is an order as REST would show it, nil when there is none.
func (s *Shop) JSON(id int64) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.orders[id]
	if r == nil {
		return nil
	}
	return s.render(r, nil)
}

// Webhook adds a webhook as it stands, whatever its state.
func (s *Shop) Webhook(topic, url, status string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addHook(hookBody{Topic: &topic, URL: &url, Status: &status}).id
}

// RemoveWebhooks removes all webhooks; with an id only that one.
func (s *Shop) RemoveWebhooks(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = slices.DeleteFunc(s.hooks, func(h hook) bool { return id == 0 || h.id == id })
}

// Identity is what a shop says of itself.
type Identity struct {
	Home     string `json:"home"`
	StoreID  string `json:"store_id"`
	Name     string `json:"name"`
	TimeZone string `json:"time_zone"`
	Version  string `json:"version"`
}

// Identify changes what is given. The home address may change while the shop is called where it always was.
func (s *Shop) Identify(i Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&s.opt.Home, i.Home}, {&s.opt.StoreID, i.StoreID}, {&s.opt.Name, i.Name},
		{&s.opt.TimeZone, i.TimeZone}, {&s.opt.Version, i.Version},
	} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	s.forget()
	s.zone = zoneOf(s.opt.TimeZone)
}

// Register makes a status known to the shop.
func (s *Shop) Register(slug, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.registered(slug) {
		s.statuses = append(s.statuses, status{slug, name})
	}
}

// Unregister takes a status away, as when a plugin is switched off: its orders stay, "any" no longer shows them, and
// asking for it is refused.
func (s *Shop) Unregister(slug string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statuses = slices.DeleteFunc(s.statuses, func(st status) bool { return st.Slug == slug })
}
