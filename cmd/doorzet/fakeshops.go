package main

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// maxFakes is how many fake shops one process has at most.
const maxFakes = 10_000

// serveFakes runs several fake shops at one address.
func (c *cli) serveFakes(ctx context.Context, listen string, n int, opt wootest.Options, control bool) error {
	l, err := listenAt(ctx, listen)
	if err != nil {
		return err
	}
	var views []fakeView
	shops := wootest.NewShops(reachable(l.Addr()), n, func(number int, home string) wootest.Options {
		v := fakeView{URL: home, Key: fakeKey("ck_", home), Secret: fakeKey("cs_", home), Orders: opt.Orders}
		if control {
			v.Control = home + "/_control/"
		}
		views = append(views, v)
		one := opt
		one.Key, one.Secret, one.StoreID, one.Seed = v.Key, v.Secret, storeID(home), opt.Seed+uint64(number)
		return one
	})
	return serveUntil(ctx, l, controlled(shops, control), func() error {
		out := c.list("SHOP", "KEY", "SECRET", "CONTROL")
		for _, v := range views {
			if err := out.add(v, v.URL, v.Key, v.Secret, dash(v.Control)); err != nil {
				return err
			}
		}
		if err := out.end(nil, ""); err != nil || c.json {
			return err
		}
		_, err := fmt.Fprintln(c.stdout, untilCtrlC)
		return err
	})
}

// fakeKey is a key of a fake shop's own, in the form of WooCommerce's: 40 hexadecimal digits behind ck_ or cs_.
func fakeKey(prefix, home string) string {
	sum := sha256.Sum256([]byte(prefix + home))
	return fmt.Sprintf("%s%x", prefix, sum[:20])
}
