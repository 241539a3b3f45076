package woo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Step is one step of a diagnosis.
type Step struct {
	Name   string
	OK     bool
	Tried  bool   // false when an earlier step stood in the way
	Found  string // what was met
	Advice string // what to do, when not OK
}

// maxSkew is how far the clocks may differ: OAuth signatures are refused from 15 minutes on.
const maxSkew = 5 * time.Minute

// Check looks at the connection to the shop step by step, for an owner who wants to know what is wrong. Steps that could
// not be tried say so. It only reads, so whether the key may also write stays open.
func (c *Client) Check(ctx context.Context) []Step {
	d := &diagnosis{client: c}
	c.mu.Lock()
	c.checks = true
	c.mu.Unlock()
	steps := []struct {
		name string
		need bool // later steps need this one
		run  func(context.Context) (found string, advice string, ok bool)
	}{
		{"Address", true, d.address},
		{"Answer", true, d.answers},
		{"TLS", false, d.secure},
		{"Clock", false, d.clock},
		{"REST API", true, d.api},
		{"WooCommerce", true, d.woocommerce},
		{"Key", true, d.key},
		{"Rights", false, d.rights},
		{"Time zone", false, d.zone},
		{"Identity", false, d.identity},
		{"Version", false, d.version},
		{"Statuses", false, d.statuses},
		{"Webhooks", false, d.webhooks},
	}
	out := make([]Step, 0, len(steps))
	stopped := ""
	for _, s := range steps {
		if stopped != "" {
			out = append(out, Step{Name: s.name, Found: "not tried", Advice: "First solve: " + stopped + "."})
			continue
		}
		found, advice, ok := s.run(ctx)
		out = append(out, Step{Name: s.name, OK: ok, Tried: true, Found: found, Advice: advice})
		if !ok && s.need {
			stopped = s.name
		}
	}
	return out
}

// diagnosis keeps what one step found for the next.
type diagnosis struct {
	client *Client
	url    *url.URL
	index  answer
	failed error // of the index
	about  About
	system System
	sysErr error
}

// trouble splits an error into what was met and what to do.
func trouble(err error) (found, advice string, ok bool) {
	var se *doorzet.ShopError
	if !errors.As(err, &se) {
		return err.Error(), "Try again. If it stays, ask the operator.", false
	}
	found = string(se.Kind)
	if se.Status != 0 {
		found = fmt.Sprintf("HTTP %d", se.Status)
	}
	if se.Code != "" {
		found += ", " + se.Code
	}
	if se.Err != nil {
		found += ", " + se.Err.Error()
	}
	return found, se.Advice, false
}

// address looks the host name up. Whether it may be called is decided when it is dialled, in the next step.
func (d *diagnosis) address(ctx context.Context) (string, string, bool) {
	if err := d.client.validURL(); err != nil {
		return "no address that can be called", err.Error(), false
	}
	u, err := url.Parse(d.client.base())
	if err != nil {
		return "no address that can be called", err.Error(), false
	}
	d.url = u
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return "the name " + u.Hostname() + " was not found", "Check the address for a typing error, and the domain with its registrar.", false
	}
	var found []string
	for _, ip := range ips {
		found = append(found, describe(ip))
	}
	return u.Hostname() + " is " + strings.Join(found, ", "), "", true
}

func describe(ip netip.Addr) string {
	s := ip.Unmap().String()
	if why := Unsafe(ip); why != "" {
		s += " (" + why + ")"
	}
	return s
}

// answers asks for the public index; any answer from a server will do here.
func (d *diagnosis) answers(ctx context.Context) (string, string, bool) {
	d.index, d.failed = d.client.do(ctx, aboutCall())
	var se *doorzet.ShopError
	if d.failed != nil && (!errors.As(d.failed, &se) || se.Status == 0) {
		return trouble(d.failed)
	}
	if d.failed != nil {
		return fmt.Sprintf("the server answers, with HTTP %d", se.Status), "", true
	}
	return "the server answers", "", true
}

func (d *diagnosis) secure(context.Context) (string, string, bool) {
	switch {
	case d.url.Scheme == "http":
		return "plain http: everybody on the way can read the orders", "Set up https for the shop, then change its address here.", true
	case d.index.tls == nil:
		return "https", "", true
	case len(d.index.tls.PeerCertificates) == 0:
		return "https", "", true
	}
	until := d.index.tls.PeerCertificates[0].NotAfter
	found := "https, the certificate is valid until " + until.Format(time.DateOnly)
	if until.Sub(d.client.now()) < 7*24*time.Hour {
		return found, "Renew the certificate within a week.", false
	}
	return found, "", true
}

func (d *diagnosis) clock(context.Context) (string, string, bool) {
	date, err := http.ParseTime(d.index.header.Get("Date"))
	if err != nil {
		return "the shop does not tell its time", "", true
	}
	skew := date.Sub(d.client.now()).Round(time.Second)
	if skew.Abs() > maxSkew {
		return fmt.Sprintf("the shop's clock differs by %s from ours", skew), "Set the clock of the shop's server right; a key may be refused otherwise.", false
	}
	return fmt.Sprintf("the shop's clock differs by %s from ours", skew), "", true
}

func (d *diagnosis) api(context.Context) (string, string, bool) {
	if d.failed != nil {
		return trouble(d.failed)
	}
	about, err := decodeAbout(d.index.body)
	if err != nil {
		return trouble(err)
	}
	d.about = about
	d.client.learnHome(about.Home)
	found := "WordPress calls itself " + about.Name + " at " + about.Home
	if d.client.plain() {
		found += "; its permalinks are plain, so ?rest_route= is used"
	}
	if d.index.dirty {
		return found + "; something stands before its JSON", "The shop's PHP prints warnings or a byte order mark into its answers. They are cut away, but look in the shop's error log.", true
	}
	return found, "", true
}

func (d *diagnosis) woocommerce(context.Context) (string, string, bool) {
	if !d.about.WooCommerce {
		return "WordPress has no wc/v3 routes", "Is the WooCommerce plugin active? A security plugin may also hide its REST API.", false
	}
	return "WooCommerce's REST API (wc/v3) is there", "", true
}

func (d *diagnosis) key(ctx context.Context) (string, string, bool) {
	switch {
	case d.client.key() == "" || d.client.secret() == "":
		return "no key", "Make a key in WooCommerce > Settings > Advanced > REST API and give both parts.", false
	case !strings.HasPrefix(d.client.key(), "ck_") || !strings.HasPrefix(d.client.secret(), "cs_"):
		return "the key does not begin with ck_, or the secret not with cs_", "Copy both parts again; they may be swapped.", false
	}
	p, err := d.client.Orders(ctx, Query{PerPage: 1, Fields: LookFields})
	if err != nil {
		return trouble(err)
	}
	found := fmt.Sprintf("the key lets us read %d orders, by %s", p.Total, d.client.LearnedAuth())
	if strings.HasPrefix(d.client.LearnedAuth(), "query") {
		return found, "The shop's server drops the Authorization header, so the key goes in the address and stands in the shop's access log. Ask the host to pass the header on.", true
	}
	return found, "", true
}

func (d *diagnosis) rights(context.Context) (string, string, bool) {
	return "read; whether the key may also write is found out when webhooks are registered", "", true
}

func (d *diagnosis) zone(context.Context) (string, string, bool) {
	if _, err := doorzet.ParseZone(d.about.TimeZone); err != nil {
		return d.about.TimeZone, "Choose a time zone in WordPress under Settings > General.", false
	}
	return d.about.TimeZone, "", true
}

func (d *diagnosis) identity(ctx context.Context) (string, string, bool) {
	d.system, d.sysErr = d.client.System(ctx)
	if d.sysErr != nil {
		found, advice, _ := trouble(d.sysErr)
		return found, "The shop's store id cannot be read, so a copy of the shop is recognised by its address only. " + advice, false
	}
	if doorzet.HomeKey(d.system.Home) != doorzet.HomeKey(d.url.String()) {
		return fmt.Sprintf("home %s, store id %s; it is called at another address, %s", d.system.Home, d.system.StoreID, d.url),
			"Use the shop's own address, unless you know why it differs.", true
	}
	return fmt.Sprintf("home %s, store id %s", d.system.Home, d.system.StoreID), "", true
}

func (d *diagnosis) version(context.Context) (string, string, bool) {
	if d.sysErr != nil || d.system.WooVersion == "" {
		return "not known", "See Identity.", false
	}
	found := "WooCommerce " + d.system.WooVersion
	if !doorzet.ModifiedFilter(d.system.WooVersion) {
		return found, "Update WooCommerce: before 5.8 it cannot tell which orders changed, so nights look at when orders were made.", false
	}
	return found, "", true
}

func (d *diagnosis) statuses(ctx context.Context) (string, string, bool) {
	list, err := d.client.Statuses(ctx)
	if err != nil {
		return trouble(err)
	}
	var slugs []string
	for _, s := range list {
		slugs = append(slugs, s.Slug)
	}
	return strings.Join(slugs, ", "), "", true
}

func (d *diagnosis) webhooks(ctx context.Context) (string, string, bool) {
	list, err := d.client.Webhooks(ctx)
	if err != nil {
		found, advice, _ := trouble(err)
		return found, "Webhooks cannot be read, so orders come with the night only. " + advice, false
	}
	active := 0
	for _, h := range list {
		if h.Status == "active" {
			active++
		}
	}
	return fmt.Sprintf("%d webhooks, %d of them active", len(list), active), "", true
}
