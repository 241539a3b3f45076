package doorzet_test

import (
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestR4_webhooksAreOn(t *testing.T) {
	t.Parallel()
	const public = "https://push.example/doorzet"
	hook := func(topic, status, url string) doorzet.Webhook {
		return doorzet.Webhook{Topic: topic, Status: status, URL: url}
	}
	ours := func(topic, status string) doorzet.Webhook { return hook(topic, status, public+"/webhooks/abc") }
	for _, c := range []struct {
		name   string
		public string
		hooks  []doorzet.Webhook
		want   bool
	}{
		{"none", public, nil, false},
		{"updates are on", public, []doorzet.Webhook{ours("order.updated", "active")}, true},
		{"all are on", public, []doorzet.Webhook{ours("order.created", "active"), ours("order.updated", "active"), ours("order.deleted", "active")}, true},
		{"WooCommerce switched one off", public, []doorzet.Webhook{ours("order.created", "disabled"), ours("order.updated", "active")}, false},
		{"updates are paused", public, []doorzet.Webhook{ours("order.updated", "paused")}, false},
		{"updates are not there", public, []doorzet.Webhook{ours("order.created", "active")}, false},
		{"one of two for a topic is on", public, []doorzet.Webhook{ours("order.updated", "disabled"), ours("order.updated", "active")}, true},
		{"those of another maker", public, []doorzet.Webhook{hook("order.updated", "active", "https://push.example/other/hook")}, false},
		{"an address that only begins like ours", public, []doorzet.Webhook{hook("order.updated", "active", public+"-test/webhooks/abc")}, false},
		{"one of another maker that is off", public, []doorzet.Webhook{ours("order.updated", "active"), hook("order.updated", "disabled", "https://other.example/")}, true},
		{"ours for products do not matter", public, []doorzet.Webhook{ours("order.updated", "active"), ours("product.updated", "disabled")}, true},
		{"our address with a slash behind it", public + "/", []doorzet.Webhook{ours("order.updated", "active")}, true},
		{"our own address is not known", "", []doorzet.Webhook{ours("order.updated", "active")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := doorzet.WebhooksAreOn(c.public, c.hooks); got != c.want {
				t.Errorf("on: %t, want %t", got, c.want)
			}
		})
	}
}
