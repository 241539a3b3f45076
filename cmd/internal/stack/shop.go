package stack

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/push"
	"github.com/doorzet/doorzet/internal/reconcile"
	"github.com/doorzet/doorzet/internal/woo"
)

// userAgent is a stable name, so that shops can put it on an allow-list.
const userAgent = "Doorzet/1 (+https://github.com/doorzet/doorzet)"

// Client is the client of a shop, polite over all processes. Counted is called for each request, nil = not counted.
func (s *Stack) Client(shop doorzet.Shop, counted func(kind string)) *woo.Client {
	c := &woo.Client{
		URL: shop.URL, Key: shop.Key, Secret: shop.Secret, Auth: shop.Auth, Pace: shop.Pace, Counter: counted, HTTP: s.http,
		Large: s.large, UserAgent: userAgent, Now: time.Now,
	}
	if shop.ID != 0 {
		c.Gate = s.gate.Shop(shop.ID)
		c.Closer = fmt.Sprintf("doorzet shop check --shop %d", shop.ID)
	}
	return c
}

// shopOf is a shop as a night needs it.
type shopOf struct {
	client              *woo.Client
	list, single, total atomic.Int64
}

func (s *Stack) nightShop(shop doorzet.Shop) reconcile.Shop {
	o := &shopOf{}
	o.client = s.Client(shop, func(kind string) {
		o.total.Add(1)
		switch kind {
		case woo.KindList:
			o.list.Add(1)
		case woo.KindSingle:
			o.single.Add(1)
		}
	})
	return o
}

func (o *shopOf) Requests() doorzet.RequestCount {
	return doorzet.RequestCount{List: int(o.list.Load()), Single: int(o.single.Load()), Total: int(o.total.Load())}
}

// Pace is what was learnt of the shop's pace.
func (o *shopOf) Pace() doorzet.Pace { return o.client.LearnedPace() }

func (o *shopOf) Identity(ctx context.Context) (reconcile.Identity, error) {
	about, err := o.client.About(ctx)
	if err != nil {
		return reconcile.Identity{}, err
	}
	id := reconcile.Identity{Home: about.Home, TimeZone: about.TimeZone}
	system, err := o.client.System(ctx)
	if err != nil && !silent(err) {
		return id, err
	}
	id.StoreID, id.Version, id.Auth = system.StoreID, system.WooVersion, o.client.LearnedAuth()
	return id, nil
}

// silent tells whether a shop only declined to answer: an old version, or a key without the right.
func silent(err error) bool {
	var t *doorzet.ShopError
	return errors.As(err, &t) && (t.Status == 403 || t.Status == 404)
}

func (o *shopOf) Webhooks(ctx context.Context) ([]doorzet.Webhook, error) {
	hooks, err := o.client.Webhooks(ctx)
	out := make([]doorzet.Webhook, len(hooks))
	for i, h := range hooks {
		out[i] = doorzet.Webhook{ID: h.ID, Topic: h.Topic, Status: h.Status, URL: h.DeliveryURL}
	}
	return out, err
}

func (o *shopOf) Statuses(ctx context.Context) ([]string, error) {
	list, err := o.client.Statuses(ctx)
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = s.Slug
	}
	return out, err
}

func (o *shopOf) Look(ctx context.Context, by doorzet.LookBy, wooID int64) (doorzet.Look, error) {
	return Look(ctx, o.client, by, wooID)
}

// Look reads one order. An order that the shop does not have is a Look that is Missing.
func Look(ctx context.Context, client *woo.Client, by doorzet.LookBy, wooID int64) (doorzet.Look, error) {
	r, err := client.Order(ctx, wooID)
	if errors.Is(err, doorzet.ErrOrderMissing) {
		return doorzet.Look{By: by, WooID: wooID, Missing: true, REST: true, StartedAt: r.StartedAt, ReceivedAt: r.ReceivedAt}, nil
	}
	if err != nil {
		return doorzet.Look{}, err
	}
	return doorzet.LookAt(by, r.Order, r.Raw, r.StartedAt, r.ReceivedAt), nil
}

func (o *shopOf) List(ctx context.Context, by doorzet.LookBy, q reconcile.Query, each func(reconcile.Page) error) (reconcile.Listed, error) {
	query := woo.Query{Statuses: q.Statuses, Include: q.Include, After: q.CreatedAfter, ModifiedAfter: q.ModifiedAfter, FromRow: q.FromRow}
	if !q.Full {
		query.Fields = woo.LookFields
	}
	sum, err := o.client.EachPage(ctx, query, func(p woo.Page) error {
		page := reconcile.Page{Looks: Looks(by, p), Rows: p.Rows, Total: p.Total}
		for _, b := range p.Bad {
			page.Bad = append(page.Bad, reconcile.Bad{WooID: b.ID, Why: b.Why})
		}
		return each(page)
	})
	return reconcile.Listed{Answered: sum.Fetched, Announced: sum.Total}, err
}

// Looks are the looks of a page.
func Looks(by doorzet.LookBy, p woo.Page) []doorzet.Look {
	out := make([]doorzet.Look, len(p.Orders))
	for i, order := range p.Orders {
		out[i] = doorzet.LookAt(by, order, p.Raw[i], p.StartedAt, p.ReceivedAt)
	}
	return out
}

func (s *Stack) read(ctx context.Context, shop doorzet.Shop, wooID int64) (doorzet.Look, error) {
	return Look(ctx, s.Client(shop, nil), doorzet.ByPush, wooID)
}

func (s *Stack) rates(ctx context.Context, shop doorzet.Shop) (push.Rates, error) {
	list, err := s.Client(shop, nil).TaxRates(ctx)
	r := push.Rates{Countries: map[int64]string{}, Percents: map[int64]decimal.Decimal{}}
	for _, t := range list {
		r.Countries[t.ID], r.Percents[t.ID] = t.Country, t.Percent
	}
	return r, err
}
