package files_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/accounting/accountingtest"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo"
)

// heldOrders are the recorded orders that do not become a file, by file name or by id in the list: the rule that holds
// them, or "nothing" when there is nothing to book.
var heldOrders = map[string]string{
	"mixed_9_21_shipping.dp0.json": "4.1 step 13", // whole euros: 9 % of 37 is not 3
	"mixed_9_21_shipping.dp4.json": "4.1 step 1",
	"mixed_9_21_shipping.dp6.json": "4.1 step 1",
	"no_lines.json":                "nothing",
	"round_many.dp0.json":          "4.1 step 10", // whole euros: the lines' VAT is a euro more than the tax lines'
	"round_many.dp4.json":          "4.1 step 1",
	"round_many.dp6.json":          "4.1 step 1",
	"untaxed_donation.json":        "4.2 g",
	"zero_total_coupon.json":       "nothing",
	"list 59":                      "nothing", // zero_total_coupon
	"list 61":                      "4.2 g",   // untaxed_donation
	"list 102":                     "nothing", // no_lines
	"list 319":                     "4.2 d",   // to the US, nothing shipped
	"list 444":                     "4.2 d",   // to the US, nothing shipped
}

// TestRecordedOrdersBecomeValidFiles takes every order that was recorded from real shops.
func TestRecordedOrdersBecomeValidFiles(t *testing.T) {
	t.Parallel()
	documents := map[string][]byte{}
	for name, raw := range recordedOrders(t) {
		o, err := woo.DecodeOrder(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		doc, err := doorzet.Compose(o, doorzet.ComposeInput{
			Seller: accountingtest.Seller(), Zone: amsterdam(t), Reference: doorzet.Reference("WC", o.ID, 1),
			FirstDue: time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC),
		})
		if got := outcome(err); got != heldOrders[name] {
			t.Errorf("%s: %q (%v), want %q", name, got, err, heldOrders[name])
		}
		if err == nil {
			documents[name+".xml"] = render(t, doc)
			checkTotal(t, o, documents[name+".xml"])
		}
	}
	if len(documents) != 114 {
		t.Errorf("%d orders became files, want 114", len(documents))
	}
	report(t, newJudge(t).wrong(t, documents))
}

// outcome is the rule that held an order, "nothing", or "" for a document.
func outcome(err error) string {
	var held *doorzet.HeldError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &held):
		return held.Rule
	case errors.Is(err, doorzet.ErrNothingToBook):
		return "nothing"
	}
	return err.Error()
}

// recordedOrders are the orders of single answers, by file name, and of a list, by id.
func recordedOrders(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	orders := map[string]json.RawMessage{}
	for _, pattern := range []string{"testdata/orders/*.json", "../../woo/wootest/testdata/orders/*.json"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(names), err)
		}
		for _, name := range names {
			orders[filepath.Base(name)] = read(t, name)
		}
	}
	var list []json.RawMessage
	if err := json.Unmarshal(read(t, "../../woo/wootest/testdata/list.json"), &list); err != nil {
		t.Fatal(err)
	}
	for _, raw := range list {
		var o struct{ ID int }
		if err := json.Unmarshal(raw, &o); err != nil {
			t.Fatal(err)
		}
		orders["list "+strconv.Itoa(o.ID)] = raw
	}
	return orders
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func amsterdam(t *testing.T) *time.Location {
	t.Helper()
	loc, err := doorzet.ParseZone("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
