package doorzet

import (
	"strconv"
	"time"
)

// BookingState is where a booking stands.
//
//	due -> sending -> booked | unknown | refused
//	due -> nothing                    (nothing to book)
//	unknown -> booked | due           (only after looking it up in the books)
//	due -> withdrawn -> due           (R1: back to open, and again)
//	due | sending -> unknown          (Postgres was restored)
type BookingState string

// The states of a booking.
const (
	BookingDue       BookingState = "due"
	BookingSending   BookingState = "sending"
	BookingUnknown   BookingState = "unknown"
	BookingBooked    BookingState = "booked"
	BookingRefused   BookingState = "refused"
	BookingWithdrawn BookingState = "withdrawn"
	BookingNothing   BookingState = "nothing"
)

// Reference is how a booking is found in the books: PREFIX-WooId, from the second round on with the round behind it.
func Reference(prefix string, wooID int64, round int) string {
	ref := prefix + "-" + strconv.FormatInt(wooID, 10)
	if round > 1 {
		ref += "-" + strconv.Itoa(round)
	}
	return ref
}

// Claim is one worker's right to work on a booking until Until by Postgres' clock. Token fences: whatever is recorded
// with an older token changes nothing.
type Claim struct {
	BookingID int64
	Token     int64
	Until     time.Time
}

// Books is a connection to one administration in one accounting system.
type Books struct {
	ID     int64
	Name   string
	Kind   string // "files"
	Dir    string // of files: the folder of the export
	Seller Seller

	PerMinute int // how many pushes a minute it takes; 0 = as many as there are
}

// PushJob is a claimed booking with all that is needed to push it.
type PushJob struct {
	Claim     Claim
	Shop      Shop
	Books     Books
	State     BookingState // due, or unknown: to be looked up first
	WooID     int64
	Reference string
	ByHand    bool
	DueStatus string
	DueAt     time.Time // when a chosen status was first seen
	NightID   int64
	Attempts  int // this one included
	Lookups   int // since it became unknown
	SentAt    time.Time
	Frozen    *Document // what an earlier attempt sent; nil = nothing was sent yet
	AskFirst  bool      // the books are asked before the first create: by hand, or after Postgres was restored
	// RestoredAt is when Postgres was restored, if the books may hold this booking from before it without our knowing; else zero.
	RestoredAt time.Time
	Document   []byte    // the order as the shop's REST API answered it; nil = not read yet
	ReadAt     time.Time // when that answer was asked for
}

// BookingRow is a booking as it is listed.
type BookingRow struct {
	ID        int64
	Order     int64 // the shop's order id
	Kind      BookingKind
	Round     int
	State     BookingState
	Reference string
	RemoteID  string
	Total     string // of the document in the books; before that of the order
	Currency  string
	Attempts  int
	Error     string // of the last attempt, or why it is held
	DueAt     time.Time
	BookedAt  time.Time
	ByHand    bool
	NextTry   time.Time
}

// Export is a booked file that its folder should have.
type Export struct {
	BookingID int64
	Dir       string
	Name      string
	Content   []byte
}
