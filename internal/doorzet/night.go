package doorzet

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"
)

// NightHours are the hours in which a shop's nights begin, in minutes since midnight of the shop's own clock. To may be
// past midnight (less than or equal to From): then the hours belong to the day on which they begin.
type NightHours struct{ From, To int }

// DefaultNightHours are 01:00-05:00.
var DefaultNightHours = NightHours{From: 60, To: 300}

// ParseNightHours reads "01:00-05:00" or "23:00-03:00".
func ParseNightHours(s string) (NightHours, error) {
	var fh, fm, th, tm int
	n, err := fmt.Sscanf(s, "%d:%d-%d:%d", &fh, &fm, &th, &tm)
	h := NightHours{From: fh*60 + fm, To: th*60 + tm}
	if err != nil || n != 4 || h.String() != s || fh < 0 || fh > 23 || th > 23 || fm > 59 || tm > 59 || h.From == h.To {
		return NightHours{}, Input("night hours %q: write them as 01:00-05:00; they may cross midnight (23:00-03:00) and may not be empty", s)
	}
	return h, nil
}

// String is "01:00-05:00".
func (h NightHours) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", h.From/60, h.From%60, h.To/60, h.To%60)
}

// NightAt is when a shop's night of a date begins: spread over the hours by the shop's id, always at the same place, so
// that many shops do not begin at once. The hours' two ends are taken from the wall clock and the time between them is
// divided as it really is: on the nights when the clocks change it is an hour shorter or longer, and neither skips nor
// doubles a night.
func NightAt(date Date, hours NightHours, loc *time.Location, shopID int64) time.Time {
	return nightAt(date, hours, loc, nightPlace(shopID))
}

// nightParts is into how many parts a shop's night hours are divided.
const nightParts = 1 << 16

// nightPlace is in which of them a shop's nights begin.
func nightPlace(shopID int64) uint16 {
	// A digest, because ids are neighbours: a weaker hash puts shops 1 to 9 side by side.
	sum := sha256.Sum256(strconv.AppendInt([]byte("night "), shopID, 10))
	return binary.BigEndian.Uint16(sum[:])
}

func nightAt(date Date, hours NightHours, loc *time.Location, place uint16) time.Time {
	from := date.At(0, hours.From, loc)
	end := date
	if hours.To <= hours.From {
		end = date.Add(1)
	}
	to := end.At(0, hours.To, loc)
	at := from.Add(to.Sub(from) / nightParts * time.Duration(place))
	return at.Truncate(time.Second)
}

// NextNight is the first night of a shop that begins after an instant: its date and its time.
func NextNight(after time.Time, hours NightHours, loc *time.Location, shopID int64) (Date, time.Time) {
	place := nightPlace(shopID)
	for date := DateOf(after, loc).Add(-1); ; date = date.Add(1) {
		if at := nightAt(date, hours, loc, place); at.After(after) {
			return date, at
		}
	}
}

// WindowSince is the oldest creation time that a night still looks at (R4): three calendar months before the night's
// start with webhooks on, else 21 days of 24 hours. An order created exactly then is inside.
func WindowSince(start time.Time, loc *time.Location, webhooksOn bool) time.Time {
	if webhooksOn {
		return addMonths(start.In(loc), -WindowMonths)
	}
	return start.Add(-WindowShort)
}

// addMonths is the same wall clock some months away, clamped to the month's last day.
func addMonths(t time.Time, months int) time.Time {
	y, m, d := t.Date()
	hh, mm, ss := t.Clock()
	last := lastDay(y, m+time.Month(months))
	return wallClock(time.Date(y, m+time.Month(months), min(d, last), hh, mm, ss, t.Nanosecond(), time.UTC), t.Location())
}

// LeavesWindow is the instant after which an order created at some time is outside the window for good. With webhooks on, an
// order of the 31st leaves a window of shorter months when the next month begins, and one of the last day of a shorter month
// stays until the last day of the longer one: that goes back to it as well.
func LeavesWindow(created time.Time, loc *time.Location, webhooksOn bool) time.Time {
	if !webhooksOn {
		return created.Add(WindowShort)
	}
	local := created.In(loc)
	leaves := addMonths(local, WindowMonths)
	switch {
	case leaves.Day() < local.Day():
		return Date{leaves.Year(), leaves.Month() + 1, 1}.In(loc)
	case lastDay(local.Year(), local.Month()) == local.Day():
		return wallClock(leaves.AddDate(0, 0, lastDay(leaves.Year(), leaves.Month())-leaves.Day()), loc)
	}
	return leaves
}

// lastDay is how many days a month has. Months past December belong to later years, those before January to earlier ones.
func lastDay(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// WebhooksSeen is what a night that found a shop's webhooks on or off makes of the window's width: on at once, off only
// after NightsOffToNarrow nights in a row (R4).
func WebhooksSeen(on bool, offFor int, found bool) (nowOn bool, nowOffFor int) {
	if found {
		return true, 0
	}
	offFor++
	return on && offFor < NightsOffToNarrow, offFor
}

// Strategy is how a night looks at the open orders.
type Strategy string

// The strategies.
const (
	OneByOne Strategy = "one-by-one" // R5
	Bulk     Strategy = "bulk"       // R6 and R7
)

// StrategyFor decides by the count of open orders in the window as they stand when the night begins.
func StrategyFor(open int) Strategy {
	if open < BulkFrom {
		return OneByOne
	}
	return Bulk
}

// NightState is where a night stands.
type NightState string

// The states of a night: planned -> running -> done | failed; covered is a missed night that a later one makes good.
const (
	NightPlanned NightState = "planned"
	NightRunning NightState = "running"
	NightDone    NightState = "done"
	NightFailed  NightState = "failed"
	NightCovered NightState = "covered"
)

// NightStep is where a night is: the steps of R3.
type NightStep string

// The steps of a night, in their order.
const (
	StepShop      NightStep = "shop"      // 1 and 2: is it the same shop, the window, the count
	StepLook      NightStep = "look"      // 3, R5
	StepBulk      NightStep = "bulk"      // 3, R6
	StepRemainder NightStep = "remainder" // 3, R7
	StepImport    NightStep = "import"    // 4: what changed since the last import; the first time all
	StepCompare   NightStep = "compare"   // 4, once a week: all ids since the start date
	StepTrash     NightStep = "trash"     // 4, with it: those in the trash
)

// RequestCount counts requests to a shop: lists of orders, single orders, and all of them.
type RequestCount struct{ List, Single, Total int }

// Night is one reconcile of one shop. It is planned by the scheduler, one per shop and local date, or asked for by hand. The
// worker that claims it records how far it is; another one goes on from there when the claim runs out.
type Night struct {
	ID         int64
	ShopID     int64
	Date       Date
	Planned    bool
	AskedBy    string
	State      NightState
	RunAt      time.Time
	NextTry    time.Time
	Token      int64 // fences the claim
	Attempts   int
	Troubles   int       // slots in a row that ended in trouble without getting further
	Takeovers  int       // workers in a row that were lost without getting further
	StartedAt  time.Time // the first claim: the night's start, from which window and look-back count
	FinishedAt time.Time
	MetAt      time.Time // when the shop last said that it is the same one (R14)

	Since      time.Time // the window's beginning
	WebhooksOn bool      // as found
	Open       int       // the count that decided
	Strategy   Strategy
	Step       NightStep
	Rows       int // how many rows of the step's list were read; -1: all of them
	Done, Todo int // of the step, for a progress bar

	Imported, LookedAt, StillOpen, Expired, Gone int
	BulkFound, RemainderFound                    int
	Unread                                       int // orders that could not be read
	Pushed, Held, Failed                         int // bookings because of this night, as they stand now
	Underway                                     int // those still being pushed
	Requests                                     RequestCount
	Notes                                        []string // findings for the owner
	Error                                        string
}

// PlannedNight is one night of a timetable.
type PlannedNight struct {
	Date Date
	At   time.Time
}

// NightsApart is how far two nights of a timetable are apart at least, however a shop's hours or zone change: a second one
// within half a day would be the same night twice.
const NightsApart = 12 * time.Hour

// MissedNights are a shop's nights from first, which was to be its next one, until now, oldest first; and when the one after
// them begins. Usually it is one: the night whose time has come. First is a night also when the shop's hours or zone have changed
// since it was set: it is not lost. Of a long absence only the last month is listed.
func MissedNights(first, now time.Time, hours NightHours, loc *time.Location, shopID int64) (missed []PlannedNight, next time.Time) {
	from := first.Add(-time.Second)
	if monthAgo := now.AddDate(0, -1, 0); first.Before(monthAgo) {
		from = monthAgo
	}
	date, at := NextNight(from, hours, loc, shopID)
	if !at.Equal(first) && from.Before(first) && !first.After(now) {
		missed = append(missed, PlannedNight{DateOf(first, loc), first})
		date, at = NextNight(first.Add(NightsApart-time.Second), hours, loc, shopID)
	}
	for !at.After(now) {
		missed = append(missed, PlannedNight{date, at})
		date, at = NextNight(at, hours, loc, shopID)
	}
	return missed, at
}

// Retimed is when a shop's next night begins after its hours or its zone changed, with what was to be its next one. A night whose
// time has come stays, and so does one that a new timetable would put off by more than half a day: a change skips no night.
func Retimed(next, now time.Time, hours NightHours, loc *time.Location, shopID int64) time.Time {
	_, anew := NextNight(now, hours, loc, shopID)
	if !next.After(now) || anew.After(next.Add(NightsApart)) {
		return next
	}
	return anew
}
