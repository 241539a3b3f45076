package doorzet

import "strings"

// spot is where a supply takes place, for VAT: a country, and the postcode that may lie outside the EU's VAT area.
type spot struct {
	country string
	zip     string // upper case, letters and digits only, without a country prefix
}

// spotOf reads an address's country and postcode.
func spotOf(country, zip string) spot {
	country = vatCountry(country)
	var b strings.Builder
	for _, r := range strings.ToUpper(zip) {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		}
	}
	clean := b.String()
	for _, prefix := range []string{country, "D", "F", "I", "E"} { // "D-78266", "FI-22100"
		if rest := strings.TrimPrefix(clean, prefix); country != "GB" && rest != clean && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			clean = rest
			break
		}
	}
	return spot{country: country, zip: clean}
}

// outsideVATArea are the parts of EU states that are not in the EU's VAT area, by the beginning of their postcodes.
// Article 6 of directive 2006/112/EC.
var outsideVATArea = map[string][]string{
	"ES": {"35", "38", "51", "52"}, // Canary Islands, Ceuta, Melilla
	"DE": {"27498", "78266"},       // Heligoland, Buesingen
	"IT": {"23041", "22061"},       // Livigno, Campione d'Italia
	"FI": {"22"},                   // Aaland
	"FR": {"97", "98"},             // overseas departments and territories
	"GR": {"63086"},                // Mount Athos
}

// outsideEU tells whether goods sent there leave the EU's VAT area. Northern Ireland (GB, postcodes BT) is inside it for
// goods, and Monaco (MC, or FR 980) is part of France.
func (s spot) outsideEU() bool {
	switch {
	case s.country == "GB":
		return !strings.HasPrefix(s.zip, "BT")
	case s.country == "MC", s.country == "XI", s.country == "FR" && strings.HasPrefix(s.zip, "980"):
		return false
	case !inEU(s.country):
		return true
	}
	for _, prefix := range outsideVATArea[s.country] {
		if strings.HasPrefix(s.zip, prefix) {
			return true
		}
	}
	return false
}

// placeOfSupply is 4.2 c: the shop for what is picked up, else where it was shipped to, else where the buyer lives.
func (c *composer) placeOfSupply() (spot, error) {
	picked, sent := c.pickedUp()
	switch {
	case picked && sent:
		return spot{}, Held("4.2 c", "One part of this order was picked up and another was sent, without VAT. Which is which, the order does not tell: book it by hand.")
	case picked:
		return spotOf(c.home, c.in.Seller.Zip), nil
	}
	for _, a := range []Address{c.order.Shipping, c.order.Billing} {
		if a.Country != "" {
			return spotOf(a.Country, a.Zip), nil
		}
	}
	return spot{}, Held("4.2 c", "The order has no VAT, and no country to tell why: neither the shipping nor the billing address has one. Fill in a country in the shop, or book this order by hand.")
}

// pickedUp tells whether the order has shipping lines that are picked up at the shop, and whether it has others.
func (c *composer) pickedUp() (picked, sent bool) {
	for _, s := range c.order.Shipment {
		switch s.MethodID {
		case "local_pickup", "pickup_location":
			picked = true
		default:
			sent = true
		}
	}
	return picked, sent
}

// shipsGoods tells whether the order is sure to be about goods: something is sent.
func (c *composer) shipsGoods() bool {
	_, sent := c.pickedUp()
	return sent
}

// euCurrency are the member states of the EU and the currency each declares VAT in (2026).
var euCurrency = map[string]string{
	"AT": "EUR", "BE": "EUR", "BG": "EUR", "CY": "EUR", "CZ": "CZK", "DE": "EUR", "DK": "DKK", "EE": "EUR", "ES": "EUR",
	"FI": "EUR", "FR": "EUR", "GR": "EUR", "HR": "EUR", "HU": "HUF", "IE": "EUR", "IT": "EUR", "LT": "EUR", "LU": "EUR",
	"LV": "EUR", "MT": "EUR", "NL": "EUR", "PL": "PLN", "PT": "EUR", "RO": "RON", "SE": "SEK", "SI": "EUR", "SK": "EUR",
}

func inEU(country string) bool { return euCurrency[country] != "" }

// HomeCurrency is the currency (ISO 4217) in which VAT is declared in a member state of the EU; "" for other countries.
func HomeCurrency(country string) string { return euCurrency[vatCountry(country)] }

// twoDecimalCurrencies are the currencies of ISO 4217 that have two decimals, as far as shops use them.
const twoDecimalCurrencies = " AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW "

func twoDecimals(currency string) bool {
	return len(currency) == 3 && strings.Contains(twoDecimalCurrencies, " "+currency+" ")
}

// countries are the codes of ISO 3166-1 alpha-2.
const countries = " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XI YE YT ZA ZM ZW "

// KnownCountry tells whether a code is one of ISO 3166-1 alpha-2 (or XI, Northern Ireland for VAT).
func KnownCountry(code string) bool {
	return len(code) == 2 && strings.Contains(countries, " "+code+" ")
}
