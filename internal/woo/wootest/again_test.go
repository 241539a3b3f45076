package wootest_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// A list that was asked for before shows every change that was made since, however it was made.
func TestAListAskedForAgainShowsWhatChanged(t *testing.T) {
	t.Parallel()
	shops, url := street(t)
	shop := shops.Shop(1)
	ids := shop.IDs()
	list := func(query string) []int64 {
		t.Helper()
		var orders []struct{ ID int64 }
		code, body := call(t, http.MethodGet, url+"/shop/1/wp-json/wc/v3/orders?orderby=id&order=asc"+query, "ck_1", "")
		if err := json.Unmarshal([]byte(body), &orders); code != http.StatusOK || err != nil {
			t.Fatalf("%d %v %s", code, err, body)
		}
		out := []int64{}
		for _, o := range orders {
			out = append(out, o.ID)
		}
		return out
	}
	has := func(what, query string, want int) {
		t.Helper()
		if got := list(query); len(got) != want {
			t.Errorf("%s: the list has %v, want %d", what, got, want)
		}
	}
	has("at first", "", 2)
	has("the first page of one", "&per_page=1", 1)
	has("a page beyond the end", "&per_page=1&page=3", 0)
	added, err := shop.Add(wootest.Order{Status: "shipped", Count: 2})
	if err != nil {
		t.Fatal(err)
	}
	has("two added", "", 4)
	has("shipped", "&status=shipped", 2)
	if err := shop.Change(added[0], wootest.Order{Status: "on-hold", Modified: time.Now().Add(-time.Hour)}); err != nil {
		t.Fatal(err)
	}
	has("one of them changed, its time given", "&status=shipped", 1)
	if code, body := call(t, http.MethodPut, url+"/shop/1/wp-json/wc/v3/orders/"+strconv.FormatInt(added[1], 10), "ck_1", `{"status": "on-hold"}`); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	has("the other changed over REST", "&status=shipped", 0)
	if err := shop.Trash(added[1]); err != nil {
		t.Fatal(err)
	}
	has("one in the trash", "", 3)
	if err := shop.Delete(ids[0]); err != nil {
		t.Fatal(err)
	}
	has("one removed", "", 2)
	const after = "&after=2020-01-01T00:00:00"
	early := time.Date(2019, 12, 31, 23, 30, 0, 0, time.UTC)
	if err := shop.Change(ids[1], wootest.Order{Created: early}); err != nil {
		t.Fatal(err)
	}
	has("created at 00:30 of the shop's time", after, 2)
	shop.Identify(wootest.Identity{TimeZone: "UTC"})
	has("the shop moved to UTC", after, 1)
}
