package woo_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// A question may take as long as it is worth, whatever the shop does meanwhile.
func TestHowLongAQuestionMayTake(t *testing.T) {
	t.Parallel()
	const short, long = 15 * time.Second, 60 * time.Second
	for _, fault := range []wootest.Fault{{Kind: "hang"}, {Kind: "slow"}, {Kind: "trickle", DelayMS: 10_000}} {
		for _, q := range []struct {
			name string
			want time.Duration
			ask  func(ctx context.Context, c *woo.Client) error
		}{
			{"about", short, func(ctx context.Context, c *woo.Client) error { _, err := c.About(ctx); return err }},
			{"system", short, func(ctx context.Context, c *woo.Client) error { _, err := c.System(ctx); return err }},
			{"webhooks", short, func(ctx context.Context, c *woo.Client) error { _, err := c.Webhooks(ctx); return err }},
			{"statuses", short, func(ctx context.Context, c *woo.Client) error { _, err := c.Statuses(ctx); return err }},
			{"tax rates", long, func(ctx context.Context, c *woo.Client) error { _, err := c.TaxRates(ctx); return err }},
			{"an order", long, func(ctx context.Context, c *woo.Client) error { _, err := c.Order(ctx, 1001); return err }},
			{"a list", long, func(ctx context.Context, c *woo.Client) error { _, err := c.Orders(ctx, woo.Query{}); return err }},
		} {
			t.Run(fault.Kind+" at "+q.name, func(t *testing.T) {
				t.Parallel()
				timed(t, 0, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
					if _, err := shop.Add(wootest.Order{ID: 1001}); err != nil {
						t.Fatal(err)
					}
					shop.Webhook("order.updated", "https://doorzet.example/h", "active")
					shop.Fail(fault)
					var err error
					if d := took(func() { err = q.ask(t.Context(), c) }); d != q.want {
						t.Errorf("it took %s, want %s", d, q.want)
					}
					se := shopError(t, err, doorzet.ShopDown)
					says := "did not answer in time"
					if fault.Kind == "trickle" {
						says = "began to answer, and did not finish in time"
					}
					if !woo.TimedOut(err) || !strings.Contains(se.Advice, says) || len(shop.Requests()) != 1 {
						t.Errorf("after %d requests: %v", len(shop.Requests()), err)
					}
				})
			})
		}
	}
}

// Large answers are in memory a few at a time, over all shops. Who waits does not blame the shop, holds nothing, and may give up.
func TestLargeAnswers(t *testing.T) {
	t.Parallel()
	const most = 4
	synctest.Test(t, func(t *testing.T) {
		large := woo.NewLarge()
		var mu sync.Mutex
		in, peak, pages := 0, 0, 0
		release := make(chan struct{})
		var wg sync.WaitGroup
		for range most + 1 {
			shop := wootest.New(wootest.Options{Orders: 200, Secure: true})
			shop.Fail(wootest.Fault{Kind: "huge", MB: 5})
			c := clientOf(shop)
			c.Large = large
			wg.Go(func() {
				mine := 0
				_, err := c.EachPage(t.Context(), woo.Query{}, func(woo.Page) error {
					mu.Lock()
					in++
					pages++
					peak = max(peak, in)
					mu.Unlock()
					<-release
					<-time.After(time.Second) // whoever could read ahead would have
					if mine++; shop.Count("list") != mine {
						t.Errorf("%d pages were asked for while page %d was in memory", shop.Count("list"), mine)
					}
					mu.Lock()
					in--
					mu.Unlock()
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				if p := c.LearnedPace(); p != doorzet.FullPace {
					t.Errorf("learnt %+v", p)
				}
			})
		}
		<-time.After(10 * time.Minute) // far longer than a question may take
		mu.Lock()
		if in != most {
			t.Errorf("%d large answers are worked on", in)
		}
		mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		shop := wootest.New(wootest.Options{Orders: 1, Secure: true})
		c := clientOf(shop)
		c.Large = large
		if _, err := c.Orders(ctx, woo.Query{}); err != nil {
			t.Errorf("a small answer waits: %v", err)
		}
		shop.Fail(wootest.Fault{Kind: "huge", MB: 5})
		if _, err := c.Orders(ctx, woo.Query{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who gives up waiting: %v", err)
		}
		cancel()
		close(release)
		wg.Wait()
		if peak != most || pages != 2*(most+1) {
			t.Errorf("%d at the same time, %d pages", peak, pages)
		}
		// Nothing is left of them.
		for range most + 1 {
			if _, err := c.Orders(t.Context(), woo.Query{}); err != nil {
				t.Error(err)
			}
			if _, err := c.Order(t.Context(), shop.IDs()[0]); err != nil {
				t.Error(err)
			}
			if _, err := c.System(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// What fails after it was allowed to be large gives its permit back.
func TestLargeAnswersThatFail(t *testing.T) {
	t.Parallel()
	for _, fault := range []wootest.Fault{{Kind: "huge", MB: 17}} {
		timed(t, 1, func(t *testing.T, shop *wootest.Shop, c *woo.Client) {
			shop.Fail(fault)
			for range 5 {
				_, err := c.Order(t.Context(), shop.IDs()[0])
				if se := shopError(t, err, doorzet.ShopStrange); !strings.Contains(se.Advice, "larger than 16 MB") {
					t.Errorf("says %q", se.Advice)
				}
			}
			shop.Recover()
			shop.Fail(wootest.Fault{Kind: "huge", MB: 6})
			shop.Fail(wootest.Fault{Kind: "object", Path: "never"})
			if _, err := c.Order(t.Context(), shop.IDs()[0]); err != nil {
				t.Error(err)
			}
		})
	}
}
