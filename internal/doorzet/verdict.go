package doorzet

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Facts is what is known of an order before a look is applied. The zero Facts is an order that was never seen.
type Facts struct {
	Known        bool
	OrderKey     string
	Status       string // last seen
	Created      time.Time
	Ignored      bool
	Expired      bool
	MissingSince time.Time // first of the answers "no such order"; zero when the last answer had it
	Booking      BookingState
	DueStatus    string // the status that made it due
	DueByHand    bool   // pushed by hand (R10): no status sends it back
	InBooks      bool   // a document was, or may have been, sent
}

// Move is what a look changes, besides the facts seen.
type Move string

// The moves.
const (
	Stay     Move = "stay"
	MakeDue  Move = "due"       // must be pushed
	Withdraw Move = "withdrawn" // R1: back to open
	Expire   Move = "expired"   // R4: left the window
	Reopen   Move = "reopened"  // R4: the window widened
	Conflict Move = "conflict"  // R14: another order with this id
	Missing  Move = "missing"   // the first answer "no such order"
	Gone     Move = "gone"      // the second one, a day apart
)

// Verdict is what a look decided, and why.
type Verdict struct {
	Move     Move
	Rule     string // "R1" ... "R14"
	Sentence string
	Tell     bool // the owner should know: Attention
}

// Judge decides what a look means for an order: the rules R1, R2, R4, R12 and R14 in one place. Since is the oldest creation
// time that is inside the window. It is pure: equal arguments give equal verdicts.
func Judge(shop Shop, since time.Time, f Facts, l Look) Verdict {
	if l.Missing {
		return judgeMissing(f, l)
	}
	if f.Known && f.OrderKey != "" && l.OrderKey != "" && f.OrderKey != l.OrderKey {
		return Verdict{Conflict, "R14", "The shop now has another order under this id (its order key differs). It is held and not taken for the one we knew.", true}
	}
	switch f.Booking {
	case BookingBooked:
		return Verdict{Stay, "R9", "In the books. Later status changes push nothing again.", false}
	case BookingSending, BookingUnknown:
		return Verdict{Stay, "R9", "Being pushed.", false}
	case BookingRefused:
		return Verdict{Stay, "R10", "Refused by the books; a person must look.", false}
	case BookingDue:
		return judgeDue(shop, since, f, l)
	case BookingNothing:
		if l.Total.IsZero() {
			return Verdict{Stay, "R9", "Its total is 0.00: there is nothing to book.", false}
		}
	case BookingWithdrawn, "":
	}
	return judgeWaiting(shop, since, f, l)
}

func judgeMissing(f Facts, l Look) Verdict {
	switch {
	case f.InBooks:
		return Verdict{Stay, "R9", "In the books. The shop no longer has this order.", true}
	case f.MissingSince.IsZero():
		return Verdict{Missing, "R2", "The shop says that it has no such order. It is asked again on another day before it counts as gone.", false}
	case l.StartedAt.Sub(f.MissingSince) >= GoneAfter:
		return Verdict{Gone, "R2", "The shop said twice, a day apart, that it has no such order: it was deleted there.", f.Booking == BookingDue}
	}
	return Verdict{Stay, "R2", "The shop says that it has no such order. It is asked again on another day before it counts as gone.", false}
}

// backStatuses send a due order back to open, when it is read again before anything was sent (R1).
var backStatuses = []string{"pending", "on-hold", "cancelled", "failed", "refunded", "trash"}

func judgeDue(shop Shop, since time.Time, f Facts, l Look) Verdict {
	switch {
	case f.DueByHand:
		return Verdict{Stay, "R10", "Pushed by hand: no status sends it back.", false}
	case shop.Chosen(l.Status):
		return Verdict{Stay, "R1", "Status " + l.Status + " is chosen.", false}
	case slices.Contains(backStatuses, l.Status):
		return withdraw(since, f, "Before it was pushed its status went back to "+l.Status+", which is not chosen.")
	case !shop.Chosen(f.DueStatus):
		return withdraw(since, f, "Status "+f.DueStatus+", which made it due, is no longer chosen, nor is "+l.Status+".")
	}
	return Verdict{Stay, "R1", "It had the chosen status " + f.DueStatus + " and moved on to " + l.Status + ".", false}
}

func withdraw(since time.Time, f Facts, why string) Verdict {
	if f.Created.Before(since) {
		return Verdict{Withdraw, "R1", why + " It has left the window: push it by hand if it must be booked.", true}
	}
	return Verdict{Withdraw, "R1", why + " It is open again.", true}
}

func judgeWaiting(shop Shop, since time.Time, f Facts, l Look) Verdict {
	chosen := shop.Chosen(l.Status)
	switch {
	case f.Ignored:
		return Verdict{Stay, "R10", "Ignored by hand.", false}
	case Draft(l.Status):
		return Verdict{Stay, "R2", "A draft: no customer has placed it yet.", false}
	case l.Created.Before(shop.StartsAt()):
		return Verdict{Stay, "R12", "Created before the start date " + shop.StartDate.String() + ": pushed only by hand.", false}
	case chosen && f.Expired && l.By != ByWebhook && l.Created.Before(since):
		return Verdict{Stay, "R4", "Its status is now " + l.Status + ", which is chosen, but it had left the window: push it by hand if it must be booked.", true}
	case chosen:
		return Verdict{MakeDue, "R1", "Status " + l.Status + " is chosen.", false}
	case l.Created.Before(since) && !f.Expired:
		return Verdict{Expire, "R4", "Status " + l.Status + " is not chosen and the order left the window: this was the last look.", false}
	case l.Created.Before(since):
		return Verdict{Stay, "R4", "Left the window with status " + l.Status + ".", false}
	case f.Expired:
		return Verdict{Reopen, "R4", "Inside the window again. " + openSentence(shop, l.Status), false}
	}
	return Verdict{Stay, "R2", openSentence(shop, l.Status), false}
}

func openSentence(shop Shop, status string) string {
	return fmt.Sprintf("Status %s; chosen: %s.", status, strings.Join(shop.Statuses, ", "))
}
