package stack

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/reconcile"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// waits is how long a night waits before it goes on.
func waits(n doorzet.Night) time.Duration { return time.Until(n.NextTry) }

func between(d, from, to time.Duration) bool { return d >= from && d <= to }

// A shop in trouble is asked less and less often, and like a new one once its night gets further. How often the night was
// begun does not count: a large import takes many slots.
func TestNightsInTroubleWaitLongerEachTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 3, 5*days)
	night := b.ask(t, start)
	b.exec(t, `UPDATE nights SET planned = true, attempts = 30 WHERE id = $1`, night)
	b.fake.Fail(wootest.Fault{Kind: "cloudflare"})
	for i, minutes := range []int{5, 10, 20, 40, 60, 60} {
		want := time.Duration(minutes) * time.Minute
		b.exec(t, `UPDATE nights SET next_try_at = now()`)
		n := b.goOn(t, night)
		if !between(waits(n), want*4/5-time.Minute, want*6/5) || n.Troubles != i+1 {
			t.Errorf("trouble %d: again in %s, want about %d minutes; %d troubles counted", i+1, waits(n), minutes, n.Troubles)
		}
		if n.State != doorzet.NightPlanned || !strings.Contains(n.Error, "Cloudflare") {
			t.Errorf("trouble %d: %s, %q", i+1, n.State, n.Error)
		}
	}
	b.fake.Recover()
	b.fake.Fail(wootest.Fault{Kind: "cloudflare", Path: "status=trash"}) // it gets as far as its last step
	b.exec(t, `UPDATE nights SET next_try_at = now()`)
	if n := b.goOn(t, night); n.Troubles != 1 || !between(waits(n), 3*time.Minute, 6*time.Minute) {
		t.Errorf("after it got further: again in %s, %d troubles counted", waits(n), n.Troubles)
	}
}

// A night that got further again and again is not given up because it began long ago, unless the coming night would wait.
func TestAPlannedNightThatGetsFurtherIsNotGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fake.Fail(wootest.Fault{Kind: "cloudflare"})
	for late, want := range map[time.Duration]doorzet.NightState{7 * time.Hour: doorzet.NightPlanned, 21 * time.Hour: doorzet.NightFailed} {
		night := b.ask(t, start)
		b.exec(t, `UPDATE nights SET planned = true, started_at = $2, date = date - id::int WHERE id = $1`, night, time.Now().Add(-late))
		if n := b.goOn(t, night); n.State != want {
			t.Errorf("%s after it began, at its first trouble: %s, want %s", late, n.State, want)
		}
	}
}

// A night that takes workers down with it is given up after ten of them, and says so; one that gets further never is.
func TestANightThatTakesWorkersDownIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 2, 5*days)
	kill := func(night int64) {
		t.Helper()
		if _, err := b.DB.ClaimNight(t.Context(), night); err != nil {
			t.Fatal(err)
		}
		b.exec(t, `UPDATE nights SET claimed_until = now() - interval '1 second' WHERE id = $1`, night)
	}
	night := b.ask(t, start)
	for range doorzet.TakeoversToGiveUp {
		kill(night)
	}
	if n := b.goOn(t, night); n.State != doorzet.NightFailed || !strings.HasPrefix(n.Error, "10 workers in a row were lost") {
		t.Errorf("%s: %s", n.State, n.Error)
	}
	night = b.ask(t, start)
	for range doorzet.TakeoversToGiveUp + 3 {
		kill(night)
		if n, err := b.DB.ClaimNight(t.Context(), night); err != nil || b.DB.SaveNight(t.Context(), n) != nil {
			t.Fatal(err)
		}
		b.exec(t, `UPDATE nights SET claimed_until = now() - interval '1 second' WHERE id = $1`, night)
	}
	if n := b.goOn(t, night); n.State != doorzet.NightDone {
		t.Errorf("one that got further: %s: %s", n.State, n.Error)
	}
}

// breaking is a shop at which our own code breaks off.
type breaking struct{ reconcile.Shop }

func (breaking) Look(context.Context, doorzet.LookBy, int64) (doorzet.Look, error) {
	panic("a fault of ours")
}

// Work that breaks off ends its night for now, and nothing else.
func TestAPanicIsTroubleLikeAnyOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 3, 5*days)
	b.done(t)
	b.night.Shop = func(s doorzet.Shop) reconcile.Shop { return breaking{b.nightShop(s)} }
	n := b.goOn(t, b.ask(t, time.Now()))
	if n.State != doorzet.NightPlanned || !strings.Contains(n.Error, "broke off") || waits(n) > 10*time.Second {
		t.Errorf("%s, again in %s: %s", n.State, waits(n), n.Error)
	}
}

// Of shops that were in trouble the last time only a quarter of a worker's nights are asked at the same time: the others wait a
// little, and keep what was said of them.
func TestShopsInTroubleDoNotHoldAllPlaces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 1, 5*days)
	first, second := b.ask(t, start), b.ask(t, start)
	b.exec(t, `UPDATE nights SET planned = true, troubles = 1, error = 'The shop is slow.', date = date - id::int`)
	b.night.Turns = &reconcile.Turns{Nights: 4}
	asked := make(chan struct{})
	goOn := make(chan struct{})
	b.night.Shop = func(s doorzet.Shop) reconcile.Shop { return hanging{b.nightShop(s), asked, goOn} }
	ended := make(chan error)
	go func() { ended <- b.night.Run(context.WithoutCancel(t.Context()), first) }()
	<-asked
	// The second night may not run beside the first of the same shop: it is another shop's that the worker would run now.
	other := *b.night
	other.Shop = b.nightShop
	b.exec(t, `UPDATE nights SET shop_id = $2 WHERE id = $1`, second, b.another(t))
	if err := other.Run(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	n, err := b.DB.Night(t.Context(), second)
	if err != nil || n.State != doorzet.NightPlanned || !between(waits(n), 10*time.Second, 25*time.Second) || n.Error != "The shop is slow." || n.Requests.Total != 0 {
		t.Errorf("a second shop in trouble: %s, again in %s, %q, %d requests, %v", n.State, waits(n), n.Error, n.Requests.Total, err)
	}
	close(goOn)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	b.exec(t, `UPDATE nights SET next_try_at = now() WHERE id = $1`, second)
	if err := other.Run(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if n, err := b.DB.Night(t.Context(), second); err != nil || n.State != doorzet.NightDone {
		t.Errorf("when there is room: %s, %v", n.State, err)
	}
}

// hanging is a shop that answers who it is only when it is told to.
type hanging struct {
	reconcile.Shop
	asked, goOn chan struct{}
}

func (h hanging) Identity(ctx context.Context) (reconcile.Identity, error) {
	close(h.asked)
	<-h.goOn
	return h.Shop.Identity(ctx)
}

// another connects one more shop to the same books.
func (b *bundle) another(t *testing.T) int64 {
	t.Helper()
	shop, err := b.DB.Shop(t.Context(), b.shop)
	if err != nil {
		t.Fatal(err)
	}
	fake := wootest.New(wootest.Options{StoreID: "22222222-2222-2222-2222-222222222222"})
	server := serve(t, fake)
	shop.URL, shop.Home, shop.StoreID, shop.Prefix = server, server, "22222222-2222-2222-2222-222222222222", "OTHER"
	id, err := b.DB.AddShop(t.Context(), shop, false, "test")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A night that is taken over does not ask again who the shop is, unless that was long ago or another shop was met.
func TestR14_aNightTakenOverSoonDoesNotAskAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "on-hold", 6, 5*days)
	b.done(t)
	night := b.ask(t, start)
	asks := func() (n int) {
		for _, r := range b.fake.Requests() {
			if strings.Contains(r.Path, "system_status") {
				n++
			}
		}
		return n
	}
	for i, c := range []struct {
		change string
		want   int
	}{
		{`SELECT 1`, 1}, {`SELECT 1`, 0}, {`UPDATE nights SET met_at = met_at - interval '10 minutes'`, 1}, {`UPDATE shops SET blocked_why = 'Another.'`, 1},
	} {
		b.exec(t, c.change)
		b.exec(t, `UPDATE nights SET next_try_at = now() WHERE state = 'planned'`)
		b.fake.ResetRequests()
		ctx, stop := context.WithCancel(t.Context())
		store := &stopping{DB: b.DB, stop: stop}
		store.left.Store(1)
		b.night.Store = store
		if err := b.night.Run(ctx, night); err != nil {
			t.Fatal(err)
		}
		if got := asks(); got != c.want {
			t.Errorf("slot %d: asked %d times who the shop is, want %d", i+1, got, c.want)
		}
	}
}
