package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/config"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/embedded"
	"github.com/doorzet/doorzet/internal/queue"
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
		return nil
	}
	d.say("\nIt stays up: nights run by themselves between 01:00 and 05:00. Ctrl-C ends it.")
	<-ctx.Done()
	d.say("\nStopping.")
	return nil
}

func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format+"\n", args...) }

// prepare finds or starts Postgres and Redis and makes the connections.
func (d *demo) prepare(ctx context.Context) error {
	first, err := config.Load(d.getenv)
	if err != nil {
		return err
	}
	if d.dir, err = filepath.Abs(first.DataDir); err != nil {
		return fmt.Errorf("the data folder %s: %w", first.DataDir, err)
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if d.log, err = d.logFile(); err != nil {
		return err
	}
	d.say("Doorzet demo, data in %s", d.dir)
	given := map[string]string{"DOORZET_ALLOW_PRIVATE_SHOPS": "true"}
	if !first.Given("DATABASE_URL") {
		if given["DATABASE_URL"], err = d.postgres(ctx); err != nil {
			return err
		}
	}
	if !first.Given("REDIS_URL") {
		if given["REDIS_URL"], err = d.redis(ctx); err != nil {
			return err
		}
	}
	if !first.Given("DOORZET_SECRET_KEY") {
		if given["DOORZET_SECRET_KEY_FILE"], err = d.keyFile(); err != nil {
			return err
		}
	}
	if !first.Given("DOORZET_QUEUES_USER") {
		given["DOORZET_QUEUES_USER"], given["DOORZET_QUEUES_PASSWORD"] = "demo", "demo-queues"
	}
	return d.open(given)
}

func (d *demo) open(given map[string]string) error {
	cfg, err := config.Load(func(name string) string {
		if v, ok := given[name]; ok {
			return v
		}
		return d.getenv(name)
	})
	if err != nil {
		return err
	}
	d.cfg = cfg
	if err := d.envFile(given); err != nil {
		return err
	}
	if d.stack, err = stack.Open(cfg, d.log); err != nil {
		return err
	}
	d.closes = append(d.closes, d.stack.Close)
	return nil
}

// logFile takes what the processes log: the terminal is for the story.
func (d *demo) logFile() (*slog.Logger, error) {
	f, err := os.OpenFile(filepath.Join(d.dir, "demo.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	d.closes = append(d.closes, f.Close)
	return slog.New(slog.NewJSONHandler(f, nil)), nil
}

func (d *demo) postgres(ctx context.Context) (string, error) {
	s, err := embedded.Postgres(ctx, embedded.Options{Dir: filepath.Join(d.dir, "postgres"), Log: d.log, Fsync: true})
	if err != nil {
		return "", err
	}
	d.closes = append(d.closes, s.Close)
	d.say("  Postgres  a private one (log: %s)", filepath.Join(s.Dir, "log"))
	return s.URL, nil
}

func (d *demo) redis(ctx context.Context) (string, error) {
	s, kind, err := embedded.Redis(ctx, embedded.Options{Dir: filepath.Join(d.dir, "redis"), Log: d.log})
	if err != nil {
		return "", err
	}
	d.closes = append(d.closes, s.Close)
	d.say("  Redis     a private one (%s)", kind)
	return s.URL, nil
}

// keyFile is where the demo's own key for secrets is; it is made once.
func (d *demo) keyFile() (string, error) {
	path := filepath.Join(d.dir, "secret.key")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: it ends the process instead
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the secret key: %w", err)
	}
	return path, nil
}

// envFile holds what other doorzet commands need to work on the demo.
func (d *demo) envFile(given map[string]string) error {
	var b strings.Builder
	for _, name := range []string{"DATABASE_URL", "REDIS_URL", "DOORZET_SECRET_KEY_FILE", "DOORZET_ALLOW_PRIVATE_SHOPS"} {
		if v, ok := given[name]; ok {
			fmt.Fprintf(&b, "export %s='%s'\n", name, v)
		}
	}
	if err := os.WriteFile(d.env(), []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", d.env(), err)
	}
	return nil
}

func (d *demo) env() string { return filepath.Join(d.dir, "env") }

// start runs api, worker and scheduler in this process until the returned function is called.
func (d *demo) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := d.stack.Serve(ctx, d.stack.Worker, d.stack.Scheduler, d.api); err != nil {
			d.say("A part of Doorzet stopped: %v", err)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// api answers at the configured address, or at another port when nobody asked for that one and it is taken.
func (d *demo) api(ctx context.Context) error {
	l, err := d.listen(ctx, d.cfg.Listen, d.cfg.Given("DOORZET_LISTEN"))
	if err != nil {
		return err
	}
	d.cfg.Listen = l.Addr().String()
	return web.ServeOn(ctx, l, d.stack.Handler(), d.log)
}

func (d *demo) listen(ctx context.Context, address string, fixed bool) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil && !fixed {
		l, err = lc.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

// fakeShop serves the fake shop in this process and returns its address.
func (d *demo) fakeShop(ctx context.Context) (string, error) {
	l, err := d.listen(ctx, "127.0.0.1:9080", false)
	if err != nil {
		return "", err
	}
	address := "http://" + l.Addr().String()
	d.fake = wootest.New(wootest.Options{Orders: demoOrders, Home: address})
	server := &http.Server{Handler: d.fake, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with Close
	d.closes = append(d.closes, server.Close)
	return address, nil
}

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
	shop.Home, shop.TimeZone, shop.StoreID = about.Home, about.TimeZone, system.StoreID
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

// ready waits until this process serves the queues: else the first night would be run aside of them.
func (d *demo) ready(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		n, err := d.stack.Queue.Workers(ctx, queue.Push)
		if err == nil && n > 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
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
