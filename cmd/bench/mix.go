package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgresbench"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// mixSize is how many shops there are of each kind, and how many open orders they have.
type mixSize struct {
	ordinary, hang, busy, html, large int
	open, many                        int           // of an ordinary shop, of a large one
	patience                          time.Duration // how long the ordinary ones may take
}

// kindOfShop is one kind of shop in the mix.
type kindOfShop struct {
	name  string
	shops []*fakeShop
	open  int
	slow  float64        // how many times as slow as a real one
	fault *wootest.Fault // nil = it works
}

// mixes measures how long the nights of ordinary shops take, without and with bad and very large shops beside them.
func mixes(ctx context.Context, b *bench) (_ []table, err error) {
	size := b.size.mix
	f, err := b.rig.fakes(ctx, size.ordinary+size.hang+size.busy+size.html+size.large)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.process.stop()) }()
	kinds := size.kinds(f.shops)
	base, err := b.rig.newPlace(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, base.close(ctx)) }()
	b.say("%d shops: their first import", len(f.shops))
	if err := base.prepare(ctx, kinds, f.shops); err != nil {
		return nil, err
	}
	t := table{
		title: fmt.Sprintf("The nights of %d ordinary shops of %d open orders, one worker", size.ordinary, size.open),
		head:  []string{"", "shops", "p50", "p95", "all done", "orders pushed"},
	}
	var took [2]time.Duration
	var owners table
	for i, beside := range [][]kindOfShop{kinds[:1], kinds} {
		ran, err := b.mix(ctx, base, beside)
		if err != nil {
			return nil, err
		}
		took[i] = percentile(ran.took, 100)
		t.add([]string{"alone", "with the others"}[i], count(ran.shops), span(percentile(ran.took, 50)), span(percentile(ran.took, 95)),
			ran.allDone(size), count(ran.pushed))
		owners = ran.owners
	}
	r := ratio(took[1].Seconds(), took[0].Seconds())
	t.target(r <= 1.1, "the ordinary shops' nights end as fast as without the others (within a tenth)", times(r))
	t.note("From the first wake-up; all nights are woken at the same time, in an order drawn by lot. The others: %d shops that never answer, %d that answer 429, %d that answer a web page, %d with %s open orders.",
		size.hang, size.busy, size.html, size.large, count(size.many))
	return []table{t, owners}, nil
}

// kinds divides the shops.
func (m mixSize) kinds(shops []*fakeShop) []kindOfShop {
	var kinds []kindOfShop
	for _, k := range []struct {
		name    string
		n, open int
		fault   *wootest.Fault
	}{
		{"ordinary", m.ordinary, m.open, nil},
		{"never answers", m.hang, m.open, &wootest.Fault{Kind: "hang"}},
		{"answers 429", m.busy, m.open, &wootest.Fault{Kind: "429"}},
		{"answers a web page", m.html, m.open, &wootest.Fault{Kind: "html"}},
		{"very large", m.large, m.many, nil},
	} {
		kinds = append(kinds, kindOfShop{k.name, shops[:k.n], k.open, 1, k.fault})
		shops = shops[k.n:]
	}
	return kinds
}

// prepare makes the orders of all shops, imports them, and lets some reach a chosen status. Then the processes end.
func (p *place) prepare(ctx context.Context, kinds []kindOfShop, all []*fakeShop) error {
	if err := p.connect(ctx, all); err != nil {
		return err
	}
	for _, kind := range kinds {
		for _, shop := range kind.shops {
			if err := shop.spread(ctx, openStatus, kind.open, 20); err != nil {
				return err
			}
		}
	}
	if err := p.importAll(ctx, all); err != nil {
		return err
	}
	for _, kind := range kinds {
		for _, shop := range kind.shops {
			if err := errors.Join(shop.sell(ctx), shop.suffer(ctx, kind)); err != nil {
				return err
			}
		}
	}
	return p.leave()
}

// suffer gives a shop its fault, or the time that it takes.
func (s *fakeShop) suffer(ctx context.Context, kind kindOfShop) error {
	if kind.fault != nil {
		return s.fail(ctx, *kind.fault)
	}
	return s.beReal(ctx, kind.slow)
}

// mixed is what one run gave.
type mixed struct {
	shops  int
	took   []time.Duration // of the ordinary shops whose nights are done
	pushed int
	owners table
}

func (m mixed) allDone(size mixSize) string {
	if len(m.took) < size.ordinary {
		return fmt.Sprintf("%d not within %s", size.ordinary-len(m.took), size.patience)
	}
	return span(percentile(m.took, 100))
}

// mix wakes the nights of shops at the same time and waits for those of the ordinary ones.
func (b *bench) mix(ctx context.Context, base *place, kinds []kindOfShop) (ran mixed, err error) {
	p, err := b.rig.newPlace(ctx, base)
	if err != nil {
		return ran, err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	var shops []*fakeShop
	for _, kind := range kinds {
		shops = append(shops, kind.shops...)
	}
	lot := rand.New(rand.NewPCG(1, 2)) // the same in every run
	lot.Shuffle(len(shops), func(i, j int) { shops[i], shops[j] = shops[j], shops[i] })
	if _, err := p.worker(ctx); err != nil {
		return ran, err
	}
	if _, err := p.scheduler(ctx); err != nil {
		return ran, err
	}
	b.say("%d nights", len(shops))
	nights, woken, err := p.wakeAll(ctx, shops)
	if err != nil {
		return ran, err
	}
	ran.shops = len(shops)
	var now map[int64]postgresbench.NightNow
	for late := time.Now().Add(b.size.mix.patience); time.Now().Before(late); {
		if now, err = p.db.NightsNow(ctx, nights); err != nil {
			return ran, err
		}
		if ran.took, err = ended(now, kinds[0].shops, woken); err != nil {
			return ran, err
		}
		if len(ran.took) == len(kinds[0].shops) {
			break
		}
		if err := pause(ctx, 10*lookEvery); err != nil {
			return ran, err
		}
	}
	if len(kinds) > 1 {
		if ran.owners, err = p.owners(ctx, nights, kinds[1:]); err != nil {
			return ran, err
		}
	}
	got, err := p.db.Pushes(ctx)
	ran.pushed = got.Booked
	if err == nil && got.Twice > 0 {
		err = fmt.Errorf("%d orders have two bookings", got.Twice)
	}
	return ran, err
}

// ended tells how long after the wake-up the nights of some shops ended, of those that did.
func ended(now map[int64]postgresbench.NightNow, shops []*fakeShop, woken time.Time) ([]time.Duration, error) {
	var took []time.Duration
	for _, s := range shops {
		switch n := now[s.id]; doorzet.NightState(n.State) {
		case doorzet.NightDone:
			took = append(took, n.Finished.Sub(woken))
		case doorzet.NightFailed:
			return nil, fmt.Errorf("the night of an ordinary shop failed: %s", n.Error)
		case doorzet.NightPlanned, doorzet.NightRunning, doorzet.NightCovered:
		}
	}
	return took, nil
}

// ownersPatience is how long it is waited for what the owners of bad shops read.
const ownersPatience = 3 * time.Minute

// owners tells how the nights of the other shops stand, and what their owners read.
func (p *place) owners(ctx context.Context, nights []int64, kinds []kindOfShop) (table, error) {
	t := table{title: "What becomes of the others meanwhile", head: []string{"shop", "nights done", "slots", "requests", "its owner reads"}}
	var now map[int64]postgresbench.NightNow
	for late := time.Now().Add(ownersPatience); ; {
		var err error
		if now, err = p.db.NightsNow(ctx, nights); err != nil {
			return t, err
		}
		silent := slices.ContainsFunc(kinds, func(k kindOfShop) bool { return k.fault != nil && len(k.shops) > 0 && said(now, k.shops) == "" })
		if !silent || time.Now().After(late) {
			break
		}
		if err := pause(ctx, 10*lookEvery); err != nil {
			return t, err
		}
	}
	for _, kind := range kinds {
		done, slots, requests := 0, 0, 0
		for _, s := range kind.shops {
			n := now[s.id]
			slots += n.Attempts
			requests += n.Requests
			if n.State == string(doorzet.NightDone) {
				done++
			}
		}
		sentence := said(now, kind.shops)
		if sentence == "" {
			sentence = "(nothing)"
		}
		t.add(kind.name, fmt.Sprintf("%d of %d", done, len(kind.shops)), count(slots), count(requests), sentence)
	}
	return t, nil
}

// said is what one of some shops' nights says, the first that says something.
func said(now map[int64]postgresbench.NightNow, shops []*fakeShop) string {
	for _, s := range shops {
		if n := now[s.id]; n.Error != "" {
			return n.Error
		}
	}
	return ""
}
