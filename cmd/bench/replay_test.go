package main

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// atWork counts who is served at the same time, by kind of path.
type atWork struct {
	http.Handler
	mu        sync.Mutex
	now, most int
	alone     bool // nothing else was asked beside a list
}

func (a *atWork) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	list := r.URL.Path == "/shop/1/wp-json/wc/v3/orders"
	a.mu.Lock()
	a.now++
	a.most = max(a.most, a.now)
	a.alone = a.alone && (!list || a.now == 1)
	a.mu.Unlock()
	a.Handler.ServeHTTP(w, r)
	a.mu.Lock()
	a.now--
	a.mu.Unlock()
}

func TestReplayAsksTheSameOnceMore(t *testing.T) {
	t.Parallel()
	shops := &atWork{alone: true}
	server := httptest.NewServer(shops)
	t.Cleanup(server.Close)
	all := wootest.NewShops(server.URL, 1, func(int, string) wootest.Options { return wootest.Options{Orders: 4, Key: "ck_1", Secret: "cs_1"} })
	shops.Handler = all
	fake := &fakeShop{URL: server.URL + "/shop/1", Key: "ck_1", Secret: "cs_1", Control: server.URL + "/shop/1/_control/"}
	requests := []wootest.Request{{Method: http.MethodGet, Route: "/", Query: "_fields=home", Kind: "other"}}
	for _, id := range all.Shop(1).IDs() {
		requests = append(requests, wootest.Request{Method: http.MethodGet, Route: "/wc/v3/orders/" + strconv.FormatInt(id, 10), Kind: "single"})
	}
	// Keys and signatures are not in the log, and an old signature would be refused.
	requests = append(requests, wootest.Request{Method: http.MethodGet, Route: "/wc/v3/orders", Query: "per_page=2&oauth_nonce=%2A%2A%2A&status=any", Kind: "list"})
	took, err := fake.replay(t.Context(), requests)
	if err != nil || took <= 0 {
		t.Fatalf("%s, %v", took, err)
	}
	a, err := fake.asked(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a.Counts["single"] != 4 || a.Counts["list"] != 1 || a.Counts["other"] != 1 {
		t.Errorf("it asked %v", a.Counts)
	}
	if shops.most > atOnce || !shops.alone {
		t.Errorf("at most %d at the same time, lists alone: %v", shops.most, shops.alone)
	}
	all.Shop(1).Fail(wootest.Fault{Kind: "503", Path: "/orders/"})
	if _, err := fake.replay(t.Context(), requests); err == nil {
		t.Error("what the shop refuses counts as asked")
	}
}
