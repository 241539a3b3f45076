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
}
