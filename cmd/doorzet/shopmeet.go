package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
)

// shopURL reads the address of a shop: http or https, without user, query or fragment, and without a slash at the end.
func shopURL(text string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return "", usage("--url %q is no address: write it with https:// or http:// before it, like https://shop.example", noUser(text))
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", usage("--url: give the shop's address only, without user, password, ? or #, like https://shop.example/shop")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// noUser hides what may be a password from a sentence.
func noUser(text string) string {
	if _, host, found := strings.Cut(text, "@"); found {
		return "...@" + host
	}
	return text
}

// met is what a shop said when it was contacted.
type met struct {
	name, home, zone, storeID, version, auth string
}

// meet contacts a shop: it asks what it is, and proves that the key reads orders.
func (c *cli) meet(ctx context.Context, s *stack.Stack, shop doorzet.Shop) (met, error) {
	shop.Auth = "" // a changed address or key may be let in another way
	client := s.Client(shop, nil)
	about, err := client.About(ctx)
	if err != nil {
		return met{}, shopFailed(shop, err)
	}
	if !about.WooCommerce {
		return met{}, shopFailed(shop, errors.New("WordPress answers, but WooCommerce does not: its REST API (wc/v3) is not there. Is WooCommerce switched on?"))
	}
	m := met{name: about.Name, home: about.Home, zone: about.TimeZone}
	system, err := client.System(ctx)
	var trouble *doorzet.ShopError
	switch {
	case err == nil:
		m.storeID, m.version = system.StoreID, system.WooVersion
	case errors.As(err, &trouble) && (trouble.Status == 403 || trouble.Status == 404):
		c.say("The shop does not tell its version and store id: %s", trouble.Error())
	default:
		return met{}, shopFailed(shop, err)
	}
	if _, err := client.Orders(ctx, woo.Query{PerPage: 1, Fields: woo.LookFields}); err != nil {
		return met{}, shopFailed(shop, err)
	}
	m.auth = client.LearnedAuth()
	return m, nil
}

func shopFailed(shop doorzet.Shop, err error) error {
	return fmt.Errorf("the shop at %s: %w\nLook closer with: doorzet shop check", shop.URL, err)
}

// warnStatuses says which statuses a shop does not know. They may be chosen: a plugin can be switched on later.
func (c *cli) warnStatuses(ctx context.Context, s *stack.Stack, shop doorzet.Shop) {
	known, err := s.Client(shop, nil).Statuses(ctx)
	if err != nil {
		c.say("Whether the shop knows the statuses could not be asked: %v", err)
		return
	}
	var slugs []string
	for _, k := range known {
		slugs = append(slugs, k.Slug)
	}
	for _, status := range shop.Statuses {
		if !slices.Contains(slugs, status) {
			c.say("Careful: the shop does not know the status %s; it knows %s.", status, strings.Join(slugs, ", "))
		}
	}
}
