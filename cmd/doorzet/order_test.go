package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/woo/wootest"
)

func TestOrderListSaysWhy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect("--start-date", "2026-01-01")
	open := b.add("on-hold", day)
	pushed := b.add("processing", day)
	expired := b.add("on-hold", 40*day)
	old, err := b.shop.Add(wootest.Order{Status: "completed", Total: "121.00", Created: time.Date(2025, 12, 31, 12, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	b.night()
	b.must(&[]row{}, "order", "check", "--shop", "1", id(old[0]))

	want := map[int64][2]string{
		open:    {"open", "Status on-hold; chosen: completed, processing. Next look "},
		pushed:  {"pushed", fmt.Sprintf("In the books as WC-%d.", pushed)},
		expired: {"expired", "Status on-hold is not chosen and the order left the window"},
		old[0]:  {"before start", "Created before the start date 2026-01-01: pushed only by hand."},
	}
	list := b.orders()
	if len(list) != len(want) {
		t.Errorf("%d orders, want %d", len(list), len(want))
	}
	for _, r := range list {
		if w := want[r.ID]; r.State != w[0] || !strings.HasPrefix(r.Why, w[1]) || r.Total != "121.00" {
			t.Errorf("order %d: %+v, want %v", r.ID, r, w)
		}
		if (r.NextLook != "") != (r.State == "open") {
			t.Errorf("order %d, %s, has its next look at %q", r.ID, r.State, r.NextLook)
		}
	}
	for _, state := range []string{"before-start", "before start", "Before-Start"} {
		if got := b.orders("--state", state); len(got) != 1 || got[0].ID != old[0] {
			t.Errorf("--state %q: %+v", state, got)
		}
	}
	if got := b.orders("--limit", "2"); len(got) != 2 {
		t.Errorf("--limit 2 gives %d orders", len(got))
	}
	if got := b.orders("--state", "gone"); len(got) != 0 {
		t.Errorf("orders that are gone: %+v", got)
	}
	text := b.run("order", "list", "--shop", "1")
	if lines := strings.Split(strings.TrimSpace(text.stdout), "\n"); len(lines) != 5 || !strings.HasPrefix(lines[0], "ORDER ") {
		t.Errorf("as text:\n%s", text.stdout)
	}
	if why := b.run("order", "why", id(open), "--shop", "1"); !strings.Contains(why.stdout, "chosen: completed, processing") {
		t.Errorf("why: %+v", why)
	}
}

// act runs a command on orders with --json and gives the results.
func (b *bench) act(code int, args ...string) []row {
	b.t.Helper()
	a := b.run(append(args, "--json", "--shop", "1")...)
	if a.code != code {
		b.t.Errorf("%v: exit code %d, want %d\n%s\n%s", args, a.code, code, a.stdout, a.stderr)
	}
	var out []row
	decodeOne(b.t, a.stdout, &out)
	return out
}

func TestOrdersByHand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	waiting := b.add("on-hold", day)
	b.night()

	fresh := b.add("pending", time.Hour)
	if got := b.act(exitDone, "order", "check", id(fresh)); got[0].State != "open" || got[0].Status != "pending" {
		t.Errorf("check stores an unknown order: %+v", got)
	}
	b.change(fresh, "processing")
	got := b.act(exitDone, "order", "check", id(fresh), id(waiting))
	if len(got) != 2 || got[0].State != "pushed" || got[0].Reference != "WC-"+id(fresh) || got[1].State != "open" {
		t.Errorf("check follows the push that it causes: %+v", got)
	}
	got = b.act(exitFailed, "order", "push", id(fresh), id(waiting), "4711")
	if !strings.Contains(got[0].Error, "is in the books already, as WC-"+id(fresh)) || got[1].State != "pushed" || got[1].Error != "" ||
		!strings.Contains(got[2].Error, "order 4711: the shop has no such order") {
		t.Errorf("push: one bad order does not stop the others: %+v", got)
	}
	if files := b.files("main"); len(files) != 2 {
		t.Errorf("the folder has %v", files)
	}

	failed := b.add("failed", time.Hour)
	got = b.act(exitFailed, "order", "push", id(failed))
	if got[0].State != "open" || !strings.Contains(got[0].Error, "its status is failed, which is no sale") {
		t.Errorf("push of a failed order: %+v", got)
	}
	if got = b.act(exitDone, "order", "push", id(failed), "--yes"); got[0].State != "pushed" {
		t.Errorf("push of a failed order with --yes: %+v", got)
	}
}

func TestIgnoreAndUnignore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	order := b.add("on-hold", day)
	pushed := b.add("processing", day)
	b.night()
	got := b.act(exitFailed, "order", "ignore", id(order), id(pushed), "4711", "--reason", "a test order")
	if got[0].State != "ignored" || !strings.HasSuffix(got[0].Why, ": a test order.") ||
		!strings.Contains(got[1].Error, "in the books already") || !strings.Contains(got[2].Error, "order 4711 is not known") {
		t.Errorf("ignore: %+v", got)
	}
	b.change(order, "completed")
	if b.night(); b.state(order) != "ignored" {
		t.Errorf("an ignored order is %s", b.state(order))
	}
	if got = b.act(exitDone, "order", "unignore", id(order)); got[0].State != "pushed" {
		t.Errorf("unignore reads it again: %+v", got)
	}
	var shown []struct {
		Journal  []struct{ Actor, Kind, Text string }
		Bookings []struct{ Reference string }
	}
	b.must(&shown, "order", "show", "--shop", "1", id(order))
	var texts []string
	for _, e := range shown[0].Journal {
		texts = append(texts, e.Text)
	}
	for _, want := range []string{"Ignored: a test order.", "No longer ignored.", "on-hold → completed"} {
		if !slices.Contains(texts, want) {
			t.Errorf("the journal has no %q: %q", want, texts)
		}
	}
	if len(shown[0].Bookings) != 1 {
		t.Errorf("bookings: %+v", shown[0].Bookings)
	}
	if text := b.run("order", "show", "--shop", "1", id(order)); !strings.Contains(text.stdout, "No longer ignored.") || !strings.Contains(text.stdout, " times, last ") {
		t.Errorf("as text:\n%s", text.stdout)
	}
}

func TestAHeldOrderSaysWhyItWasNotPushed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	ids, err := b.shop.Add(wootest.Order{Status: "on-hold", Currency: "XXX"})
	if err != nil {
		t.Fatal(err)
	}
	b.night()
	got := b.act(exitFailed, "order", "push", id(ids[0]))
	if got[0].State != "held" || !strings.Contains(got[0].Error, "is held: The order is in \"XXX\"") {
		t.Errorf("%+v", got)
	}
	var bookings []struct{ State, Error string }
	if b.must(&bookings, "booking", "list", "--shop", "1"); bookings[0].State != "due" || bookings[0].Error == "" {
		t.Errorf("%+v", bookings)
	}
}

func TestAPausedShopIsLookedAtButNotPushed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	order := b.add("processing", day)
	b.run("shop", "pause", "--shop", "1")
	if got := b.act(exitDone, "order", "check", id(order)); got[0].State != "due" || got[0].Why != "To be pushed when the shop is resumed." {
		t.Errorf("check: %+v", got)
	}
	if got := b.act(exitFailed, "order", "push", id(order)); !strings.Contains(got[0].Error, "the shop is paused") {
		t.Errorf("push: %+v", got)
	}
}
