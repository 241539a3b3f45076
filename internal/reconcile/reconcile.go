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
	"runtime/debug"
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
	TimeZone               string // as it says; "" = it does not say
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
	Pace() doorzet.Pace // as learnt so far
}

// store is where orders and nights live.
type store interface {
	shops
	orders
	imports
	ClaimNight(ctx context.Context, id int64) (doorzet.Night, error)
	RenewNight(ctx context.Context, n doorzet.Night) error
	SaveNight(ctx context.Context, n doorzet.Night) error
	FinishNight(ctx context.Context, n doorzet.Night, state doorzet.NightState, why string) error
	PostponeNight(ctx context.Context, n doorzet.Night, after time.Duration, why string) error
}

// shops is what a night needs of the shop's row.
type shops interface {
	Shop(ctx context.Context, id int64) (doorzet.Shop, error)
	SawShop(ctx context.Context, s doorzet.Shop, actor string) error
	SawWebhooks(ctx context.Context, shopID, nightID int64, found bool) (on bool, err error)
	SawPace(ctx context.Context, shopID int64, p doorzet.Pace) error
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
	Keep  func(ctx context.Context, renew func(context.Context) error) (kept context.Context, stop func())
	Turns *Turns // of the process

	PublicURL string // our address in webhooks; "" = webhooks are never on
	Now       func() time.Time
	Log       *slog.Logger
}

// The ways in which a night ends early.
var (
	errSlotOver = errors.New("the night gives its slot back and goes on later")
	errStopped  = errors.New("the shop is stopped")
	errBroke    = errors.New("the work broke off by a fault of ours")

	errTakesWorkersDown = fmt.Errorf("%d workers in a row were lost while they worked on this night, so it was given up. Their logs and"+
		" the machine's memory tell why; the coming night tries again", doorzet.TakeoversToGiveUp)
)

const (
	// callsAtOnce is how many single orders a night asks a shop for at the same time.
	callsAtOnce = 2
	// troublesInARow is how many reads in a row may fail before a night stops asking.
	troublesInARow = 5
	// mostNotes is how many findings a night keeps.
	mostNotes = 200
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
	leave, ok := r.Turns.admit(n)
	if !ok {
		return r.later(ctx, n)
	}
	defer leave()
	kept, stop := r.Keep(ctx, func(ctx context.Context) error { return r.Store.RenewNight(ctx, n) })
	defer stop()
	w, err := r.night(kept, n)
	if err != nil && errors.Is(context.Cause(kept), doorzet.ErrLost) {
		err = doorzet.ErrLost
	}
	stop()
	return r.end(ctx, w, n, err)
}

// night does the work of one slot. Work that breaks off is trouble of ours like any other.
func (r *Reconciler) night(ctx context.Context, n doorzet.Night) (*work, error) {
	w := r.work(n)
	if n.Takeovers >= doorzet.TakeoversToGiveUp {
		return w, errTakesWorkersDown
	}
	err := w.whatever(func() error {
		if err := w.begin(ctx); err != nil {
			return err
		}
		return w.steps(ctx)
	})
	return w, err
}

// whatever makes an error of work that breaks off: it must not take the other nights of the process with it.
func (w *work) whatever(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.r.Log.Error("the night broke off", "shop", w.n.ShopID, "night", w.n.ID, "error", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: %v", errBroke, p)
		}
	}()
	return do()
}

// Rehearse runs the looks of a night on a store that keeps nothing and pushes nothing, and returns the report. See is called with
// each order that would be pushed.
func (r *Reconciler) Rehearse(ctx context.Context, shopID int64, see func(doorzet.Look, doorzet.Applied)) (doorzet.Night, error) {
	now := r.Now()
	n := doorzet.Night{ShopID: shopID, StartedAt: now, RunAt: now}
	w := r.work(n)
	if err := w.begin(ctx); err != nil {
		return n, err
	}
	w.see, w.rehearsed = see, map[int64]bool{}
	err := w.steps(ctx)
	w.count()
	w.n.State, w.n.FinishedAt = doorzet.NightDone, r.Now()
	return w.n, err
}

// work is one night under way.
type work struct {
	r     *Reconciler
	share share
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

func (r *Reconciler) work(n doorzet.Night) *work {
	return &work{r: r, share: share{turns: r.Turns}, n: n, until: r.Now().Add(doorzet.NightSlot), base: n.Requests}
}

func (w *work) begin(ctx context.Context) error {
	shop, err := w.r.Store.Shop(ctx, w.n.ShopID)
	if err != nil {
		return err
	}
	w.shop, w.woo = shop, w.r.Shop(shop)
	return nil
}

// steps are the steps of R3 in their order. Each begins where the night's row says that it was left. Step 5, refunds, has
// nothing to ask yet: refunds are not booked.
func (w *work) steps(ctx context.Context) error {
	if err := w.sameShop(ctx); err != nil {
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
	w.keepPace(ctx)
	if w.n.ID == 0 {
		return nil
	}
	return w.r.Store.SaveNight(ctx, w.n)
}

// keepPace stores what was learnt of the shop's pace. It is not worth the night's end when that fails.
func (w *work) keepPace(ctx context.Context) {
	if w.woo == nil {
		return
	}
	pace := w.woo.Pace()
	if pace == w.shop.Pace {
		return
	}
	if err := w.r.Store.SawPace(ctx, w.shop.ID, pace); err != nil {
		w.r.Log.Warn("the shop's pace was not stored", "shop", w.shop.ID, "error", err.Error())
		return
	}
	w.shop.Pace = pace
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
	switch {
	case slices.Contains(w.n.Notes, text):
	case len(w.n.Notes) < mostNotes:
		w.n.Notes = append(w.n.Notes, text)
	case len(w.n.Notes) == mostNotes:
		w.n.Notes = append(w.n.Notes, "There was more to tell: the night found more than is kept here.")
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
	var applied []doorzet.Applied
	err := w.share.turn(ctx, func() (err error) {
		applied, err = w.r.Store.ApplyLooks(ctx, a, looks)
		return err
	})
	if err != nil {
		return err
	}
	w.further()
	w.tally(looks, applied, marks)
	for _, ap := range applied {
		if ap.Wake {
			return w.r.Push(ctx, w.shop.ID)
		}
	}
	return nil
}

// further records that the night gets on: trouble is counted anew.
func (w *work) further() {
	w.mu.Lock()
	w.n.Troubles = 0
	w.mu.Unlock()
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
