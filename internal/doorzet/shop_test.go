package doorzet_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestR14_sameHome(t *testing.T) {
	t.Parallel()
	const recorded = "https://shop.example"
	for _, same := range []string{
		"https://shop.example", "http://shop.example", "https://www.shop.example", "https://shop.example/", "HTTPS://WWW.Shop.Example//",
		" https://shop.example ", "https://shop.example:443", "http://shop.example:80/", "http://www.shop.example:80",
	} {
		if got, want := doorzet.HomeKey(same), doorzet.HomeKey(recorded); got != want {
			t.Errorf("%q is kept as %q, %q as %q: want the same", same, got, recorded, want)
		}
	}
	different := []string{
		recorded, "https://other.example", "https://shop.example/winkel", "https://shop.example/Winkel", "https://shop.example:8443",
		"https://test.shop.example", "https://wwwshop.example", "https://shop.example.nl",
	}
	keys := map[string]string{}
	for _, home := range different {
		if other, taken := keys[doorzet.HomeKey(home)]; taken {
			t.Errorf("%q and %q are kept as the same shop", home, other)
		}
		keys[doorzet.HomeKey(home)] = home
	}
	if doorzet.HomeKey("https://shop.example/winkel/") != doorzet.HomeKey("http://shop.example/winkel") {
		t.Error("a slash behind a path makes another shop")
	}
}

func TestR14_sameShop(t *testing.T) {
	t.Parallel()
	recorded := doorzet.Shop{URL: "https://shop.example", Home: "https://shop.example", StoreID: "store-1"}
	old := recorded
	old.StoreID = ""
	for _, c := range []struct {
		name          string
		shop          doorzet.Shop
		home, storeID string
		want          string
	}{
		{"nothing changed", recorded, "https://shop.example", "store-1", ""},
		{"https, www and a slash", recorded, "http://www.shop.example/", "store-1", ""},
		{"an old version without a store id", recorded, "https://shop.example", "", ""},
		{"a store id after an update", old, "https://shop.example", "store-1", ""},
		{"moved", recorded, "https://new.example", "store-1", "now says its home is https://new.example; recorded is https://shop.example"},
		{"another shop", recorded, "https://shop.example", "store-2", "its store id is store-2, recorded is store-1"},
		{"a copy under a path", recorded, "https://shop.example/test", "store-1", "now says its home is https://shop.example/test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := doorzet.SameShop(c.shop, c.home, c.storeID)
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("said %q, want %q", got, c.want)
			}
			if got != "" && !strings.Contains(got, "--moved") {
				t.Errorf("%q does not say what to do", got)
			}
		})
	}
}

func TestR1_chooseStatuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		given, want []string
	}{
		{[]string{"processing", "completed"}, []string{"completed", "processing"}},
		{[]string{" WC-Completed ", "completed", ""}, []string{"completed"}},
		{[]string{"on-hold", "ingepakt"}, []string{"ingepakt", "on-hold"}},
	} {
		got, err := doorzet.ChooseStatuses(c.given)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %q, %v; want %q", c.given, got, err, c.want)
		}
	}
	for _, bad := range [][]string{nil, {}, {""}, {"wc-"}, {"processing", "trash"}, {"pending"}, {"failed"}, {"cancelled"}, {"refunded"}, {"any"}, {"checkout-draft"}, {"wc-auto-draft"}, {"new"}} {
		if got, err := doorzet.ChooseStatuses(bad); err == nil {
			t.Errorf("%q was chosen as %q", bad, got)
		}
	}
}

func TestFreePrefix(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host string
		used []string
		want string
	}{
		{"boekenwinkel.example", nil, "BOEK"},
		{"www.boekenwinkel.example", []string{"BOEK"}, "BOEK2"},
		{"www.boekenwinkel.example", []string{"BOEK", "BOEK2", "BOEK3"}, "BOEK4"},
		{"127.0.0.1:9080", nil, "WC"},
		{"a.nl", nil, "ANL"},
		{"1.x", nil, "WC"},
	} {
		got := doorzet.FreePrefix(c.host, c.used)
		if got != c.want {
			t.Errorf("%s beside %q: %s, want %s", c.host, c.used, got, c.want)
		}
		if err := doorzet.ValidatePrefix(got); err != nil {
			t.Errorf("%s proposes what is refused: %v", c.host, err)
		}
	}
	for _, bad := range []string{"", "A", "ABCDEFGHI", "ab", "A-B", "É1", "A B"} {
		if doorzet.ValidatePrefix(bad) == nil {
			t.Errorf("prefix %q was accepted", bad)
		}
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		round int
		want  string
	}{{1, "WC-1002"}, {2, "WC-1002-2"}, {3, "WC-1002-3"}} {
		if got := doorzet.Reference("WC", 1002, c.round); got != c.want {
			t.Errorf("round %d: %s, want %s", c.round, got, c.want)
		}
	}
}

func TestParseZone(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"Europe/Amsterdam", "UTC", "+01:00", "-03:30", "+00:00"} {
		if _, err := doorzet.ParseZone(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "Local", "Amsterdam", "+1", "GMT+1", "../../etc/passwd"} {
		if loc, err := doorzet.ParseZone(bad); err == nil {
			t.Errorf("%q was read as %s", bad, loc)
		}
	}
}

func TestASecretPrintsNowhere(t *testing.T) {
	t.Parallel()
	shop := doorzet.Shop{Key: "ck_geheim", Secret: "cs_geheim"}
	written, err := json.Marshal(shop)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(shop), fmt.Sprintf("%v %+v %#v %s", shop, shop, shop, shop.Key), string(written), shop.Key.LogValue().String(),
	} {
		if strings.Contains(text, "geheim") {
			t.Errorf("a secret is shown: %s", text)
		}
	}
	if shop.Key.Reveal() != "ck_geheim" {
		t.Error("Reveal does not")
	}
}
