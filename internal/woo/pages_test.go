package woo_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// walk reads all pages and gives the ids that came; between runs after each page.
func walk(t *testing.T, c *woo.Client, q woo.Query, between func(page woo.Page)) (map[int64]int, woo.Sum, error) {
	t.Helper()
	got := map[int64]int{}
	sum, err := c.EachPage(t.Context(), q, func(p woo.Page) error {
		for _, o := range p.Orders {
			got[o.ID]++
		}
		if between != nil {
			between(p)
		}
		return nil
	})
	return got, sum, err
}

func TestEachPage(t *testing.T) {
	t.Parallel()
	t.Run("all orders, in as many calls as there are pages", func(t *testing.T) {
		t.Parallel()
		shop, c, _ := setup(t, wootest.Options{Orders: 950})
		c.Auth = "oauth1+home"
		got, sum, err := walk(t, c, woo.Query{Fields: woo.LookFields}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 950 || sum != (woo.Sum{Fetched: 950, Total: 950, Pages: 10}) || shop.Count("list") != 10 {
			t.Errorf("got %d orders, %+v, %d calls", len(got), sum, shop.Count("list"))
		}
	})
	t.Run("no orders at all", func(t *testing.T) {
		t.Parallel()
		_, c, _ := setup(t, wootest.Options{})
		if _, sum, err := walk(t, c, woo.Query{}, nil); err != nil || sum != (woo.Sum{Pages: 1}) {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
	t.Run("from a later page on", func(t *testing.T) {
		t.Parallel()
		shop, c, _ := setup(t, wootest.Options{Orders: 50})
		got, sum, err := walk(t, c, woo.Query{PerPage: 10, Page: 4}, nil)
		if err != nil || len(got) != 20 || sum.Pages != 2 || got[shop.IDs()[30]] != 1 {
			t.Errorf("got %d orders, %+v, %v", len(got), sum, err)
		}
	})
	t.Run("the caller ends it", func(t *testing.T) {
		t.Parallel()
		_, c, _ := setup(t, wootest.Options{Orders: 50})
		enough := errors.New("enough")
		sum, err := c.EachPage(t.Context(), woo.Query{PerPage: 10}, func(woo.Page) error { return enough })
		if !errors.Is(err, enough) || sum.Pages != 1 {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

func TestEachPageWhileTheListShrinks(t *testing.T) {
	t.Parallel()
	for _, posts := range []bool{false, true} {
		for _, v := range []struct {
			name          string
			orders, after int // delete when page after was read
			gone          int // so many, from the start
		}{
			{"one row slides to the page before", 50, 2, 1},
			{"a whole page slides", 50, 3, 10},
			{"more than a page slides", 50, 4, 23},
			{"the last page vanishes", 41, 4, 1},
			{"several last pages vanish", 50, 4, 20},
		} {
			t.Run(v.name, func(t *testing.T) {
				t.Parallel()
				shop, c, _ := setup(t, wootest.Options{Orders: v.orders, Posts: posts})
				all := shop.IDs()
				acted := false
				got, sum, err := walk(t, c, woo.Query{PerPage: 10}, func(p woo.Page) {
					if p.Number != v.after || acted {
						return
					}
					acted = true
					for _, id := range all[:v.gone] {
						if err := shop.Delete(id); err != nil {
							t.Error(err)
						}
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, id := range all[v.gone:] {
					if got[id] == 0 {
						t.Errorf("order %d was skipped", id)
					}
				}
				if sum.Total != v.orders-v.gone {
					t.Errorf("total %d, want %d", sum.Total, v.orders-v.gone)
				}
			})
		}
	}
}

func TestEachPageWhileTheListGrows(t *testing.T) {
	t.Parallel()
	shop, c, _ := setup(t, wootest.Options{Orders: 20})
	added := false
	got, _, err := walk(t, c, woo.Query{PerPage: 10}, func(woo.Page) {
		if !added {
			added = true
			add(t, shop, wootest.Order{Count: 5})
		}
	})
	if err != nil || len(got) != 25 {
		t.Errorf("got %d orders, %v", len(got), err)
	}
}

func TestAnEmptyPageIsNeverTheEnd(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		name  string
		fault wootest.Fault
	}{
		{"the first page is empty and 250 are counted", wootest.Fault{Kind: "hollow", Count: 1, Path: "/orders"}},
		{"a page in the middle is empty and 250 are counted", wootest.Fault{Kind: "hollow", Path: "page=2"}},
		{"the shop says again and again that page 3 is beyond the end", wootest.Fault{Kind: "empty", Path: "page=3"}},
		{"from page 2 on nothing is there any more", wootest.Fault{Kind: "empty"}},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			shop, c, _ := setup(t, wootest.Options{Orders: 50})
			fail := func(woo.Page) {}
			if v.fault.Path == "" {
				fail = func(woo.Page) { shop.Recover(); shop.Fail(v.fault) }
			} else {
				shop.Fail(v.fault)
			}
			_, _, err := walk(t, c, woo.Query{PerPage: 10}, fail)
			shopError(t, err, doorzet.ShopStrange)
		})
	}
}

func TestAnEmptyPageThatPasses(t *testing.T) {
	t.Parallel()
	shop, c, _ := setup(t, wootest.Options{Orders: 50})
	shop.Fail(wootest.Fault{Kind: "empty", Count: 1, Path: "page=3"})
	got, _, err := walk(t, c, woo.Query{PerPage: 10}, nil)
	if err != nil || len(got) != 50 {
		t.Errorf("got %d orders, %v", len(got), err)
	}
}

func TestEachPageWithAnUnreadableOrder(t *testing.T) {
	t.Parallel()
	shop, c, _ := setup(t, wootest.Options{Orders: 15})
	if err := shop.Change(shop.IDs()[3], wootest.Order{Fields: map[string]json.RawMessage{"total": json.RawMessage(`"x"`)}}); err != nil {
		t.Fatal(err)
	}
	bad := 0
	sum, err := c.EachPage(t.Context(), woo.Query{PerPage: 10}, func(p woo.Page) error {
		bad += len(p.Bad)
		return nil
	})
	if err != nil || bad != 1 || sum.Fetched != 15 {
		t.Errorf("got %+v with %d bad ones, %v", sum, bad, err)
	}
}
