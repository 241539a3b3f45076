package doorzet_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestComposeRefusesWhatIsNoSale(t *testing.T) {
	t.Parallel()
	withMeta := func(key, value string) doorzet.ShopOrder {
		return with(sale(), func(o *doorzet.ShopOrder) { o.Meta = []doorzet.Meta{meta(key, value)} })
	}
	holds(t, withMeta("_mollie_payment_mode", "test"), input(), "4.3", "test payment")
	compose(t, withMeta("_mollie_payment_mode", "live"), input())
	holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.ParentID = 77 }), input(), "4.3", "77")
	holds(t, withMeta("_wc_deposits_order_has_deposit", "yes"), input(), "4.3", "deposit")
	compose(t, withMeta("_wc_deposits_order_has_deposit", "no"), input())
	holds(t, with(sale(), func(o *doorzet.ShopOrder) { o.Lines[0].Meta = []doorzet.Meta{meta("_is_deposit", "yes")} }), input(), "4.3", "Mok")
	coupon := with(sale(), func(o *doorzet.ShopOrder) {
		o.Coupons = []doorzet.Coupon{{Code: "abc", Kind: "smart_coupon", Discount: dec("5.00")}}
	})
	holds(t, coupon, input(), "4.3", `"abc"`, "5")
}

func TestComposeCountsRedeemedGiftCardsAsPayment(t *testing.T) {
	t.Parallel()
	card := func(total, redeemed string) doorzet.ShopOrder {
		return with(sale(), func(o *doorzet.ShopOrder) {
			o.Total = dec(total)
			o.Meta = []doorzet.Meta{{Key: "_ywgc_applied_gift_cards_totals", Value: json.RawMessage(redeemed)}}
		})
	}
	doc := compose(t, card("29.92", "10"), input())
	if doc.Total != 3992 || doc.Vouchers != 1000 || doc.PaidThen != 2992 {
		t.Errorf("total %s, vouchers %s, paid %s", doc.Total, doc.Vouchers, doc.PaidThen)
	}
	doc = compose(t, card("0", `"39.92"`), input())
	if doc.Total != 3992 || doc.Vouchers != 3992 || doc.PaidThen != 0 {
		t.Errorf("total %s, vouchers %s, paid %s", doc.Total, doc.Vouchers, doc.PaidThen)
	}
	holds(t, card("29.92", `"ten"`), input(), "4.3", "ten")
	holds(t, card("29.92", "5"), input(), "4.1 step 11", "39.92", "34.92")
}

func TestComposeDates(t *testing.T) {
	t.Parallel()
	due := input().FirstDue
	paid := time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC)
	done := time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)
	order := func(method, status string, paidAt, doneAt time.Time) doorzet.ShopOrder {
		return with(sale(), func(o *doorzet.ShopOrder) { o.PaymentMethod, o.Status, o.Paid, o.Done = method, status, paidAt, doneAt })
	}
	tests := []struct {
		name     string
		order    doorzet.ShopOrder
		want     doorzet.Date
		paidThen doorzet.Cents
	}{
		{"paid online", order("mollie_wc_gateway_ideal", "completed", paid, done), date(2026, 11, 21), 3992},
		{"paid online, not completed", order("stripe_ideal", "processing", paid, time.Time{}), date(2026, 11, 21), 3992},
		{"online method without a payment date", order("stripe", "processing", time.Time{}, time.Time{}), date(2026, 11, 22), 0},
		{"bank transfer, completed", order("bacs", "completed", paid, done), date(2027, 1, 1), 0},
		{"bank transfer, in progress", order("bacs", "processing", paid, done), date(2026, 11, 22), 0},
		{"cash on delivery is stamped as paid too", order("cod", "processing", paid, time.Time{}), date(2026, 11, 22), 0},
		{"Mollie's bank transfer", order("mollie_wc_gateway_banktransfer", "processing", paid, time.Time{}), date(2026, 11, 22), 0},
		{"no method", order("", "processing", paid, time.Time{}), date(2026, 11, 22), 0},
		{"WooPayments", order("woocommerce_payments", "processing", paid, time.Time{}), date(2026, 11, 21), 3992},
		{"PayPal", order("ppcp-gateway", "processing", paid, time.Time{}), date(2026, 11, 21), 3992},
		{"old PayPal", order("paypal", "processing", paid, time.Time{}), date(2026, 11, 21), 3992},
		{"MultiSafepay", order("multisafepay_ideal", "processing", paid, time.Time{}), date(2026, 11, 21), 3992},
		{"a method that only begins like one", order("paypal_on_account", "processing", paid, time.Time{}), date(2026, 11, 22), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			doc := compose(t, test.order, input())
			if doc.Date != test.want || doc.VATDate != test.want || doc.PaidThen != test.paidThen {
				t.Errorf("date %s, VAT date %s, paid %s; want %s and %s", doc.Date, doc.VATDate, doc.PaidThen, test.want, test.paidThen)
			}
			cash := compose(t, test.order, with(input(), func(in *doorzet.ComposeInput) { in.Seller.Scheme = doorzet.SchemeCash }))
			want := doorzet.Date{}
			if test.paidThen > 0 {
				want = test.want
			}
			if cash.Date != test.want || cash.VATDate != want {
				t.Errorf("cash scheme: date %s, VAT date %s", cash.Date, cash.VATDate)
			}
		})
	}
	t.Run("no date", func(t *testing.T) {
		t.Parallel()
		in := with(input(), func(in *doorzet.ComposeInput) { in.FirstDue = time.Time{} })
		holds(t, order("bacs", "completed", paid, time.Time{}), in, "4.4", "no date")
		holds(t, order("bacs", "processing", paid, done), in, "4.4")
		compose(t, order("bacs", "completed", time.Time{}, due), in)
	})
}
