package doorzet_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
)

const sellerFile = `{"name":"De Boekenwinkel","street":"Kade 1","postcode":"1011 AA","city":"Amsterdam","country":"nl","vat_number":"NL 0012.34.567.B01",
"kvk_number":"12345678","iban":"NL91 ABNA 0417 1643 00","email":"info@shop.example","vat_scheme":"cash","oss":[{"from":"2026-01-01","to":""}]}`

func TestParseSeller(t *testing.T) {
	t.Parallel()
	s, err := doorzet.ParseSeller([]byte(sellerFile))
	if err != nil {
		t.Fatal(err)
	}
	if s.Country != "NL" || s.VATNumber != "NL001234567B01" || s.IBAN != "NL91ABNA0417164300" || s.Scheme != doorzet.SchemeCash || s.OSS[0].From != date(2026, 1, 1) {
		t.Errorf("%+v", s)
	}
	for _, test := range []struct{ file, says string }{
		{strings.Replace(sellerFile, `"city"`, `"town"`, 1), `"town"`},
		{strings.Replace(sellerFile, `"Kade 1"`, `1`, 1), `"street"`},
		{strings.Replace(sellerFile, `2026-01-01`, `1 January`, 1), "1 January"},
		{sellerFile + "{}", "behind"},
		{"", "empty"},
		{"[]", "array"},
		{`{"name":`, "too early"},
		{strings.Replace(sellerFile, `"cash"`, `"kas"`, 1), "vat_scheme"},
	} {
		_, err := doorzet.ParseSeller([]byte(test.file))
		var input *doorzet.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%.80s: %v does not say %q", test.file, err, test.says)
		}
	}
}

func TestValidateSellerNamesEveryField(t *testing.T) {
	t.Parallel()
	if err := doorzet.ValidateSeller(seller()); err != nil {
		t.Error(err)
	}
	err := doorzet.ValidateSeller(doorzet.Seller{KOR: []doorzet.Period{{From: date(2026, 2, 1), To: date(2026, 1, 1)}}})
	if err == nil {
		t.Fatal("an empty seller is valid")
	}
	for _, field := range []string{"name", "street", "postcode", "city", "country", "vat_number", "iban", "email", "vat_scheme", "kor"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%q does not name %s", err, field)
		}
	}
}

func TestValidateSellerFields(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*doorzet.Seller)
		names  string // "" = valid
	}{
		{"Dutch VAT number without its B", func(s *doorzet.Seller) { s.VATNumber = "NL001234567C01" }, "vat_number"},
		{"a VAT number of another country", func(s *doorzet.Seller) { s.VATNumber = "BE0123456789" }, "vat_number"},
		{"no trade register number in the Netherlands", func(s *doorzet.Seller) { s.KVKNumber = "" }, "kvk_number"},
		{"7 digits", func(s *doorzet.Seller) { s.KVKNumber = "1234567" }, "kvk_number"},
		{"a digit of the IBAN swapped", func(s *doorzet.Seller) { s.IBAN = "NL91ABNA0417164030" }, "iban"},
		{"a German IBAN", func(s *doorzet.Seller) { s.IBAN = "DE89370400440532013000" }, ""},
		{"a seller in Belgium", func(s *doorzet.Seller) { s.Country, s.VATNumber, s.KVKNumber = "BE", "BE0123456789", "" }, ""},
		{"a seller in Greece", func(s *doorzet.Seller) { s.Country, s.VATNumber, s.KVKNumber = "GR", "EL123456789", "" }, ""},
		{"a seller outside the EU", func(s *doorzet.Seller) { s.Country = "GB" }, "country"},
		{"no domain", func(s *doorzet.Seller) { s.Email = "info@shop" }, "email"},
		{"KOR without VAT number", func(s *doorzet.Seller) { s.KOR, s.VATNumber = []doorzet.Period{{}}, "" }, "vat_number"},
		{"a period of one day", func(s *doorzet.Seller) { s.OSS = []doorzet.Period{{From: date(2026, 1, 1), To: date(2026, 1, 1)}} }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := doorzet.ValidateSeller(with(seller(), test.change))
			var input *doorzet.InputError
			switch {
			case test.names == "" && err != nil:
				t.Error(err)
			case test.names != "" && (!errors.As(err, &input) || !strings.Contains(err.Error(), test.names)):
				t.Errorf("%v does not name %s", err, test.names)
			}
		})
	}
}

func TestAdoptable(t *testing.T) {
	t.Parallel()
	doc := compose(t, sale(), input())
	same := doorzet.Found{Receipt: doorzet.Receipt{Total: 3992}, Kind: doorzet.KindInvoice, Date: doc.Date, Currency: "EUR", VAT: map[string]doorzet.Cents{"21": 693}}
	tests := []struct {
		name   string
		change func(*doorzet.Found)
		says   string // "" = may be adopted
	}{
		{"the same", func(*doorzet.Found) {}, ""},
		{"another day of the month", func(f *doorzet.Found) { f.Date = date(2026, 11, 1) }, ""},
		{"books that do not tell the VAT", func(f *doorzet.Found) { f.VAT = nil }, ""},
		{"0 % beside it", func(f *doorzet.Found) { f.VAT = map[string]doorzet.Cents{"21": 693, "0": 0} }, ""},
		{"another kind", func(f *doorzet.Found) { f.Kind = doorzet.KindCredit }, "credit"},
		{"a cent", func(f *doorzet.Found) { f.Total++ }, "39.93"},
		{"another currency", func(f *doorzet.Found) { f.Currency = "USD" }, "USD"},
		{"another month", func(f *doorzet.Found) { f.Date = date(2026, 12, 1) }, "2026-12-01"},
		{"the same month of another year", func(f *doorzet.Found) { f.Date = date(2025, 11, 21) }, "2025-11-21"},
		{"VAT of another rate", func(f *doorzet.Found) { f.VAT = map[string]doorzet.Cents{"9": 693} }, "21 %"},
		{"a cent of VAT", func(f *doorzet.Found) { f.VAT = map[string]doorzet.Cents{"21": 692} }, "6.92"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := doorzet.Adoptable(doc, with(same, test.change))
			var refused *doorzet.RefusedError
			switch {
			case test.says == "" && err != nil:
				t.Error(err)
			case test.says != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), test.says)):
				t.Errorf("%v does not say %q", err, test.says)
			}
		})
	}
}

// TestDocumentsSurviveStorage: a document is frozen as JSON when its booking is claimed.
func TestDocumentsSurviveStorage(t *testing.T) {
	t.Parallel()
	doc := compose(t, sale(), input())
	first, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var back doorzet.Document
	if err := json.Unmarshal(first, &back); err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(back)
	if err != nil || string(first) != string(second) {
		t.Errorf("%s became %s, %v", first, second, err)
	}
}
