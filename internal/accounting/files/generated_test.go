package files_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/accounting/accountingtest"
	"github.com/doorzet/doorzet/internal/accounting/files"
	"github.com/doorzet/doorzet/internal/doorzet"
)

// TestGeneratedOrdersBecomeValidFiles: each order is composed or held; what is composed has the order's total and passes
// all rules.
func TestGeneratedOrdersBecomeValidFiles(t *testing.T) {
	t.Parallel()
	orders := accountingtest.Orders(20261122, 1000)
	documents, held := map[string][]byte{}, map[string]int{}
	dutch := 0
	for _, o := range orders {
		doc, err := doorzet.Compose(o, accountingtest.Input(o))
		if hold, ok := errors.AsType[*doorzet.HeldError](err); ok {
			held[hold.Rule]++
			continue
		}
		if errors.Is(err, doorzet.ErrNothingToBook) {
			held["nothing"]++
			continue
		}
		if err != nil {
			t.Fatalf("order %d: %v", o.ID, err)
		}
		content := render(t, doc)
		checkTotal(t, o, content)
		documents[doc.Reference+".xml"] = content
		if bytes.Contains(content, []byte("nlcius")) {
			dutch++
		}
	}
	t.Logf("%d orders: %d composed (%d as NLCIUS), held: %v", len(orders), len(documents), dutch, held)
	if len(documents)*100 < len(orders)*80 {
		t.Errorf("%d of %d orders were composed, want 80 %%", len(documents), len(orders))
	}
	if dutch < 50 {
		t.Errorf("%d files claim NLCIUS, want at least 50", dutch)
	}
	report(t, newJudge(t).wrong(t, documents))
}

// checkTotal reads the amounts of a file as any other program would.
func checkTotal(t *testing.T, o doorzet.ShopOrder, content []byte) {
	t.Helper()
	var d struct {
		Inclusive decimal.Decimal `xml:"LegalMonetaryTotal>TaxInclusiveAmount"`
		Prepaid   decimal.Decimal `xml:"LegalMonetaryTotal>PrepaidAmount"`
		Payable   decimal.Decimal `xml:"LegalMonetaryTotal>PayableAmount"`
		VAT       []struct {
			Amount decimal.Decimal `xml:"TaxAmount"`
		} `xml:"TaxTotal"`
	}
	if err := xml.Unmarshal(content, &d); err != nil {
		t.Fatalf("order %d: %v", o.ID, err)
	}
	if !d.Inclusive.Equal(o.Total) {
		t.Errorf("order %d: the file's total is %s, the order's %s", o.ID, d.Inclusive, o.Total)
	}
	vat := decimal.Zero // not total_tax, which a shop that rounds at the subtotal may have a cent off
	for _, line := range o.TaxLines {
		vat = vat.Add(line.Tax).Add(line.ShippingTax)
	}
	if !d.VAT[0].Amount.Equal(vat) {
		t.Errorf("order %d: the file's VAT is %s, the order's %s", o.ID, d.VAT[0].Amount, vat)
	}
	if !d.Payable.Add(d.Prepaid).Equal(d.Inclusive) {
		t.Errorf("order %d: paid %s and to pay %s are not %s", o.ID, d.Prepaid, d.Payable, d.Inclusive)
	}
}

// The books are what package push will ask for.
var _ accountingtest.Books = files.Books{}
