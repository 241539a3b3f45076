package wootest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// ask sends a question with the shop's key and gives status, headers and body.
func ask(t *testing.T, s http.Handler, method, uri, body string) (int, http.Header, string) {
	t.Helper()
	w := send(s, exchange{method: method, uri: uri, auth: "rw", body: body})
	return w.Code, w.Header(), w.Body.String()
}

// list gives the ids and the total of a list.
func list(t *testing.T, s http.Handler, query string) (ids []int64, total string) {
	t.Helper()
	status, h, body := ask(t, s, "GET", "/wp-json/wc/v3/orders?"+query, "")
	if status != 200 {
		t.Fatalf("%s: status %d: %s", query, status, body)
	}
	var rows []struct{ ID int64 }
	if err := json.Unmarshal([]byte(body), &rows); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids, h.Get("X-WP-Total")
}

func clock() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func TestListsAsRecorded(t *testing.T) {
	t.Parallel()
	s := wootest.New(wootest.Options{Secure: true, Now: clock})
	for i, status := range []string{"processing", "completed", "on-hold", "shipped", "checkout-draft", "pending", "completed"} {
		if _, err := s.Add(wootest.Order{ID: int64(10 + i), Status: status, Created: clock().Add(time.Duration(i) * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Add(wootest.Order{ID: 30}); err != nil {
		t.Fatal(err)
	}
	if err := s.Trash(30); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, query string
		want        []int64
		total       string
	}{
		{"newest first, drafts included, trash left out", "", []int64{16, 15, 14, 13, 12, 11, 10}, "7"},
		{"any is the same", "status=any&orderby=id&order=asc", []int64{10, 11, 12, 13, 14, 15, 16}, "7"},
		{"any and trash is any", "status=any,trash&orderby=id&order=asc", []int64{10, 11, 12, 13, 14, 15, 16}, "7"},
		{"trash alone", "status=trash", []int64{30}, "1"},
		{"several statuses", "status=completed,on-hold&orderby=id", []int64{16, 12, 11}, "3"},
		{"several statuses as array", "status[]=completed&status[]=on-hold&orderby=id", []int64{16, 12, 11}, "3"},
		{"include leaves out missing and trashed ones", "include=10,30,99,12&per_page=100", []int64{12, 10}, "2"},
		{"include finds the trashed with their status", "include=10,30&status=trash", []int64{30}, "1"},
		{"include in its order", "include[]=12&include[]=10&orderby=include", []int64{12, 10}, "2"},
		{"orderby include without it is by id", "orderby=include&per_page=2", []int64{10, 11}, "7"},
		{"a page beyond the end counts nothing", "page=9&per_page=5", nil, "0"},
		{"offset", "offset=5&per_page=3", []int64{11, 10}, "7"},
		{"exclude", "exclude=16&per_page=1", []int64{15}, "6"},
		{"number is ignored", "number=55&per_page=1", []int64{16}, "7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ids, total := list(t, s, c.query)
			if !slices.Equal(ids, c.want) || total != c.total {
				t.Errorf("%s: got %v of %s, want %v of %s", c.query, ids, total, c.want, c.total)
			}
		})
	}
}

func TestStatusRefusalsAsRecorded(t *testing.T) {
	t.Parallel()
	s := wootest.New(wootest.Options{Secure: true})
	const enum = "is not one of any, trash, auto-draft, pending, processing, on-hold, completed, cancelled, refunded, failed, shipped, and checkout-draft."
	for query, want := range map[string]string{
		"status=wc-completed":        "status[0] " + enum,
		"status=Completed":           "status[0] " + enum,
		"status=completed,verzonden": "status[1] " + enum,
	} {
		status, _, body := ask(t, s, "GET", "/wp-json/wc/v3/orders?"+query, "")
		if status != 400 || !strings.Contains(body, want) || !strings.Contains(body, `"params":{"status"`) {
			t.Errorf("%s: got %d %s", query, status, body)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	s := wootest.New(wootest.Options{Secure: true})
	if _, err := s.Add(wootest.Order{ID: 10}); err != nil {
		t.Fatal(err)
	}
	_, _, body := ask(t, s, "GET", "/wp-json/wc/v3/orders?_fields=id,billing.email,line_items.total,meta_data", "")
	if want := `[{"id":10,"billing":{"email":"koper@shop.example"},"meta_data":[]}]`; body != want {
		t.Errorf("list: got %s, want %s", body, want)
	}
	_, _, body = ask(t, s, "GET", "/wp-json/wc/v3/orders/10?_fields=id", "")
	if !strings.HasPrefix(body, `{"id":10,"_links":`) {
		t.Errorf("single: got %s", body)
	}
}

func TestLinksUseTheHomeAddress(t *testing.T) {
	t.Parallel()
	s := wootest.New(wootest.Options{Secure: true, Orders: 25, Home: "https://elders.example"})
	_, h, _ := ask(t, s, "GET", "/wp-json/wc/v3/orders?page=2", "")
	link := h.Get("Link")
	if strings.Count(link, "<https://elders.example/wp-json/wc/v3/orders?") != 2 ||
		!strings.Contains(link, `rel="prev"`) || !strings.Contains(link, `rel="next"`) {
		t.Errorf("got %s", link)
	}
}

func TestSeed(t *testing.T) {
	t.Parallel()
	opt := wootest.Options{Orders: 2000, Secure: true, Now: clock, Seed: 7}
	a, b := wootest.New(opt), wootest.New(opt)
	ids := a.IDs()
	if len(ids) != 2000 || !slices.Equal(ids, b.IDs()) {
		t.Fatalf("got %d and %d orders", len(ids), len(b.IDs()))
	}
	seen := map[string]int{}
	for _, id := range ids {
		raw := a.JSON(id)
		if string(raw) != string(b.JSON(id)) {
			t.Fatalf("order %d differs with the same seed", id)
		}
		var o struct {
			Status, Number string
			Refunds        []struct{ ID int64 }
			Created        string `json:"date_created_gmt"`
			Modified       string `json:"date_modified_gmt"`
		}
		if err := json.Unmarshal(raw, &o); err != nil {
			t.Fatalf("order %d: %v", id, err)
		}
		seen[o.Status]++
		if o.Number != fmt.Sprint(id) || o.Modified < o.Created || o.Modified > "2026-11-22T12:00:00" {
			t.Fatalf("order %d: %+v", id, o)
		}
		if o.Status == "refunded" && len(o.Refunds) == 0 {
			t.Fatalf("order %d is refunded without a refund", id)
		}
		for _, r := range o.Refunds {
			if a.JSON(r.ID) != nil {
				t.Fatalf("refund %d of order %d is an order too", r.ID, id)
			}
		}
	}
	if n := seen["completed"] + seen["processing"]; n < 800 || n > 1200 {
		t.Errorf("completed and processing: %d of 2000, want about half", n)
	}
	for _, status := range []string{"on-hold", "pending", "cancelled", "failed", "refunded", "shipped", "checkout-draft"} {
		if seen[status] == 0 {
			t.Errorf("no order is %s", status)
		}
	}
}

func TestTheModifiedTimeAlwaysRises(t *testing.T) {
	t.Parallel()
	s := wootest.New(wootest.Options{Secure: true, Now: clock})
	if _, err := s.Add(wootest.Order{ID: 10, Status: "pending"}); err != nil {
		t.Fatal(err)
	}
	last := modified(t, s, 10)
	rise := func(what string) {
		t.Helper()
		if got := modified(t, s, 10); got <= last {
			t.Errorf("%s: modified %s, was %s", what, got, last)
		}
		last = modified(t, s, 10)
	}
	ask(t, s, "PUT", "/wp-json/wc/v3/orders/10", `{"status":"processing"}`)
	rise("changed over REST")
	ask(t, s, "PUT", "/wp-json/wc/v3/orders/10", `{}`)
	rise("saved without a change")
	if err := s.Change(10, wootest.Order{Status: "completed"}); err != nil {
		t.Fatal(err)
	}
	rise("changed by control")
	ask(t, s, "DELETE", "/wp-json/wc/v3/orders/10", "")
	rise("trashed")
	ask(t, s, "PUT", "/wp-json/wc/v3/orders/10", `{"status":"processing"}`)
	rise("restored")
}

func modified(t *testing.T, s *wootest.Shop, id int64) string {
	t.Helper()
	var o struct {
		M string `json:"date_modified_gmt"`
	}
	if err := json.Unmarshal(s.JSON(id), &o); err != nil {
		t.Fatal(err)
	}
	return o.M
}

func TestTrashAndDelete(t *testing.T) {
	t.Parallel()
	s := wootest.New(wootest.Options{Secure: true})
	if _, err := s.Add(wootest.Order{ID: 10, Status: "completed"}); err != nil {
		t.Fatal(err)
	}
	const order = "/wp-json/wc/v3/orders/10"
	if status, _, body := ask(t, s, "DELETE", order, ""); status != 200 || !strings.Contains(body, `"status":"completed"`) {
		t.Errorf("trash: got %d %s, want the order as it was before", status, body)
	}
	if status, _, body := ask(t, s, "GET", order, ""); status != 200 || !strings.Contains(body, `"status":"trash"`) {
		t.Errorf("a trashed order: got %d %s", status, body)
	}
	if status, _, _ := ask(t, s, "DELETE", order, ""); status != 410 {
		t.Errorf("trashed twice: got %d, want 410", status)
	}
	if status, _, _ := ask(t, s, "DELETE", order+"?force=true", ""); status != 200 {
		t.Errorf("removed: got %d", status)
	}
	if status, _, body := ask(t, s, "GET", order, ""); status != 404 || !strings.Contains(body, "woocommerce_rest_shop_order_invalid_id") {
		t.Errorf("a removed order: got %d %s", status, body)
	}
}

func TestAStatusThatIsNoLongerRegistered(t *testing.T) {
	t.Parallel()
	s := wootest.New(wootest.Options{Secure: true})
	if _, err := s.Add(wootest.Order{ID: 10, Status: "shipped"}); err != nil {
		t.Fatal(err)
	}
	s.Unregister("shipped")
	if ids, _ := list(t, s, "status=any"); len(ids) != 0 {
		t.Errorf("any shows %v", ids)
	}
	if status, _, _ := ask(t, s, "GET", "/wp-json/wc/v3/orders?status=shipped", ""); status != 400 {
		t.Errorf("asking for it: got %d, want 400", status)
	}
	if status, _, _ := ask(t, s, "GET", "/wp-json/wc/v3/orders/10", ""); status != 200 {
		t.Errorf("the order itself: got %d, want 200", status)
	}
}

func TestRequestLog(t *testing.T) {
	t.Parallel()
	s := wootest.New(wootest.Options{Secure: true, Orders: 3})
	ask(t, s, "GET", "/wp-json/wc/v3/orders?consumer_key="+wootest.DefaultKey+"&consumer_secret="+wootest.DefaultSecret, "")
	ask(t, s, "GET", "/wp-json/wc/v3/orders/1001", "")
	ask(t, s, "GET", "/wp-json/", "")
	if s.Count("list") != 1 || s.Count("single") != 1 || s.Count("other") != 1 {
		t.Errorf("got %v", s.Counts())
	}
	for _, r := range s.Requests() {
		if strings.Contains(r.Query, wootest.DefaultKey) || strings.Contains(r.Query, wootest.DefaultSecret) {
			t.Errorf("a key in the log: %s", r.Query)
		}
	}
	s.ResetRequests()
	if len(s.Requests()) != 0 || s.Count("list") != 0 {
		t.Error("not reset")
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	s := wootest.New(wootest.Options{Secure: true, Now: clock})
	status, _, body := ask(t, s, "POST", "/_control/orders", `[{"id":7,"status":"on-hold","total":"12.50","created":"2026-11-01T10:00:00Z"},{"count":2}]`)
	if status != 200 || strings.TrimSpace(body) != `{"ids":[7,1001,1002]}` {
		t.Fatalf("add: got %d %s", status, body)
	}
	_, _, body = ask(t, s, "GET", "/_control/orders/7", "")
	for _, want := range []string{`"total":"12.50"`, `"total_tax":"2.17"`, `"date_created_gmt":"2026-11-01T10:00:00"`, `"date_created":"2026-11-01T11:00:00"`} {
		if !strings.Contains(body, want) {
			t.Errorf("order 7: %s is not in %s", want, body)
		}
	}
	for _, c := range []struct{ method, path, body string }{
		{"POST", "orders/7", `{"status":"completed","fields":{"customer_note":"hallo"}}`},
		{"POST", "webhooks", `{"delivery_url":"https://doorzet.example/h","status":"disabled"}`},
		{"POST", "identity", `{"home":"https://nieuw.example","store_id":"x"}`},
		{"POST", "statuses", `{"slug":"klaar","name":"Klaar"}`},
		{"POST", "faults", `{"kind":"html","count":1,"path":"/orders"}`},
		{"DELETE", "orders/1001", ""},
		{"DELETE", "orders/1002?force=true", ""},
	} {
		if status, _, body := ask(t, s, c.method, "/_control/"+c.path, c.body); status != 200 {
			t.Errorf("%s %s: got %d %s", c.method, c.path, status, body)
		}
	}
	if _, h, _ := ask(t, s, "GET", "/wp-json/wc/v3/orders", ""); !strings.HasPrefix(h.Get("Content-Type"), "text/html") {
		t.Error("the fault did not come")
	}
	if ids, _ := list(t, s, "status=any"); !slices.Equal(ids, []int64{7}) {
		t.Errorf("after the fault: got %v", ids)
	}
	if _, _, body := ask(t, s, "GET", "/wp-json/wc/v3/webhooks", ""); !strings.Contains(body, `"status":"disabled"`) {
		t.Errorf("webhooks: %s", body)
	}
	if _, _, body := ask(t, s, "GET", "/wp-json/?_fields=home", ""); body != `{"home":"https:\/\/nieuw.example"}` {
		t.Errorf("index: %s", body)
	}
	if status, _, _ := ask(t, s, "POST", "/_control/orders/7", `{"stauts":"x"}`); status != 400 {
		t.Errorf("a typing error: got %d, want 400", status)
	}
	if status, _, _ := ask(t, s, "GET", "/_control/nothing", ""); status != 400 {
		t.Errorf("no such control: got %d, want 400", status)
	}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	s := wootest.New(wootest.Options{Secure: true})
	const hooks = "/wp-json/wc/v3/webhooks"
	for range 12 {
		status, _, body := ask(t, s, "POST", hooks, `{"topic":"order.updated","delivery_url":"https://doorzet.example/h","status":"paused","secret":"geheim"}`)
		if status != 201 || !strings.Contains(body, `"status":"active"`) || strings.Contains(body, "geheim") {
			t.Fatalf("got %d %s, want an active one without its secret", status, body)
		}
	}
	if status, _, body := ask(t, s, "PUT", hooks+"/3", `{"status":"paused"}`); status != 200 || !strings.Contains(body, `"status":"paused"`) {
		t.Errorf("pause: got %d %s", status, body)
	}
	if _, h, body := ask(t, s, "GET", hooks+"?status=paused", ""); h.Get("X-WP-Total") != "1" || !strings.Contains(body, `"id":3`) {
		t.Errorf("paused ones: %s", body)
	}
	if _, h, body := ask(t, s, "GET", hooks+"?page=2", ""); h.Get("X-WP-Total") != "12" || strings.Count(body, `"delivery_url"`) != 2 {
		t.Errorf("page 2 of %s: %s", h.Get("X-WP-Total"), body)
	}
	if status, _, _ := ask(t, s, "DELETE", hooks+"/3", ""); status != 501 {
		t.Errorf("to the trash: got %d, want 501", status)
	}
	if status, _, _ := ask(t, s, "DELETE", hooks+"/3?force=true", ""); status != 200 {
		t.Errorf("removed: got %d", status)
	}
	if status, _, _ := ask(t, s, "GET", hooks+"/3", ""); status != 404 {
		t.Errorf("a removed one: got %d, want 404", status)
	}
}

func TestPostsStorage(t *testing.T) {
	t.Parallel()
	s := wootest.New(wootest.Options{Secure: true, Posts: true, Orders: 5})
	if ids, total := list(t, s, "page=9"); len(ids) != 0 || total != "5" {
		t.Errorf("beyond the end: got %v of %s, want nothing of 5", ids, total)
	}
	id := s.IDs()[0]
	before := modified(t, s, id)
	ask(t, s, "PUT", fmt.Sprintf("/wp-json/wc/v3/orders/%d", id), `{}`)
	if got := modified(t, s, id); got != before {
		t.Errorf("saved without a change: modified %s, was %s", got, before)
	}
}

func BenchmarkPage(b *testing.B) {
	s := wootest.New(wootest.Options{Secure: true, Orders: 20_000})
	e := exchange{method: "GET", uri: "/wp-json/wc/v3/orders?per_page=100&page=90&orderby=id&order=asc&_fields=id,status", auth: "rw"}
	for b.Loop() {
		send(s, e)
	}
}
