package files

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// readDocument is what Find reads of a file, an invoice or a credit note.
type readDocument struct {
	XMLName   xml.Name
	ID        string `xml:"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2 ID"`
	IssueDate string `xml:"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2 IssueDate"`
	Currency  string `xml:"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2 DocumentCurrencyCode"`
	TaxTotals []struct {
		Subtotals []struct {
			VAT     string `xml:"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2 TaxAmount"`
			Percent string `xml:"TaxCategory>Percent"`
		} `xml:"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2 TaxSubtotal"`
	} `xml:"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2 TaxTotal"`
	Total string `xml:"LegalMonetaryTotal>TaxInclusiveAmount"`
}

// parse reads what a file says of itself. A file that is no UBL document with that reference is an error: something else
// stands where ours would.
func parse(ref string, content []byte) (doorzet.Found, error) {
	var d readDocument
	if err := xml.Unmarshal(content, &d); err != nil {
		return doorzet.Found{}, fmt.Errorf("it is no readable XML: %w", err)
	}
	f := doorzet.Found{Currency: d.Currency, VAT: map[string]doorzet.Cents{}}
	f.RemoteID, f.Content = fileName(ref), content
	switch d.XMLName {
	case xml.Name{Space: nsInvoice, Local: "Invoice"}:
		f.Kind = doorzet.KindInvoice
	case xml.Name{Space: nsCreditNote, Local: "CreditNote"}:
		f.Kind = doorzet.KindCredit
	default:
		return f, fmt.Errorf("it is no UBL invoice or credit note, but <%s>", d.XMLName.Local)
	}
	if d.ID != ref {
		return f, fmt.Errorf("it holds document %q", d.ID)
	}
	var err error
	if f.Date, err = doorzet.ParseDate(d.IssueDate); err != nil {
		return f, err
	}
	if f.Total, err = cents(d.Total); err != nil {
		return f, fmt.Errorf("its total: %w", err)
	}
	for _, t := range d.TaxTotals {
		for _, s := range t.Subtotals {
			percent, err := decimal.NewFromString(strings.TrimSpace(s.Percent))
			if err != nil {
				return f, fmt.Errorf("its VAT has the percentage %q", s.Percent)
			}
			vat, err := cents(s.VAT)
			if err != nil {
				return f, fmt.Errorf("its VAT: %w", err)
			}
			f.VAT[percent.String()] += vat
		}
	}
	return f, nil
}

func cents(s string) (doorzet.Cents, error) {
	d, err := decimal.NewFromString(strings.TrimSpace(s))
	if err != nil {
		return 0, fmt.Errorf("%q is no amount", s)
	}
	return doorzet.CentsOf(d)
}
