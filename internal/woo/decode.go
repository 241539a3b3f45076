package woo

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// order is the JSON of an order, as far as it is used. Pointers tell an absent list (a read with a field list) from an
// empty one.
type order struct {
	ID         ident  `json:"id"`
	ParentID   ident  `json:"parent_id"`
	OrderKey   text   `json:"order_key"`
	Number     text   `json:"number"`
	Status     text   `json:"status"`
	Currency   text   `json:"currency"`
	Version    text   `json:"version"`
	Created    moment `json:"date_created_gmt"`
	Modified   moment `json:"date_modified_gmt"`
	Paid       moment `json:"date_paid_gmt"`
	Done       moment `json:"date_completed_gmt"`
	Total      amount `json:"total"`
	TotalTax   amount `json:"total_tax"`
	InclTax    flag   `json:"prices_include_tax"`
	Method     text   `json:"payment_method"`
	Title      text   `json:"payment_method_title"`
	Txn        text   `json:"transaction_id"`
	CustomerID ident  `json:"customer_id"`
	Note       text   `json:"customer_note"`

	Billing  *object[address] `json:"billing"`
	Shipping *object[address] `json:"shipping"`
	Lines    *list[line]      `json:"line_items"`
	Shipment *list[line]      `json:"shipping_lines"`
	Fees     *list[line]      `json:"fee_lines"`
	TaxLines *list[taxLine]   `json:"tax_lines"`
	Coupons  list[coupon]     `json:"coupon_lines"`
	Refunds  list[refund]     `json:"refunds"`
	Meta     list[meta]       `json:"meta_data"`
}

type address struct {
	FirstName text `json:"first_name"`
	LastName  text `json:"last_name"`
	Company   text `json:"company"`
	Street    text `json:"address_1"`
	Street2   text `json:"address_2"`
	City      text `json:"city"`
	State     text `json:"state"`
	Zip       text `json:"postcode"`
	Country   text `json:"country"`
	Email     text `json:"email"`
	Phone     text `json:"phone"`
}

// line is a line item, a shipping line or a fee line.
type line struct {
	ID          ident      `json:"id"`
	Name        text       `json:"name"`
	MethodTitle text       `json:"method_title"`
	MethodID    text       `json:"method_id"`
	ProductID   ident      `json:"product_id"`
	VariationID ident      `json:"variation_id"`
	SKU         text       `json:"sku"`
	Quantity    amount     `json:"quantity"`
	TaxClass    text       `json:"tax_class"`
	TaxStatus   text       `json:"tax_status"`
	Total       amount     `json:"total"`
	TotalTax    amount     `json:"total_tax"`
	Taxes       list[tax]  `json:"taxes"`
	Meta        list[meta] `json:"meta_data"`
}

type tax struct {
	ID    rateID `json:"id"`
	Total amount `json:"total"`
}

type taxLine struct {
	RateCode    text            `json:"rate_code"`
	RateID      rateID          `json:"rate_id"`
	Label       text            `json:"label"`
	Compound    flag            `json:"compound"`
	TaxTotal    amount          `json:"tax_total"`
	ShippingTax amount          `json:"shipping_tax_total"`
	RatePercent json.RawMessage `json:"rate_percent"`
}

type coupon struct {
	Code     text       `json:"code"`
	Kind     text       `json:"discount_type"`
	Discount amount     `json:"discount"`
	Tax      amount     `json:"discount_tax"`
	Meta     list[meta] `json:"meta_data"`
}

type refund struct {
	ID     ident  `json:"id"`
	Reason text   `json:"reason"`
	Total  amount `json:"total"`
}

type meta struct {
	Key   text            `json:"key"`
	Value json.RawMessage `json:"value"`
}

// DecodeOrder reads the JSON of one order. It tolerates what real shops send (see loose.go), refuses what it would have to
// guess, and leaves what a field list left out at zero: Full is true only when all parts of a document are there.
func DecodeOrder(raw []byte) (doorzet.ShopOrder, error) {
	var o order
	if err := json.Unmarshal(raw, &o); err != nil {
		return doorzet.ShopOrder{}, fmt.Errorf("decode order %d: %w", peekID(raw), err)
	}
	if o.ID <= 0 {
		return doorzet.ShopOrder{}, errors.New("decode order: it has no id")
	}
	return o.order(), nil
}

// peekID is the id of an order that may otherwise be unreadable, else 0.
func peekID(raw []byte) int64 {
	var v map[string]json.RawMessage
	var id ident
	if json.Unmarshal(raw, &v) != nil || v["id"] == nil || id.UnmarshalJSON(v["id"]) != nil {
		return 0
	}
	return int64(id)
}

func (o order) order() doorzet.ShopOrder {
	return doorzet.ShopOrder{
		ID:               int64(o.ID),
		ParentID:         int64(o.ParentID),
		OrderKey:         string(o.OrderKey),
		Number:           string(o.Number),
		Status:           strings.TrimPrefix(string(o.Status), "wc-"),
		Currency:         strings.ToUpper(string(o.Currency)),
		Version:          string(o.Version),
		Created:          o.Created.Time,
		Modified:         o.Modified.Time,
		Paid:             o.Paid.Time,
		Done:             o.Done.Time,
		Total:            o.Total.Decimal,
		TotalTax:         o.TotalTax.Decimal,
		PricesIncludeTax: bool(o.InclTax),
		PaymentMethod:    string(o.Method),
		PaymentTitle:     plain(o.Title),
		TransactionID:    string(o.Txn),
		CustomerID:       int64(o.CustomerID),
		CustomerNote:     string(o.Note),
		Billing:          addressOf(o.Billing),
		Shipping:         addressOf(o.Shipping),
		Lines:            parts(doorzet.PartLine, o.Lines),
		Shipment:         parts(doorzet.PartShipping, o.Shipment),
		Fees:             parts(doorzet.PartFee, o.Fees),
		TaxLines:         taxLines(o.TaxLines),
		Coupons:          coupons(o.Coupons),
		Refunds:          refunds(o.Refunds),
		Meta:             metas(o.Meta),
		Full:             o.Lines != nil && o.Shipment != nil && o.Fees != nil && o.TaxLines != nil && o.Billing != nil,
	}
}

func addressOf(o *object[address]) doorzet.Address {
	if o == nil {
		return doorzet.Address{}
	}
	a := o.V
	return doorzet.Address{
		FirstName: string(a.FirstName),
		LastName:  string(a.LastName),
		Company:   string(a.Company),
		Street:    string(a.Street),
		Street2:   string(a.Street2),
		City:      string(a.City),
		State:     string(a.State),
		Zip:       string(a.Zip),
		Country:   strings.ToUpper(string(a.Country)),
		Email:     string(a.Email),
		Phone:     string(a.Phone),
	}
}

func parts(kind doorzet.PartKind, lines *list[line]) []doorzet.OrderPart {
	if lines == nil {
		return nil
	}
	var out []doorzet.OrderPart
	for _, l := range *lines {
		p := doorzet.OrderPart{
			Kind:        kind,
			ID:          int64(l.ID),
			Name:        plain(l.Name),
			ProductID:   int64(l.ProductID),
			VariationID: int64(l.VariationID),
			SKU:         string(l.SKU),
			Quantity:    decimal.NewFromInt(1),
			TaxClass:    string(l.TaxClass),
			TaxStatus:   string(l.TaxStatus),
			MethodID:    string(l.MethodID),
			Net:         l.Total.Decimal,
			Tax:         l.TotalTax.Decimal,
			Meta:        metas(l.Meta),
		}
		switch kind {
		case doorzet.PartLine:
			p.Quantity = l.Quantity.Decimal
		case doorzet.PartShipping:
			p.Name = plain(l.MethodTitle)
		case doorzet.PartFee:
		}
		for _, t := range l.Taxes {
			p.Taxes = append(p.Taxes, doorzet.PartTax{RateID: int64(t.ID), Total: t.Total.Decimal})
		}
		out = append(out, p)
	}
	return out
}

// taxLines reads the rates. A rate_percent of null or "" is absent: orders of old versions have none. Zero is a rate.
func taxLines(lines *list[taxLine]) []doorzet.TaxLine {
	if lines == nil {
		return nil
	}
	var out []doorzet.TaxLine
	for _, l := range *lines {
		t := doorzet.TaxLine{
			RateID:      int64(l.RateID),
			RateCode:    string(l.RateCode),
			Label:       plain(l.Label),
			Compound:    bool(l.Compound),
			Tax:         l.TaxTotal.Decimal,
			ShippingTax: l.ShippingTax.Decimal,
		}
		t.Percent, t.HasPercent = percent(l.RatePercent)
		out = append(out, t)
	}
	return out
}

func percent(raw json.RawMessage) (decimal.Decimal, bool) {
	var t text
	if len(raw) == 0 || t.UnmarshalJSON(raw) != nil || t == "" || t == "false" {
		return decimal.Zero, false
	}
	d, err := parseAmount(strings.TrimSuffix(string(t), "%"))
	if err != nil || d.IsNegative() || d.GreaterThan(decimal.NewFromInt(100)) {
		return decimal.Zero, false
	}
	return d, true
}

func coupons(in list[coupon]) []doorzet.Coupon {
	var out []doorzet.Coupon
	for _, c := range in {
		out = append(out, doorzet.Coupon{Code: string(c.Code), Kind: string(c.Kind), Discount: c.Discount.Decimal,
			Tax: c.Tax.Decimal, Meta: metas(c.Meta)})
	}
	return out
}

func refunds(in list[refund]) []doorzet.RefundRef {
	var out []doorzet.RefundRef
	for _, r := range in {
		out = append(out, doorzet.RefundRef{ID: int64(r.ID), Reason: string(r.Reason), Total: r.Total.Decimal})
	}
	return out
}

func metas(in list[meta]) []doorzet.Meta {
	var out []doorzet.Meta
	for _, m := range in {
		out = append(out, doorzet.Meta{Key: string(m.Key), Value: m.Value})
	}
	return out
}

// hidden is what a browser never shows, tag is any other tag. A bare "<" as in "Lezen < Leven" is text.
var (
	hidden = regexp.MustCompile(`(?is)<(script|style)\b[^>]*>.*?</(script|style)\s*>`)
	tag    = regexp.MustCompile(`(?s)</?[a-zA-Z][^<>]*>|<!--.*?-->`)
)

// plain is a name without HTML, on one line. Shops write names as HTML ("Zoet &amp; Zout", "Mok<br>rood").
func plain(t text) string {
	s := string(t)
	if strings.Contains(s, "<") {
		s = tag.ReplaceAllString(hidden.ReplaceAllString(s, " "), " ")
	}
	return strings.Join(strings.Fields(html.UnescapeString(s)), " ")
}
