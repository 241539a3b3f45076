package doorzet

import (
	"errors"
	"time"

	"github.com/shopspring/decimal"
)

// BookingKind is what a document is.
type BookingKind string

// The kinds of documents.
const (
	KindInvoice BookingKind = "invoice"
	KindCredit  BookingKind = "credit"
)

// Document is what is sent to the books for one order: amounts, VAT groups, parties and dates, decided once and frozen
// when the booking is claimed. It is made by Compose and never changed afterwards. It is stored as JSON: fields may be
// added, never renamed.
type Document struct {
	Kind      BookingKind
	Reference string // PREFIX-WooId; also the document's number, as nobody else numbers
	OrderID   int64  // the shop's order id
	Number    string // the shop's order number, a display text
	Date      Date   // document date, in the shop's zone
	VATDate   Date   // zero when it is not known yet (cash scheme, not paid online)
	Currency  string

	Buyer    Party
	Delivery Place
	Seller   Seller

	Parts  []DocumentPart
	Groups []VATGroup

	Net      Cents // sum of the parts' net
	VAT      Cents // sum of the groups' VAT
	Total    Cents // Net + VAT: the order's total plus Vouchers, to the cent
	Vouchers Cents // gift cards redeemed: paid, but not part of the order's total
	PaidThen Cents // what was paid online before the document: the order's total or 0

	PaymentMethod string   // the shop's id of it
	PaymentTitle  string   // as the customer saw it
	TransactionID string   //
	Notes         []string // sentences for the reader of the document
}

// DocumentPart is one line of a document. Text holds the quantity ("3 x Mok"); a discount has a negative net.
type DocumentPart struct {
	Kind  PartKind // "" for the rounding line
	Text  string
	SKU   string
	Net   Cents
	VAT   Cents
	Group int // index into Document.Groups
}

// VATReason is why a group has the rate it has.
type VATReason string

// The reasons. Only ReasonDomestic and ReasonOSS have a percentage above zero.
const (
	ReasonDomestic VATReason = "domestic"       // the home country's rate
	ReasonOSS      VATReason = "oss"            // another EU state's rate, Union OSS
	ReasonExempt   VATReason = "exempt"         // KOR and other exemptions
	ReasonExport   VATReason = "export"         // goods leaving the EU
	ReasonEUGoods  VATReason = "intra-eu-goods" // intra-community delivery, needs a checked VAT number
	ReasonReverse  VATReason = "reverse-charge"
	ReasonOutside  VATReason = "outside-scope"
	ReasonZeroRate VATReason = "zero-rate"
)

// VATGroup is one combination of reason, country and percentage in a document, with what the shop charged in it.
type VATGroup struct {
	Reason  VATReason
	Country string // ISO 3166 alpha-2 of the state whose VAT it is
	Percent decimal.Decimal
	Net     Cents
	VAT     Cents
}

// Party is the buyer.
type Party struct {
	Name      string // company, else person; "Consument" when the order names nobody
	Person    string
	Company   string
	Street    string
	Street2   string
	City      string
	Zip       string
	Region    string
	Country   string
	Email     string
	VATNumber string // upper case, with country prefix; "" = none given
	KVKNumber string // "" = none given
}

// Place is where the goods went.
type Place struct {
	Name, Street, Street2, City, Zip, Region, Country string
	Date                                              Date // zero = not known
}

// Period is a span of days; a zero From has no beginning, a zero To no end. Both ends are inside.
type Period struct {
	From Date `json:"from"`
	To   Date `json:"to"`
}

// Covers tells whether a day lies in the period.
func (p Period) Covers(d Date) bool {
	return (p.From.IsZero() || !d.Before(p.From)) && (p.To.IsZero() || !p.To.Before(d))
}

// VATScheme is when the seller owes VAT.
type VATScheme string

// The schemes.
const (
	SchemeInvoice VATScheme = "invoice" // factuurstelsel
	SchemeCash    VATScheme = "cash"    // kasstelsel
)

// Seller is whose invoices these are: settings of the books. The JSON form is the seller file of "books add".
type Seller struct {
	Name      string    `json:"name"`
	Street    string    `json:"street"`
	Zip       string    `json:"postcode"`
	City      string    `json:"city"`
	Country   string    `json:"country"` // ISO 3166 alpha-2
	VATNumber string    `json:"vat_number"`
	KVKNumber string    `json:"kvk_number"`
	IBAN      string    `json:"iban"`
	Email     string    `json:"email"`
	Scheme    VATScheme `json:"vat_scheme"`
	KOR       []Period  `json:"kor,omitempty"` // small business scheme: no VAT at all
	OSS       []Period  `json:"oss,omitempty"` // Union one stop shop
}

// Receipt is what the books hold after a document was made or found there.
type Receipt struct {
	RemoteID string // of files: the file's name
	Number   string // the number the books gave, if any
	Total    Cents
	Content  []byte // of files: the XML, stored with the booking; nil elsewhere
}

// Found is one document that the books hold under a reference.
type Found struct {
	Receipt
	Kind     BookingKind
	Date     Date
	Currency string
	VAT      map[string]Cents // VAT per percentage ("21", "9", "0"); nil when the books do not say
}

// ComposeInput is all that a document is made of, besides the order itself.
type ComposeInput struct {
	Seller    Seller
	Zone      *time.Location // the shop's
	Reference string
	// FirstDue is when a chosen status was first seen: the document date of orders that were not paid online (a
	// completed order has its own date).
	FirstDue time.Time
	// RateCountries are the countries of tax rates by their ids, where the shop was asked; may be nil.
	RateCountries map[int64]string
	// RatePercents are their percentages, for old orders whose tax lines have none; may be nil.
	RatePercents map[int64]decimal.Decimal
}

// ErrNothingToBook means that an order has no amounts at all: there is nothing to put into the books.
var ErrNothingToBook = errors.New("the order's total is 0.00 and it has no amounts: there is nothing to book")
