package files

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// The namespaces of UBL 2.1, and the rule sets that a file can claim to follow.
const (
	nsInvoice    = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
	nsCreditNote = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
	nsCAC        = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
	nsCBC        = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"

	customEN     = "urn:cen.eu:en16931:2017"
	customNLCIUS = "urn:cen.eu:en16931:2017#compliant#urn:fdc:nen.nl:nlcius:v1.0"

	kvkScheme = "0106" // ISO 6523: the Dutch trade register
)

// Render writes a document as a UBL 2.1 Invoice after EN 16931: as NLCIUS when a Dutch business buys from a Dutch seller
// and gave its trade register number (without that number the Dutch rules cannot be met), else as plain EN 16931. The
// same document always gives the same bytes. Characters that XML does not allow are left out. Documents of another kind
// than an invoice, or that refer to groups they do not have, are refused with an error.
func Render(doc doorzet.Document) ([]byte, error) {
	if err := renderable(doc); err != nil {
		return nil, fmt.Errorf("write %s as UBL: %w", doc.Reference, err)
	}
	inv := ublInvoice{
		Namespace: nsInvoice, NamespaceCAC: nsCAC, NamespaceCBC: nsCBC,
		CustomizationID: customEN,
		ID:              doc.Reference,
		IssueDate:       doc.Date.String(),
		TypeCode:        "380",
		Notes:           notes(doc),
		Currency:        doc.Currency,
		OrderID:         orderID(doc),
		Seller:          sellerParty(doc.Seller),
		Buyer:           buyerParty(doc.Buyer),
		Delivery:        delivery(doc),
		TaxTotals:       taxTotals(doc),
		Total:           total(doc),
		Lines:           lines(doc),
	}
	if nlcius(doc) {
		inv.CustomizationID = customNLCIUS
	}
	if !doc.VATDate.IsZero() && doc.VATDate != doc.Date {
		inv.TaxPointDate = doc.VATDate.String()
	}
	if home := doorzet.HomeCurrency(doc.Seller.Country); home != "" && home != doc.Currency {
		inv.TaxCurrency = home
	}
	if payable(doc) > 0 {
		inv.PaymentMeans = paymentMeans(doc)
		inv.PaymentTerms = &ublNote{Note: text(firstText(doc.PaymentTitle, "Volgens de bestelling in de webwinkel"))}
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", "  ")
	if err := e.Encode(inv); err != nil {
		return nil, fmt.Errorf("write %s as UBL: %w", doc.Reference, err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// renderable refuses what no valid file can be made of.
func renderable(doc doorzet.Document) error {
	switch {
	case doc.Kind != doorzet.KindInvoice:
		return fmt.Errorf("kind %q is not written as a file", doc.Kind)
	case checkName(doc.Reference) != nil:
		return checkName(doc.Reference)
	case doc.Date.IsZero():
		return fmt.Errorf("it has no date")
	case len(doc.Parts) == 0 || len(doc.Groups) == 0:
		return fmt.Errorf("it has no lines")
	case doorzet.HomeCurrency(doc.Seller.Country) != doc.Currency && doc.VAT != 0:
		return fmt.Errorf("it has VAT in %s and no exchange rate", doc.Currency)
	}
	var net, vat doorzet.Cents
	for _, p := range doc.Parts {
		if p.Group < 0 || p.Group >= len(doc.Groups) {
			return fmt.Errorf("line %q has no VAT group", p.Text)
		}
		net, vat = net+p.Net, vat+p.VAT
	}
	if net != doc.Net || vat != doc.VAT || net+vat != doc.Total {
		return fmt.Errorf("its lines add up to %s and %s VAT, its totals say %s, %s and %s", net, vat, doc.Net, doc.VAT, doc.Total)
	}
	return nil
}

// nlcius tells whether the Dutch rules can be met (BR-NL-1, 3, 4 and 10): both parties in the Netherlands, with trade
// register numbers and whole addresses.
func nlcius(doc doorzet.Document) bool {
	s, b := doc.Seller, doc.Buyer
	for _, needed := range []string{s.KVKNumber, s.Street, s.City, s.Zip, s.IBAN, b.KVKNumber, b.Street, b.City, b.Zip} {
		if text(needed) == "" {
			return false
		}
	}
	return s.Country == "NL" && b.Country == "NL"
}

func notes(doc doorzet.Document) []string {
	var out []string
	for _, n := range doc.Notes {
		if n = text(n); n != "" {
			out = append(out, n)
		}
	}
	return out
}

// orderID is what the customer knows the order by.
func orderID(doc doorzet.Document) string {
	return firstText(text(doc.Number), strconv.FormatInt(doc.OrderID, 10))
}

func sellerParty(s doorzet.Seller) ublParty {
	p := ublParty{
		Address:   address(s.Street, "", s.City, s.Zip, "", s.Country),
		TaxScheme: &ublPartyTax{CompanyID: text(s.VATNumber), Scheme: ublTaxScheme{"VAT"}},
		Legal:     ublLegal{Name: text(s.Name), CompanyID: companyID(s.Country, s.KVKNumber)},
	}
	if mail := text(s.Email); mail != "" {
		p.Contact = &ublPartyMail{Mail: mail}
	}
	return p
}

func buyerParty(b doorzet.Party) ublParty {
	p := ublParty{
		Address: address(b.Street, b.Street2, b.City, b.Zip, b.Region, b.Country),
		Legal:   ublLegal{Name: firstText(text(b.Name), "Consument"), CompanyID: companyID(b.Country, b.KVKNumber)},
	}
	if n := text(b.VATNumber); n != "" {
		p.TaxScheme = &ublPartyTax{CompanyID: n, Scheme: ublTaxScheme{"VAT"}}
	}
	contact := ublPartyMail{Mail: text(b.Email)}
	if b.Company != "" {
		contact.Name = text(b.Person)
	}
	if contact != (ublPartyMail{}) {
		p.Contact = &contact
	}
	return p
}

// companyID is a trade register number; only the Dutch register has a scheme here.
func companyID(country, number string) *ublID {
	if number = text(number); number == "" || country != "NL" {
		return nil
	}
	return &ublID{Scheme: kvkScheme, Value: number}
}

func address(street, street2, city, zip, region, country string) ublAddress {
	return ublAddress{
		Street: text(street), Street2: text(street2), City: text(city), Zip: text(zip), Region: text(region),
		Country: &ublCountry{Code: country},
	}
}

// delivery is where the goods went. An intra-community supply must tell when and whereto (BR-IC-11, BR-IC-12).
func delivery(doc doorzet.Document) *ublDelivery {
	p := doc.Delivery
	if p.Country == "" {
		return nil
	}
	d := &ublDelivery{Address: address(p.Street, p.Street2, p.City, p.Zip, p.Region, p.Country)}
	if name := text(p.Name); name != "" {
		d.Name = &ublDelivers{Name: name}
	}
	if !p.Date.IsZero() {
		d.Date = p.Date.String()
	}
	for _, g := range doc.Groups {
		if g.Reason == doorzet.ReasonEUGoods && d.Date == "" {
			d.Date = doc.Date.String()
		}
	}
	return d
}

// paymentMeans is how what is left is to be paid. The Dutch rules know transfers only; elsewhere a method that is no
// transfer (cash on delivery) is "not defined", with its own name.
func paymentMeans(doc doorzet.Document) *ublPaymentMeans {
	transfer := nlcius(doc) || doc.PaymentMethod == "bacs" || strings.HasSuffix(doc.PaymentMethod, "_banktransfer")
	if !transfer || text(doc.Seller.IBAN) == "" {
		return &ublPaymentMeans{Code: ublMeansCode{Name: text(doc.PaymentTitle), Code: "1"}}
	}
	return &ublPaymentMeans{
		Code:      ublMeansCode{Code: "30"},
		PaymentID: doc.Reference,
		Account:   &ublAccount{ID: text(doc.Seller.IBAN), Name: text(doc.Seller.Name)},
	}
}

// payable is what is left to be paid.
func payable(doc doorzet.Document) doorzet.Cents { return doc.Total - doc.Vouchers - doc.PaidThen }

func total(doc doorzet.Document) ublTotal {
	t := ublTotal{
		Lines:     amount(doc, doc.Net),
		Exclusive: amount(doc, doc.Net),
		Inclusive: amount(doc, doc.Total),
		Payable:   amount(doc, payable(doc)),
	}
	if paid := doc.Vouchers + doc.PaidThen; paid != 0 {
		a := amount(doc, paid)
		t.Prepaid = &a
	}
	return t
}

// lines have a quantity of one, so that no program can compute another amount from a rounded price; a discount has a
// quantity of minus one, since a price may not be negative (BR-27).
func lines(doc doorzet.Document) []ublLine {
	var out []ublLine
	for i, p := range doc.Parts {
		l := ublLine{
			ID:       i + 1,
			Quantity: ublQuantity{Unit: "C62", Value: 1},
			Net:      amount(doc, p.Net),
			Item:     ublItem{Name: firstText(text(p.Text), "Artikel"), Category: lineCategory(doc.Groups[p.Group])},
			Price:    amount(doc, p.Net.Abs()),
		}
		if p.Net < 0 {
			l.Quantity.Value = -1
		}
		if sku := text(p.SKU); sku != "" {
			l.Item.SKU = &ublSKU{ID: sku}
		}
		out = append(out, l)
	}
	return out
}

func amount(doc doorzet.Document, c doorzet.Cents) ublAmount {
	return ublAmount{Currency: doc.Currency, Value: c.String()}
}

// text is what may stand in a file: valid UTF-8, no characters that XML 1.0 forbids, white space made single.
func text(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r':
			return ' '
		case r < 0x20, r == 0xFFFE, r == 0xFFFF, r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// firstText is the first that is not empty.
func firstText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
