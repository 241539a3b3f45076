package doorzet

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// depositMeta are meta keys by which deposit plugins mark an order or a line whose total is not what is charged now.
var depositMeta = []string{"_wc_deposits_order_has_deposit", "awcdp_deposits_order_has_deposit", "_has_deposit", "_is_deposit", "_deposit_id"}

// voucherCoupons are coupon types of plugins that sell store credit: a means of payment that was taken off before tax.
var voucherCoupons = []string{"smart_coupon", "store_credit", "gift_card", "giftcard", "gift_voucher", "voucher"}

// voucherWords are how fees name a voucher that was redeemed.
var voucherWords = []string{"gift card", "giftcard", "gift-card", "gift voucher", "voucher", "cadeaubon", "cadeaukaart", "tegoedbon", "waardebon", "kadobon", "geschenkbon", "store credit"}

// giftCardTotals is where YITH Gift Cards says how much of them it took off the order's total; the lines keep their
// amounts.
const giftCardTotals = "_ywgc_applied_gift_cards_totals"

// refuseNoSale holds what is not, or not wholly, a sale (4.3).
func (c *composer) refuseNoSale() error {
	if strings.EqualFold(metaText(c.order.Meta, "_mollie_payment_mode"), "test") {
		return Held("4.3", "This order was paid with a test payment of Mollie. Test payments are never booked: ignore the order.")
	}
	if c.order.ParentID != 0 {
		return Held("4.3", "This order belongs to order %d (a part payment or a sub-order). Booked by itself it could count a sale twice: book it by hand.", c.order.ParentID)
	}
	if deposit(c.order.Meta) {
		return Held("4.3", "A deposit plugin marked this order: what is paid now is not its whole total. Book it by hand.")
	}
	for _, l := range c.order.Lines {
		if deposit(l.Meta) {
			return Held("4.3", "A deposit plugin marked the line %s: what is paid now is not its whole total. Book this order by hand.", quoted(l))
		}
	}
	for _, coupon := range c.order.Coupons {
		for _, kind := range voucherCoupons {
			if strings.EqualFold(coupon.Kind, kind) && !coupon.Discount.IsZero() {
				return Held("4.3", "The voucher %q (%s %s) was taken off before VAT. A voucher is a means of payment and may not lower the VAT: book this order by hand.",
					coupon.Code, coupon.Discount, c.order.Currency)
			}
		}
	}
	return nil
}

// deposit tells whether meta data say that a deposit was taken.
func deposit(meta []Meta) bool {
	for _, key := range depositMeta {
		switch strings.ToLower(metaText(meta, key)) {
		case "", "no", "0", "false":
		default:
			return true
		}
	}
	return false
}

// redeemed is the sum of the gift cards that were taken off the order's total, where the order tells it.
func (c *composer) redeemed() (Cents, error) {
	text := metaText(c.order.Meta, giftCardTotals)
	if text == "" {
		return 0, nil
	}
	amount, err := decimal.NewFromString(text)
	if err != nil || amount.IsNegative() {
		return 0, Held("4.3", "The order says that gift cards were redeemed for %q, which is no amount. Book this order by hand.", text)
	}
	return c.cents("the sum of redeemed gift cards", amount)
}

// checkFees is step 9: a negative fee must lower the turnover, not the VAT alone, and not be a means of payment.
func (c *composer) checkFees() error {
	for _, p := range c.parts {
		if p.Kind != PartFee || p.net >= 0 {
			continue
		}
		if p.TaxStatus == "none" && p.Tax.Sign() != 0 {
			return Held("4.1 step 9", "The fee %s of %s is set to carry no VAT, yet the shop took %s VAT off with it: VAT reduced by a means of payment. Give the fee a tax class in the shop if it is a discount; else book this order by hand.",
				quoted(p.OrderPart), p.Net.StringFixed(2), p.Tax.Abs().StringFixed(2))
		}
		name := strings.ToLower(p.Name)
		for _, word := range voucherWords {
			if strings.Contains(name, word) {
				return Held("4.1 step 9", "The fee %s of %s looks like a redeemed voucher: VAT reduced by a means of payment. Book this order by hand.",
					quoted(p.OrderPart), p.Net.StringFixed(2))
			}
		}
	}
	return nil
}

// paidLater are payment methods under the prefixes of paidOnline whose money comes days later, or may be taken back.
var paidLater = []string{"mollie_wc_gateway_banktransfer", "mollie_wc_gateway_directdebit", "multisafepay_banktrans", "multisafepay_dirdeb", "stripe_sepa"}

// paidAtOnce are the payment methods that take the money at the checkout: exact ids, or prefixes that end in "_" or "-".
// WooCommerce stamps date_paid on other methods too (cash on delivery), so the date alone proves nothing.
var paidAtOnce = []string{
	"mollie_wc_gateway_", "stripe", "stripe_", "woocommerce_payments", "woocommerce_payments_", "ppcp-", "paypal", "ppec_paypal",
	"multisafepay_", "pay_gateway_", "buckaroo_", "adyen_", "klarna_payments", "square_credit_card", "sumup",
}

// paidOnline tells whether the customer paid at the checkout, with a method that takes the money at once (4.4).
func (c *composer) paidOnline() bool {
	return !c.order.Paid.IsZero() && takesMoneyAtOnce(c.order.PaymentMethod)
}

func takesMoneyAtOnce(method string) bool {
	for _, later := range paidLater {
		if strings.HasPrefix(method, later) {
			return false
		}
	}
	for _, m := range paidAtOnce {
		prefix := strings.HasSuffix(m, "_") || strings.HasSuffix(m, "-")
		if method == m || prefix && strings.HasPrefix(method, m) {
			return true
		}
	}
	return false
}

// setDates is 4.4: never the day the order was made, never the day of pushing.
func (c *composer) setDates() error {
	var at time.Time
	switch {
	case c.paidOnline():
		at = c.order.Paid
	case c.order.Status == "completed" && !c.order.Done.IsZero():
		at = c.order.Done
	default:
		at = c.in.FirstDue
	}
	if at.IsZero() {
		return Held("4.4", "The order has no date to book it on: it was not paid online, has no completion date, and was not seen with a chosen status. Complete the order in the shop, or book it by hand.")
	}
	c.doc.Date = DateOf(at, c.in.Zone)
	switch {
	case c.in.Seller.Scheme != SchemeCash:
		c.doc.VATDate = c.doc.Date
	case c.paidOnline():
		c.doc.VATDate = DateOf(c.order.Paid, c.in.Zone)
	}
	return nil
}

// metaText is the text of the first meta entry with a key that has any.
func metaText(meta []Meta, key string) string {
	for _, m := range meta {
		if m.Key == key {
			if text := strings.TrimSpace(m.Text()); text != "" {
				return text
			}
		}
	}
	return ""
}
