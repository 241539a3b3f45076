package doorzet

import (
	"encoding/json"
	"time"

	"github.com/shopspring/decimal"
)

// ShopOrder is one WooCommerce order as the shop's REST API answered it, decoded tolerantly by package woo.
//
// Amounts are the shop's own, with the default decimals; an empty string in the answer is zero. Times are UTC (the *_gmt
// fields); the zero time means that the shop sent null. A ShopOrder that was read with a field list holds only those
// fields: Full tells whether all of the order was asked for, and only a full one may be booked.
type ShopOrder struct {
	ID       int64
	ParentID int64
	OrderKey string
	Number   string
	Status   string // slug without "wc-"
	Currency string // ISO 4217
	Version  string // WooCommerce version that saved the order
	Created  time.Time
	Modified time.Time
	Paid     time.Time
	Done     time.Time // date_completed
	Total    decimal.Decimal
	TotalTax decimal.Decimal

	PricesIncludeTax bool
	PaymentMethod    string
	PaymentTitle     string
	TransactionID    string
	CustomerID       int64
	CustomerNote     string
	Billing          Address
	Shipping         Address

	Lines    []OrderPart // line_items
	Shipment []OrderPart // shipping_lines
	Fees     []OrderPart // fee_lines
	TaxLines []TaxLine
	Coupons  []Coupon
	Refunds  []RefundRef
	Meta     []Meta

	Full bool
}

// PartKind tells where in the order a part comes from.
type PartKind string

// The kinds of parts.
const (
	PartLine     PartKind = "line"
	PartShipping PartKind = "shipping"
	PartFee      PartKind = "fee"
)

// OrderPart is a line, a shipping line or a fee of an order. Net and Tax are after discounts.
type OrderPart struct {
	Kind        PartKind
	ID          int64
	Name        string // product name, method_title or fee name; plain text
	ProductID   int64
	VariationID int64
	SKU         string
	Quantity    decimal.Decimal // 1 for shipping and fees
	TaxClass    string
	TaxStatus   string // "taxable", "none", ""; WooCommerce sends it for fees and shipping only
	MethodID    string // shipping only: "flat_rate", "local_pickup", "pickup_location", ...
	Net         decimal.Decimal
	Tax         decimal.Decimal
	Taxes       []PartTax
	Meta        []Meta
}

// PartTax is one entry of a part's taxes: the rate's id and the tax the shop computed with it.
type PartTax struct {
	RateID int64
	Total  decimal.Decimal
}

// TaxLine is one rate used by an order. Percent is valid only when HasPercent: old orders have none.
type TaxLine struct {
	RateID      int64
	RateCode    string // "NL-BTW 21%-1"
	Label       string
	Compound    bool
	Percent     decimal.Decimal
	HasPercent  bool
	Tax         decimal.Decimal // tax_total
	ShippingTax decimal.Decimal // shipping_tax_total
}

// Coupon is one coupon line. Its amount is already inside the lines: it is never an amount of a document.
type Coupon struct {
	Code     string
	Kind     string // discount_type
	Discount decimal.Decimal
	Tax      decimal.Decimal
	Meta     []Meta
}

// RefundRef is how an order names its refunds. Total is negative.
type RefundRef struct {
	ID     int64
	Reason string
	Total  decimal.Decimal
}

// Address is a billing or shipping address. Email and Phone stand in billing only.
type Address struct {
	FirstName, LastName, Company      string
	Street, Street2, City, State, Zip string
	Country                           string // ISO 3166 alpha-2, upper case
	Email, Phone                      string
}

// Meta is one meta_data entry; Value is any JSON.
type Meta struct {
	Key   string
	Value json.RawMessage
}

// Text is the value as text when it is a JSON string, number or bool; else "".
func (m Meta) Text() string {
	var v any
	if json.Unmarshal(m.Value, &v) != nil {
		return ""
	}
	switch t := v.(type) {
	case string:
		return t
	case float64, bool:
		return string(m.Value)
	}
	return ""
}

// Draft tells whether a status belongs to an order that no customer has placed yet. Drafts are stored but hidden: they
// become orders when another status is seen.
func Draft(status string) bool {
	switch status {
	case "checkout-draft", "auto-draft", "draft", "new":
		return true
	}
	return false
}

// Choosable tells whether an owner may choose a status for pushing. Orders with one of the others are no sale (yet, or
// any more).
func Choosable(status string) bool {
	switch status {
	case "", "pending", "failed", "cancelled", "refunded", "trash", "any":
		return false
	}
	return !Draft(status)
}
