package woo_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// before is setup for a shop that does something before it answers a list.
func before(t *testing.T, opt wootest.Options, do func(r *http.Request)) (*wootest.Shop, *woo.Client, *waits) {
	t.Helper()
	opt.Home = "https://shop.example/winkel"
	shop := wootest.New(opt)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/orders") {
			do(r)
		}
		shop.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c, w := client(server, opt)
	c.Auth = "basic"
	return shop, c, w
}

// quick is setup with a client that is let in with its first call.
func quick(t *testing.T, orders int) (*wootest.Shop, *woo.Client, *waits) {
	t.Helper()
	return before(t, wootest.Options{Orders: orders}, func(*http.Request) {})
}

// met is what came of a walk.
type met struct {
	times map[int64]int // how often each order came
	bad   []woo.BadOrder
	pages []woo.Page
	sum   woo.Sum
	err   error
}

// walk reads a whole list.
func walk(t *testing.T, c *woo.Client, q woo.Query) met {
	t.Helper()
	m := met{times: map[int64]int{}}
	m.sum, m.err = c.EachPage(t.Context(), q, func(p woo.Page) error {
		for _, o := range p.Orders {
			m.times[o.ID]++
		}
		m.bad = append(m.bad, p.Bad...)
		m.pages = append(m.pages, p)
		return nil
	})
	return m
}

// asked are how many orders each list asked for, in order.
func asked(shop *wootest.Shop) []string {
	var out []string
	for _, r := range shop.Requests() {
		if _, n, ok := strings.Cut(r.Query, "per_page="); ok && r.Kind == "list" {
			n, _, _ = strings.Cut(n, "&")
			out = append(out, n)
		}
	}
	return out
}

func TestEachPage(t *testing.T) {
	t.Parallel()
	t.Run("all orders, in as many calls as there are pages", func(t *testing.T) {
		t.Parallel()
		shop, c, _ := quick(t, 950)
		m := walk(t, c, woo.Query{Fields: woo.LookFields})
		if m.err != nil {
			t.Fatal(m.err)
		}
		if len(m.times) != 950 || m.sum != (woo.Sum{Fetched: 950, Total: 950, Pages: 10}) || shop.Count("list") != 10 {
			t.Errorf("got %d orders, %+v, %d calls", len(m.times), m.sum, shop.Count("list"))
		}
		for i, p := range m.pages {
			if want := min(100*(i+1), 950); p.Row != 100*i || p.Rows != want || p.Total != 950 {
				t.Errorf("page %d is of row %d, goes on at %d, counts %d", i, p.Row, p.Rows, p.Total)
			}
		}
	})
	t.Run("no orders at all", func(t *testing.T) {
		t.Parallel()
		_, c, _ := quick(t, 0)
		if m := walk(t, c, woo.Query{}); m.err != nil || m.sum != (woo.Sum{Pages: 1}) || len(m.pages) != 1 || m.pages[0].Rows != m.pages[0].Total {
			t.Errorf("got %+v", m)
		}
	})
	t.Run("the caller ends it", func(t *testing.T) {
		t.Parallel()
		_, c, _ := quick(t, 50)
		enough := errors.New("enough")
		calls := 0
		_, err := c.EachPage(t.Context(), woo.Query{PerPage: 5}, func(woo.Page) error { calls++; return enough })
		if !errors.Is(err, enough) || calls != 1 {
			t.Errorf("got %v after %d pages", err, calls)
		}
	})
	t.Run("what makes no sense is refused", func(t *testing.T) {
		t.Parallel()
		shop, c, _ := quick(t, 5)
		for _, q := range []woo.Query{{FromRow: -1}, {Include: []int64{1}, FromRow: 1}, {Include: make([]int64, 101)}} {
			if m := walk(t, c, q); m.err == nil {
				t.Errorf("%+v was asked", q)
			}
		}
		if n := shop.Count("list"); n != 0 {
			t.Errorf("%d questions were asked", n)
		}
	})
}

// A walk goes on at any row, whatever the size of the pages before it was, and reads nothing twice.
func TestEachPageFromARow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from  int
		asked []string
	}{
		{0, []string{"100", "100", "100"}},
		{200, []string{"100"}},
		{150, []string{"50", "100"}},
		{75, []string{"25", "100", "100"}},
		{137, []string{"1", "1", "1", "5", "5", "50", "100"}},
		{229, []string{"1"}},
	} {
		shop, client, _ := quick(t, 230)
		m := walk(t, client, woo.Query{FromRow: c.from})
		if m.err != nil {
			t.Fatal(m.err)
		}
		if got := asked(shop); !slices.Equal(got, c.asked) {
			t.Errorf("from row %d: asked for %v, want %v", c.from, got, c.asked)
		}
		for i, id := range shop.IDs() {
			if want := map[bool]int{true: 1}[i >= c.from]; m.times[id] != want {
				t.Errorf("from row %d: the order of row %d came %d times", c.from, i, m.times[id])
			}
		}
	}
}

func TestEachPageWhileTheListShrinks(t *testing.T) {
	t.Parallel()
	for _, posts := range []bool{false, true} {
		for _, v := range []struct {
			name   string
			orders int
			page   string // deleted when this page is asked for
			gone   int    // so many, from the start
		}{
			{"one row slides to the page before", 25, "&page=3&", 1},
			{"a whole page slides", 25, "&page=4&", 5},
			{"more than a page slides", 25, "&page=5&", 12},
			{"the last page vanishes", 21, "&page=5&", 1},
			{"several last pages vanish", 25, "&page=5&", 10},
		} {
			t.Run(v.name, func(t *testing.T) {
				t.Parallel()
				var shop *wootest.Shop
				var all []int64
				acted := false
				shop, c, _ := before(t, wootest.Options{Orders: v.orders, Posts: posts}, func(r *http.Request) {
					if acted || !strings.Contains(r.URL.RawQuery, v.page) {
						return
					}
					acted = true
					for _, id := range all[:v.gone] {
						if err := shop.Delete(id); err != nil {
							t.Error(err)
						}
					}
				})
				all = shop.IDs()
				m := walk(t, c, woo.Query{PerPage: 5})
				if m.err != nil || !acted {
					t.Fatal(m.err, acted)
				}
				for _, id := range all[v.gone:] {
					if m.times[id] == 0 {
						t.Errorf("order %d was skipped", id)
					}
				}
				last := m.pages[len(m.pages)-1]
				if want := v.orders - v.gone; m.sum.Total != want || last.Rows != want || last.Total != want {
					t.Errorf("total %d, ended at row %d of %d; want %d", m.sum.Total, last.Rows, last.Total, want)
				}
			})
		}
	}
}

// What slid back is still to be read: a night that ends after such a page goes on before it.
func TestAPageTellsWhereTheWalkGoesOn(t *testing.T) {
	t.Parallel()
	var all []int64
	var shop *wootest.Shop
	shop, c, _ := before(t, wootest.Options{Orders: 25}, func(r *http.Request) {
		if strings.Contains(r.URL.RawQuery, "&page=3&") && len(shop.IDs()) == 25 {
			for _, id := range all[:7] {
				_ = shop.Delete(id)
			}
		}
	})
	all = shop.IDs()
	m := walk(t, c, woo.Query{PerPage: 5})
	if m.err != nil {
		t.Fatal(m.err)
	}
	var rows []int
	for _, p := range m.pages {
		rows = append(rows, p.Rows)
	}
	if want := []int{5, 10, 0, 5, 10, 15, 18}; !slices.Equal(rows, want) {
		t.Errorf("the walk went on at rows %v, want %v", rows, want)
	}
}

func TestEachPageWhileTheListGrows(t *testing.T) {
	t.Parallel()
	var shop *wootest.Shop
	var added atomic.Bool
	shop, c, _ := before(t, wootest.Options{Orders: 20}, func(r *http.Request) {
		if strings.Contains(r.URL.RawQuery, "&page=4&") && added.CompareAndSwap(false, true) {
			_, _ = shop.Add(wootest.Order{Count: 7})
		}
	})
	if m := walk(t, c, woo.Query{PerPage: 5}); m.err != nil || len(m.times) != 27 {
		t.Errorf("got %d orders, %v", len(m.times), m.err)
	}
}

func TestAnEmptyPageIsNeverTheEnd(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		name  string
		from  int
		fault wootest.Fault
	}{
		{"the first page is empty and 250 are counted", 0, wootest.Fault{Kind: "hollow", Count: 1, Path: "/orders"}},
		{"a page in the middle is empty and 250 are counted", 0, wootest.Fault{Kind: "hollow", Path: "&page=2"}},
		{"the shop says again and again that page 3 is beyond the end", 0, wootest.Fault{Kind: "empty", Path: "&page=3"}},
		{"from page 2 on nothing is there any more", 0, wootest.Fault{Kind: "empty", Path: "&page="}},
		{"a night that goes on finds nothing at all", 20, wootest.Fault{Kind: "empty", Path: "/orders"}},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			shop, c, _ := quick(t, 50)
			shop.Fail(v.fault)
			shopError(t, walk(t, c, woo.Query{PerPage: 5, FromRow: v.from}).err, doorzet.ShopStrange)
		})
	}
}

func TestAnEmptyPageThatPasses(t *testing.T) {
	t.Parallel()
	shop, c, _ := quick(t, 50)
	shop.Fail(wootest.Fault{Kind: "empty", Count: 1, Path: "&page=3"})
	if m := walk(t, c, woo.Query{PerPage: 5}); m.err != nil || len(m.times) != 50 {
		t.Errorf("got %d orders, %v", len(m.times), m.err)
	}
}

// A list that counts fewer orders than it shows is not believed: where it ends would be anybody's guess.
func TestAListThatCountsTooFew(t *testing.T) {
	t.Parallel()
	for count, ok := range map[int]bool{1: true, 0: false} {
		shop, c, _ := quick(t, 3)
		shop.Fail(wootest.Fault{Kind: "wrongtotal", Total: 2, Count: count})
		m := walk(t, c, woo.Query{PerPage: 5})
		if ok && (m.err != nil || len(m.times) != 3) {
			t.Errorf("once: got %d orders, %v", len(m.times), m.err)
		}
		if !ok {
			shopError(t, m.err, doorzet.ShopStrange)
		}
	}
}

// A list that comes in another order each time skips some and shows others twice: that shows in the sum.
func TestAListInNoOrder(t *testing.T) {
	t.Parallel()
	shop, c, _ := quick(t, 200)
	shop.Fail(wootest.Fault{Kind: "shuffle"})
	m := walk(t, c, woo.Query{PerPage: 25})
	if m.err != nil || m.sum.Total != 200 || m.sum.Fetched != len(m.times) || m.sum.Fetched >= 200 {
		t.Errorf("got %d orders, %+v, %v", len(m.times), m.sum, m.err)
	}
}

func TestEachPageWithAnUnreadableOrder(t *testing.T) {
	t.Parallel()
	shop, c, _ := quick(t, 15)
	if err := shop.Change(shop.IDs()[3], wootest.Order{Fields: map[string]json.RawMessage{"total": json.RawMessage(`"x"`)}}); err != nil {
		t.Fatal(err)
	}
	if m := walk(t, c, woo.Query{PerPage: 5}); m.err != nil || len(m.bad) != 1 || m.sum.Fetched != 15 {
		t.Errorf("got %+v with bad ones %v, %v", m.sum, m.bad, m.err)
	}
}

// While a page is worked on the next one is asked for, and no other.
func TestReadingAhead(t *testing.T) {
	t.Parallel()
	came := make(chan struct{}, 100)
	shop, c, _ := before(t, wootest.Options{Orders: 30}, func(*http.Request) { came <- struct{}{} })
	worked := 0
	_, err := c.EachPage(t.Context(), woo.Query{PerPage: 5}, func(p woo.Page) error {
		if worked++; worked == 1 {
			<-came
		}
		if n := shop.Count("list"); n > worked+1 {
			t.Errorf("%d questions were asked when page %d was worked on", n, worked)
		}
		if p.ReceivedAt.Before(p.StartedAt) {
			t.Errorf("page %d was asked for at %s and came at %s", worked, p.StartedAt, p.ReceivedAt)
		}
		if worked == 6 {
			return nil
		}
		select {
		case <-came: // the next page's question
		case <-time.After(time.Minute):
			t.Errorf("page %d was not asked for while page %d was worked on", worked+1, worked)
		}
		return nil
	})
	if err != nil || worked != 6 {
		t.Errorf("%d pages, %v", worked, err)
	}
}

// Each page has the times of its own question, also those that were read ahead.
func TestTimesOfPages(t *testing.T) {
	t.Parallel()
	var w *waits
	_, c, w := before(t, wootest.Options{Orders: 15}, func(*http.Request) { _ = w.pause(t.Context(), time.Hour) })
	m := walk(t, c, woo.Query{PerPage: 5})
	if m.err != nil || len(m.pages) != 3 {
		t.Fatal(m.err)
	}
	for i, p := range m.pages {
		if took := p.ReceivedAt.Sub(p.StartedAt); took < time.Hour || took > 90*time.Minute {
			t.Errorf("page %d took %s, want an hour", i, took)
		}
		if i > 0 && p.StartedAt.Before(m.pages[i-1].ReceivedAt) {
			t.Errorf("page %d was asked for before the one before it was here", i)
		}
	}
}

// Whatever ends a walk ends the question that is under way, and leaves nothing running.
func TestAWalkThatEndsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	for name, end := range map[string]func(cancel func()) error{
		"an error":    func(func()) error { return enough },
		"the context": func(cancel func()) error { cancel(); return nil },
		"a panic":     func(func()) error { panic(enough) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hangs, gone := make(chan struct{}), make(chan struct{})
			_, c, _ := before(t, wootest.Options{Orders: 15}, func(r *http.Request) {
				if strings.Contains(r.URL.RawQuery, "&page=2") {
					close(hangs)
					<-r.Context().Done()
					close(gone)
				}
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			g := &gate{}
			c.Gate = g
			err := func() (err error) {
				defer func() {
					if p, ok := recover().(error); ok {
						err = p
					}
				}()
				_, err = c.EachPage(ctx, woo.Query{PerPage: 5}, func(woo.Page) error {
					<-hangs
					return end(cancel)
				})
				return err
			}()
			if !errors.Is(err, enough) && !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if g.mu.Lock(); g.in != 0 {
				t.Error("a question is under way")
			}
			g.mu.Unlock()
			<-gone
		})
	}
}
