package wootest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// faulty is a shop of 30 orders with a fault that came through the control API.
func faulty(t *testing.T, fault string) *wootest.Shop {
	t.Helper()
	s := wootest.New(wootest.Options{Secure: true, Orders: 30})
	if status, _, body := ask(t, s, "POST", "/_control/faults", fault); status != 200 {
		t.Fatalf("%s: got %d %s", fault, status, body)
	}
	return s
}

func TestFaults(t *testing.T) {
	t.Parallel()
	const lists, single = "/wp-json/wc/v3/orders", "/wp-json/wc/v3/orders/1001"
	for _, c := range []struct {
		fault  string
		uri    string
		status int
		header string // "Name: value" that the answer has
		says   string // in its body
	}{
		{`{"kind":"401"}`, lists, 401, "Content-Type: text/html; charset=UTF-8", "Unauthorized"},
		{`{"kind":"403","code":"woocommerce_rest_cannot_view"}`, lists, 403, "", `"code":"woocommerce_rest_cannot_view"`},
		{`{"kind":"413"}`, lists, 413, "", "Too Large"},
		{`{"kind":"414","max_url":60}`, lists + "?include=" + strings.Repeat("1001,", 10), 414, "", "Too Long"},
		{`{"kind":"414","max_url":60}`, lists, 200, "", `"id":`},
		{`{"kind":"503","retry_after":7}`, lists, 503, "Retry-After: 7", ""},
		{`{"kind":"html","body":"<h1>Onderhoud</h1>"}`, lists, 200, "Content-Type: text/html; charset=UTF-8", "<h1>Onderhoud</h1>"},
		{`{"kind":"blank"}`, lists, 200, "X-WP-Total: ", ""},
		{`{"kind":"maintenance"}`, lists, 503, "Retry-After: 600", "maintenance"},
		{`{"kind":"captcha"}`, lists, 202, "SG-Captcha: challenge", ""},
		{`{"kind":"limit","limit":25}`, lists + "?per_page=50", 500, "", ""},
		{`{"kind":"limit","limit":25}`, lists + "?per_page=25", 200, "X-WP-Total: 30", ""},
		{`{"kind":"limit","limit":25,"as":"504"}`, lists + "?per_page=26", 504, "", ""},
		{`{"kind":"limit","limit":2}`, lists + "?per_page=100&include=1001,1002", 200, "", ""},
		{`{"kind":"limit","limit":2}`, lists + "?per_page=100&include=1001,1002,1003", 500, "", ""},
		{`{"kind":"limit","limit":9}`, lists, 500, "", ""}, // ten, unless another number is asked for
		{`{"kind":"limit","limit":1}`, single, 200, "", ""},
		{`{"kind":"cache"}`, lists, 200, "X-LiteSpeed-Cache: hit", `"id":`},
		{`{"kind":"cache","headers":{"X-Cache":"HIT","Age":"7"}}`, lists, 200, "Age: 7", `"id":`},
		{`{"kind":"wrongtotal","total":7}`, lists, 200, "X-WP-Total: 7", `"id":`},
		{`{"kind":"nototals"}`, lists, 200, "X-WP-Total: ", `"id":`},
		{`{"kind":"huge","mb":2}`, lists, 200, "", strings.Repeat(" ", 2<<20)},
		{`{"kind":"trickle","delay_ms":1}`, single, 200, "", `{"id":1001,`},
		{`{"kind":"slow","delay_ms":1}`, single, 200, "", `{"id":1001,`},
		{`{"kind":"poison","order":1001}`, single, 500, "", ""},
		{`{"kind":"poison","order":1001,"as":"502"}`, lists + "?include=1001,1002", 502, "", ""},
		{`{"kind":"poison","order":1001}`, lists + "?_fields=id&include=1001", 200, "", "1001"},
		{`{"kind":"poison","order":1001}`, lists + "?include=1002", 200, "", "1002"},
		{`{"kind":"500","path":"per_page=7"}`, lists, 200, "", ""},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			s := wootest.New(wootest.Options{Secure: true})
			if _, err := s.Add(wootest.Order{ID: 1001}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Add(wootest.Order{ID: 1002}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Add(wootest.Order{Count: 28}); err != nil {
				t.Fatal(err)
			}
			if status, _, body := ask(t, s, "POST", "/_control/faults", c.fault); status != 200 {
				t.Fatalf("got %d %s", status, body)
			}
			status, h, body := ask(t, s, "GET", c.uri, "")
			name, value, _ := strings.Cut(c.header, ": ")
			if status != c.status || name != "" && h.Get(name) != value || !strings.Contains(body, c.says) {
				t.Errorf("got %d, %s: %q, %.300s", status, name, h.Get(name), body)
			}
		})
	}
}

func TestFaultsThatAreNone(t *testing.T) {
	t.Parallel()
	s := wootest.New(wootest.Options{Secure: true, Orders: 1})
	for fault, says := range map[string]string{
		`{"kind":"explode"}`:                    `no fault of kind \"explode\": give hang, down,`,
		`{"kind":"200"}`:                        `no fault of kind \"200\"`,
		`{}`:                                    `no fault of kind \"\"`,
		`{"kind":"limit"}`:                      "needs a limit of 1 or more",
		`{"kind":"rate","limit":-1}`:            "needs a limit of 1 or more",
		`{"kind":"limit","limit":1,"as":"bom"}`: `cannot be answered as \"bom\"`,
		`{"kind":"limit","limit":1,"as":"200"}`: `cannot be answered as \"200\"`,
		`{"kind":"poison"}`:                     "Give its id as order",
		`{"kind":"huge"}`:                       "needs mb",
		`{"kind":"huge","mb":5000}`:             "needs mb",
		`{"kind":"latency","delay_ms":-1}`:      "negative",
		`{"kind":"latency","delay":5}`:          `unknown field`,
		`{"kind":"500","count":-1}`:             "negative",
	} {
		if status, _, body := ask(t, s, "POST", "/_control/faults", fault); status != 400 || !strings.Contains(body, says) {
			t.Errorf("%s: got %d %s", fault, status, body)
		}
	}
	if ids, _ := list(t, s, ""); len(ids) != 1 {
		t.Error("a refused fault applies")
	}
	defer func() {
		if recover() == nil {
			t.Error("Fail took a fault of no kind")
		}
	}()
	s.Fail(wootest.Fault{Kind: "explode"})
}

func TestAFaultHitsAsManyRequestsAsItSays(t *testing.T) {
	t.Parallel()
	s := faulty(t, `{"kind":"500","count":2,"path":"/orders"}`)
	var got []int
	for _, uri := range []string{"/wp-json/wc/v3/webhooks", "/wp-json/wc/v3/orders", "/wp-json/wc/v3/orders", "/wp-json/wc/v3/orders"} {
		status, _, _ := ask(t, s, "GET", uri, "")
		got = append(got, status)
	}
	if want := []int{200, 500, 500, 200}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Of more than so many requests within a second, those above it are refused.
func TestRate(t *testing.T) {
	t.Parallel()
	s := faulty(t, `{"kind":"rate","limit":3,"retry_after":2}`)
	began := time.Now()
	refused := 0
	for range 8 {
		status, h, _ := ask(t, s, "GET", "/wp-json/wc/v3/orders/1001", "")
		if status == 429 {
			refused++
			if h.Get("Retry-After") != "2" {
				t.Errorf("Retry-After %q", h.Get("Retry-After"))
			}
		}
	}
	if took := time.Since(began); refused != 5 && took < time.Second {
		t.Errorf("of 8 requests within %s %d were refused, want 5", took, refused)
	}
}

// Latency is at least what it says, by the orders of an answer, and applies besides another fault.
func TestLatency(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		uri  string
		want time.Duration
	}{
		{"/wp-json/", 20 * time.Millisecond},
		{"/wp-json/wc/v3/orders?per_page=30", 80 * time.Millisecond},
		{"/wp-json/wc/v3/orders?per_page=30&_fields=id,status", 35 * time.Millisecond},
	} {
		s := faulty(t, `{"kind":"latency","delay_ms":20,"per_order_ms":2,"per_row_ms":0.5}`)
		began := time.Now()
		if status, _, _ := ask(t, s, "GET", c.uri, ""); status != 200 || time.Since(began) < c.want {
			t.Errorf("%s: status %d after %s, want at least %s", c.uri, status, time.Since(began), c.want)
		}
		s.Fail(wootest.Fault{Kind: "502"})
		began = time.Now()
		if status, _, _ := ask(t, s, "GET", c.uri, ""); status != 502 || time.Since(began) < 20*time.Millisecond {
			t.Errorf("%s with another fault: status %d after %s", c.uri, status, time.Since(began))
		}
	}
}

func TestShuffle(t *testing.T) {
	t.Parallel()
	s := faulty(t, `{"kind":"shuffle"}`)
	first, total := list(t, s, "per_page=30")
	for range 20 {
		again, _ := list(t, s, "per_page=30")
		same := slices.Equal(first, again)
		slices.Sort(again)
		if !slices.Equal(again, s.IDs()) || total != "30" {
			t.Fatalf("got %v of %s", again, total)
		}
		if !same {
			return
		}
	}
	t.Error("the order is always the same")
}

// A shop that hangs, trickles or is slow ends with the caller, over real HTTP.
func TestFaultsThatEndWithTheCaller(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{`{"kind":"hang"}`, `{"kind":"slow"}`, `{"kind":"trickle","delay_ms":3600000}`, `{"kind":"latency","delay_ms":3600000}`, `{"kind":"limit","limit":1,"as":"hang"}`} {
		s := faulty(t, fault)
		ended := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(ended)
			s.ServeHTTP(w, r)
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/wp-json/wc/v3/orders", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(wootest.DefaultKey, wootest.DefaultSecret)
		resp, err := server.Client().Do(req)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v", fault, err)
		}
		<-ended
		cancel()
		server.Close()
	}
}
