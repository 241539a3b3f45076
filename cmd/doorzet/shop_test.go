package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// shown is a shop as "shop show" tells it.
type shown struct {
	ID         int64          `json:"id"`
	URL        string         `json:"url"`
	Home       string         `json:"home"`
	StoreID    string         `json:"store_id"`
	Prefix     string         `json:"prefix"`
	TimeZone   string         `json:"time_zone"`
	StartDate  string         `json:"start_date"`
	Statuses   []string       `json:"statuses"`
	NightHours string         `json:"night_hours"`
	Remainder  bool           `json:"remainder"`
	Blocked    string         `json:"blocked"`
	NextNight  time.Time      `json:"next_night"`
	Orders     map[string]int `json:"orders"`
}

func (b *bench) show() shown {
	b.t.Helper()
	var s shown
	b.must(&s, "shop", "show", "--shop", "1")
	return s
}

// journal is what the shop's journal says about settings.
func (b *bench) journal() []string {
	b.t.Helper()
	events, err := b.db().Events(b.t.Context(), 1, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		if e.Kind == "settings" {
			out = append(out, e.Text)
		}
	}
	return out
}

func TestShopAddFindsWhatIsNotGiven(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shop.Identify(wootest.Identity{Home: "https://www.boekhandel.example", TimeZone: "Europe/Lisbon"})
	b.connect()
	s := b.show()
	if s.Prefix != "BOEK" || s.TimeZone != "Europe/Lisbon" || s.NightHours != "01:00-05:00" || !s.Remainder || s.Home != "https://www.boekhandel.example" ||
		s.URL != b.url || s.StoreID == "" || s.StartDate != "2020-01-01" || !slices.Equal(s.Statuses, []string{"completed", "processing"}) || s.NextNight.IsZero() {
		t.Errorf("%+v", s)
	}
	text := b.run("shop", "show", "--shop", "1")
	if !strings.Contains(text.stdout, "Europe/Lisbon") || text.code != exitDone {
		t.Errorf("as text: %+v", text)
	}
}

func TestShopAddTakesTheKeyFromAFileAndTheSecretFromStdin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := filepath.Join(b.dir, "key")
	if err := os.WriteFile(key, []byte(" "+wootest.DefaultKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.addBooks("main")
	a := b.runIn(t.Context(), wootest.DefaultSecret+"\n", "shop", "add", "--name", "Shop", "--url", b.url+"/", "--key-file", key,
		"--secret", "-", "--statuses", "wc-shipped,nope", "--start-date", "2026-01-01", "--books", "1", "--prefix", "AB1",
		"--timezone", "Europe/Brussels", "--night-hours", "23:00-02:00", "--remainder", "off")
	if a.code != exitDone || !strings.Contains(a.stderr, "the shop does not know the status nope") || !strings.Contains(a.stdout, "night run --shop 1") {
		t.Fatalf("%+v", a)
	}
	s := b.show()
	if s.Prefix != "AB1" || s.TimeZone != "Europe/Brussels" || s.NightHours != "23:00-02:00" || s.Remainder || s.URL != b.url ||
		!slices.Equal(s.Statuses, []string{"nope", "shipped"}) {
		t.Errorf("%+v", s)
	}
}

func TestAShopIsConnectedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	first := b.url
	b.fails(exitFailed, "is connected already: it is shop 1", b.addArgs(1)...)
	b.fails(exitFailed, "there are no books 9", b.addArgs(9)...)

	other, url := fakeShop(t)
	b.shop, b.url = other, url
	other.Identify(wootest.Identity{StoreID: storeID(first)})
	b.fails(exitFailed, "this store (store id "+storeID(first)+") is known already as shop 1", b.addArgs(1)...)
	b.fails(exitFailed, "may never push to the same books", b.addArgs(1, "--copy")...)
	books := b.addBooks("copies")
	b.fails(exitFailed, "prefix WC is used by another shop", b.addArgs(books, "--copy", "--prefix", "WC")...)
	var made struct{ ID int64 }
	b.must(&made, b.addArgs(books, "--copy")...)
	var list []shown
	if b.must(&list, "shop", "list"); len(list) != 2 || list[0].Prefix != "WC" || list[1].Prefix != "WC2" {
		t.Errorf("%+v", list)
	}
}

func TestAShopThatRefusesTheKeyIsNotAdded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	books := b.addBooks("main")
	b.fails(exitFailed, "The shop refuses the key", b.addArgs(books, "--secret", "cs_wrong")...)
	b.url = "http://127.0.0.1:1"
	b.fails(exitFailed, "the shop at http://127.0.0.1:1: ", b.addArgs(books)...)
	b.env["DOORZET_ALLOW_PRIVATE_SHOPS"] = ""
	b.fails(exitFailed, "only public addresses are called", b.addArgs(books)...)
	var list []shown
	if b.must(&list, "shop", "list"); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestSettingsChangeAndTheJournalSaysHow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	before := b.show()
	var v struct{ Changes []string }
	b.must(&v, "shop", "set", "--shop", "1", "--name", "Winkel", "--start-date", "2026-02-01", "--night-hours", "13:00-14:00",
		"--timezone", "UTC", "--remainder", "off", "--secret", wootest.DefaultSecret)
	want := []string{
		"Name: Shop → Winkel.", "Start date: 2020-01-01 → 2026-02-01.", "Time zone: Europe/Amsterdam → UTC.",
		"Night hours: 01:00-05:00 → 13:00-14:00.", "Remainder: on → off.",
	}
	if !slices.Equal(v.Changes, want) || !slices.Equal(b.journal(), want) {
		t.Errorf("changes %q, journal %q", v.Changes, b.journal())
	}
	if after := b.show(); after.NextNight.Equal(before.NextNight) || after.StartDate != "2026-02-01" || after.Prefix != before.Prefix {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
	b.fails(exitFailed, "The shop refuses the key", "shop", "set", "--shop", "1", "--key", "ck_wrong")
	b.fails(exitFailed, "there are no books", "shop", "set", "--shop", "1", "--books", "9")
	if got := b.journal(); !slices.Equal(got, want) {
		t.Errorf("what was refused is in the journal: %q", got)
	}
	b.must(&v, "shop", "set", "--shop", "1", "--name", "Winkel")
	if len(v.Changes) != 0 {
		t.Errorf("the same again changes %q", v.Changes)
	}
}

func TestNewStatusesPushNowOrTonight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	shipped := []int64{b.add("shipped", day), b.add("shipped", 2*day)}
	moved := b.add("shipped", 3*day)
	held := b.add("on-hold", day)
	b.night()
	b.change(moved, "cancelled")

	b.fails(exitUsage, "--statuses completed,processing,shipped would push 3 open orders: say when, with --push now or --push tonight. Nothing was changed",
		"shop", "set", "--shop", "1", "--statuses", "processing,completed,shipped")
	if got := b.show().Statuses; slices.Contains(got, "shipped") {
		t.Errorf("statuses %v were saved without --push", got)
	}
	var v struct {
		ID        int64 `json:"id"`
		WouldPush int   `json:"would_push"`
		Pushed    int   `json:"pushed"`
	}
	b.must(&v, "shop", "set", "--shop", "1", "--statuses", "processing,completed,shipped", "--push", "now")
	if v.ID != 1 || v.WouldPush != 3 || v.Pushed != 2 {
		t.Errorf("now: %+v", v)
	}
	for _, order := range shipped {
		if b.state(order) != "pushed" {
			t.Errorf("order %d is %s", order, b.state(order))
		}
	}
	if b.state(moved) != "open" {
		t.Errorf("the order that moved on is %s", b.state(moved))
	}

	b.must(&v, "shop", "set", "--shop", "1", "--statuses", "on-hold", "--push", "tonight")
	if v.WouldPush != 1 || v.Pushed != 0 || b.state(held) != "open" {
		t.Errorf("tonight: %+v, order %s", v, b.state(held))
	}
	if b.night(); b.state(held) != "pushed" {
		t.Errorf("after the night the order is %s", b.state(held))
	}
	b.run("shop", "pause", "--shop", "1")
	b.fails(exitFailed, "--push now cannot push, as the shop is paused", "shop", "set", "--shop", "1", "--statuses", "shipped", "--push", "now")
}

func TestAShopThatMovedIsConfirmedByHand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	old := b.url
	b.shop.Identify(wootest.Identity{Home: "https://new.example"})
	if a := b.run("night", "run", "--shop", "1"); a.code != exitFailed || !strings.Contains(a.stderr, "now says its home is https://new.example") {
		t.Errorf("a night at another shop: %+v", a)
	}
	b.fails(exitFailed, "now says its home is https://new.example", "night", "run", "--shop", "1", "--dry-run")
	if s := b.show(); s.Blocked == "" || !s.NextNight.IsZero() {
		t.Errorf("the shop is not stopped: %+v", s)
	}
	order := b.add("processing", day)
	for _, command := range []string{"check", "push"} {
		got := b.act(exitFailed, "order", command, id(order))
		if !strings.Contains(got[0].Error, "the shop is stopped: The shop at "+old) || strings.Contains(got[0].Error, "resume") {
			t.Errorf("%s: %+v", command, got)
		}
	}
	var resumed struct{ Blocked string }
	if b.must(&resumed, "shop", "resume", "--shop", "1"); resumed.Blocked == "" {
		t.Error("resume does not say that the shop is stopped")
	}
	if a := b.run("shop", "resume", "--shop", "1"); !strings.Contains(a.stdout, "it is still stopped: The shop at "+old) {
		t.Errorf("resume: %+v", a)
	}
	if a := b.run("shop", "show", "--shop", "1"); strings.Contains(a.stdout, "Next night") || strings.Count(strings.ToLower(a.stdout), "stopped") != 1 {
		t.Errorf("show: %+v", a)
	}
	b.fails(exitFailed, "nothing was changed: at "+old+" another shop answers", "shop", "set", "--shop", "1", "--url", old)
	b.must(&struct{}{}, "shop", "set", "--shop", "1", "--url", old, "--moved")
	s := b.show()
	if s.Blocked != "" || s.Home != "https://new.example" || s.Prefix != "WC" {
		t.Errorf("after --moved: %+v", s)
	}
	if b.night(); b.state(order) != "pushed" {
		t.Errorf("after --moved the order is %s", b.state(order))
	}

	_, url := fakeShop(t)
	b.fails(exitFailed, "confirm it with: doorzet shop set --shop 1 --url "+url+" --moved", "shop", "set", "--shop", "1", "--url", url)
	b.url = url
	b.must(&struct{}{}, b.addArgs(1)...)
	b.fails(exitFailed, "connected already", "shop", "set", "--shop", "1", "--url", url, "--moved")
}

func TestShopCheckSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	type step struct {
		Name, Found, Advice string
		OK                  bool `json:"ok"`
	}
	read := func(args ...string) map[string]step {
		a := b.run(append(args, "--json")...)
		var steps []step
		decodeOne(t, a.stdout, &steps)
		out := map[string]step{}
		failed := false
		for _, s := range steps {
			out[s.Name] = s
			failed = failed || !s.OK
		}
		if (a.code == exitFailed) != failed || len(steps) < 10 {
			t.Errorf("%v: exit code %d with %+v", args, a.code, steps)
		}
		return out
	}
	if got := read("shop", "check", "--shop", "1"); !got["Key"].OK || !got["Identity"].OK {
		t.Errorf("%+v", got)
	}
	if got := read("shop", "check", "--url", b.url, "--key", wootest.DefaultKey, "--secret", "cs_wrong"); got["Key"].OK || got["Key"].Advice == "" {
		t.Errorf("%+v", got)
	}
	if text := b.run("shop", "check", "--shop", "1"); !strings.Contains(text.stdout, "ok      Key") {
		t.Errorf("as text:\n%s", text.stdout)
	}

	if got := read("shop", "check", "--shop", "1")["Same shop"]; !got.OK || !strings.HasSuffix(got.Found, ", as recorded") {
		t.Errorf("%+v", got)
	}
	if got := read("shop", "check", "--shop", "1", "--secret", "cs_wrong")["Same shop"]; got.OK || got.Found != "not tried" {
		t.Errorf("%+v", got)
	}
	b.shop.Identify(wootest.Identity{StoreID: storeID("another")})
	if got := read("shop", "check", "--shop", "1")["Same shop"]; got.OK || !strings.Contains(got.Advice, "--moved") ||
		!strings.Contains(got.Found, storeID("another")+"; recorded is ") {
		t.Errorf("%+v", got)
	}
	if got, asked := read("shop", "check", "--url", b.url, "--key", wootest.DefaultKey, "--secret", wootest.DefaultSecret)["Same shop"]; asked {
		t.Errorf("nothing is recorded of a shop that is not connected: %+v", got)
	}
}
