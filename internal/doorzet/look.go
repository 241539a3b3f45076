package doorzet

import (
	"time"

	"github.com/shopspring/decimal"
)

// LookBy is who looked at an order.
type LookBy string

// Who looks.
const (
	ByNight   LookBy = "night"   // steps 3 of a night
	ByImport  LookBy = "import"  // step 4 of a night
	ByWebhook LookBy = "webhook" // a delivery, or the REST read it caused
	ByHand    LookBy = "hand"    // a person: check now, push now, un-ignore
	ByPush    LookBy = "push"    // a push that found its document too old
)

// Look is one reading of an order: what the shop said of it, when we asked and when we knew. Missing means that the shop
// answered that it has no such order; then only WooID and the times are set.
type Look struct {
	By         LookBy
	WooID      int64
	Missing    bool
	OrderKey   string
	Number     string
	Status     string
	Currency   string
	Total      decimal.Decimal
	Created    time.Time
	Modified   time.Time // zero when it is not known
	StartedAt  time.Time // when the request started; for a delivery its arrival
	ReceivedAt time.Time // when the answer was here
	REST       bool      // a REST answer, not a delivery
	Document   []byte    // the whole REST answer; nil when only some fields were asked for
}

// LookAt makes a Look of a REST answer. Document is kept only of a full order.
func LookAt(by LookBy, o ShopOrder, document []byte, startedAt, receivedAt time.Time) Look {
	if !o.Full {
		document = nil
	}
	return Look{
		By: by, WooID: o.ID, OrderKey: o.OrderKey, Number: o.Number, Status: o.Status, Currency: o.Currency,
		Total: o.Total, Created: o.Created, Modified: o.Modified, StartedAt: startedAt, ReceivedAt: receivedAt,
		REST: true, Document: document,
	}
}

// Stored is the look that an order's row holds.
type Stored struct {
	Modified   time.Time
	StartedAt  time.Time
	ReceivedAt time.Time
}

// Counts tells whether a look may replace the stored one: an older look never overwrites a newer one. It counts if its
// (modified time, time the request started) is not older than the stored one, or if it is a REST answer whose request
// started after the stored look was received: the shop may set a modified time back.
func (l Look) Counts(s Stored) bool {
	if s.ReceivedAt.IsZero() {
		return true
	}
	if l.REST && l.StartedAt.After(s.ReceivedAt) {
		return true
	}
	if l.Missing || l.Modified.IsZero() {
		return false
	}
	if !l.Modified.Equal(s.Modified) {
		return l.Modified.After(s.Modified)
	}
	return !l.StartedAt.Before(s.StartedAt)
}

// LookContext is what looks are applied under.
type LookContext struct {
	Shop    Shop
	Since   time.Time // the window's beginning
	NightID int64     // the night that looks; 0 = none
	Step    string    // the night's step, "" = none
	Marks   bool      // whether the looks count as this night's looks of step 3
	Actor   string    // for the journal: "night 12", "webhook", "push", or a person's name
}

// Applied is what became of one look.
type Applied struct {
	WooID     int64
	OrderID   int64
	New       bool  // never seen before
	Counted   bool  // false: a newer look was known already
	BookingID int64 // of the order's invoice, 0 = none
	Wake      bool  // the booking should be pushed now
	Verdict   Verdict
}
