package wootest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// street serves three shops with 2, 4 and 6 orders.
func street(t *testing.T) (*wootest.Shops, string) {
	t.Helper()
	var shops *wootest.Shops
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { shops.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	shops = wootest.NewShops(server.URL, 3, func(number int, _ string) wootest.Options {
		return wootest.Options{Orders: 2 * number, StoreID: fmt.Sprintf("store-%d", number), Secure: true, Key: fmt.Sprintf("ck_%d", number)}
	})
	return shops, server.URL
}

// call calls an address with a key and gives status and body.
func call(t *testing.T, method, address, key, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(key, wootest.DefaultSecret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

func TestShopsAtOneAddressShareNothing(t *testing.T) {
	t.Parallel()
	shops, url := street(t)
	for number := 1; number <= 3; number++ {
		home := fmt.Sprintf("%s/shop/%d", url, number)
		var about struct{ Home string }
		_, body := call(t, http.MethodGet, home+"/wp-json/?_fields=home", "", "")
		if err := json.Unmarshal([]byte(body), &about); err != nil || about.Home != home {
			t.Errorf("shop %d says that it is at %q (%v)", number, about.Home, err)
		}
		var orders []struct{ ID int64 }
		code, body := call(t, http.MethodGet, home+"/wp-json/wc/v3/orders?per_page=100", fmt.Sprintf("ck_%d", number), "")
		if err := json.Unmarshal([]byte(body), &orders); code != http.StatusOK || err != nil || len(orders) != 2*number {
			t.Errorf("shop %d answers %d with %d orders (%v)", number, code, len(orders), err)
		}
	}
	if code, _ := call(t, http.MethodGet, url+"/shop/2/wp-json/wc/v3/orders", "ck_1", ""); code != http.StatusUnauthorized {
		t.Errorf("the key of shop 1 opens shop 2: %d", code)
	}
	if code, body := call(t, http.MethodPost, url+"/shop/2/_control/faults", "", `{"kind": "503"}`); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	for number, want := range map[int]int{1: http.StatusOK, 2: http.StatusServiceUnavailable, 3: http.StatusOK} {
		if code, _ := call(t, http.MethodGet, fmt.Sprintf("%s/shop/%d/wp-json/", url, number), "", ""); code != want {
			t.Errorf("with a fault in shop 2, shop %d answers %d, want %d", number, code, want)
		}
	}
	if n := shops.Shop(3).Count("list"); n != 1 {
		t.Errorf("shop 3 counted %d lists, it was asked for one", n)
	}
}

func TestBesideTheShopsThereIsNothing(t *testing.T) {
	t.Parallel()
	shops, url := street(t)
	for _, path := range []string{"/", "/shop", "/shop/", "/shop/0/wp-json/", "/shop/4/wp-json/", "/shop/x/wp-json/", "/shop/01/wp-json/", "/shop/-1/", "/wp-json/", "/_control/requests"} {
		code, body := call(t, http.MethodGet, url+path, "", "")
		if code != http.StatusNotFound || !strings.Contains(body, "/shop/1 to /shop/3") {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	if shops.Shop(0) != nil || shops.Shop(4) != nil || shops.Len() != 3 {
		t.Error("there are other shops than 1, 2 and 3")
	}
}
