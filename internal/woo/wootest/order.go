package wootest

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
)

//go:embed testdata/orders/*.json testdata/list.json testdata/taxes.json
var recorded embed.FS

// template is a recorded order, its fields in the recorded order.
type template struct {
	name   string // of its file, or its recorded id
	status string
	keys   []string
	fields map[string]json.RawMessage
	refs   int // refunds in it
}

// templates are the recorded orders, in a fixed order. They are read when the first shop is made.
var templates = sync.OnceValue(loadTemplates)

func loadTemplates() []template {
	var out []template
	files, err := fs.Glob(recorded, "testdata/orders/*.json")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		raw, err := recorded.ReadFile(file)
		if err != nil {
			panic(err)
		}
		out = append(out, parseTemplate(strings.TrimSuffix(file[len("testdata/orders/"):], ".json"), raw))
	}
	raw, err := recorded.ReadFile("testdata/list.json")
	if err != nil {
		panic(err)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		panic(err)
	}
	for _, raw := range list {
		t := parseTemplate("", raw)
		t.name = string(t.fields["id"])
		out = append(out, t)
	}
	return out
}

func parseTemplate(name string, raw []byte) template {
	t := template{name: name}
	if err := json.Unmarshal(raw, &t.fields); err != nil {
		panic(err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		panic(err)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			panic(err)
		}
		t.keys = append(t.keys, fmt.Sprint(key))
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			panic(err)
		}
	}
	var refs []json.RawMessage
	if json.Unmarshal(t.fields["refunds"], &refs) == nil {
		t.refs = len(refs)
	}
	if err := json.Unmarshal(t.fields["status"], &t.status); err != nil {
		panic(err)
	}
	return t
}

// record is one order: what differs from its template.
type record struct {
	id       int64
	tmpl     int
	key      string
	status   string
	created  time.Time
	modified time.Time
	paid     time.Time
	done     time.Time
	former   string                     // before the trash
	fields   map[string]json.RawMessage // set by the control API
}

func refundsOf(r *record) int { return templates()[r.tmpl].refs }

// value is one field of an order's JSON.
func (s *Shop) value(r *record, key string) json.RawMessage {
	if v, ok := r.fields[key]; ok {
		return v
	}
	t := templates()[r.tmpl]
	switch key {
	case "id":
		return strconv.AppendInt(nil, r.id, 10)
	case "number":
		return quote(strconv.FormatInt(r.id, 10))
	case "order_key":
		return quote(r.key)
	case "status":
		return quote(r.status)
	case "version":
		return quote(s.opt.Version)
	case "date_created":
		return s.date(r.created, s.zone)
	case "date_created_gmt":
		return s.date(r.created, time.UTC)
	case "date_modified":
		return s.date(r.modified, s.zone)
	case "date_modified_gmt":
		return s.date(r.modified, time.UTC)
	case "date_paid":
		return s.date(r.paid, s.zone)
	case "date_paid_gmt":
		return s.date(r.paid, time.UTC)
	case "date_completed":
		return s.date(r.done, s.zone)
	case "date_completed_gmt":
		return s.date(r.done, time.UTC)
	case "transaction_id":
		if bytes.HasPrefix(t.fields[key], []byte(`"tr_`)) {
			return quote(fmt.Sprintf("tr_%010x", uint64(r.id)*2654435761))
		}
	case "payment_url":
		return quote(fmt.Sprintf("%s/checkout/order-pay/%d/?pay_for_order=true&key=%s", s.opt.Home, r.id, r.key))
	case "needs_payment":
		return strconv.AppendBool(nil, r.status == "pending" || r.status == "failed")
	case "refunds":
		return refunds(r.id, t.fields[key])
	case "_links":
		return s.links(r)
	}
	return t.fields[key]
}

// date writes a date as WooCommerce does: without a zone, null when unset.
func (s *Shop) date(t time.Time, zone *time.Location) json.RawMessage {
	if t.IsZero() {
		return json.RawMessage("null")
	}
	return json.RawMessage(t.In(zone).Format(`"2006-01-02T15:04:05"`))
}

// refunds gives recorded refunds the ids after the order's own: they come out of one series.
func refunds(id int64, raw json.RawMessage) json.RawMessage {
	var list []map[string]json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return raw
	}
	var b []byte
	for i, r := range list {
		b = fmt.Appendf(b, `,{"id":%d,"reason":%s,"total":%s}`, id+1+int64(i), r["reason"], r["total"])
	}
	b[0] = '['
	return append(b, ']')
}

func (s *Shop) links(r *record) json.RawMessage {
	self := quote(fmt.Sprintf("%s/wp-json/wc/v3/orders/%d", s.opt.Home, r.id))
	all := quote(s.opt.Home + "/wp-json/wc/v3/orders")
	return fmt.Appendf(nil, `{"self":[{"href":%s,"targetHints":{"allow":["GET","POST","PUT","PATCH","DELETE"]}}],"collection":[{"href":%s}]}`, self, all)
}

// render writes an order's JSON. Of fields "a.b" picks b of the object a; of a list it picks nothing, and the list is
// left out, as WordPress does. No fields are all.
func (s *Shop) render(r *record, fields []string) []byte {
	b := []byte{'{'}
	put := func(key string, v json.RawMessage) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, quote(key)...)
		b = append(b, ':')
		b = append(b, v...)
	}
	keys := templates()[r.tmpl].keys
	for _, key := range slices.Sorted(maps.Keys(r.fields)) {
		if !slices.Contains(keys, key) {
			keys = append(slices.Clip(keys), key)
		}
	}
	for _, key := range keys {
		whole, inner := wanted(fields, key)
		if whole {
			put(key, s.value(r, key))
			continue
		}
		if len(inner) > 0 {
			if v := pick(s.value(r, key), inner); v != nil {
				put(key, v)
			}
		}
	}
	return append(b, '}')
}

// wanted tells whether a field is asked for wholly, or which fields inside it are.
func wanted(fields []string, key string) (whole bool, inner []string) {
	if len(fields) == 0 {
		return true, nil
	}
	for _, f := range fields {
		if f == key {
			return true, nil
		}
		if rest, ok := strings.CutPrefix(f, key+"."); ok {
			inner = append(inner, rest)
		}
	}
	return false, inner
}

// pick keeps fields of an object; nil when there is nothing to keep.
func pick(v json.RawMessage, fields []string) json.RawMessage {
	var o map[string]json.RawMessage
	if json.Unmarshal(v, &o) != nil {
		return nil
	}
	var b []byte
	for _, f := range fields {
		if inner, ok := o[f]; ok {
			b = append(append(append(append(b, ','), quote(f)...), ':'), inner...)
		}
	}
	if b == nil {
		return nil
	}
	b[0] = '{'
	return append(b, '}')
}

// quote writes a string as PHP does: everything but ASCII escaped, slashes too.
func quote(s string) json.RawMessage {
	b := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\' || r == '/':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = fmt.Appendf(b, `\u%04x`, r)
		case r < 0x7f:
			b = append(b, byte(r))
		default:
			for _, u := range utf16.Encode([]rune{r}) {
				b = fmt.Appendf(b, `\u%04x`, u)
			}
		}
	}
	return append(b, '"')
}
