package woo_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

func add(t *testing.T, s *wootest.Shop, o wootest.Order) int64 {
	t.Helper()
	ids, err := s.Add(o)
	if err != nil {
		t.Fatal(err)
	}
	return ids[0]
}

func TestOrder(t *testing.T) {
	t.Parallel()
	shop, c, _ := setup(t, wootest.Options{})
	id := add(t, shop, wootest.Order{Status: "processing", Total: "12.50"})

	t.Run("an order and its body", func(t *testing.T) {
		t.Parallel()
		r, err := c.Order(t.Context(), id)
		o := r.Order
		if err != nil || o.ID != id || o.Status != "processing" || o.Total.StringFixed(2) != "12.50" || !o.Full {
			t.Fatalf("got %+v, %v", o, err)
		}
		again, err := woo.DecodeOrder(r.Raw)
		if err != nil || again.OrderKey != o.OrderKey || o.OrderKey == "" {
			t.Errorf("the body decodes to %+v, %v", again, err)
		}
	})
	t.Run("a missing order", func(t *testing.T) {
		t.Parallel()
		if _, err := c.Order(t.Context(), id+500); !errors.Is(err, doorzet.ErrOrderMissing) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an order in the trash is not missing", func(t *testing.T) {
		t.Parallel()
		trashed := add(t, shop, wootest.Order{})
		if err := shop.Trash(trashed); err != nil {
			t.Fatal(err)
		}
		if r, err := c.Order(t.Context(), trashed); err != nil || r.Order.Status != "trash" {
			t.Errorf("got %q, %v", r.Order.Status, err)
		}
	})
	t.Run("any other 404 is not a missing order", func(t *testing.T) {
		t.Parallel()
		shop, c, _ := setup(t, wootest.Options{Orders: 1})
		shop.Fail(wootest.Fault{Kind: "404", Path: "/orders/"})
		_, err := c.Order(t.Context(), shop.IDs()[0])
		if errors.Is(err, doorzet.ErrOrderMissing) {
			t.Errorf("got %v", err)
		}
		shopError(t, err, doorzet.ShopStrange)
	})
	t.Run("another order than asked", func(t *testing.T) {
		t.Parallel()
		server := answering(t, http.StatusOK, `{"id":99,"status":"completed"}`)
		_, err := server.Order(t.Context(), id)
		shopError(t, err, doorzet.ShopStrange)
	})
	t.Run("a body that is no order", func(t *testing.T) {
		t.Parallel()
		server := answering(t, http.StatusOK, `{"blocked":true}`)
		_, err := server.Order(t.Context(), id)
		shopError(t, err, doorzet.ShopStrange)
	})
}

// answering is a client of a server that always gives one JSON answer.
func answering(t *testing.T, status int, body string, headers ...string) *woo.Client {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	c, _ := client(server, wootest.Options{})
	return c
}

func TestOrdersQuery(t *testing.T) {
	t.Parallel()
	shop, c, _ := setup(t, wootest.Options{})
	at := time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC) // the shop is at UTC+2 then
	early := add(t, shop, wootest.Order{Status: "processing", Created: at, Modified: at.Add(2 * time.Hour)})
	late := add(t, shop, wootest.Order{Status: "on-hold", Created: at.Add(time.Hour), Modified: at.Add(time.Hour)})
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		name string
		q    woo.Query
		want []int64
	}{
		{"everything, newest first", woo.Query{}, []int64{late, early}},
		{"by status", woo.Query{Statuses: []string{"processing", "completed"}}, []int64{early}},
		{"created after, to the second and strictly", woo.Query{After: at}, []int64{late}},
		{"a second earlier", woo.Query{After: at.Add(-time.Second)}, []int64{late, early}},
		{"whatever zone the time comes in", woo.Query{After: at.In(amsterdam)}, []int64{late}},
		{"modified after", woo.Query{ModifiedAfter: at.Add(time.Hour)}, []int64{early}},
		{"include keeps its order", woo.Query{Include: []int64{late, early, 424242}}, []int64{late, early}},
		{"by id upwards", woo.Query{OrderBy: "id", Ascending: true}, []int64{early, late}},
		{"a page of one", woo.Query{OrderBy: "id", Ascending: true, PerPage: 1, FromRow: 1}, []int64{late}},
		{"no order in the trash", woo.Query{Statuses: []string{"trash"}}, nil},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			p, err := c.Orders(t.Context(), v.q)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for i, o := range p.Orders {
				got = append(got, o.ID)
				if one, err := woo.DecodeOrder(p.Raw[i]); err != nil || one.ID != o.ID {
					t.Errorf("the body of order %d decodes to %d, %v", o.ID, one.ID, err)
				}
			}
			if !slices.Equal(got, v.want) {
				t.Errorf("got %v, want %v", got, v.want)
			}
		})
	}
	t.Run("include asks for a hundred at once", func(t *testing.T) {
		t.Parallel()
		shop, c, _ := setup(t, wootest.Options{})
		if _, err := c.Orders(t.Context(), woo.Query{Include: []int64{early}, PerPage: 10}); err != nil {
			t.Fatal(err)
		}
		if q := shop.Requests()[0].Query; !strings.Contains(q, "per_page=100") {
			t.Errorf("asked %s", q)
		}
	})
	t.Run("more than a hundred ids are refused here", func(t *testing.T) {
		t.Parallel()
		if _, err := c.Orders(t.Context(), woo.Query{Include: make([]int64, 101)}); err == nil {
			t.Error("got no error")
		}
	})
	t.Run("a look is not a full order", func(t *testing.T) {
		t.Parallel()
		p, err := c.Orders(t.Context(), woo.Query{Fields: woo.LookFields})
		if err != nil {
			t.Fatal(err)
		}
		o := p.Orders[0]
		if o.Full || o.Status != "on-hold" || o.OrderKey == "" || o.Created.IsZero() || o.Modified.IsZero() || o.Currency != "EUR" {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("an unknown status names the parameter", func(t *testing.T) {
		t.Parallel()
		_, err := c.Orders(t.Context(), woo.Query{Statuses: []string{"completed", "verzonden"}})
		se := shopError(t, err, doorzet.ShopRefused)
		if !slices.Equal(se.Params, []string{"status"}) || se.Status != 400 {
			t.Errorf("got %+v", se)
		}
	})
}

func TestAnAnswerToAnotherQuestion(t *testing.T) {
	t.Parallel()
	c := answering(t, http.StatusOK, `[{"id":7},{"id":8}]`, "X-WP-Total", "2", "X-WP-TotalPages", "1")
	_, err := c.Orders(t.Context(), woo.Query{Include: []int64{7, 9}})
	shopError(t, err, doorzet.ShopStrange)
	_, err = c.Orders(t.Context(), woo.Query{PerPage: 1})
	shopError(t, err, doorzet.ShopStrange)
	if _, err := c.Orders(t.Context(), woo.Query{Include: []int64{7, 8}}); err != nil {
		t.Error(err)
	}
}

func TestOneBadOrderBlocksNoOther(t *testing.T) {
	t.Parallel()
	shop, c, _ := setup(t, wootest.Options{})
	good := add(t, shop, wootest.Order{})
	bad := add(t, shop, wootest.Order{Fields: map[string]json.RawMessage{"total": json.RawMessage(`"1.234,50"`)}})
	worse := add(t, shop, wootest.Order{Fields: map[string]json.RawMessage{"id": json.RawMessage(`"abc"`)}})
	p, err := c.Orders(t.Context(), woo.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Orders) != 1 || p.Orders[0].ID != good || len(p.Raw) != 1 {
		t.Errorf("got %d orders, want only %d", len(p.Orders), good)
	}
	if len(p.Bad) != 2 || p.Bad[0].ID != 0 || p.Bad[1].ID != bad || !strings.Contains(p.Bad[1].Why, "1.234,50") {
		t.Errorf("bad: %+v (want %d without an id, and %d)", p.Bad, worse, bad)
	}
}

func TestDecodeRecordedOrders(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("wootest/testdata/orders/*.json")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var raws []json.RawMessage
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		raws = append(raws, raw)
	}
	raw, err := os.ReadFile("wootest/testdata/list.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	for _, raw := range append(raws, list...) {
		o, err := woo.DecodeOrder(raw)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if !o.Full || o.OrderKey == "" || o.Number == "" || o.Created.IsZero() || o.Currency == "" || o.Status == "" {
			t.Errorf("order %d: %+v", o.ID, o)
		}
		sum := o.TotalTax
		for _, p := range slices.Concat(o.Lines, o.Shipment, o.Fees) {
			sum = sum.Add(p.Net)
			if p.Name == "" || strings.Contains(p.Name, "&amp;") {
				t.Errorf("order %d: part named %q", o.ID, p.Name)
			}
		}
		if diff := sum.Sub(o.Total).Abs(); diff.GreaterThan(cent(2)) {
			t.Errorf("order %d: the parts make %s, the total is %s", o.ID, sum, o.Total)
		}
	}
}

func TestDecodeRecordedOrder(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("wootest/testdata/orders/mixed_9_21_shipping.json")
	if err != nil {
		t.Fatal(err)
	}
	o, err := woo.DecodeOrder(raw)
	if err != nil {
		t.Fatal(err)
	}
	if o.ID != 56 || o.Status != "completed" || !o.PricesIncludeTax || o.PaymentTitle != "iDEAL" || o.CustomerID != 5 ||
		!o.Created.Equal(time.Date(2026, 10, 23, 17, 39, 52, 0, time.UTC)) ||
		!o.Paid.Equal(time.Date(2026, 10, 23, 17, 41, 22, 0, time.UTC)) || o.Done.IsZero() {
		t.Errorf("got %+v", o)
	}
	if o.Billing.Country != "NL" || o.Billing.Street != "Damrak 12" || o.Billing.Email != "koper@shop.example" {
		t.Errorf("billing: %+v", o.Billing)
	}
	tas := o.Lines[1]
	if tas.Name != `Tas "Lezen < Leven"` || tas.Kind != doorzet.PartLine || tas.Net.StringFixed(2) != "20.58" ||
		tas.Tax.StringFixed(2) != "4.32" || tas.Taxes[0].RateID != 1 || tas.SKU != "GD-5" || !tas.Quantity.Equal(cent(100)) {
		t.Errorf("line: %+v", tas)
	}
	post := o.Shipment[0]
	if post.Name != "PostNL" || post.MethodID != "flat_rate" || post.Kind != doorzet.PartShipping || !post.Quantity.Equal(cent(100)) {
		t.Errorf("shipping: %+v", post)
	}
	if l := o.TaxLines[1]; !l.HasPercent || !l.Percent.Equal(cent(2100)) || l.ShippingTax.StringFixed(2) != "0.87" {
		t.Errorf("tax line: %+v", l)
	}
}

func TestDecodeLoosely(t *testing.T) {
	t.Parallel()
	decode := func(t *testing.T, fields string) doorzet.ShopOrder {
		t.Helper()
		o, err := woo.DecodeOrder([]byte(`{"id":7,` + fields + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	t.Run("amounts as strings, numbers and nothing", func(t *testing.T) {
		t.Parallel()
		for in, want := range map[string]string{`"12.50"`: "12.5", `12.5`: "12.5", `""`: "0", `null`: "0", `" -3 "`: "-3", `1e2`: "100", `false`: "0"} {
			if o := decode(t, `"total":`+in); o.Total.String() != want {
				t.Errorf("%s: got %s, want %s", in, o.Total, want)
			}
		}
	})
	t.Run("ids as strings", func(t *testing.T) {
		t.Parallel()
		o, err := woo.DecodeOrder([]byte(`{"id":"12","customer_id":"","parent_id":null}`))
		if err != nil || o.ID != 12 || o.CustomerID != 0 {
			t.Errorf("got %+v, %v", o, err)
		}
	})
	t.Run("lists and objects as PHP writes them", func(t *testing.T) {
		t.Parallel()
		o := decode(t, `"meta_data":{"0":{"key":"a","value":1},"2":{"key":"b","value":{"x":[1]}}},"line_items":[],"fee_lines":{},"billing":[],"refunds":null,"coupon_lines":""`)
		if len(o.Meta) != 2 || o.Meta[0].Text() != "1" || string(o.Meta[1].Value) != `{"x":[1]}` || o.Full {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("percentages", func(t *testing.T) {
		t.Parallel()
		o := decode(t, `"tax_lines":[{"rate_percent":21},{"rate_percent":"9.0000"},{"rate_percent":null},{"rate_percent":0},{},{"rate_percent":""},{"rate_percent":"veel"},{"rate_percent":1e999999999},{"rate_percent":"-3"},{"rate_percent":"6 %"}]`)
		want := []string{"21", "9", "-", "0", "-", "-", "-", "-", "-", "6"}
		for i, l := range o.TaxLines {
			got := "-"
			if l.HasPercent {
				got = l.Percent.Truncate(0).String()
			}
			if got != want[i] {
				t.Errorf("tax line %d: got %s, want %s", i, got, want[i])
			}
		}
	})
	t.Run("lines of all kinds", func(t *testing.T) {
		t.Parallel()
		o := decode(t, `"line_items":[{"id":"3","name":"Mok &amp; <b>schotel</b><br>rood","sku":null,"quantity":1.5,"image":{"id":""},"parent_name":null,"price":0.008264428571428572,"taxes":[{"id":"zero-rated","total":""}],"meta_data":[{"key":null,"value":null}],"onbekend":{}}]`)
		l := o.Lines[0]
		if l.Name != "Mok & schotel rood" || l.ID != 3 || l.Quantity.String() != "1.5" || l.SKU != "" || l.Taxes[0].RateID != 0 {
			t.Errorf("got %+v", l)
		}
	})
	t.Run("names keep their signs and lose their tags", func(t *testing.T) {
		t.Parallel()
		for in, want := range map[string]string{
			"a < b > c":                            "a < b > c",
			"<script>alert(1)</script>Boek":        "Boek",
			"Caf\u00e9 &euro; 5 &#8211; &lt;x&gt;": "Café € 5 – <x>",
			"📚 <i class='x'>Boek</i>\n twee":       "📚 Boek twee",
			"1<2":                                  "1<2",
		} {
			name, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			if got := decode(t, `"fee_lines":[{"name":`+string(name)+`}]`).Fees[0].Name; got != want {
				t.Errorf("%q: got %q, want %q", in, got, want)
			}
		}
	})
	t.Run("dates", func(t *testing.T) {
		t.Parallel()
		o := decode(t, `"date_created_gmt":"2026-01-31T10:00:00","date_paid_gmt":null,"date_completed_gmt":"","date_modified_gmt":"2026-01-31T11:00:00+01:00"`)
		if !o.Created.Equal(o.Modified) || !o.Paid.IsZero() || !o.Done.IsZero() {
			t.Errorf("got %+v", o)
		}
	})
	t.Run("what is refused", func(t *testing.T) {
		t.Parallel()
		for _, in := range []string{
			``, `null`, `[]`, `{}`, `"x"`, `{"id":0}`, `{"id":-1}`, `{"id":"x"}`, `{"id":1.5}`,
			`{"id":7,"total":"veel"}`, `{"id":7,"total":{"a":1}}`, `{"id":7,"total":"1e999999999"}`,
			`{"id":7,"line_items":"x"}`, `{"id":7,"line_items":{"a":1}}`, `{"id":7,"line_items":[1]}`,
			`{"id":7,"billing":"x"}`, `{"id":7,"date_created_gmt":"gisteren"}`,
			`{"code":"woocommerce_rest_cannot_view","message":"x","data":{"status":401}}`,
		} {
			if o, err := woo.DecodeOrder([]byte(in)); err == nil {
				t.Errorf("%s: got %+v, want an error", in, o)
			}
		}
	})
}
