package doorzet

import (
	"errors"
	"fmt"
	"time"
)

// The endings of a piece of work, besides nil (done) and any other error (again later): a caller finds them with
// errors.As, whatever was wrapped around them.

// RefusedError means never again by itself: a person must look. Reason is a sentence for that person.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

// Refused makes a RefusedError.
func Refused(format string, args ...any) error {
	return &RefusedError{Reason: fmt.Sprintf(format, args...)}
}

// HeldError means that an order cannot be a correct document as it stands. Rule names the step or rule that says so,
// Reason is a sentence that a bookkeeper understands, with what to do.
type HeldError struct{ Rule, Reason string }

func (e *HeldError) Error() string { return e.Reason }

// Held makes a HeldError.
func Held(rule, format string, args ...any) error {
	return &HeldError{Rule: rule, Reason: fmt.Sprintf(format, args...)}
}

// LaterError means not yet: try again after After at the earliest. Reason is a sentence for the owner.
type LaterError struct {
	After  time.Duration
	Reason string
	Err    error // the cause, may be nil
}

func (e *LaterError) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

func (e *LaterError) Unwrap() error { return e.Err }

// UnknownError means that a write to the books may or may not have happened: it is looked up before it is tried again.
type UnknownError struct{ Err error }

func (e *UnknownError) Error() string { return "outcome unknown: " + e.Err.Error() }

func (e *UnknownError) Unwrap() error { return e.Err }

// ErrNotFound means that no such row exists.
var ErrNotFound = errors.New("not found")

// ErrLost means that a claim was taken over by another worker: what was found must not be recorded.
var ErrLost = errors.New("the claim was lost to another worker")

// ErrRestored means that Postgres does not hold what it held before: it was restored from a backup, and nobody has recorded that
// yet. Nothing was changed.
var ErrRestored = errors.New("Postgres was restored from a backup")

// ErrOrderMissing means that the shop answered that an order does not exist (404 with WooCommerce's own code).
var ErrOrderMissing = errors.New("the shop has no such order")

// InputError is wrong input: what, where, and what to do. Nothing was changed.
type InputError struct{ Reason string }

func (e *InputError) Error() string { return e.Reason }

// Input makes an InputError.
func Input(format string, args ...any) error {
	return &InputError{Reason: fmt.Sprintf(format, args...)}
}

// ShopErrorKind says what kind of trouble a shop gave, so that a caller can decide when to ask again and whom to tell.
type ShopErrorKind string

// The kinds of trouble.
const (
	ShopDown     ShopErrorKind = "down"      // no answer, time-out, 5xx: again later
	ShopBusy     ShopErrorKind = "busy"      // 429 or 503 with Retry-After: again after that
	ShopDenied   ShopErrorKind = "denied"    // 401, 403 with WooCommerce's own code: key or rights, the owner must act
	ShopBlocked  ShopErrorKind = "blocked"   // firewall, captcha, bot protection: the owner must act
	ShopStrange  ShopErrorKind = "strange"   // an answer that is no WooCommerce answer: HTML, cut off, wrong shape
	ShopRefused  ShopErrorKind = "refused"   // 400: the shop does not accept the question
	ShopUnsafe   ShopErrorKind = "unsafe"    // the address is private or link-local and that is not allowed
	ShopRedirect ShopErrorKind = "redirects" // the address redirects elsewhere
)

// ShopError is what went wrong between us and a shop. Advice is a sentence in the owner's words: what was met and what
// to do. It never holds a key or a URL with a key.
type ShopError struct {
	Kind       ShopErrorKind
	Status     int    // HTTP status, 0 when there was no answer
	Code       string // WooCommerce's error code, "" when there was none
	Advice     string
	RetryAfter time.Duration // 0 when the shop did not say
	Params     []string      // ShopRefused: names of the refused parameters
	Err        error         // the cause, may be nil; cleaned of secrets
}

func (e *ShopError) Error() string {
	switch {
	case e.Err != nil:
		return e.Advice + " (" + e.Err.Error() + ")"
	case e.Status != 0 && e.Code != "":
		return fmt.Sprintf("%s (HTTP %d, %s)", e.Advice, e.Status, e.Code)
	case e.Status != 0:
		return fmt.Sprintf("%s (HTTP %d)", e.Advice, e.Status)
	}
	return e.Advice
}

func (e *ShopError) Unwrap() error { return e.Err }
