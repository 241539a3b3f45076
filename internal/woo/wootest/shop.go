package wootest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say which shop to make. The zero Options is an empty shop in Amsterdam with the keys below.
type Options struct {
	Orders   int    // how many to make
	Home     string // what the shop calls itself; a path in it is expected before every route. "https://shop.example"
	StoreID  string
	Name     string
	TimeZone string // IANA name, or "+01:00"; "Europe/Amsterdam"
	Version  string // of WooCommerce; "10.5.2"

	Key    string // ck_ and 40 ones
	Secret string // cs_ and 40 ones
	Rights string // of the key: "read_write", "read", "write"

	Seed uint64           // other orders with another seed
	Days int              // how far back orders were created; 90
	Now  func() time.Time // time.Now

	Posts           bool // orders lie among the posts, as before HPOS
	PlainPermalinks bool // /wp-json/ leads elsewhere, routes go as ?rest_route=
	Secure          bool // plain http counts as https, as behind a proxy that ends TLS and says so
	HideTLS         bool // https counts as plain http, as behind a proxy that ends TLS and does not say so
	StripHeader     bool // the server drops the Authorization header
}

// The key of a shop that was made without one.
const (
	DefaultKey    = "ck_1111111111111111111111111111111111111111"
	DefaultSecret = "cs_1111111111111111111111111111111111111111"
)

// Shop is a fake shop: an http.Handler, safe for concurrent use.
type Shop struct {
	mu       sync.Mutex
	opt      Options
	zone     *time.Location
	orders   map[int64]*record
	ids      []int64 // of orders, rising
	nextID   int64
	statuses []status
	hooks    []hook
	nextHook int64
	nonces   map[string]time.Time
	log      []Request
	counts   map[string]int
	faults   []Fault
	last     *lastFound
}

// status is an order status that the shop knows.
type status struct {
	Slug string `json:"slug"`
	Name string `json:"name"`
}

// New makes a shop with its orders.
func New(opt Options) *Shop {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&opt.Home, "https://shop.example"},
		{&opt.StoreID, "e9ad3e87-726a-4f17-bf61-f0213376e525"},
		{&opt.Name, "De Boekenwinkel & Zo"},
		{&opt.TimeZone, "Europe/Amsterdam"},
		{&opt.Version, "10.5.2"},
		{&opt.Key, DefaultKey},
		{&opt.Secret, DefaultSecret},
		{&opt.Rights, "read_write"},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if opt.Days == 0 {
		opt.Days = 90
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Shop{
		opt:    opt,
		zone:   zoneOf(opt.TimeZone),
		orders: map[int64]*record{},
		nextID: 1001,
		statuses: []status{
			{"pending", "Pending payment"}, {"processing", "Processing"}, {"on-hold", "On hold"},
			{"completed", "Completed"}, {"cancelled", "Cancelled"}, {"refunded", "Refunded"}, {"failed", "Failed"},
			{"shipped", "Verzonden"}, {"checkout-draft", "Draft"},
		},
		nextHook: 1,
		nonces:   map[string]time.Time{},
		counts:   map[string]int{},
	}
	s.seed()
	return s
}

// zoneOf is a time zone by name or offset; an unknown one is UTC.
func zoneOf(name string) *time.Location {
	if t, err := time.Parse("-07:00", name); err == nil {
		_, offset := t.Zone()
		return time.FixedZone(name, offset)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return loc
}

// now is the shop's clock, in whole seconds as WooCommerce stores them.
func (s *Shop) now() time.Time { return s.opt.Now().UTC().Truncate(time.Second) }

// ServeHTTP answers as the shop, or below /_control/ as its control API.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if strings.HasPrefix(path, "/_control/") {
		s.control(w, r)
		return
	}
	if home, err := url.Parse(s.home()); err == nil {
		path = "/" + strings.TrimPrefix(strings.TrimPrefix(path, strings.TrimRight(home.Path, "/")), "/")
		if strings.HasPrefix(path, "/_control/") {
			r.URL.Path = path
			s.control(w, r)
			return
		}
	}
	q := s.read(r, path)
	s.note(q)
	s.serve(w, r, q)
}

func (s *Shop) home() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opt.Home
}

// question is one request to the REST API.
type question struct {
	method string
	path   string // as called
	route  string // "/wc/v3/orders"; "" when it is not for the REST API
	kind   string
	query  url.Values
	uri    string // the request line's
	secure bool
	key    string // Basic
	secret string
	body   []byte
	bad    error // the body could not be read

	shuffle bool // a fault: lists in another order each time
}

// read takes a request apart.
func (s *Shop) read(r *http.Request, path string) question {
	q := question{method: r.Method, path: path, query: r.URL.Query(), uri: r.RequestURI}
	s.mu.Lock()
	opt := s.opt
	s.mu.Unlock()
	q.secure = (r.TLS != nil || opt.Secure) && !opt.HideTLS
	if !opt.StripHeader {
		q.key, q.secret, _ = r.BasicAuth()
	}
	switch rest, ok := strings.CutPrefix(strings.TrimPrefix(path, "/index.php"), "/wp-json"); {
	case q.query.Get("rest_route") != "":
		q.route = q.query.Get("rest_route")
	case ok && !opt.PlainPermalinks:
		q.route = "/" + strings.Trim(rest, "/")
	}
	q.kind = kindOf(q.method, q.route)
	q.body, q.bad = readBody(r)
	return q
}

// kindOf is how a request is counted.
func kindOf(method, route string) string {
	rest, ok := strings.CutPrefix(route, "/wc/v3/orders")
	switch {
	case method != http.MethodGet || !ok:
		return "other"
	case rest == "":
		return "list"
	case orderID(rest) > 0:
		return "single"
	}
	return "other"
}

// insert keeps the ids sorted.
func (s *Shop) insert(r *record) {
	s.forget()
	s.orders[r.id] = r
	at, found := slices.BinarySearch(s.ids, r.id)
	if !found {
		s.ids = slices.Insert(s.ids, at, r.id)
	}
	s.nextID = max(s.nextID, r.id+1+int64(refundsOf(r)))
}
