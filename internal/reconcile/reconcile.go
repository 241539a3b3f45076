// Package reconcile is the night: it looks at a shop's orders and makes due what has reached a chosen status.
//
// It follows the steps of R3 and leaves the rules themselves to package doorzet and the pushes to package push. How far a
// night is stands in its row: a worker that takes it over goes on from there and does not ask again what was asked.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Query asks a shop for orders, page by page. Zero fields do not filter.
type Query struct {
	Statuses      []string // slugs; empty is every status but trash
	Include       []int64  // at most doorzet.BatchSize
	CreatedAfter  time.Time
	ModifiedAfter time.Time
	Full          bool // whole documents, else only what a look needs
	FromRow       int  // how many of the first rows were read before
}

// Page is one page of answers.
type Page struct {
	Looks []doorzet.Look
	Bad   []Bad
	Rows  int // how many rows of the list were read with this page
	Total int // how many the list has
}

// Bad is an order of a list that could not be read.
type Bad struct {
	WooID int64 // 0 when not even that could be read
	Why   string
}

// Listed tells what a whole list held.
type Listed struct {
	Answered  int // different orders, unreadable ones included
	Announced int // as the shop counted them
}

// Identity is what a shop says of itself.
type Identity struct {
	Home, StoreID, Version string
	Auth                   string // how it let us in, to be remembered
}

// Shop is one shop as a night needs it. Errors are *doorzet.ShopError where the shop was the cause.
type Shop interface {
	Identity(ctx context.Context) (Identity, error)
	Webhooks(ctx context.Context) ([]doorzet.Webhook, error)
	Statuses(ctx context.Context) ([]string, error)
	Look(ctx context.Context, by doorzet.LookBy, wooID int64) (doorzet.Look, error)
	List(ctx context.Context, by doorzet.LookBy, q Query, each func(Page) error) (Listed, error)
	Requests() doorzet.RequestCount
}

// store is where orders and nights live.
type store interface {
	orders
	imports
	Shop(ctx context.Context, id int64) (doorzet.Shop, error)
	SawShop(ctx context.Context, s doorzet.Shop, actor string) error
	SawWebhooks(ctx context.Context, shopID, nightID int64, found bool) (on bool, err error)
	ClaimNight(ctx context.Context, id int64) (doorzet.Night, error)
	RenewNight(ctx context.Context, n doorzet.Night) error
	SaveNight(ctx context.Context, n doorzet.Night) error
	FinishNight(ctx context.Context, n doorzet.Night, state doorzet.NightState, why string) error
	PostponeNight(ctx context.Context, n doorzet.Night, after time.Duration, why string) error
}

// orders is what a night needs of the orders.
type orders interface {
	CountOpen(ctx context.Context, shopID int64, since time.Time) (int, error)
	ToLookAt(ctx context.Context, shop doorzet.Shop, nightID int64, since time.Time) (inside, outside []int64, err error)
	Widen(ctx context.Context, shopID int64, since time.Time) error
	ApplyLooks(ctx context.Context, a doorzet.LookContext, looks []doorzet.Look) ([]doorzet.Applied, error)
}

// imports is what step 4 needs besides.
type imports interface {
	Known(ctx context.Context, shopID int64, wooIDs []int64) (map[int64]time.Time, error)
	SetUnread(ctx context.Context, shopID int64, unread, read []int64) error
	FinishImport(ctx context.Context, shop doorzet.Shop, start time.Time, full bool) error
}

// Reconciler runs nights. All fields are needed; it is safe for concurrent use.
type Reconciler struct {
	Store store
	// Shop gives the client of a shop, with request counters of its own.
	Shop func(doorzet.Shop) Shop
	// Push wakes the pushes of a shop.
	Push func(ctx context.Context, shopID int64) error
	// Keep renews a claim until stop is called, and cancels the context when it is lost.
	Keep      func(ctx context.Context, renew func(context.Context) error) (kept context.Context, stop func())
	PublicURL string // our address in webhooks; "" = webhooks are never on
	Now       func() time.Time
	Log       *slog.Logger
}

// The ways in which a night ends early.
var (
	errSlotOver = errors.New("the night gives its slot back and goes on later")
	errStopped  = errors.New("the shop is stopped")
)

const (
	// callsAtOnce is how many single orders a night asks a shop for at the same time.
	callsAtOnce = 2
	// troublesInARow is how many reads in a row may fail before a night stops asking.
	troublesInARow = 5
	// giveUpAfter is how long after its start a planned night in trouble is still tried, and waitByHand one by hand when the
	// trouble is ours: with a shop in trouble the person who waits is told at once.
	giveUpAfter = 6 * time.Hour
	waitByHand  = 5 * time.Minute
)

// Run runs one night, or goes on with it. It returns nil when there is nothing to do. Whatever happens to the night is recorded in
// its row; an error is returned only when that was not possible.
func (r *Reconciler) Run(ctx context.Context, nightID int64) error {
	n, err := r.Store.ClaimNight(ctx, nightID)
	if errors.Is(err, doorzet.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	kept, stop := r.Keep(ctx, func(ctx context.Context) error { return r.Store.RenewNight(ctx, n) })
	defer stop()
	w, err := r.begin(kept, n)
	if err == nil {
		err = w.steps(kept)
	}
	if err != nil && errors.Is(context.Cause(kept), doorzet.ErrLost) {
		err = doorzet.ErrLost
	}
	stop()
	return r.end(ctx, w, n, err)
}

// Rehearse runs the looks of a night on a store that keeps nothing and pushes nothing, and returns the report. See is called with
// each order that would be pushed.
func (r *Reconciler) Rehearse(ctx context.Context, shopID int64, see func(doorzet.Look, doorzet.Applied)) (doorzet.Night, error) {
	now := r.Now()
	n := doorzet.Night{ShopID: shopID, StartedAt: now, RunAt: now}
	w, err := r.begin(ctx, n)
	if err != nil {
		return n, err
	}
	w.see, w.rehearsed = see, map[int64]bool{}
	err = w.steps(ctx)
	w.count()
	w.n.State, w.n.FinishedAt = doorzet.NightDone, r.Now()
	return w.n, err
}

// work is one night under way.
type work struct {
	r     *Reconciler
	shop  doorzet.Shop
	woo   Shop
	n     doorzet.Night
	until time.Time // when the slot is over
	base  doorzet.RequestCount
	see   func(doorzet.Look, doorzet.Applied)

	rehearsed map[int64]bool // nil in a real night: what a rehearsal has looked at

	mu      sync.Mutex
	savedAt time.Time
	bad     []int64      // orders that could not be read
	told    atomic.Int32 // orders of which the owner was told
}

func (r *Reconciler) begin(ctx context.Context, n doorzet.Night) (*work, error) {
	w := &work{r: r, n: n, until: r.Now().Add(doorzet.NightSlot), base: n.Requests}
	shop, err := r.Store.Shop(ctx, n.ShopID)
	if err != nil {
		return w, err
	}
	w.shop, w.woo = shop, r.Shop(shop)
	return w, nil
}

// steps are the steps of R3 in their order. Each begins where the night's row says that it was left. Step 5, refunds, has
// nothing to ask yet: refunds are not booked.
func (w *work) steps(ctx context.Context) error {
	if err := w.meet(ctx); err != nil {
		return err
	}
	if w.n.Step == "" || w.n.Step == doorzet.StepShop {
		if err := w.window(ctx); err != nil {
			return err
		}
	}
	switch w.n.Step {
	case doorzet.StepImport, doorzet.StepCompare, doorzet.StepTrash:
	case doorzet.StepShop, doorzet.StepLook, doorzet.StepBulk, doorzet.StepRemainder:
		if err := w.look(ctx); err != nil {
			return err
		}
		if err := w.next(ctx, doorzet.StepImport); err != nil {
			return err
		}
	}
	return w.importOrders(ctx)
}

// end records how a night ended, also when the process is told to stop.
func (r *Reconciler) end(ctx context.Context, w *work, n doorzet.Night, err error) error {
	stopping := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	w.count()
	log := r.Log.With("shop", n.ShopID, "night", n.ID)
	var recorded error
	switch {
	case err == nil:
		log.Info("night done", "strategy", w.n.Strategy, "open", w.n.Open, "requests", w.n.Requests.Total)
		recorded = r.Store.FinishNight(ctx, w.n, doorzet.NightDone, "")
	case errors.Is(err, doorzet.ErrLost):
		log.Warn("the night's claim was lost; it goes on where it stood")
		recorded = r.Store.PostponeNight(ctx, w.n, 0, "") // nothing, when another worker has it
	case errors.Is(err, errStopped):
		log.Warn("no night", "why", w.shop.BlockedWhy)
		recorded = r.Store.FinishNight(ctx, w.n, doorzet.NightFailed, w.shop.BlockedWhy)
	case stopping, errors.Is(err, errSlotOver):
		recorded = r.Store.PostponeNight(ctx, w.n, 0, "")
	case r.givesUp(n, err):
		log.Warn("night failed", "why", err.Error())
		recorded = r.Store.FinishNight(ctx, w.n, doorzet.NightFailed, err.Error())
	default:
		after := retryAfter(err, n)
		log.Warn("night goes on later", "why", err.Error(), "after", after.String())
		recorded = r.Store.PostponeNight(ctx, w.n, after, err.Error())
	}
	if recorded != nil && !errors.Is(recorded, doorzet.ErrLost) {
		return fmt.Errorf("record the end of night %d: %w", n.ID, recorded)
	}
	return nil
}

// givesUp tells whether a night in trouble is not tried again.
func (r *Reconciler) givesUp(n doorzet.Night, err error) bool {
	tried := r.Now().Sub(n.StartedAt)
	if n.Planned {
		return tried > giveUpAfter
	}
	return isShopTrouble(err) || tried > waitByHand
}

func isShopTrouble(err error) bool {
	var trouble *doorzet.ShopError
	return errors.As(err, &trouble)
}

// retryAfter is when a night is tried again: after 5, 10, 20, 40 minutes, then each hour, not before the shop said so. Trouble of
// our own is tried after seconds.
func retryAfter(err error, n doorzet.Night) time.Duration {
	var trouble *doorzet.ShopError
	if !errors.As(err, &trouble) {
		return min(5*time.Second<<min(max(n.Attempts-1, 0), 6), 5*time.Minute)
	}
	wait := min(5*time.Minute<<min(max(n.Attempts-1, 0), 4), time.Hour)
	return max(wait, trouble.RetryAfter)
}

// count takes over how often the shop was asked.
func (w *work) count() {
	if w.woo == nil {
		return
	}
	c := w.woo.Requests()
	w.n.Requests = doorzet.RequestCount{
		List: w.base.List + c.List, Single: w.base.Single + c.Single, Total: w.base.Total + c.Total,
	}
}

// save records how far the night is, at most once a second unless now is asked for.
func (w *work) save(ctx context.Context, now bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.r.Now()
	if !now && at.Sub(w.savedAt) < time.Second {
		return nil
	}
	w.savedAt = at
	w.count()
	if w.n.ID == 0 {
		return nil
	}
	return w.r.Store.SaveNight(ctx, w.n)
}

// next goes on to another step.
func (w *work) next(ctx context.Context, step doorzet.NightStep) error {
	w.n.Step, w.n.Rows, w.n.Done, w.n.Todo = step, 0, 0, 0
	return w.save(ctx, true)
}

// note adds a finding for the owner, once.
func (w *work) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(w.n.Notes, text) {
		w.n.Notes = append(w.n.Notes, text)
	}
}

// unread counts an order that could not be read. The coming night asks for it by itself.
func (w *work) unread(b Bad) {
	w.mu.Lock()
	again := b.WooID != 0 && slices.Contains(w.bad, b.WooID)
	if !again {
		w.n.Unread++
		w.bad = append(w.bad, b.WooID)
	}
	w.mu.Unlock()
	switch {
	case again:
	case b.WooID == 0:
		w.note("An order could not be read, and the shop does not tell which: %s", b.Why)
	default:
		w.note("Order %d could not be read: %s", b.WooID, b.Why)
	}
}

// slot ends a night that has held its worker long enough.
func (w *work) slot() error {
	if w.n.ID != 0 && w.r.Now().After(w.until) {
		return errSlotOver
	}
	return nil
}

// apply records looks and wakes the pushes they cause.
func (w *work) apply(ctx context.Context, marks bool, looks []doorzet.Look) error {
	a := doorzet.LookContext{
		Shop: w.shop, Since: w.n.Since, NightID: w.n.ID, Step: string(w.n.Step), Marks: marks, Actor: w.actor(),
	}
	applied, err := w.r.Store.ApplyLooks(ctx, a, looks)
	if err != nil {
		return err
	}
	w.tally(looks, applied, marks)
	for _, ap := range applied {
		if ap.Wake {
			return w.r.Push(ctx, w.shop.ID)
		}
	}
	return nil
}

func (w *work) actor() string {
	if w.n.ID == 0 {
		return "dry-run"
	}
	return fmt.Sprintf("night %d", w.n.ID)
}

// tally counts as the night goes. The final counts of a real night come from its rows; a rehearsal has only these.
func (w *work) tally(looks []doorzet.Look, applied []doorzet.Applied, marks bool) {
	for _, a := range applied {
		if a.Verdict.Tell {
			w.tell(a)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := make(map[int64]doorzet.Look, len(looks))
	for _, l := range looks {
		seen[l.WooID] = l
	}
	for _, a := range applied {
		if w.rehearsed[a.WooID] {
			continue
		}
		if w.rehearsed != nil {
			w.rehearsed[a.WooID] = true
		}
		if a.New {
			w.n.Imported++
		} else if marks {
			w.n.LookedAt++
		}
		switch a.Verdict.Move {
		case doorzet.MakeDue:
			w.found(seen[a.WooID], a)
		case doorzet.Expire:
			w.n.Expired++
		case doorzet.Gone:
			w.n.Gone++
		case doorzet.Stay, doorzet.Withdraw, doorzet.Reopen, doorzet.Conflict, doorzet.Missing:
		}
	}
}

// tell adds what the owner should know of an order to the night's findings, of the first ones in full.
func (w *work) tell(a doorzet.Applied) {
	const most = 20
	if w.told.Add(1) <= most {
		w.note("Order %d: %s", a.WooID, a.Verdict.Sentence)
		return
	}
	w.note("There are more orders that need a look: doorzet order list tells of each.")
}

func (w *work) found(l doorzet.Look, a doorzet.Applied) {
	switch w.n.Step {
	case doorzet.StepBulk:
		w.n.BulkFound++
	case doorzet.StepRemainder:
		w.n.RemainderFound++
	case doorzet.StepShop, doorzet.StepLook, doorzet.StepImport, doorzet.StepCompare, doorzet.StepTrash:
	}
	if w.see != nil {
		w.see(l, a)
	}
}
