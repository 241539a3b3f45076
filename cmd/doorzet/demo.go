package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/config"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/web"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

const (
	// demoOrders is how many orders the demo's fake shop has.
	demoOrders = 400
	// demoName and demoPrefix are how the demo knows its own shop and books again.
	demoName   = "Demo shop"
	demoPrefix = "DEMO"
)

// demo is one run of "doorzet demo".
type demo struct {
	cli    *cli
	getenv func(string) string
	out    io.Writer
	once   bool // end after the night

	dir    string
	cfg    config.Config
	log    *slog.Logger
	stack  *stack.Stack
	fake   *wootest.Shop
	closes []func() error
}

func (c *cli) demo() *cobra.Command {
	return c.does(&cobra.Command{
		Use:   "demo",
		Short: "Run everything in one process with a fake shop: see a night happen",
		Long: "Starts a private Postgres and Redis (unless DATABASE_URL and REDIS_URL name others), a fake shop of 400 orders, and\n" +
			"api, worker and scheduler in this process. Runs a night, then stays up until Ctrl-C. With DEMO_ONCE=1 it ends after\n" +
			"the night. Its data is kept in DOORZET_DATA_DIR (.data/demo) and can be removed at any time.",
	}, func(ctx context.Context, _ []string) error {
		d := &demo{cli: c, getenv: c.getenv, out: c.stdout, once: c.getenv("DEMO_ONCE") == "1"}
		return d.run(ctx)
	})
}

// run shows a night from beginning to end, and closes what it started.
func (d *demo) run(ctx context.Context) (err error) {
	defer func() {
		for _, closed := range slices.Backward(d.closes) {
			err = errors.Join(err, closed())
		}
		if ctx.Err() != nil {
			err = nil // told to stop
		}
	}()
	if err := d.prepare(ctx); err != nil {
		return err
	}
	stop := d.start(ctx)
	defer stop()
	shop, err := d.connect(ctx)
	if err != nil {
		return err
	}
	if err := d.ready(ctx); err != nil {
		return err
	}
	if err := d.nights(ctx, shop); err != nil {
		return err
	}
	d.say("")
	d.pointers(shop)
	if d.once {
		d.say("\nNothing runs any more. make demo keeps it running, with queue pages and commands to look around with.")
		return nil
	}
	d.say("\nIt stays up: nights run by themselves between 01:00 and 05:00. Ctrl-C ends it.")
	<-ctx.Done()
	d.say("\nStopping.")
	return nil
}

func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format+"\n", args...) }

// connect makes the demo's books and connects its shop, or finds those of an earlier run.
func (d *demo) connect(ctx context.Context) (doorzet.Shop, error) {
	address, err := d.fakeShop(ctx)
	if err != nil {
		return doorzet.Shop{}, err
	}
	d.say("  Shop      a fake WooCommerce with %d orders, %s (change its orders: see doorzet fakeshop --help)", demoOrders, address)
	if err := d.stack.Prepare(ctx); err != nil {
		return doorzet.Shop{}, err
	}
	shops, err := d.stack.DB.Shops(ctx)
	if err != nil {
		return doorzet.Shop{}, err
	}
	if len(shops) == 0 {
		return d.addShop(ctx, address)
	}
	shop := shops[0]
	if len(shops) > 1 || shop.Prefix != demoPrefix || shop.Name != demoName {
		return doorzet.Shop{}, doorzet.Input("DATABASE_URL names a database with shops of its own: the demo would run their nights. Give it an empty database, or none: then it starts its own Postgres")
	}
	d.say("\nIt ran before. The fake shop starts afresh: its orders are as they were at first, also those that became completed later.\n" +
		"What was pushed then is in the books, and is not pushed a second time.")
	if shop.URL == address {
		return shop, nil
	}
	moved := shop
	moved.URL, moved.Home, moved.BlockedWhy = address, address, ""
	err = d.stack.DB.SetShop(ctx, shop, moved, []string{"The demo's shop is at " + address + " now."}, "demo")
	return moved, err
}

func (d *demo) addShop(ctx context.Context, address string) (doorzet.Shop, error) {
	books, err := d.books(ctx)
	if err != nil {
		return doorzet.Shop{}, err
	}
	shop := doorzet.Shop{
		Name: demoName, URL: address, Key: wootest.DefaultKey, Secret: wootest.DefaultSecret, Prefix: demoPrefix,
		StartDate: doorzet.DateOf(time.Now().AddDate(0, 0, -100), time.UTC), Statuses: []string{"completed", "processing"},
		NightHours: doorzet.DefaultNightHours, Remainder: true, BooksID: books,
	}
	client := d.stack.Client(shop, nil)
	about, err := client.About(ctx)
	if err != nil {
		return shop, err
	}
	system, err := client.System(ctx)
	if err != nil {
		return shop, err
	}
	shop.Home, shop.TimeZone, shop.ZoneSaid, shop.StoreID = about.Home, about.TimeZone, about.TimeZone, system.StoreID
	shop.WooVersion, shop.Auth = system.WooVersion, client.LearnedAuth()
	id, err := d.stack.DB.AddShop(ctx, shop, false, "demo")
	if err != nil {
		return shop, err
	}
	return d.stack.DB.Shop(ctx, id)
}

// books makes the demo's books, or finds those of an earlier run.
func (d *demo) books(ctx context.Context) (int64, error) {
	all, err := d.stack.DB.AllBooks(ctx)
	if err != nil {
		return 0, err
	}
	for _, b := range all {
		if b.Name == demoName {
			return b.ID, nil
		}
	}
	return d.stack.DB.AddBooks(ctx, doorzet.Books{
		Kind: "files", Name: demoName, Dir: filepath.Join(d.dir, "invoices"),
		Seller: doorzet.Seller{
			Name: "De Boekenwinkel B.V.", Street: "Damrak 1", Zip: "1012 LG", City: "Amsterdam", Country: "NL",
			VATNumber: "NL001234567B01", KVKNumber: "12345678", IBAN: "NL91ABNA0417164300", Email: "info@shop.example",
			Scheme: doorzet.SchemeInvoice,
		},
	})
}

// nights runs a night, lets time pass in the shop, and runs another.
func (d *demo) nights(ctx context.Context, shop doorzet.Shop) error {
	d.say("\nThe chosen statuses are %s. A night runs:", strings.Join(shop.Statuses, " and "))
	if err := d.night(ctx, shop); err != nil {
		return err
	}
	changed, err := d.timePasses(ctx, shop)
	if err != nil || changed == 0 {
		return err
	}
	d.say("\nTime passes in the shop: %d open orders become completed. The next night:", changed)
	return d.night(ctx, shop)
}

// night runs one night and shows its report.
func (d *demo) night(ctx context.Context, shop doorzet.Shop) error {
	id, err := d.stack.DB.AskNight(ctx, shop, "demo")
	if err != nil {
		return err
	}
	n, err := d.cli.followNight(ctx, d.stack, shop, id)
	if err != nil {
		return err
	}
	writeNight(d.out, n, shop)
	if n.State != doorzet.NightDone {
		return fmt.Errorf("the night failed: %s", n.Error)
	}
	return nil
}

// timePasses completes some of the open orders in the fake shop.
func (d *demo) timePasses(ctx context.Context, shop doorzet.Shop) (int, error) {
	const most = 8
	var ids []int64
	err := d.stack.DB.EachOrder(ctx, shop.ID, doorzet.StateOpen, 0, func(o doorzet.OrderRow) error {
		if (o.Status == "on-hold" || o.Status == "pending") && len(ids) < most {
			ids = append(ids, o.WooID)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := d.fake.Change(id, wootest.Order{Status: "completed"}); err != nil {
			return 0, fmt.Errorf("complete order %d in the fake shop: %w", id, err)
		}
	}
	return len(ids), nil
}

func (d *demo) pointers(shop doorzet.Shop) {
	dir := filepath.Join(d.dir, "invoices")
	files, _ := filepath.Glob(filepath.Join(dir, "*.xml")) // the pattern is well formed
	d.say("Where to look:")
	d.say("  the invoices    %d files in %s", len(files), dir)
	if d.once {
		d.say("  the log         %s", filepath.Join(d.dir, "demo.log"))
		return
	}
	d.say("  the queues      http://%s%s/ (user %s)", d.cfg.Listen, web.QueuesPath, d.cfg.QueuesUser)
	if !d.cfg.Given("DOORZET_QUEUES_PASSWORD") || d.cfg.QueuesPassword == "demo-queues" {
		d.say("                  password demo-queues")
	}
	d.say("  the log         %s", filepath.Join(d.dir, "demo.log"))
	d.say("  the command     . %s; then, while this runs:", d.env())
	d.say("                  bin/doorzet order list --shop %d --state open     why each order is open, and what happens next", shop.ID)
	d.say("                  bin/doorzet order list --shop %d --state held     what cannot be an invoice yet, and why", shop.ID)
	d.say("                  bin/doorzet night run --shop %d                   another night: nothing is pushed twice", shop.ID)
}
