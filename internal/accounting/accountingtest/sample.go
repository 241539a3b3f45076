package accountingtest

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Seller is a Dutch seller with the one stop shop and everything else that a seller can have.
func Seller() doorzet.Seller {
	return doorzet.Seller{
		Name: "De Boekenwinkel B.V.", Street: "Kade 1", Zip: "1011 AA", City: "Amsterdam", Country: "NL",
		VATNumber: "NL001234567B01", KVKNumber: "12345678", IBAN: "NL91ABNA0417164300", Email: "info@shop.example",
		Scheme: doorzet.SchemeInvoice, OSS: []doorzet.Period{{From: doorzet.Date{Year: 2021, Month: time.July, Day: 1}}},
	}
}

// Document is an invoice of two rates and a discount under a reference: 54.91 in all.
func Document(reference string) doorzet.Document {
	return doorzet.Document{
		Kind: doorzet.KindInvoice, Reference: reference, OrderID: 1002, Number: "1002",
		Date: doorzet.Date{Year: 2026, Month: time.November, Day: 20}, VATDate: doorzet.Date{Year: 2026, Month: time.November, Day: 20},
		Currency: "EUR", Seller: Seller(),
		Buyer: doorzet.Party{Name: "Jan de Vries", Person: "Jan de Vries", Street: "Damrak 12", City: "Amsterdam", Zip: "1012 LG", Country: "NL", Email: "jan@shop.example"},
		Parts: []doorzet.DocumentPart{
			{Kind: doorzet.PartLine, Text: "3 x Mok", SKU: "MOK", Net: 2886, VAT: 606, Group: 0},
			{Kind: doorzet.PartLine, Text: "Turks Fruit", Net: 2034, VAT: 183, Group: 1},
			{Kind: doorzet.PartFee, Text: "Korting", Net: -200, VAT: -18, Group: 1},
		},
		Groups: []doorzet.VATGroup{
			{Reason: doorzet.ReasonDomestic, Country: "NL", Percent: decimal.NewFromInt(21), Net: 2886, VAT: 606},
			{Reason: doorzet.ReasonDomestic, Country: "NL", Percent: decimal.NewFromInt(9), Net: 1834, VAT: 165},
		},
		Net: 4720, VAT: 771, Total: 5491, PaidThen: 5491,
		PaymentMethod: "mollie_wc_gateway_ideal", PaymentTitle: "iDEAL", TransactionID: "tr_1",
		Notes: []string{"Boekingsdocument, geen factuur"},
	}
}

// Export is an invoice in US dollars without VAT, to a buyer with a name in another script.
func Export(reference string) doorzet.Document {
	d := Document(reference)
	d.Currency, d.PaidThen = "USD", 0
	d.Buyer = doorzet.Party{Name: "株式会社 «Ω & Ж» <b>", Company: "株式会社 «Ω & Ж» <b>", Country: "US", City: "Salem", Region: "OR"}
	d.Parts = []doorzet.DocumentPart{{Kind: doorzet.PartLine, Text: "Atlas", Net: 4131}, {Kind: doorzet.PartShipping, Text: "UPS", Net: 1900}}
	d.Groups = []doorzet.VATGroup{{Reason: doorzet.ReasonExport, Country: "NL", Percent: decimal.Zero, Net: 6031}}
	d.Net, d.VAT, d.Total = 6031, 0, 6031
	return d
}
