package woo_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

func TestAbout(t *testing.T) {
	t.Parallel()
	for zone, want := range map[string]string{
		"Europe/Amsterdam": "Europe/Amsterdam", "+05:30": "+05:30", "-03:30": "-03:30", "+00:00": "+00:00", "+13:45": "+13:45",
	} {
		_, c, _ := setup(t, wootest.Options{TimeZone: zone})
		a, err := c.About(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if a.Name != "De Boekenwinkel & Zo" || a.Home != "https://shop.example/winkel" || !a.WooCommerce || a.TimeZone != want {
			t.Errorf("%s: got %+v", zone, a)
		}
	}
	t.Run("not WordPress", func(t *testing.T) {
		t.Parallel()
		_, err := answering(t, 200, `{"hello":"world"}`).About(t.Context())
		shopError(t, err, doorzet.ShopStrange)
	})
}

func TestSystem(t *testing.T) {
	t.Parallel()
	_, c, _ := setup(t, wootest.Options{StoreID: "abc", Version: "8.1.0"})
	s, err := c.System(t.Context())
	if want := (woo.System{WooVersion: "8.1.0", StoreID: "abc", Home: "https://shop.example/winkel", Currency: "EUR", HPOS: true}); err != nil || s != want {
		t.Errorf("got %+v, %v", s, err)
	}
	_, c, _ = setup(t, wootest.Options{Posts: true})
	if s, err := c.System(t.Context()); err != nil || s.HPOS {
		t.Errorf("posts: got %+v, %v", s, err)
	}
	for _, status := range []int{401, 403, 404} {
		_, err := answering(t, status, `{"code":"woocommerce_rest_cannot_view","message":"x","data":{"status":403}}`).System(t.Context())
		var se *doorzet.ShopError
		if !errors.As(err, &se) || se.Status != status {
			t.Errorf("%d: got %v", status, err)
		}
	}
	_, err = answering(t, 200, `{}`).System(t.Context())
	shopError(t, err, doorzet.ShopStrange)
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	want := []woo.Status{{Slug: "pending", Name: "Pending payment"}, {Slug: "shipped", Name: "Verzonden"}}
	for name, c := range map[string]struct {
		version string
		fault   string
		names   bool
	}{
		"the list of new versions":          {"10.5.2", "", true},
		"the report of older ones":          {"8.0.0", "", true},
		"the route when the report is shut": {"8.0.0", "reports", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop, client, _ := setup(t, wootest.Options{Version: c.version})
			if c.fault != "" {
				shop.Fail(wootest.Fault{Kind: "404", Path: c.fault})
			}
			got, err := client.Statuses(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range want {
				if !c.names {
					w.Name = w.Slug
				}
				if !slices.Contains(got, w) {
					t.Errorf("%+v is not in %+v", w, got)
				}
			}
			if slices.ContainsFunc(got, func(s woo.Status) bool { return s.Slug == "any" || s.Slug == "trash" }) {
				t.Errorf("got %+v", got)
			}
		})
	}
	t.Run("a denied key is told", func(t *testing.T) {
		t.Parallel()
		_, client, _ := setup(t, wootest.Options{})
		client.Key = "ck_x"
		_, err := client.Statuses(t.Context())
		shopError(t, err, doorzet.ShopDenied)
	})
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	shop, c, _ := setup(t, wootest.Options{})
	for range 101 {
		shop.Webhook("order.updated", "https://doorzet.example/h", "active")
	}
	shop.Webhook("order.deleted", "https://doorzet.example/h", "disabled")
	got, err := c.Webhooks(t.Context())
	if err != nil || len(got) != 102 {
		t.Fatalf("got %d, %v", len(got), err)
	}
	last := got[101]
	if last.ID != 102 || last.Status != "disabled" || last.Topic != "order.deleted" || last.DeliveryURL != "https://doorzet.example/h" {
		t.Errorf("got %+v", last)
	}
}

func TestTaxRates(t *testing.T) {
	t.Parallel()
	_, c, _ := setup(t, wootest.Options{})
	got, err := c.TaxRates(t.Context())
	if err != nil || len(got) != 7 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if r := got[0]; r.ID != 1 || r.Country != "NL" || !r.Percent.Equal(cent(2100)) || r.Name != "BTW 21%" || r.Class != "standard" {
		t.Errorf("got %+v", r)
	}
}

func TestModifiedFilter(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"": true, "10.5.2": true, "5.8.0": true, "5.8": true, "5.10": true, "6": true, "5.8-beta.1": true, "x": true,
		"5.7.9": false, "4.9": false, "5": false, "3.0.0": false,
	} {
		if got := doorzet.ModifiedFilter(version); got != want {
			t.Errorf("%q: got %v, want %v", version, got, want)
		}
	}
}
