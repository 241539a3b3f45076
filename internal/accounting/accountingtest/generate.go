package accountingtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Orders makes n orders as a shop would: the amounts are computed as WooCommerce does, with prices that include tax or
// not, tax rounded per line or at the subtotal, discounts, fees, shipping of two rates, many countries and strange names.
// About one in ten is of a kind that must be held. The same seed gives the same orders.
func Orders(seed uint64, n int) []doorzet.ShopOrder {
	var out []doorzet.ShopOrder
	for i := range n {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(i)))}
		out = append(out, g.orderNumber(int64(1000+i)))
	}
	return out
}

// Input is what a generated order is composed with.
func Input(o doorzet.ShopOrder) doorzet.ComposeInput {
	return doorzet.ComposeInput{
		Seller: Seller(), Zone: time.FixedZone("+01:00", 3600), Reference: doorzet.Reference("WC", o.ID, 1),
		FirstDue: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC),
	}
}

// generator makes one order.
type generator struct {
	*rand.Rand
	order      doorzet.ShopOrder
	rates      []int64 // of the buyer's country: standard, reduced; none = no tax is charged
	atSubtotal bool    // tax is rounded at the subtotal

	net  decimal.Decimal           // sum of the rounded nets, or of the exact ones
	tax  map[int64]decimal.Decimal // per rate, for lines and fees
	ship map[int64]decimal.Decimal // per rate, for shipping
}

// percents are the shop's tax rates by their ids.
var percents = map[int64]string{1: "21", 2: "9", 4: "19", 5: "7", 6: "21", 7: "6", 8: "20", 9: "5.5"}

var codes = map[int64]string{1: "NL-BTW 21%-1", 2: "NL-BTW 9%-1", 4: "DE-MWST-1", 5: "DE-MWST 7%-1", 6: "BE-BTW-1", 7: "BE-BTW 6%-1", 8: "FR-TVA-1", 9: "FR-TVA 5.5%-1"}

// kinds are the buyers and how often each comes, in hundredths.
var kinds = []struct {
	share int
	make  func(*generator)
}{
	{50, func(g *generator) { g.buyer("NL", 1, 2) }},
	{14, (*generator).business},
	{5, func(g *generator) { g.buyer("DE", 4, 5) }},
	{5, func(g *generator) { g.buyer("BE", 6, 7) }},
	{5, func(g *generator) { g.buyer("FR", 8, 9) }},
	{6, func(g *generator) { g.buyer("US") }},
	{3, func(g *generator) { g.buyer("GB") }},
	{3, func(g *generator) { g.buyer("CH"); g.order.Currency = "CHF" }},
	{2, func(g *generator) { g.buyer("ES"); g.order.Shipping.Zip = "35001" }},
	{2, func(g *generator) { g.buyer("NL"); g.order.ParentID = 7 }},                 // held: a part payment
	{2, func(g *generator) { g.buyer("NL") }},                                       // held: 0 % at home
	{2, func(g *generator) { g.buyer("DE"); g.meta("_vat_number", "DE123456789") }}, // held: not checked
	{1, func(g *generator) { g.buyer("NL", 1, 2); g.order.Currency = "USD" }},       // held: VAT without a rate
}

func (g *generator) orderNumber(id int64) doorzet.ShopOrder {
	g.atSubtotal = g.IntN(3) == 0
	g.tax, g.ship = map[int64]decimal.Decimal{}, map[int64]decimal.Decimal{}
	created := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(g.IntN(40*24*60)) * time.Minute)
	g.order = doorzet.ShopOrder{
		ID: id, OrderKey: fmt.Sprintf("wc_order_%d", id), Number: fmt.Sprint(id), Status: "processing", Currency: "EUR", Version: "10.5.2",
		Created: created, Modified: created, PricesIncludeTax: g.IntN(2) == 0, Full: true,
	}
	pick := g.IntN(100)
	for _, k := range kinds {
		if pick -= k.share; pick < 0 {
			k.make(g)
			break
		}
	}
	g.payment()
	g.lines()
	g.shipping()
	g.fees()
	g.total()
	return g.order
}

// buyer fills in the addresses. Without rates no tax is charged.
func (g *generator) buyer(country string, rates ...int64) {
	a := doorzet.Address{
		FirstName: g.name(), LastName: g.name(), Street: g.name() + " 12", City: g.name(), Zip: "1012 LG", Country: country, Email: "koper@shop.example",
	}
	g.rates, g.order.Billing, g.order.Shipping = rates, a, a
}

// business is a Dutch company, mostly with a trade register number.
func (g *generator) business() {
	g.buyer("NL", 1, 2)
	g.order.Billing.Company = g.name() + " B.V."
	g.meta("_billing_vat_number", "NL 0012.34.567.B01")
	if g.IntN(4) > 0 {
		g.meta("_billing_kvk", "87654321")
	}
}

func (g *generator) meta(key, value string) {
	g.order.Meta = append(g.order.Meta, doorzet.Meta{Key: key, Value: []byte(fmt.Sprintf("%q", value))})
}

func (g *generator) payment() {
	methods := []string{"mollie_wc_gateway_ideal", "mollie_wc_gateway_ideal", "stripe", "paypal", "bacs", "cod", "mollie_wc_gateway_banktransfer", ""}
	g.order.PaymentMethod = methods[g.IntN(len(methods))]
	g.order.PaymentTitle = map[string]string{"": "", "bacs": "Overschrijving", "cod": "Rembours"}[g.order.PaymentMethod]
	if g.IntN(5) > 0 {
		g.order.Paid = g.order.Created.Add(time.Hour)
	}
	if g.IntN(3) == 0 {
		g.order.Status, g.order.Done = "completed", g.order.Created.Add(48*time.Hour)
	}
}

// names are what real customers and products have in their names, and what they should not have.
var names = []string{
	"Jan", "de Vries", "Mok", "Boekenkast 🪵", "Tas \"Lezen < Leven\"", "Zoet & Zout", "Łódź", "Ñandú", "Đặng Thị", "株式会社", "יוסף", "محمد",
	"<script>alert(1)</script>", "]]>", "&amp;", "a\x00b\x0bc", "\ufffe\uffff", "tab\tand\nline", "\xff\xfe broken", "e\u0301", "👩‍👩‍👧", "O'Neil", "100% \u202eabc", "\u00a0",
}

func (g *generator) name() string {
	if g.IntN(200) == 0 {
		return string(make([]rune, 3)) + fmt.Sprintf("%0500d", 7)
	}
	return names[g.IntN(len(names))]
}

// lines are the products: mostly few, sometimes many.
func (g *generator) lines() {
	count := 1 + g.IntN(4)
	if g.IntN(25) == 0 {
		count = 5 + g.IntN(20)
	}
	discount := decimal.NewFromInt(1)
	if g.IntN(4) == 0 {
		discount = decimal.New(int64(50+g.IntN(50)), -2)
	}
	for i := range count {
		quantity := decimal.NewFromInt(int64(1 + g.IntN(5)))
		if g.IntN(40) == 0 {
			quantity = decimal.New(int64(1+g.IntN(300)), -2) // a plugin that sells by weight
		}
		price := decimal.New(int64(g.IntN(15000)), -2).Mul(quantity).Mul(discount)
		p := doorzet.OrderPart{Kind: doorzet.PartLine, ID: int64(i + 1), Name: g.name(), SKU: fmt.Sprintf("A-%d", g.IntN(99)), Quantity: quantity}
		g.order.Lines = append(g.order.Lines, g.priced(p, price, g.rate(), g.tax))
	}
}

// rate is one of the country's rates; 0 when no tax is charged.
func (g *generator) rate() int64 {
	if len(g.rates) == 0 {
		return 0
	}
	return g.rates[g.IntN(len(g.rates))]
}

// shipping is one shipping line; sometimes none, and sometimes one whose tax follows both rates of the goods.
func (g *generator) shipping() {
	if g.IntN(6) == 0 && len(g.rates) > 0 {
		return
	}
	p := doorzet.OrderPart{Kind: doorzet.PartShipping, ID: 90, Name: "PostNL", MethodID: "flat_rate", TaxStatus: "taxable", Quantity: decimal.NewFromInt(1)}
	price := decimal.New(int64(300+g.IntN(1500)), -2)
	if len(g.rates) > 1 && g.IntN(5) == 0 {
		g.order.Shipment = append(g.order.Shipment, g.twoRates(p, price))
		return
	}
	g.order.Shipment = append(g.order.Shipment, g.priced(p, price, g.rate(), g.ship))
}

// twoRates splits a net price over the two rates.
func (g *generator) twoRates(p doorzet.OrderPart, net decimal.Decimal) doorzet.OrderPart {
	first := net.Mul(decimal.New(int64(10+g.IntN(80)), -2))
	for i, base := range []decimal.Decimal{first, net.Sub(first)} {
		tax := base.Mul(percent(g.rates[i])).Shift(-2)
		p.Taxes = append(p.Taxes, doorzet.PartTax{RateID: g.rates[i], Total: tax.Round(4)})
		g.ship[g.rates[i]] = g.ship[g.rates[i]].Add(g.rounded(tax))
		p.Tax = p.Tax.Add(g.rounded(tax))
	}
	p.Net, p.Tax = net.Round(2), p.Tax.Round(2)
	g.net = g.net.Add(p.Net)
	return p
}

// fees are a surcharge or a discount; a discount without a tax class takes tax off all the same (and is held).
func (g *generator) fees() {
	p := doorzet.OrderPart{Kind: doorzet.PartFee, ID: 95, Name: "Inpakservice", TaxStatus: "taxable", Quantity: decimal.NewFromInt(1)}
	price := decimal.New(int64(20+g.IntN(400)), -2)
	switch g.IntN(12) {
	case 0, 1:
	case 2:
		p.Name, price = "Korting vaste klant", price.Neg()
	case 3:
		p.Name, price = "Betaalkorting", price.Neg()
		if g.IntN(4) == 0 {
			p.TaxStatus = "none"
		}
	default:
		return
	}
	g.order.Fees = append(g.order.Fees, g.priced(p, price, g.rate(), g.tax))
}

// priced computes a part's net and tax as WooCommerce does. The API shows both with two decimals.
func (g *generator) priced(p doorzet.OrderPart, price decimal.Decimal, rate int64, sums map[int64]decimal.Decimal) doorzet.OrderPart {
	net, tax := price, decimal.Zero
	if rate != 0 {
		factor := percent(rate).Shift(-2)
		if g.order.PricesIncludeTax {
			net = price.Div(factor.Add(decimal.NewFromInt(1)))
			tax = price.Sub(net)
		} else {
			tax = price.Mul(factor)
		}
		p.Taxes = []doorzet.PartTax{{RateID: rate, Total: tax.Round(4)}}
		tax = g.rounded(tax)
		sums[rate] = sums[rate].Add(tax)
	}
	p.Net, p.Tax = net.Round(2), tax.Round(2)
	if g.atSubtotal {
		g.net = g.net.Add(net)
	} else {
		g.net = g.net.Add(p.Net)
	}
	return p
}

// rounded is a tax as the shop keeps it: exact when it rounds at the subtotal, else in cents, where prices that include
// tax round a half down so that the price survives.
func (g *generator) rounded(tax decimal.Decimal) decimal.Decimal {
	switch {
	case g.atSubtotal:
		return tax
	case g.order.PricesIncludeTax:
		return tax.Sub(decimal.New(int64(tax.Sign()), -6)).Round(2)
	}
	return tax.Round(2)
}

// total adds up the order and its tax lines.
func (g *generator) total() {
	total := g.net
	for _, id := range g.rates {
		line := doorzet.TaxLine{RateID: id, RateCode: codes[id], Label: codes[id][3:], Percent: percent(id), HasPercent: true, Tax: g.tax[id].Round(2), ShippingTax: g.ship[id].Round(2)}
		g.order.TaxLines = append(g.order.TaxLines, line)
		total = total.Add(line.Tax).Add(line.ShippingTax)
		g.order.TotalTax = g.order.TotalTax.Add(line.Tax).Add(line.ShippingTax)
	}
	g.order.Total = total.Round(2)
}

func percent(rate int64) decimal.Decimal { return decimal.RequireFromString(percents[rate]) }
