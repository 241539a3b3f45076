package doorzet

import (
	"fmt"
	"time"
)

// OrderState is an order's shown state: a view over facts, computed in SQL (order_states).
type OrderState string

// The shown states.
const (
	StateDraft       OrderState = "draft" // hidden
	StateBeforeStart OrderState = "before start"
	StateOpen        OrderState = "open"
	StateExpired     OrderState = "expired"
	StateDue         OrderState = "due"
	StatePushed      OrderState = "pushed"
	StateIgnored     OrderState = "ignored"
	StateHeld        OrderState = "held"
	StateRefused     OrderState = "refused"
	StateNothing     OrderState = "nothing to book"
	StateGone        OrderState = "gone"
)

// OrderStates are the shown states, drafts left out.
var OrderStates = []OrderState{
	StateBeforeStart, StateOpen, StateExpired, StateDue, StatePushed, StateIgnored, StateHeld, StateRefused,
	StateNothing, StateGone,
}

// OrderRow is an order as it is listed: what was last seen of it, its state, and what is needed to say why.
type OrderRow struct {
	ID           int64 // our own key
	ShopID       int64
	WooID        int64
	OrderKey     string
	Number       string
	Status       string
	State        OrderState
	Total        string // two decimals
	Currency     string
	Created      time.Time
	Modified     time.Time
	LastLookAt   time.Time
	Looks        int
	Verdict      Verdict // of the last look that changed it
	VerdictAt    time.Time
	HeldWhy      string
	IgnoredWhy   string
	IgnoredBy    string
	MissingSince time.Time
	Booking      BookingState
	DueStatus    string
	Reference    string
	Attempts     int
	Error        string // of the last attempt
	NextTry      time.Time
}

// Explanation is the sentence of an order: why it is where it is, what happens next and when.
type Explanation struct {
	Why          string
	NextLook     time.Time // zero: it is not looked at by itself
	LeavesWindow time.Time // zero: no window applies
}

// Explain says why an order is where it is under the settings of now.
func Explain(shop Shop, o OrderRow) Explanation {
	switch o.State {
	case StateOpen:
		return explainOpen(shop, o)
	case StateHeld:
		return Explanation{Why: "Held: " + o.HeldWhy, NextLook: nextLook(shop)}
	case StateDue:
		return Explanation{Why: explainDue(shop, o)}
	case StatePushed:
		return Explanation{Why: "In the books as " + o.Reference + "."}
	case StateExpired:
		return Explanation{Why: o.Verdict.Sentence + " It is no longer checked by itself: check it or push it by hand."}
	case StateIgnored:
		why := "Ignored by " + o.IgnoredBy
		if o.IgnoredWhy != "" {
			why += ": " + o.IgnoredWhy
		}
		return Explanation{Why: why + "."}
	case StateBeforeStart:
		return Explanation{Why: "Created before the start date " + shop.StartDate.String() + ": pushed only by hand."}
	case StateRefused:
		return Explanation{Why: "Refused: " + o.Error + " It is not tried again by itself."}
	case StateNothing:
		return Explanation{Why: "Its total is 0.00 and it has no amounts: there is nothing to book."}
	case StateGone:
		return Explanation{Why: o.Verdict.Sentence}
	case StateDraft:
	}
	return Explanation{Why: "A draft: no customer has placed it yet."}
}

func explainOpen(shop Shop, o OrderRow) Explanation {
	e := Explanation{Why: openSentence(shop, o.Status), NextLook: nextLook(shop)}
	if o.Booking == BookingWithdrawn || !o.MissingSince.IsZero() {
		e.Why = o.Verdict.Sentence + " " + e.Why
	}
	if shop.Chosen(o.Status) {
		e.Why = "Status " + o.Status + ", which has been chosen since it was last seen: the coming night looks at it first."
	}
	loc := shop.Location()
	switch {
	case shop.BlockedWhy != "":
		e.Why += " No night runs: " + shop.BlockedWhy
	case shop.Paused():
		e.Why += " The shop is paused: no night runs."
	case !e.NextLook.IsZero():
		e.Why += " Next look " + e.NextLook.In(loc).Format("2 January 15:04") + "."
	}
	e.LeavesWindow = LeavesWindow(o.Created, loc, shop.WebhooksOn)
	e.Why += " Leaves the window on " + e.LeavesWindow.In(loc).Format("2 January") + "."
	return e
}

func explainDue(shop Shop, o OrderRow) string {
	switch {
	case shop.BlockedWhy != "":
		return "To be pushed, but pushes are stopped: " + shop.BlockedWhy
	case shop.Paused():
		return "To be pushed when the shop is resumed."
	case o.Booking == BookingUnknown:
		return "Whether the books have it is not known, as no answer came or Postgres was restored: it is looked up there before anything else happens."
	case o.Booking == BookingSending:
		return "Being pushed now."
	case o.Error != "":
		return fmt.Sprintf("To be pushed. Attempt %d: %s Next attempt %s.", o.Attempts, o.Error,
			o.NextTry.In(shop.Location()).Format("2 January 15:04"))
	}
	return "To be pushed: " + o.Verdict.Sentence
}

func nextLook(shop Shop) time.Time {
	if shop.Paused() {
		return time.Time{}
	}
	return shop.NextNightAt
}

// Event is one entry of the journal: who or what did what, and why.
type Event struct {
	At    time.Time
	Actor string // "night 12", "webhook", "push", or the name of a person
	Kind  string // "verdict", "status", "pushed", "held", "settings", ...
	Text  string
	Order int64 // the shop's order id; 0 = about the shop
}
