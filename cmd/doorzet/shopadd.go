package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
)

// shopOptions are the flags that add and set share, as they were written.
type shopOptions struct {
	name, url, key, keyFile, secret, secretFile string
	statuses, startDate, prefix, zone, hours    string
	remainder, pool                             string
	books                                       int64
}

func (o *shopOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.name, "name", "", "a name for the shop")
	f.StringVar(&o.url, "url", "", "the shop's address, like https://shop.example")
	f.StringVar(&o.key, "key", "", "consumer key of its REST API, ck_... (- reads it from stdin)")
	f.StringVar(&o.keyFile, "key-file", "", "a file that holds the key")
	f.StringVar(&o.secret, "secret", "", "consumer secret, cs_... (- reads it from stdin)")
	f.StringVar(&o.secretFile, "secret-file", "", "a file that holds the secret")
	f.StringVar(&o.statuses, "statuses", "", "the statuses at which orders are pushed, like processing,completed")
	f.StringVar(&o.startDate, "start-date", "", "orders created before this day are not pushed by themselves, like 2026-01-01")
	f.Int64Var(&o.books, "books", 0, "id of the books (see: doorzet books list)")
	f.StringVar(&o.prefix, "prefix", "", "begins every reference, like WC; it never changes (found when not given)")
	f.StringVar(&o.zone, "timezone", "", "the shop's time zone, like Europe/Amsterdam (the shop's own when not given)")
	f.StringVar(&o.hours, "night-hours", "", "when its nights begin, in its own time (01:00-05:00)")
	f.StringVar(&o.pool, "pool", "", "the pool of workers that serves it, for large shops (none: the usual workers)")
	f.StringVar(&o.remainder, "remainder", "", "on or off: whether a night in bulk also checks the open orders that the bulk did not answer (on)")
}

// apply puts what was given into a shop; what was not given stays.
func (o *shopOptions) apply(c *cli, s *doorzet.Shop) error {
	var err error
	if o.name = strings.TrimSpace(o.name); o.name != "" {
		s.Name = o.name
	}
	if o.url != "" {
		if s.URL, err = shopURL(o.url); err != nil {
			return err
		}
	}
	if err := o.applyKeys(c, s); err != nil {
		return err
	}
	if o.statuses != "" {
		if s.Statuses, err = doorzet.ChooseStatuses(strings.Split(o.statuses, ",")); err != nil {
			return usage("--statuses: %w", err)
		}
	}
	if o.startDate != "" {
		if s.StartDate, err = doorzet.ParseDate(o.startDate); err != nil {
			return usage("--start-date: %w", err)
		}
	}
	if o.zone != "" {
		if _, err := doorzet.ParseZone(o.zone); err != nil {
			return usage("--timezone: %w", err)
		}
		s.TimeZone = o.zone
	}
	if o.hours != "" {
		if s.NightHours, err = doorzet.ParseNightHours(o.hours); err != nil {
			return usage("--night-hours: %w", err)
		}
	}
	if o.books != 0 {
		s.BooksID = o.books
	}
	switch o.pool {
	case "":
	case doorzet.NoPool:
		s.Pool = ""
	default:
		if s.Pool, err = doorzet.ParsePool(o.pool); err != nil {
			return usage("--pool: %w; %s takes the shop out of its pool", err, doorzet.NoPool)
		}
	}
	switch o.remainder {
	case "on", "off":
		s.Remainder = o.remainder == "on"
	case "":
	default:
		return usage("--remainder %q: write on or off", o.remainder)
	}
	return nil
}

func (o *shopOptions) applyKeys(c *cli, s *doorzet.Shop) error {
	if o.key == "-" && o.secret == "-" {
		return usage("--key - and --secret - cannot both be read from stdin: use --key-file or --secret-file for one of them")
	}
	key, err := c.secretFrom("key", o.key, o.keyFile)
	if err != nil {
		return err
	}
	secret, err := c.secretFrom("secret", o.secret, o.secretFile)
	if err != nil {
		return err
	}
	if key != "" {
		s.Key = key
	}
	if secret != "" {
		s.Secret = secret
	}
	return nil
}

func (c *cli) shopAdd() *cobra.Command {
	var o shopOptions
	var asCopy bool
	cmd := c.does(&cobra.Command{
		Use:   "add --name NAME --url URL --key CK --secret CS --statuses LIST --start-date DAY --books ID",
		Short: "Connect a shop",
		Long: "Connect a shop. It is contacted at once: its time zone and a free prefix are found when they are not given.\n\n" +
			"Make the key in the shop under WooCommerce > Settings > Advanced > REST API; Read is enough.",
		Example: "  doorzet shop add --name Shop --url https://shop.example --key ck_... --secret cs_... \\\n" +
			"          --statuses processing,completed --start-date 2026-01-01 --books 1",
	}, func(ctx context.Context, _ []string) error { return c.addShop(ctx, o, asCopy) })
	o.flags(cmd.Flags())
	cmd.Flags().BoolVar(&asCopy, "copy", false, "this is a copy of a shop that is connected already; it needs other books")
	return cmd
}

func (c *cli) addShop(ctx context.Context, o shopOptions, asCopy bool) error {
	shop := doorzet.Shop{NightHours: doorzet.DefaultNightHours, Remainder: true, Prefix: strings.TrimSpace(o.prefix)}
	if err := o.apply(c, &shop); err != nil {
		return err
	}
	if err := complete(shop); err != nil {
		return err
	}
	return c.with(ctx, func(s *stack.Stack) error { return c.connect(ctx, s, shop, asCopy) }, secretKey)
}

// complete refuses a new shop of which something is missing.
func complete(s doorzet.Shop) error {
	switch {
	case s.Name == "":
		return usage("--name is missing: give the shop a name")
	case s.URL == "":
		return usage("--url is missing: give the shop's address, like https://shop.example")
	case s.Key == "":
		return usage("--key is missing: give the consumer key of the shop's REST API (or --key-file)")
	case s.Secret == "":
		return usage("--secret is missing: give the consumer secret of the shop's REST API (or --secret-file)")
	case len(s.Statuses) == 0:
		return usage("--statuses is missing: give the statuses at which orders are pushed, like processing,completed")
	case s.StartDate.IsZero():
		return usage("--start-date is missing: give the first day whose orders are pushed, like 2026-01-01")
	case s.BooksID <= 0:
		return usage("--books is missing: give the id of the books that orders are pushed to (see: doorzet books list, doorzet books add)")
	case s.Prefix != "":
		return wrong(doorzet.ValidatePrefix(s.Prefix))
	}
	return nil
}

// connect contacts a new shop and stores it.
func (c *cli) connect(ctx context.Context, s *stack.Stack, shop doorzet.Shop, asCopy bool) error {
	if _, err := s.DB.Books(ctx, shop.BooksID); errors.Is(err, doorzet.ErrNotFound) {
		return fmt.Errorf("there are no books %d (see: doorzet books list; make them with: doorzet books add)", shop.BooksID)
	} else if err != nil {
		return err
	}
	m, err := c.meet(ctx, s, shop)
	if err != nil {
		return err
	}
	shop.Home, shop.StoreID, shop.WooVersion, shop.Auth, shop.ZoneSaid = m.home, m.storeID, m.version, m.auth, m.zone
	if shop.TimeZone == "" {
		shop.TimeZone = m.zone
	}
	if _, err := doorzet.ParseZone(shop.TimeZone); err != nil {
		return fmt.Errorf("the shop says that its time zone is %q, which is not known here: give it with --timezone", shop.TimeZone)
	}
	c.warnStatuses(ctx, s, shop)
	if shop.Prefix == "" {
		used, err := s.DB.Prefixes(ctx)
		if err != nil {
			return err
		}
		shop.Prefix = doorzet.FreePrefix(hostOf(shop.Home), used)
	}
	id, err := s.DB.AddShop(ctx, shop, asCopy, actor())
	if err != nil {
		return err
	}
	if shop, err = s.DB.Shop(ctx, id); err != nil {
		return err
	}
	return c.show(map[string]int64{"id": id}, func(w io.Writer) {
		facts(w,
			"Shop", fmt.Sprintf("%d, %s", id, shop.Name),
			"Calls itself", m.name+", "+shop.Home,
			"WooCommerce", dash(shop.WooVersion),
			"Time zone", shop.TimeZone,
			"References", shop.Prefix+"-...",
			"Next night", local(shop.NextNightAt, shop.Location()),
		)
		_, _ = fmt.Fprintf(w, "\nIts first night reads all orders since %s. Run one now with: doorzet night run --shop %d\n", shop.StartDate, id)
	})
}

// hostOf is the host name of an address.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
