package woo_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// weather is a shop to which things happen while it is asked, the same ones for the same seed.
type weather struct {
	mu     sync.Mutex
	rng    *rand.Rand
	shop   *wootest.Shop
	gone   map[int64]bool
	sorts  int // of things that happen
	calm   bool
	poison []int64
}

// ServeHTTP lets something happen now and then, and answers.
func (w *weather) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.happen()
	w.mu.Unlock()
	w.shop.ServeHTTP(out, r)
}

func (w *weather) happen() {
	if w.calm || w.rng.IntN(10) > 0 {
		return
	}
	switch w.rng.IntN(w.sorts) {
	case 0: // a short trouble
		kinds := []string{"500", "502", "down", "html", "cut", "429", "hang", "413"}
		w.shop.Fail(wootest.Fault{Kind: kinds[w.rng.IntN(len(kinds))], Count: 1 + w.rng.IntN(2)})
	case 1:
		_, _ = w.shop.Add(wootest.Order{Count: 1 + w.rng.IntN(3)})
	default: // some orders go, from anywhere
		ids := slices.DeleteFunc(w.shop.IDs(), func(id int64) bool { return slices.Contains(w.poison, id) })
		for range min(len(ids), 1+w.rng.IntN(7)) {
			id := ids[w.rng.IntN(len(ids))]
			w.gone[id] = true
			_ = w.shop.Delete(id)
		}
	}
}

// Whatever happens to a shop while its list is read: a walk that ends well has skipped no order that was there all the time, but
// for those that it says it could not read. A walk that ends in trouble is gone on with at its row, if the list stands still.
func TestNothingIsSkippedWhateverHappens(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { endure(t, seed) })
		})
	}
}

func endure(t *testing.T, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	w := &weather{rng: rng, gone: map[int64]bool{}, sorts: 1 + rng.IntN(3),
		shop: wootest.New(wootest.Options{Orders: rng.IntN(300), Secure: true, Seed: seed, Posts: rng.IntN(2) == 0})}
	ids := w.shop.IDs()
	for range rng.IntN(4) * min(len(ids), 1) {
		id := ids[rng.IntN(len(ids))]
		w.poison = append(w.poison, id)
		w.shop.Fail(wootest.Fault{Kind: "poison", Order: id})
	}
	if rng.IntN(2) == 0 {
		w.shop.Fail(wootest.Fault{Kind: "limit", Limit: 1 + rng.IntN(60)})
	}
	sizes := []int{1, 5, 25, 50, 100, 100, 100}
	c := clientOf(w.shop)
	c.HTTP = &http.Client{Transport: inside{w}}
	c.Pace = doorzet.Pace{Page: sizes[rng.IntN(len(sizes))], Batch: sizes[rng.IntN(len(sizes))], SlowedAt: time.Now().Add(-time.Duration(rng.IntN(100)) * time.Hour)}
	var q woo.Query
	if rng.IntN(2) == 0 {
		q.Fields = woo.LookFields
	}
	got, aside := map[int64]int{}, []int64{}
	for tries := 0; ; tries++ {
		m := walk(t, c, q)
		for id, n := range m.times {
			got[id] += n
		}
		for _, b := range m.bad {
			aside = append(aside, b.ID)
		}
		if m.err == nil {
			break
		}
		var se *doorzet.ShopError
		if tries > 20 || !errors.As(m.err, &se) {
			t.Fatalf("after %d walks: %v", tries, m.err)
		}
		w.mu.Lock()
		w.calm = tries > 10
		w.mu.Unlock()
		if n := len(m.pages); n > 0 && w.sorts == 1 { // the list stands still
			q.FromRow = m.pages[n-1].Rows
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var skipped []int64
	for _, id := range ids {
		if got[id] == 0 && !w.gone[id] && !slices.Contains(aside, id) {
			skipped = append(skipped, id)
		}
	}
	// Of two troubles in a row in the very questions that name an order, its name may be lost, and its place stays known.
	unnamed := slices.DeleteFunc(slices.Clone(aside), func(id int64) bool { return id != 0 })
	if len(skipped) > len(unnamed) {
		t.Errorf("%v were skipped; it read %d, set aside %v", skipped, len(got), aside)
	}
	for id := range got {
		if slices.Contains(w.poison, id) {
			t.Errorf("order %d cannot have been read", id)
		}
	}
}
