package wootest

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// listing is a list call's parameters, understood.
type listing struct {
	statuses map[string]bool
	include  []int64
	exclude  []int64
	dates    []dateFilter
	orderby  string
	asc      bool
	page     int
	perPage  int
	offset   int
	fields   []string
}

// dateFilter compares a column's wall clock with a value, strictly.
type dateFilter struct {
	name   string
	column func(*record) time.Time
	before bool
	value  time.Time
	zone   *time.Location // of the column
}

// listOrders answers GET /orders.
func (s *Shop) listOrders(q question, known bool) reply {
	l, wrong := s.understand(q)
	if wrong != nil {
		return *wrong
	}
	if !known {
		return s.fail(q, 401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
	}
	found := s.findAgain(l)
	if q.shuffle {
		found = slices.Clone(found)
		rand.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	}
	from := (l.page - 1) * l.perPage
	if l.offset >= 0 {
		from = l.offset
	}
	shown := found[min(from, len(found)):min(from+l.perPage, len(found))]
	var b bytes.Buffer
	b.WriteByte('[')
	for i, r := range shown {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(s.render(r, l.fields))
	}
	b.WriteByte(']')
	total := len(found)
	if len(shown) == 0 && !s.opt.Posts {
		total = 0 // beyond the end the orders tables count nothing; the posts are counted once more
	}
	a := s.paged(q, b.Bytes(), total, l.page, l.perPage)
	a.orders = len(shown)
	return a
}

// paged adds the headers of a list. The URLs in Link are the shop's own, whatever host was called.
func (s *Shop) paged(q question, body []byte, total, page, perPage int) reply {
	r := s.ok(q, body)
	pages := (total + perPage - 1) / perPage
	r.header.Set("X-WP-Total", strconv.Itoa(total))
	r.header.Set("X-WP-TotalPages", strconv.Itoa(pages))
	link := func(n int, rel string) string {
		v := maps.Clone(q.query)
		v.Set("page", strconv.Itoa(n))
		root := s.opt.Home + "/wp-json" + q.route
		if s.opt.PlainPermalinks {
			root = s.opt.Home + "/index.php"
		}
		return fmt.Sprintf(`<%s?%s>; rel=%q`, root, v.Encode(), rel)
	}
	var links []string
	if page > 1 {
		links = append(links, link(min(page-1, pages), "prev"))
	}
	if page < pages {
		links = append(links, link(page+1, "next"))
	}
	if len(links) > 0 {
		r.header.Set("Link", strings.Join(links, ", "))
	}
	return r
}

// understand reads the parameters of a list, or gives the 400 for the first wrong one.
func (s *Shop) understand(q question) (listing, *reply) {
	l := listing{orderby: "date", page: 1, perPage: 10, offset: -1, fields: many(q.query, "_fields")}
	invalid := func(param, code, message string) (listing, *reply) {
		r := s.invalid(q, param, code, message)
		return l, &r
	}
	var bad string
	if l.statuses, bad = s.wantedStatuses(many(q.query, "status")); bad != "" {
		return invalid("status", "rest_not_in_enum", bad)
	}
	for _, f := range s.dateColumns(q.query.Get("dates_are_gmt")) {
		v := q.query.Get(f.name)
		if v == "" {
			continue
		}
		value, ok := wall(v, s.zone)
		if !ok {
			return invalid(f.name, "rest_invalid_date", "Invalid date.")
		}
		f.filter.value, f.filter.name = value, f.name
		l.dates = append(l.dates, f.filter)
	}
	if v := q.query.Get("page"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return invalid("page", "rest_out_of_bounds", "page must be greater than or equal to 1")
		}
		l.page = n
	}
	if v := q.query.Get("per_page"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 100 {
			return invalid("per_page", "rest_out_of_bounds", "per_page must be between 1 (inclusive) and 100 (inclusive)")
		}
		l.perPage = n
	}
	if n, err := strconv.Atoi(q.query.Get("offset")); err == nil && n >= 0 {
		l.offset = n
	}
	if v := q.query.Get("orderby"); v != "" {
		known := []string{"date", "id", "include", "title", "slug", "modified"}
		if !slices.Contains(known, v) {
			return invalid("orderby", "rest_not_in_enum", "orderby is not one of "+words(known)+".")
		}
		l.orderby = v
	}
	if v := q.query.Get("order"); v != "" && v != "asc" && v != "desc" {
		return invalid("order", "rest_not_in_enum", "order is not one of asc, and desc.")
	}
	l.asc = q.query.Get("order") == "asc"
	l.include, l.exclude = ids(many(q.query, "include")), ids(many(q.query, "exclude"))
	return l, nil
}

type dateColumn struct {
	name   string
	filter dateFilter
}

// dateColumns are the four date filters, on the columns that dates_are_gmt picks.
func (s *Shop) dateColumns(gmt string) []dateColumn {
	zone := s.zone
	if gmt == "true" || gmt == "1" {
		zone = time.UTC
	}
	created := func(r *record) time.Time { return r.created }
	modified := func(r *record) time.Time { return r.modified }
	all := []dateColumn{
		{"after", dateFilter{column: created, zone: zone}},
		{"before", dateFilter{column: created, zone: zone, before: true}},
		{"modified_after", dateFilter{column: modified, zone: zone}},
		{"modified_before", dateFilter{column: modified, zone: zone, before: true}},
	}
	if major, minor := versionOf(s.opt.Version); major < 5 || major == 5 && minor < 8 {
		return all[:2] // older versions do not know the others, and ignore what they do not know
	}
	return all
}

// versionOf reads "10.5.2"; an unreadable version counts as the newest.
func versionOf(version string) (major, minor int) {
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return 1 << 20, 0
	}
	return major, minor
}

// wantedStatuses reads the status parameter: "any" wins over all others and leaves trash out; one unknown slug refuses
// the whole question.
func (s *Shop) wantedStatuses(asked []string) (map[string]bool, string) {
	valid := []string{"any", "trash", "auto-draft"}
	all := map[string]bool{}
	for _, st := range s.statuses {
		valid = append(valid, st.Slug)
		all[st.Slug] = true
	}
	out := map[string]bool{}
	for i, slug := range asked {
		if !slices.Contains(valid, slug) {
			return nil, fmt.Sprintf("status[%d] is not one of %s.", i, words(valid))
		}
		out[slug] = true
	}
	if len(asked) == 0 || out["any"] {
		return all, ""
	}
	return out, ""
}

// many reads a parameter that may come as a,b, as name[]=a&name[]=b or as name[0]=a.
func many(q url.Values, name string) []string {
	values := append(slices.Clone(q[name]), q[name+"[]"]...)
	for i := 0; q.Has(fmt.Sprintf("%s[%d]", name, i)); i++ {
		values = append(values, q.Get(fmt.Sprintf("%s[%d]", name, i)))
	}
	var out []string
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

func ids(words []string) []int64 {
	var out []int64
	for _, w := range words {
		if n, err := strconv.ParseInt(w, 10, 64); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// find gives all orders of a listing, in its order.
func (s *Shop) find(l listing) []*record {
	among := s.ids
	if l.include != nil {
		among = l.include
		if l.orderby != "include" {
			among = slices.Clone(among)
			slices.Sort(among)
		}
		among = unique(among)
	}
	var out []*record
	for _, id := range among {
		r := s.orders[id]
		if r != nil && l.statuses[r.status] && !slices.Contains(l.exclude, id) && l.dated(r) {
			out = append(out, r)
		}
	}
	l.sort(out)
	return out
}

// unique keeps the first of each id.
func unique(ids []int64) []int64 {
	seen := make(map[int64]bool, len(ids))
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool {
		old := seen[id]
		seen[id] = true
		return old
	})
}

func (l listing) dated(r *record) bool {
	for _, f := range l.dates {
		column := wallOf(f.column(r), f.zone)
		if f.before && !column.Before(f.value) || !f.before && !column.After(f.value) {
			return false
		}
	}
	return true
}

// sort orders records that come by rising id, or as included. Equal dates go by id, in the same direction.
func (l listing) sort(list []*record) {
	var by func(a, b *record) int
	switch l.orderby {
	case "include":
		return
	case "date":
		by = func(a, b *record) int { return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.id, b.id)) }
	case "modified":
		by = func(a, b *record) int { return cmp.Or(a.modified.Compare(b.modified), cmp.Compare(a.id, b.id)) }
	default:
		by = func(a, b *record) int { return cmp.Compare(a.id, b.id) }
	}
	slices.SortFunc(list, func(a, b *record) int {
		if l.asc {
			return by(a, b)
		}
		return by(b, a)
	})
}
