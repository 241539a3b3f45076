package woo

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

const (
	connectTimeout = 10 * time.Second
	maxHeader      = 256 << 10
	// A night keeps two connections to its shop busy at most and a process runs dozens of nights: all of them may keep theirs
	// between two calls, and none of thousands of shops keeps one for long after its night.
	idlePerShop = 2
	idleInAll   = 512
	idleFor     = 30 * time.Second
	// A connection that died without a word is found out by a ping, not by one question after another that times out on it.
	pingAfter  = 15 * time.Second
	pingAnswer = 10 * time.Second
)

// NewHTTPClient makes the HTTP client for shops; one process needs one. It dials only public addresses, decided on the address that
// is really dialled, so a name that changes its answer between look-up and call gains nothing; it uses no proxy, follows no
// redirect and has limits on connecting and headers. How long a question may take is the question's. allowPrivate is for development
// and for shops in the own network.
func NewHTTPClient(allowPrivate bool) *http.Client {
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}
	if !allowPrivate {
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return guard(address)
		}
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    connectTimeout,
			ForceAttemptHTTP2:      true,
			HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAnswer},
			MaxIdleConns:           idleInAll,
			MaxIdleConnsPerHost:    idlePerShop,
			IdleConnTimeout:        idleFor,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// guard refuses a "host:port" that is about to be dialled.
func guard(address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return unsafe("an address that cannot be read")
	}
	if why := Unsafe(ap.Addr()); why != "" {
		return unsafe(ap.Addr().String() + ", " + why)
	}
	return nil
}

func unsafe(what string) error {
	return &doorzet.ShopError{
		Kind: doorzet.ShopUnsafe,
		Advice: "The shop's address leads to " + what + ", and only public addresses are called. Give the shop's public" +
			" address, or ask the operator to allow private shops.",
	}
}

// refused are the ranges that net/netip has no word for.
var refused = []struct {
	prefix netip.Prefix
	why    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "which is not an address of a machine"},
	{netip.MustParsePrefix("100.64.0.0/10"), "an address inside a provider's network"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a reserved address"},
	{netip.MustParsePrefix("192.0.2.0/24"), "an address for documentation"},
	{netip.MustParsePrefix("198.18.0.0/15"), "an address for measurements"},
	{netip.MustParsePrefix("198.51.100.0/24"), "an address for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "an address for documentation"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},
	{netip.MustParsePrefix("fec0::/10"), "a private address"},
	{netip.MustParsePrefix("2001:db8::/32"), "an address for documentation"},
	{netip.MustParsePrefix("2001::/23"), "a reserved address"},
	{netip.MustParsePrefix("100::/64"), "a reserved address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a private address"},
	{netip.MustParsePrefix("::/96"), "a reserved address"},
}

var (
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
	sixTo = netip.MustParsePrefix("2002::/16")
)

// Unsafe says why an address may not be called, "" when it may: private, loopback, link-local, carrier-grade NAT,
// unspecified, multicast and reserved ones, and IPv6 addresses that carry such an IPv4 address (mapped, NAT64, 6to4).
func Unsafe(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	switch {
	case !ip.IsValid() || ip.IsUnspecified():
		return "which is not an address of a machine"
	case ip.IsLoopback():
		return "this machine itself"
	case ip.IsPrivate():
		return "a private address"
	case ip.IsLinkLocalUnicast():
		return "a link-local address"
	case ip.IsMulticast():
		return "a multicast address"
	}
	for _, r := range refused {
		if r.prefix.Contains(ip) {
			return r.why
		}
	}
	return unsafeInside(ip)
}

// unsafeInside looks at the IPv4 address that some IPv6 addresses carry.
func unsafeInside(ip netip.Addr) string {
	b := ip.As16()
	switch {
	case nat64.Contains(ip):
		return Unsafe(netip.AddrFrom4([4]byte(b[12:16])))
	case sixTo.Contains(ip):
		return Unsafe(netip.AddrFrom4([4]byte(b[2:6])))
	}
	return ""
}
