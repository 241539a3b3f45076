package doorzet

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Secret is a value that must not appear in a log, an error or a page: it prints as "***" everywhere. Reveal gives the
// value itself.
type Secret string

// String hides the value.
func (Secret) String() string { return "***" }

// GoString hides the value.
func (Secret) GoString() string { return "***" }

// MarshalText hides the value.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// LogValue hides the value.
func (Secret) LogValue() slog.Value { return slog.StringValue("***") }

// Reveal is the value itself.
func (s Secret) Reveal() string { return string(s) }

// Shop is one WooCommerce store: one owner, one set of books.
//
// It is made by a person (shop add) after its address was contacted. Home and StoreID are what the shop said of itself
// then, and are compared each night (R14). Prefix begins every reference of the shop's bookings and never changes.
type Shop struct {
	ID         int64
	Name       string
	URL        string // where we call it, without a trailing slash
	Home       string // what it calls itself
	StoreID    string // WooCommerce's own uuid of the store; "" when it has none
	Key        Secret
	Secret     Secret
	Prefix     string
	TimeZone   string // IANA name, or "+01:00" when the shop is set to an offset
	ZoneSaid   string // what it last said of its zone; TimeZone follows it as long as the two are the same, so not an owner's own choice
	StartDate  Date
	Statuses   []string // chosen, sorted
	NightHours NightHours
	Remainder  bool // R7 is on
	BooksID    int64

	WebhooksOn     bool // what decides the window, after R4's two nights
	WebhooksOffFor int  // nights in a row that found them off

	WooVersion   string
	Auth         string // how the shop lets us in: package woo's word, "" = not known yet
	PausedAt     time.Time
	BlockedWhy   string    // R14: why nothing is done until the owner answers; "" = not blocked
	AddedAt      time.Time //
	NextNightAt  time.Time
	ImportedAt   time.Time // start of the last finished import
	FullImportAt time.Time // start of the last finished comparison of all ids
	Unread       []int64   // orders that imports could not read and that are not stored: the next one asks for each

	Pace Pace   // what was learnt of how much it can bear
	Pool string // whose workers do its work; "" = the usual ones
}

// Location is the shop's time zone. A name that cannot be loaded is refused when it is set, so UTC stands in only for a
// zero Shop.
func (s Shop) Location() *time.Location {
	loc, err := ParseZone(s.TimeZone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// StartsAt is the instant at which the start date begins (R12).
func (s Shop) StartsAt() time.Time { return s.StartDate.In(s.Location()) }

// Chosen tells whether a status is one at which the shop's orders are pushed.
func (s Shop) Chosen(status string) bool { return slices.Contains(s.Statuses, status) }

// Paused tells whether nothing may be done for the shop: its owner paused it, or R14 stopped it.
func (s Shop) Paused() bool { return !s.PausedAt.IsZero() || s.BlockedWhy != "" }

// ParseZone reads an IANA zone name, or an offset as WordPress shows it ("+01:00").
func ParseZone(name string) (*time.Location, error) {
	if t, err := time.Parse("-07:00", name); err == nil {
		_, offset := t.Zone()
		return time.FixedZone(name, offset), nil
	}
	if name == "" || name == "Local" {
		return nil, Input("time zone %q: give an IANA name like Europe/Amsterdam, or an offset like +01:00", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, Input("time zone %q is not known: give an IANA name like Europe/Amsterdam, or an offset like +01:00", name)
	}
	return loc, nil
}

// HomeKey is a shop's home address as R14 compares it: without scheme, "www." and trailing slash, in lower case.
func HomeKey(home string) string {
	u, err := url.Parse(strings.TrimSpace(home))
	if err != nil || u.Host == "" {
		return strings.ToLower(strings.TrimRight(strings.TrimSpace(home), "/"))
	}
	host := strings.TrimPrefix(strings.ToLower(u.Host), "www.")
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")
	return host + strings.TrimRight(u.EscapedPath(), "/")
}

// SameShop compares what a shop says of itself with what was recorded (R14). It returns "" for the same shop, else a
// sentence that tells what differs. A store id that is empty on either side is not compared: old versions have none.
func SameShop(recorded Shop, home, storeID string) string {
	if HomeKey(recorded.Home) != HomeKey(home) {
		return fmt.Sprintf("The shop at %s now says its home is %s; recorded is %s. Until you answer, no night runs and nothing is pushed. If the shop moved, confirm it with: doorzet shop set --shop %d --url %s --moved",
			recorded.URL, home, recorded.Home, recorded.ID, home)
	}
	if recorded.StoreID != "" && storeID != "" && recorded.StoreID != storeID {
		return fmt.Sprintf("Another shop answers at %s: its store id is %s, recorded is %s. Until you answer, no night runs and nothing is pushed. If it is the same shop after all, confirm it with: doorzet shop set --shop %d --url %s --moved",
			recorded.URL, storeID, recorded.StoreID, recorded.ID, recorded.URL)
	}
	return ""
}

// FreePrefix proposes a prefix that is not in use: the first letters of a host name, with a number behind them if need be.
func FreePrefix(host string, used []string) string {
	letters := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(strings.TrimPrefix(strings.ToLower(host), "www.")))
	if len(letters) < 2 {
		letters = "WC"
	}
	base := letters[:min(4, len(letters))]
	prefix := base
	for n := 2; slices.Contains(used, prefix); n++ {
		prefix = base + strconv.Itoa(n)
	}
	return prefix
}

// ValidatePrefix refuses a prefix that is not 2 to 8 capital letters or digits.
func ValidatePrefix(prefix string) error {
	ok := len(prefix) >= 2 && len(prefix) <= 8
	for _, r := range prefix {
		ok = ok && (r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	}
	if !ok {
		return Input("prefix %q: use 2 to 8 capital letters or digits, like WC or SHOP2", prefix)
	}
	return nil
}

// ChooseStatuses reads the chosen statuses of a shop: sorted, without doubles or "wc-", at least one, each one that may be
// chosen.
func ChooseStatuses(list []string) ([]string, error) {
	var out []string
	for _, s := range list {
		s = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "wc-")
		if s == "" {
			continue
		}
		if !Choosable(s) {
			return nil, Input("status %q cannot be chosen: an order with it is no sale (yet, or any more); choose statuses like processing, completed, on-hold or one of the shop's own", s)
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, Input("no status is chosen: give at least one, like processing,completed")
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// ModifiedFilter tells whether a WooCommerce version can filter orders on when they were modified (5.8 and later). Older
// ones ignore the parameter and answer with everything. A version that is not known counts as a new one.
func ModifiedFilter(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(major)
	if err != nil {
		return true
	}
	b, _ := strconv.Atoi(strings.TrimRight(minor, "-abcdefghijklmnopqrstuvwxyz"))
	return a > 5 || a == 5 && b >= 8
}
