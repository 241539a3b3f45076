package wootest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer is what the shop says to a question.
func (s *Shop) answer(q question) reply {
	switch {
	case q.route == "" && strings.Contains(q.path, "/wp-json"):
		return s.elsewhere()
	case q.route == "":
		return site("Shop")
	case q.route == "/":
		return s.ok(q, s.index(many(q.query, "_fields")))
	}
	known, refused := s.enter(q)
	if refused != nil {
		return *refused
	}
	rest, ours := strings.CutPrefix(q.route, "/wc/v3/")
	if !ours {
		return s.noRoute(q)
	}
	switch name, _, _ := strings.Cut(rest, "/"); name {
	case "orders":
		return s.ordersRoute(q, strings.TrimPrefix(rest, "orders"), known)
	case "webhooks":
		return s.hooksRoute(q, strings.TrimPrefix(rest, "webhooks"), known)
	}
	return s.otherRoute(q, rest, known)
}

// index is the public description of the REST API.
func (s *Shop) index(fields []string) []byte {
	_, seconds := s.now().In(s.zone).Zone()
	offset, zone := float64(seconds)/3600, s.opt.TimeZone
	if _, err := time.Parse("-07:00", zone); err == nil {
		zone = ""
	}
	all := []struct {
		key   string
		value string
	}{
		{"name", string(quote(strings.ReplaceAll(s.opt.Name, "&", "&amp;")))},
		{"description", `""`},
		{"url", string(quote(s.opt.Home))},
		{"home", string(quote(s.opt.Home))},
		{"gmt_offset", strconv.FormatFloat(offset, 'f', -1, 64)},
		{"timezone_string", string(quote(zone))},
		{"namespaces", `["oembed\/1.0","wc\/v3","wc\/v2","wc\/v1","wc-admin","wp\/v2"]`},
	}
	var parts []string
	for _, f := range all {
		if len(fields) == 0 || slices.Contains(fields, f.key) {
			parts = append(parts, string(quote(f.key))+":"+f.value)
		}
	}
	return []byte("{" + strings.Join(parts, ",") + "}")
}

// otherRoute answers what is only read.
func (s *Shop) otherRoute(q question, rest string, known bool) reply {
	var body []byte
	counted := -1
	switch rest {
	case "system_status":
		body = s.system(many(q.query, "_fields"))
	case "reports/orders/totals":
		body = s.totals()
	case "taxes":
		body, counted = s.taxes()
	case "taxes/classes":
		body, counted = []byte(`[{"slug":"standard","name":"Standard rate"},{"slug":"reduced-rate","name":"Reduced rate"},{"slug":"zero-rate","name":"Zero rate"}]`), 3
	case "settings/tax":
		body, counted = settings("woocommerce_prices_include_tax", "yes", "woocommerce_tax_based_on", "shipping", "woocommerce_tax_round_at_subtotal", "no")
	case "settings/general":
		body, counted = settings("woocommerce_default_country", "NL", "woocommerce_calc_taxes", "yes", "woocommerce_currency", "EUR", "woocommerce_price_num_decimals", "2")
	default:
		return s.noRoute(q)
	}
	if q.method != http.MethodGet {
		return s.noRoute(q)
	}
	if !known {
		return s.fail(q, http.StatusUnauthorized, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
	}
	if counted < 0 || strings.HasPrefix(rest, "settings/") {
		return s.ok(q, body)
	}
	return s.page(q, body, counted)
}

// page cuts a whole list to the page that was asked for.
func (s *Shop) page(q question, body []byte, total int) reply {
	perPage, page := 10, 1
	if n, err := strconv.Atoi(q.query.Get("per_page")); err == nil && n > 0 {
		perPage = n
	}
	if n, err := strconv.Atoi(q.query.Get("page")); err == nil && n > 0 {
		page = n
	}
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err == nil {
		from := min((page-1)*perPage, len(list))
		if body, err = json.Marshal(list[from:min(from+perPage, len(list))]); err != nil {
			body = []byte("[]")
		}
	}
	return s.paged(q, body, total, page, perPage)
}

func (s *Shop) system(fields []string) []byte {
	store := `\Internal\DataStores\Orders\OrdersTableDataStore`
	if s.opt.Posts {
		store = ""
	}
	environment := fmt.Sprintf(`{"home_url":%[1]s,"site_url":%[1]s,"store_id":%s,"version":%s,"wp_version":"6.9.1","php_version":"8.2.36","default_timezone":"UTC"}`,
		quote(s.opt.Home), quote(s.opt.StoreID), quote(s.opt.Version))
	name := "Automattic\\WooCommerce" + store
	if s.opt.Posts {
		name = "WC_Order_Data_Store_CPT"
	}
	setting := fmt.Sprintf(`{"api_enabled":false,"force_ssl":false,"currency":"EUR","currency_symbol":"&euro;","number_of_decimals":2,"order_datastore":%s,"HPOS_enabled":%t,"HPOS_sync_enabled":false}`,
		quote(name), !s.opt.Posts)
	var parts []string
	for _, f := range [][2]string{{"environment", environment}, {"settings", setting}} {
		if len(fields) == 0 || slices.Contains(fields, f[0]) {
			parts = append(parts, `"`+f[0]+`":`+f[1])
		}
	}
	return []byte("{" + strings.Join(parts, ",") + "}")
}

func (s *Shop) totals() []byte {
	count := map[string]int{}
	for _, r := range s.orders {
		count[r.status]++
	}
	var parts []string
	for _, st := range s.statuses {
		parts = append(parts, fmt.Sprintf(`{"slug":%s,"name":%s,"total":%d}`, quote(st.Slug), quote(st.Name), count[st.Slug]))
	}
	return []byte("[" + strings.Join(parts, ",") + "]")
}

func (s *Shop) statusList() []byte {
	var parts []string
	for _, st := range s.statuses {
		parts = append(parts, fmt.Sprintf(`{"slug":%s,"name":%s}`, quote(st.Slug), quote(st.Name)))
	}
	return []byte("[" + strings.Join(parts, ",") + "]")
}

func (s *Shop) taxes() ([]byte, int) {
	raw, err := recorded.ReadFile("testdata/taxes.json")
	if err != nil {
		panic(err)
	}
	host := quote("https://127.0.0.1:8443")
	home := quote(s.opt.Home)
	body := strings.ReplaceAll(string(raw), string(host[1:len(host)-1]), string(home[1:len(home)-1]))
	return []byte(body), strings.Count(body, `"rate":`)
}

// settings writes settings as WooCommerce does, from pairs of id and value.
func settings(pairs ...string) ([]byte, int) {
	var parts []string
	for i := 0; i+1 < len(pairs); i += 2 {
		parts = append(parts, fmt.Sprintf(`{"id":%[1]s,"label":%[1]s,"description":"","type":"text","default":"","tip":"","value":%[2]s}`,
			quote(pairs[i]), quote(pairs[i+1])))
	}
	return []byte("[" + strings.Join(parts, ",") + "]"), len(parts)
}

// orderID reads "/55", else 0.
func orderID(rest string) int64 {
	id, err := strconv.ParseInt(strings.TrimPrefix(rest, "/"), 10, 64)
	if err != nil || id < 1 {
		return 0
	}
	return id
}

// describe is the answer to OPTIONS /orders, as far as it tells the statuses.
func (s *Shop) describe() []byte {
	slugs := []string{"any", "trash", "auto-draft"}
	for _, st := range s.statuses {
		slugs = append(slugs, st.Slug)
	}
	enum, err := json.Marshal(slugs)
	if err != nil {
		panic(err)
	}
	return fmt.Appendf(nil, `{"namespace":"wc\/v3","methods":["GET","POST"],"endpoints":[{"methods":["GET"],"args":{"status":{"default":["any"],"type":"array","items":{"type":"string","enum":%s},"required":false}}}]}`, enum)
}

// shown removes secrets from a query.
func shown(q url.Values) string {
	v := url.Values{}
	for name, values := range q {
		if name == "consumer_key" || name == "consumer_secret" || strings.HasPrefix(name, "oauth_") {
			values = []string{"***"}
		}
		v[name] = values
	}
	return v.Encode()
}
