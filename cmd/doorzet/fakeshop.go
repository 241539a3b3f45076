package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// fakeView is what fakeshop answers when it is ready.
type fakeView struct {
	URL     string `json:"url"`
	Key     string `json:"key"`
	Secret  string `json:"secret"`
	Control string `json:"control"` // "" when it is off
	Orders  int    `json:"orders"`
}

// controlHelp lists the control API, of which package wootest tells more.
const controlHelp = `The control API takes and gives JSON, without keys; what is not given stays, or is made up:
  GET    /_control/orders/ID        an order as REST would show it
  POST   /_control/orders           add orders: {"status", "total", "currency", "created", "modified", "count", ...}, or an array
  POST   /_control/orders/ID        change one: {"status", "total", ...}
  DELETE /_control/orders/ID        to the trash; ?force=true removes it for ever
  GET    /_control/requests         what was asked of the shop
  POST   /_control/reset-requests   forget that
  POST   /_control/webhooks         add a webhook: {"delivery_url", "topic", "status"}
  DELETE /_control/webhooks         remove all, ?id=7 only one
  POST   /_control/identity         {"home", "store_id", "name", "time_zone", "version"}
  POST   /_control/statuses         {"slug", "name"} adds a status, {"slug", "remove": true} takes it away
  POST   /_control/faults           {"kind", "count", "path", "max_url", ...}: requests go wrong, see below
  DELETE /_control/faults           everything works again

A fault hits the next "count" requests (0 is all) whose address holds "path" and is longer than "max_url". Its kinds:
  latency       the answer takes "delay_ms", and "per_order_ms" for each whole order and "per_row_ms" for each order with few
                fields in it; it applies besides other faults
  hang, slow    no answer at all; after "delay_ms"
  trickle       the body comes byte by byte, "delay_ms" apart
  down          the connection breaks without an answer
  400 to 599    that status, with "retry_after" (seconds), and with "code" as WordPress' own error
  html, blank, captcha, cloudflare, maintenance, redirect, object    what firewalls and plugins put in the shop's place; a web
                page has the text "body"
  empty, hollow lists without orders that count none, or 250
  cut, warning, bom, nototals    the right answer cut off, with dirt before it, without its totals
  wrongtotal    the right answer that counts "total" orders
  shuffle       lists in another order each time
  huge          the right answer with "mb" megabytes behind it
  cache         the right answer with the "headers" of a cache
  limit         a list that asks for more than "limit" orders is answered as the kind "as" (500)
  rate          of more than "limit" requests a second those above it get 429
  poison        whatever shows "order" is answered as the kind "as" (500)
An example: curl -d '{"status": "completed"}' http://127.0.0.1:9080/_control/orders/1001`

func (c *cli) fakeshop() *cobra.Command {
	var listen string
	var opt wootest.Options
	var control bool
	var shops int
	var cmd *cobra.Command
	cmd = c.does(&cobra.Command{
		Use:   "fakeshop --listen HOST:PORT --orders N",
		Short: "Run a fake WooCommerce shop, for trying things out",
		Long: "Run a fake WooCommerce shop until Ctrl-C. It answers as a real one does, with orders made from recorded ones, and" +
			" below /_control/ changes orders and settings on request. With --shops N it runs N of them at one address, below /shop/1 to" +
			" /shop/N, each with orders, a key and a control API of its own (/shop/1/_control/).\n\n" + controlHelp + "\n\n" +
			"Doorzet calls shops at private addresses only with DOORZET_ALLOW_PRIVATE_SHOPS=true.",
		Example: "  doorzet fakeshop --listen 127.0.0.1:9080 --orders 400\n" +
			"  doorzet fakeshop --shops 20 --orders 40 --json",
	}, func(ctx context.Context, _ []string) error {
		if opt.Orders < 0 {
			return usage("--orders %d: give a number from 0", opt.Orders)
		}
		if !listenable(listen) {
			return usage("--listen %q: write HOST:PORT, like 127.0.0.1:9080, or :9080 for every interface", listen)
		}
		if !cmd.Flags().Changed("shops") {
			return c.serveFake(ctx, listen, opt, control)
		}
		if shops < 1 || shops > maxFakes {
			return usage("--shops %d: give a number from 1 to %d", shops, maxFakes)
		}
		return c.serveFakes(ctx, listen, shops, opt, control)
	})
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:9080", "where it listens")
	f.IntVar(&opt.Orders, "orders", 400, "how many orders it has, or each of them")
	f.IntVar(&shops, "shops", 0, "so many shops, below /shop/1 and so on; not given: one, at the address itself")
	f.Uint64Var(&opt.Seed, "seed", 0, "other orders with another seed")
	f.BoolVar(&control, "control", true, "serve the control API below /_control/")
	return cmd
}

func (c *cli) serveFake(ctx context.Context, listen string, opt wootest.Options, control bool) error {
	l, err := listenAt(ctx, listen)
	if err != nil {
		return err
	}
	v := fakeView{URL: reachable(l.Addr()), Key: wootest.DefaultKey, Secret: wootest.DefaultSecret, Orders: opt.Orders}
	opt.Home = v.URL
	opt.StoreID = storeID(v.URL)
	if control {
		v.Control = v.URL + "/_control/"
	}
	return serveUntil(ctx, l, controlled(wootest.New(opt), control), func() error {
		return c.show(v, func(w io.Writer) {
			facts(w, "Fake shop", v.URL, "Key", v.Key, "Secret", v.Secret, "Orders", v.Orders, "Control", dash(v.Control))
			_, _ = fmt.Fprintln(w, untilCtrlC)
		})
	})
}

// untilCtrlC ends what a fake shop says of itself.
const untilCtrlC = "It runs until Ctrl-C."

func listenAt(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", address, err)
	}
	return l, nil
}

// controlled is a fake with its control API, or without.
func controlled(fake http.Handler, control bool) http.Handler {
	if control {
		return fake
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/_control/") {
			http.NotFound(w, r)
			return
		}
		fake.ServeHTTP(w, r)
	})
}

// serveUntil answers until ctx is done, after it has said where.
func serveUntil(ctx context.Context, l net.Listener, handler http.Handler, say func() error) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // the process ends
	defer stop()
	if err := say(); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the fake shop stopped: %w", err)
	}
	return nil
}

// listenable tells whether a text is a HOST:PORT to listen at.
func listenable(address string) bool {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// reachable is where what listens can be called from here: "every interface" is no address to call.
func reachable(listens net.Addr) string {
	if tcp, ok := listens.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
	}
	return "http://" + listens.String()
}

// storeID is a store id in the form of a uuid, of its own for each address.
func storeID(address string) string {
	sum := sha256.Sum256([]byte(address))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
