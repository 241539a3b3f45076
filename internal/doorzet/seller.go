package doorzet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// ParseSeller reads a seller file: one JSON object with the fields of Seller and no others. VAT number and IBAN may be
// written with spaces. The seller is checked as ValidateSeller does; every error is an *InputError.
func ParseSeller(data []byte) (Seller, error) {
	var s Seller
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Seller{}, sellerSyntax(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Seller{}, Input("seller file: there is something behind the object; write one object { ... } and nothing else")
	}
	s.Name, s.Street, s.Zip, s.City, s.Email = oneSpace(s.Name), oneSpace(s.Street), oneSpace(s.Zip), oneSpace(s.City), oneSpace(s.Email)
	s.Country = vatCountry(s.Country)
	s.VATNumber, s.KVKNumber, s.IBAN = compact(s.VATNumber), compact(s.KVKNumber), compact(s.IBAN)
	return s, ValidateSeller(s)
}

// sellerSyntax says what is wrong with the file in words that name the field.
func sellerSyntax(err error) error {
	var wrongType *json.UnmarshalTypeError
	var input *InputError
	switch {
	case errors.As(err, &wrongType):
		return Input("seller file: field %q may not be a %s", wrongType.Field, wrongType.Value)
	case errors.As(err, &input):
		return Input("seller file: %s", input.Reason)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Input("seller file: it is empty or ends too early; write one object { ... }")
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		return Input("seller file: the field %s is not known; the fields are name, street, postcode, city, country, vat_number, kvk_number, iban, email, vat_scheme, kor and oss",
			strings.TrimPrefix(err.Error(), "json: unknown field "))
	}
	return Input("seller file: %v", err)
}

// ValidateSeller checks the settings of a seller: an *InputError names every field that is missing or wrong, with what to
// write. A seller in the small business scheme has a VAT number too, so it is always asked.
func ValidateSeller(s Seller) error {
	var wrong []string
	missing := func(field, value string) {
		if strings.TrimSpace(value) == "" {
			wrong = append(wrong, field+" is missing")
		}
	}
	ill := func(bad bool, sentence string) {
		if bad {
			wrong = append(wrong, sentence)
		}
	}
	missing("name", s.Name)
	missing("street", s.Street)
	missing("postcode", s.Zip)
	missing("city", s.City)
	ill(!inEU(s.Country), `country must be the two letters of a member state of the EU, like "NL"`)
	ill(!validVATNumber(s.VATNumber, s.Country), `vat_number must be the seller's VAT number with its country before it, like "NL001234567B01"`)
	ill(s.Country == "NL" && !kvkNumberForm.MatchString(s.KVKNumber), "kvk_number must be the 8 digits of the Dutch trade register")
	ill(!validIBAN(s.IBAN), "iban must be a bank account number (IBAN); check it for a typing error")
	ill(!emailForm.MatchString(s.Email), `email must be an e-mail address, like "info@example.com"`)
	ill(s.Scheme != SchemeInvoice && s.Scheme != SchemeCash, `vat_scheme must be "invoice" (factuurstelsel) or "cash" (kasstelsel)`)
	wrong = append(wrong, wrongPeriods("kor", s.KOR)...)
	wrong = append(wrong, wrongPeriods("oss", s.OSS)...)
	if len(wrong) == 0 {
		return nil
	}
	return Input("seller: %s", strings.Join(wrong, "; "))
}

// wrongPeriods names the periods that end before they begin.
func wrongPeriods(field string, periods []Period) []string {
	var wrong []string
	for _, p := range periods {
		if !p.From.IsZero() && !p.To.IsZero() && p.To.Before(p.From) {
			wrong = append(wrong, field+": the period from "+p.From.String()+" ends before it begins, on "+p.To.String())
		}
	}
	return wrong
}

var (
	dutchVATNumber = regexp.MustCompile(`^NL[0-9]{9}B[0-9]{2}$`)
	ibanForm       = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}$`)
	emailForm      = regexp.MustCompile(`^[^@\s<>"]+@[^@\s<>"]+\.[^@\s<>".]+$`)
)

// validVATNumber tells whether a number has the form of a VAT number of the country.
func validVATNumber(number, country string) bool {
	prefix := country
	if country == "GR" {
		prefix = "EL"
	}
	if country == "NL" {
		return dutchVATNumber.MatchString(number)
	}
	return vatNumberForm.MatchString(number) && strings.HasPrefix(number, prefix)
}

// validIBAN proves an account number by its check digits (ISO 13616): the first four characters behind the others, letters
// as 10 to 35, the whole modulo 97 is one.
func validIBAN(iban string) bool {
	if !ibanForm.MatchString(iban) {
		return false
	}
	var digits strings.Builder
	for _, r := range iban[4:] + iban[:4] {
		if r >= 'A' {
			digits.WriteString(strconv.Itoa(int(r-'A') + 10))
			continue
		}
		digits.WriteRune(r)
	}
	n, ok := new(big.Int).SetString(digits.String(), 10)
	return ok && new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1
}
