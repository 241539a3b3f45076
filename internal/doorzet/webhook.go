package doorzet

import "strings"

// Webhook is one webhook that a shop has registered.
type Webhook struct {
	ID     int64
	Topic  string // "order.updated"
	Status string // "active", "paused", "disabled"
	URL    string
}

// WebhooksAreOn tells whether a shop's webhooks are really on (R4): registered, active, with our address. Ours are those
// that deliver to our public address, whoever made them. Order updates must be among them, and no order topic of ours may
// be registered without an active webhook.
func WebhooksAreOn(publicURL string, hooks []Webhook) bool {
	publicURL = strings.TrimRight(publicURL, "/")
	if publicURL == "" {
		return false
	}
	active := map[string]bool{}
	for _, h := range hooks {
		if h.URL != publicURL && !strings.HasPrefix(h.URL, publicURL+"/") || !strings.HasPrefix(h.Topic, "order.") {
			continue
		}
		active[h.Topic] = active[h.Topic] || h.Status == "active"
	}
	for _, on := range active {
		if !on {
			return false
		}
	}
	return active["order.updated"]
}
