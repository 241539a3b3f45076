package woo_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// looks is a query by id for few fields, whole one for whole orders.
func looks(ids []int64) woo.Query { return woo.Query{Include: ids, Fields: woo.LookFields} }

func whole(ids []int64) woo.Query { return woo.Query{Include: ids} }

func everything([]int64) woo.Query { return woo.Query{} }

// complete wants a walk to have read all orders but those that were set aside.
func (m met) complete(t *testing.T, shop *wootest.Shop, aside ...int64) {
	t.Helper()
	if m.err != nil {
		t.Fatal(m.err)
	}
	var bad []int64
	for _, b := range m.bad {
		if len(b.Why) < 20 {
			t.Errorf("order %d was set aside for %q", b.ID, b.Why)
		}
		bad = append(bad, b.ID)
	}
	if slices.Sort(bad); !slices.Equal(bad, aside) {
		t.Errorf("set aside %v, want %v", bad, aside)
	}
	ids := shop.IDs()
	for _, id := range ids {
		if m.times[id] == 0 && !slices.Contains(aside, id) {
			t.Errorf("order %d did not come", id)
		}
	}
	if m.sum.Fetched != len(ids) || m.sum.Total != len(ids) {
		t.Errorf("in all %+v, want %d", m.sum, len(ids))
	}
	for i, p := range m.pages {
		if i > 0 && p.Row != m.pages[i-1].Rows {
			t.Errorf("a page begins at row %d, the one before it ends at %d", p.Row, m.pages[i-1].Rows)
		}
	}
}

// One order that stops the shop's PHP keeps none of the others back, whichever list shows it, and is named. Nothing is learnt of
// the shop from it.
func TestAPoisonousOrderIsSetAside(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		name   string
		at     []int // which orders of the list are poisonous
		listed int   // orders in the shop
		asks   func(ids []int64) woo.Query
		most   int // questions
	}{
		{"in the middle of a page", []int{57}, 230, everything, 21},
		{"the first of all", []int{0}, 230, everything, 21},
		{"the last of all", []int{229}, 230, everything, 21},
		{"three of one page", []int{101, 102, 150}, 230, everything, 45},
		{"the only one", []int{0}, 1, everything, 9},
		{"in a batch by id", []int{31}, 80, looks, 21},
		{"in a batch of whole orders", []int{0, 99}, 100, whole, 37},
		{"the only one of a batch", []int{0}, 1, looks, 4},
		{"twelve, none beside another", []int{1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23}, 30, everything, 90},
		{"eight in a row", []int{20, 21, 22, 23, 24, 25, 26, 27}, 60, everything, 60},
	} {
		kinds := []string{"500", "down"}
		if v.most > 40 {
			kinds = kinds[:1]
		}
		for _, as := range kinds {
			t.Run(v.name+" as "+as, func(t *testing.T) {
				t.Parallel()
				timed(t, v.listed, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
					ids := shop.IDs()
					var poison []int64
					for _, at := range v.at {
						poison = append(poison, ids[at])
						shop.Fail(wootest.Fault{Kind: "poison", Order: ids[at], As: as})
					}
					walk(t, c, v.asks(ids)).complete(t, shop, poison...)
					if p := c.LearnedPace(); p != doorzet.FullPace {
						t.Errorf("learnt %+v", p)
					}
					if n := shop.Count("list"); n > v.most {
						t.Errorf("it took %d questions, want at most %d: %v", n, v.most, asked(shop))
					}
				})
			})
		}
	}
}

// A shop that shows no order is not asked for each of its orders, though it tells their ids.
func TestAShopThatOnlyTellsIDs(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		as    string
		fine  int // orders before those that fail
		aside int
		most  int // questions
	}{{"500", 0, 2, 20}, {"500", 7, 10, 60}, {"hang", 0, 1, 10}, {"hang", 7, 3, 20}} {
		timed(t, 60, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
			for _, id := range shop.IDs()[v.fine:] {
				shop.Fail(wootest.Fault{Kind: "poison", Order: id, As: v.as})
			}
			m := walk(t, c, woo.Query{})
			shopError(t, m.err, doorzet.ShopDown)
			if n := shop.Count("list"); len(m.times) != v.fine || len(m.bad) != v.aside || n > v.most {
				t.Errorf("%s after %d: %d came, %d were set aside, with %d questions", v.as, v.fine, len(m.times), len(m.bad), n)
			}
		})
	}
}

// A shop that cannot show so many orders at once is asked for fewer, and that is learnt, for whole orders and for looks apart.
func TestAShopThatCannotBearMuch(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ limit, want, most int }{
		{100, 100, 2}, {99, 50, 4}, {50, 50, 4}, {25, 25, 7}, {24, 5, 29}, {5, 5, 29}, {1, 1, 134},
	} {
		kinds := []string{"500"}
		if v.limit == 25 || v.limit == 1 {
			kinds = []string{"500", "504", "html", "down", "413", "hang"}
		}
		for _, as := range kinds {
			for name, fields := range map[string][]string{"whole": nil, "looks": woo.LookFields} {
				t.Run(name+" as "+as, func(t *testing.T) {
					t.Parallel()
					timed(t, 130, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
						shop.Fail(wootest.Fault{Kind: "limit", Limit: v.limit, As: as})
						walk(t, c, woo.Query{Fields: fields}).complete(t, shop)
						p := c.LearnedPace()
						learnt, other := p.Page, p.Batch
						if fields != nil {
							learnt, other = other, learnt
						}
						if other != 100 || p.Gap != 0 || p.SlowedAt.IsZero() == (v.want < 100) {
							t.Errorf("limit %d: learnt %+v", v.limit, p)
						}
						// From a size that is much too small it grows back while it reads.
						if learnt != v.want && (v.want > 1 || learnt > v.limit) {
							t.Errorf("limit %d: learnt %d, want %d", v.limit, learnt, v.want)
						}
						if n := shop.Count("list"); n > v.most+10 {
							t.Errorf("limit %d: it took %d questions: %v", v.limit, n, asked(shop))
						}
					})
				})
			}
		}
	}
}

// Batches by id are split as well, and seen as one list.
func TestBatchesOfAShopThatCannotBearMuch(t *testing.T) {
	t.Parallel()
	for _, fault := range []wootest.Fault{
		{Kind: "limit", Limit: 30}, {Kind: "limit", Limit: 30, As: "hang"}, {Kind: "414", MaxURL: 500}, {Kind: "413", MaxURL: 500},
	} {
		t.Run(fault.Kind+fault.As, func(t *testing.T) {
			t.Parallel()
			timed(t, 90, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
				shop.Fail(fault)
				walk(t, c, looks(shop.IDs())).complete(t, shop)
				if p := c.LearnedPace(); p.Batch != 25 || p.Page != 100 {
					t.Errorf("learnt %+v", p)
				}
				first := shop.Count("list")
				walk(t, c, looks(shop.IDs())).complete(t, shop)
				if n := shop.Count("list") - first; n != 4 {
					t.Errorf("the second time it took %d questions, want 4", n)
				}
			})
		})
	}
}

// An address that is too long does not become shorter with fewer orders on a page.
func TestAnAddressThatIsTooLongWithoutIDs(t *testing.T) {
	t.Parallel()
	timed(t, 10, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
		shop.Fail(wootest.Fault{Kind: "414"})
		se := shopError(t, walk(t, c, woo.Query{}).err, doorzet.ShopStrange)
		if n := shop.Count("list"); n != 1 || !strings.Contains(se.Advice, "too long") {
			t.Errorf("after %d questions: %s", n, se.Advice)
		}
	})
}

// Orders that a plugin fills with megabytes are read a few at a time.
func TestOrdersThatAreLarge(t *testing.T) {
	t.Parallel()
	timed(t, 17, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
		filling, err := json.Marshal(strings.Repeat("x", 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range shop.IDs() {
			if err := shop.Change(id, wootest.Order{Fields: map[string]json.RawMessage{"customer_note": filling}}); err != nil {
				t.Fatal(err)
			}
		}
		walk(t, c, woo.Query{}).complete(t, shop)
		if p := c.LearnedPace(); p.Page != 5 {
			t.Errorf("learnt %+v", p)
		}
	})
}

// A shop that answers nothing is down: it is asked little, says why, and nothing is learnt of it.
func TestAShopThatIsDown(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		kind  string
		most  int // questions
		long  time.Duration
		kinds doorzet.ShopErrorKind
	}{
		{"500", 9, 30 * time.Second, doorzet.ShopDown},
		{"502", 9, 30 * time.Second, doorzet.ShopDown},
		{"down", 9, 30 * time.Second, doorzet.ShopDown},
		{"html", 9, 30 * time.Second, doorzet.ShopStrange},
		{"cut", 9, 30 * time.Second, doorzet.ShopStrange},
		{"hang", 2, 75 * time.Second, doorzet.ShopDown},
		{"slow", 2, 75 * time.Second, doorzet.ShopDown},
		{"maintenance", 1, time.Second, doorzet.ShopBusy},
		{"captcha", 3, 10 * time.Second, doorzet.ShopBlocked},
		{"redirect", 1, time.Second, doorzet.ShopRedirect},
	} {
		for name, asks := range map[string]func([]int64) woo.Query{"a list": everything, "a batch": looks} {
			t.Run(v.kind+" for "+name, func(t *testing.T) {
				t.Parallel()
				timed(t, 90, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
					if _, err := c.About(t.Context()); err != nil {
						t.Fatal(err)
					}
					shop.Fail(wootest.Fault{Kind: v.kind, Path: "/wc/v3/orders"})
					var m met
					long := took(func() { m = walk(t, c, asks(shop.IDs())) })
					shopError(t, m.err, v.kinds)
					if n := shop.Count("list"); n > v.most || long > v.long || len(m.pages) != 0 {
						t.Errorf("%d questions in %s, %d pages: %v", n, long, len(m.pages), asked(shop))
					}
					if p := c.LearnedPace(); p != doorzet.FullPace {
						t.Errorf("learnt %+v", p)
					}
				})
			})
		}
	}
}

// A shop that goes down in the middle is told from one with a poisonous order: nothing is blamed, what was read stays read.
func TestAShopThatGoesDownUnderWay(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"500", "hang"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			timed(t, 350, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
				shop.Fail(wootest.Fault{Kind: kind, Path: "&page=3&"}) // of a hundred, and smaller ones
				shop.Fail(wootest.Fault{Kind: kind, Path: "&page=5&"})
				shop.Fail(wootest.Fault{Kind: kind, Path: "&page=9&"})
				shop.Fail(wootest.Fault{Kind: kind, Path: "&page=41&"})
				shop.Fail(wootest.Fault{Kind: kind, Path: "&page=201&"})
				shop.Fail(wootest.Fault{Kind: kind, Path: "&page=202&"})
				m := walk(t, c, woo.Query{})
				shopError(t, m.err, doorzet.ShopDown)
				if len(m.times) != 200 || len(m.bad) != 0 || m.pages[len(m.pages)-1].Rows != 200 {
					t.Errorf("read %d orders, set aside %v", len(m.times), m.bad)
				}
				if n := shop.Count("list"); n > 2+9 {
					t.Errorf("%d questions: %v", n, asked(shop))
				}
			})
		})
	}
}

// Where not even the ids can be read the order stays without a name, when the shop still names its neighbour.
func TestAPoisonousOrderThatCannotBeNamed(t *testing.T) {
	t.Parallel()
	timed(t, 30, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
		ids := shop.IDs()
		shop.Fail(wootest.Fault{Kind: "poison", Order: ids[7]})
		shop.Fail(wootest.Fault{Kind: "500", Path: "_fields=id&"})
		m := walk(t, c, woo.Query{})
		if m.err == nil {
			t.Error("a shop that does not even tell ids was believed")
		}
		shop.Recover()
		shop.Fail(wootest.Fault{Kind: "poison", Order: ids[7]})
		shop.Fail(wootest.Fault{Kind: "500", Path: "&page=8&"})
		m = walk(t, c, woo.Query{})
		if m.err != nil || len(m.bad) != 1 || m.bad[0].ID != 0 || m.sum.Fetched != 30 {
			t.Errorf("set aside %v, in all %+v, %v", m.bad, m.sum, m.err)
		}
	})
}

// Orders that make the shop hang cost minutes each: after a few the walk ends, and goes on from there.
func TestOrdersThatHang(t *testing.T) {
	t.Parallel()
	timed(t, 40, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
		ids := shop.IDs()
		var poison []int64
		for i := range 5 {
			poison = append(poison, ids[3+i*7])
			shop.Fail(wootest.Fault{Kind: "poison", Order: ids[3+i*7], As: "hang"})
		}
		got, bad, row, walks := map[int64]int{}, []int64{}, 0, 0
		for ; row < 40 && walks < 5; walks++ {
			m := walk(t, c, woo.Query{FromRow: row})
			for id := range m.times {
				got[id]++
			}
			for _, b := range m.bad {
				bad = append(bad, b.ID)
			}
			if m.err != nil && !woo.TimedOut(m.err) || len(m.pages) == 0 {
				t.Fatalf("after %d pages: %v", len(m.pages), m.err)
			}
			row = m.pages[len(m.pages)-1].Rows
		}
		if len(got) != 35 || !slices.Equal(bad, poison) || walks != 2 {
			t.Errorf("read %d orders, set aside %v of %v in %d walks", len(got), bad, poison, walks)
		}
	})
}

// After twenty answers more is tried; what turns out to be too much is tried half as often.
func TestGrowingBack(t *testing.T) {
	t.Parallel()
	tries := func(shop *wootest.Shop, size string) (at []int) {
		for i, n := range asked(shop) {
			if n == size {
				at = append(at, i)
			}
		}
		return at
	}
	t.Run("in vain", func(t *testing.T) {
		t.Parallel()
		timed(t, 3000, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
			shop.Fail(wootest.Fault{Kind: "limit", Limit: 25})
			walk(t, c, woo.Query{Fields: woo.LookFields}).complete(t, shop)
			// One to begin with, then after 20 answers of 25 and after 40 more; 80 more do not fit.
			if got := tries(shop, "50"); len(got) != 3 || got[1]-got[0] < 21 || got[2]-got[1] < 41 {
				t.Errorf("50 were asked for at questions %v", got)
			}
			if p := c.LearnedPace(); p.Batch != 25 {
				t.Errorf("learnt %+v", p)
			}
		})
	})
	t.Run("with success", func(t *testing.T) {
		t.Parallel()
		timed(t, 3000, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
			shop.Fail(wootest.Fault{Kind: "limit", Limit: 25, Count: 2})
			walk(t, c, woo.Query{Fields: woo.LookFields}).complete(t, shop)
			// 20 of 25, then 20 of 50, then what is left by hundreds.
			n25, n50, n100 := len(tries(shop, "25")), len(tries(shop, "50")), len(tries(shop, "100"))
			if n25 < 20 || n25 > 24 || n50 < 21 || n50 > 24 || n100 < 15 {
				t.Errorf("asked %d times for 25, %d for 50, %d for 100", n25, n50, n100)
			}
			if p := c.LearnedPace(); p.Batch != 100 || p.SlowedAt.IsZero() {
				t.Errorf("learnt %+v", p)
			}
		})
	})
	t.Run("the next client begins where this one ended, and after three days a step larger", func(t *testing.T) {
		t.Parallel()
		timed(t, 60, func(t *testing.T, shop *wootest.Shop, _ *woo.Client) {
			for age, want := range map[time.Duration]string{time.Hour: "25", 73 * time.Hour: "50"} {
				shop.ResetRequests()
				c := clientOf(shop)
				c.Pace = doorzet.Pace{Page: 25, Batch: 100, SlowedAt: time.Now().Add(-age)}
				if p := c.LearnedPace(); p != c.Pace {
					t.Errorf("before any answer: %+v", p)
				}
				walk(t, c, woo.Query{}).complete(t, shop)
				if got := asked(shop)[0]; got != want {
					t.Errorf("%s after it was slowed: asked for %s, want %s", age, got, want)
				}
				if p := c.LearnedPace(); (p.Page == 50) != (want == "50") {
					t.Errorf("%s after it was slowed: learnt %+v", age, p)
				}
			}
			// What is tried and fails is not tried again for three days.
			c := clientOf(shop)
			c.Pace = doorzet.Pace{Page: 25, Batch: 100, SlowedAt: time.Now().Add(-100 * time.Hour)}
			shop.Fail(wootest.Fault{Kind: "limit", Limit: 25})
			walk(t, c, woo.Query{}).complete(t, shop)
			if p := c.LearnedPace(); p.Page != 25 || time.Since(p.SlowedAt) > time.Hour {
				t.Errorf("after a try in vain: %+v", p)
			}
		})
	})
}
