package woo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// The causes of ShopErrors by which the client decides how to go on.
var (
	errPage     = errors.New("no JSON")
	errBroken   = errors.New("broken off")
	errTooLarge = errors.New("too large")
	errLate     = lateError{}
)

// lateError is the cause when a question took longer than it may.
type lateError struct{}

func (lateError) Error() string { return "time-out" }

// Timeout tells that it is one.
func (lateError) Timeout() bool { return true }

// TimedOut tells whether an error of a call means that the shop did not answer in time.
func TimedOut(err error) bool {
	var se *doorzet.ShopError
	return errors.As(err, &se) && timeout(se.Err)
}

func timeout(err error) bool {
	var late interface{ Timeout() bool }
	return errors.As(err, &late) && late.Timeout()
}

// late tells whether a call that was connected took too long, by its own clock or by that of the HTTP client.
func late(err error, clock *clock) bool {
	return clock.late() || errors.Is(err, context.DeadlineExceeded)
}

// cutOff tells whether a connection ended where an answer was due.
func cutOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// heavy tells whether a shop failed at a question in a way in which it fails when too much is asked at once: it may answer a
// smaller one. A shop that is busy, blocks us or cannot be reached at all does not.
func heavy(err error) bool {
	var se *doorzet.ShopError
	if !errors.As(err, &se) || se.Kind == doorzet.ShopBusy || se.Kind == doorzet.ShopBlocked {
		return false
	}
	switch {
	case se.Status >= http.StatusInternalServerError,
		se.Status == http.StatusRequestEntityTooLarge, se.Status == http.StatusRequestURITooLong, se.Status == http.StatusRequestTimeout:
		return true
	}
	return errors.Is(err, errLate) || errors.Is(err, errBroken) || errors.Is(err, errTooLarge) || errors.Is(err, errPage)
}

// tooLong tells whether a server refused a question for the length of its address.
func tooLong(err error) bool {
	var se *doorzet.ShopError
	return errors.As(err, &se) && se.Status == http.StatusRequestURITooLong
}

// unreachable says why no answer came. The client's own error holds the URL, which may hold a key: only its cause is kept.
func unreachable(ctx context.Context, err error, clock *clock) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if se, ok := errors.AsType[*doorzet.ShopError](err); ok {
		return se // the guard's
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	op, _ := errors.AsType[*net.OpError](err)
	dialled := op == nil || op.Op != "dial"
	down := &doorzet.ShopError{Kind: doorzet.ShopDown, Err: err}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		down.Advice = "The shop's host name " + dns.Name + " does not exist. Check the address for a typing error, and the domain with its registrar."
	case errors.As(err, &dns):
		down.Advice = "The shop's host name " + dns.Name + " could not be looked up just now."
	case errors.As(err, &cert):
		down.Advice = "The shop's TLS certificate is not valid for its address. Ask the host to renew or repair it."
	case dialled && late(err, clock):
		down.Err = errLate
		down.Advice = "The shop did not answer in time. It may be overloaded, or its firewall drops our calls without a word."
	case timeout(err):
		down.Advice = "No connection to the shop came about in time. Its server may be overloaded or switched off, or its firewall drops our calls without a word."
	case dialled && cutOff(err):
		down.Err = fmt.Errorf("%w: %w", errBroken, err)
		down.Advice = "The shop could not be reached: its server broke the connection off without an answer. PHP or the server itself probably crashed, or a firewall cuts us off. If it lasts, ask the host."
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		down.Advice = "The shop answers without TLS at an https address. Ask the host to set up https, or use the http address."
	default:
		down.Advice = "The shop could not be reached."
	}
	return down
}

// brokenOff says that an answer began and did not end.
func brokenOff(ctx context.Context, status int, err error, clock *clock) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case late(err, clock):
		return &doorzet.ShopError{Kind: doorzet.ShopDown, Status: status, Err: errLate,
			Advice: "The shop began to answer, and did not finish in time. Its server is overloaded, or something on the way holds its answers back; ask the host."}
	}
	return &doorzet.ShopError{Kind: doorzet.ShopDown, Status: status, Err: fmt.Errorf("%w: %w", errBroken, err),
		Advice: "The shop's answer broke off. PHP on the shop probably ran out of time or memory."}
}

// tooLarge says that an answer was given up.
func tooLarge(status int) error {
	return &doorzet.ShopError{Kind: doorzet.ShopStrange, Status: status, Err: errTooLarge,
		Advice: fmt.Sprintf("The shop's answer is larger than %d MB. A plugin probably fills the orders with data; ask the shop's builder.", maxBody>>20)}
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return min(time.Duration(n)*time.Second, 24*time.Hour)
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return min(t.Sub(now), 24*time.Hour)
	}
	return 0
}
