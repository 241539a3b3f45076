package woo_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// One order that stops the shop's PHP keeps none of the others of its page back, whichever list shows it, and is named.
func TestAPoisonousOrderIsSetAside(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		name   string
		at     []int // which orders of the list are poisonous
		listed int   // orders in the shop
		asks   func(ids []int64) woo.Query
	}{
		{"in the middle of a page", []int{57}, 230, func([]int64) woo.Query { return woo.Query{} }},
		{"the first of all", []int{0}, 230, func([]int64) woo.Query { return woo.Query{} }},
		{"the last of all", []int{229}, 230, func([]int64) woo.Query { return woo.Query{} }},
		{"three of one page", []int{101, 102, 150}, 230, func([]int64) woo.Query { return woo.Query{} }},
		{"the only one", []int{0}, 1, func([]int64) woo.Query { return woo.Query{} }},
		{"in a batch by id", []int{31}, 80, func(ids []int64) woo.Query { return woo.Query{Include: ids, Fields: woo.LookFields} }},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			shop := wootest.New(wootest.Options{Orders: v.listed})
			server := httptest.NewTLSServer(shop)
			t.Cleanup(server.Close)
			c, _ := client(server, wootest.Options{})
			c.Pause = func(context.Context, time.Duration) error { return nil }
			ids := shop.IDs()
			var poison []int64
			for _, at := range v.at {
				poison = append(poison, ids[at])
				shop.Fail(wootest.Fault{Kind: "poison", Order: ids[at]})
			}
			got := map[int64]bool{}
			var bad []int64
			sum, err := c.EachPage(t.Context(), v.asks(ids), func(p woo.Page) error {
				for _, o := range p.Orders {
					got[o.ID] = true
				}
				for _, b := range p.Bad {
					bad = append(bad, b.ID)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if slices.Sort(bad); !slices.Equal(bad, poison) {
				t.Errorf("set aside %v, want %v", bad, poison)
			}
			if len(got) != v.listed-len(poison) || sum.Fetched != v.listed || sum.Total != v.listed {
				t.Errorf("read %d of %d, in all %+v", len(got), v.listed, sum)
			}
		})
	}
}

// A shop that fails at everything is down: it is not asked for each of its orders.
func TestAShopThatIsDownIsNotTakenForPoisonousOrders(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"500", "html", "cut"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			shop := wootest.New(wootest.Options{Orders: 300})
			server := httptest.NewTLSServer(shop)
			t.Cleanup(server.Close)
			c, _ := client(server, wootest.Options{})
			c.Pause = func(context.Context, time.Duration) error { return nil }
			shop.Fail(wootest.Fault{Kind: kind, Path: "/wc/v3/orders"})
			if _, err := c.EachPage(t.Context(), woo.Query{}, func(woo.Page) error { return nil }); err == nil {
				t.Error("it was read")
			}
			if n := shop.Count("list"); n > 15 {
				t.Errorf("it was asked %d times", n)
			}
		})
	}
}
