package doorzet

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// setParties fills in the buyer and the place of delivery (4.11): a buyer without a name is a consumer, one without a
// country lives where the VAT was charged.
func (c *composer) setParties() error {
	b := c.order.Billing
	if addressEmpty(b) {
		b = c.order.Shipping
	}
	person := oneSpace(b.FirstName + " " + b.LastName)
	company := oneSpace(b.Company)
	p := Party{
		Name: firstText(company, person, "Consument"), Person: person, Company: company,
		Street: oneSpace(b.Street), Street2: oneSpace(b.Street2), City: oneSpace(b.City), Zip: oneSpace(b.Zip), Region: oneSpace(b.State),
		Country: vatCountry(firstText(b.Country, c.order.Shipping.Country)), Email: oneSpace(c.order.Billing.Email),
		VATNumber: c.buyerVATNumber(), KVKNumber: c.buyerKVKNumber(),
	}
	if p.Country == "" {
		p.Country = c.largestVATCountry()
	}
	if p.Country == "" {
		return Held("4.11", "The order does not say in which country the buyer lives, and has no VAT that tells it. Fill in the country in the shop, or book this order by hand.")
	}
	c.doc.Buyer = p
	c.doc.Delivery = c.delivery()
	for _, country := range []string{p.Country, c.doc.Delivery.Country} {
		if country != "" && !KnownCountry(country) {
			return Held("4.11", "The order has the country %q, which is no country code. Correct the address in the shop.", country)
		}
	}
	return nil
}

// delivery is where the goods went: nowhere known when the order has no shipping address, the shop when they were picked
// up there.
func (c *composer) delivery() Place {
	var d Place
	switch picked, sent := c.pickedUp(); {
	case picked && !sent:
		s := c.in.Seller
		d = Place{Name: s.Name, Street: s.Street, City: s.City, Zip: s.Zip, Country: c.home}
	case c.order.Shipping.Country != "":
		a := c.order.Shipping
		d = Place{
			Name:   firstText(oneSpace(a.Company), oneSpace(a.FirstName+" "+a.LastName)),
			Street: oneSpace(a.Street), Street2: oneSpace(a.Street2), City: oneSpace(a.City), Zip: oneSpace(a.Zip), Region: oneSpace(a.State),
			Country: vatCountry(a.Country),
		}
	default:
		return d
	}
	if !c.order.Done.IsZero() {
		d.Date = DateOf(c.order.Done, c.in.Zone)
	}
	return d
}

// largestVATCountry is the country of the group with VAT that has the largest gross; "" without VAT.
func (c *composer) largestVATCountry() string {
	country, largest := "", Cents(-1)
	for i, g := range c.groups {
		if gross := c.groupGross(i).Abs(); g.Percent.IsPositive() && gross > largest {
			country, largest = g.Country, gross
		}
	}
	return country
}

// vatNumberKeys are where plugins keep a buyer's VAT number; the first that has one wins.
var vatNumberKeys = []string{
	"_billing_vat_number", "_vat_number", "VAT Number", "vat_number", "_eu_vat_evidence", "_billing_eu_vat_number", "yweu_billing_vat",
	"_billing_yweu_vat", "billing_vat", "_billing_vat_id", "_shipping_vat_id", "_billing_dic", "_billing_vat", "_billing_btw_nummer", "_eu_vat_data",
}

// kvkNumberKeys are where shops keep a buyer's number in the Dutch trade register.
var kvkNumberKeys = []string{
	"kvk", "_kvk", "_billing_kvk", "billing_kvk", "_kvk_nummer", "kvk_nummer", "_billing_kvk_nummer", "billing_kvk_nummer", "_billing_kvk_number",
	"kvk_number", "coc", "_coc", "_billing_coc", "billing_coc", "coc_number", "_billing_coc_number",
}

// buyerVATNumber is the buyer's VAT number: upper case, with the country before it; "" when none was given.
func (c *composer) buyerVATNumber() string {
	country := firstText(c.order.Billing.Country, c.order.Shipping.Country)
	for _, key := range vatNumberKeys {
		for _, m := range c.order.Meta {
			if m.Key == key {
				if n := normalVATNumber(metaNumber(m), country); n != "" {
					return n
				}
			}
		}
	}
	for _, m := range c.order.Meta {
		if checkoutField(m.Key, "vat", "btw") {
			if n := normalVATNumber(metaNumber(m), country); n != "" {
				return n
			}
		}
	}
	return ""
}

// buyerKVKNumber is the buyer's number in the Dutch trade register: 8 digits; "" when none was given.
func (c *composer) buyerKVKNumber() string {
	for _, key := range kvkNumberKeys {
		if n := normalKVKNumber(metaText(c.order.Meta, key)); n != "" {
			return n
		}
	}
	for _, m := range c.order.Meta {
		if checkoutField(m.Key, "kvk", "coc") {
			if n := normalKVKNumber(m.Text()); n != "" {
				return n
			}
		}
	}
	return ""
}

// checkoutField tells whether a key is an extra field of the block checkout ("_wc_other/NAMESPACE/vat-number") with one
// of the words in its name.
func checkoutField(key string, words ...string) bool {
	if !strings.HasPrefix(key, "_wc_billing/") && !strings.HasPrefix(key, "_wc_other/") {
		return false
	}
	field := strings.ToLower(key[strings.LastIndex(key, "/")+1:])
	for _, w := range words {
		if strings.Contains(field, w) {
			return true
		}
	}
	return false
}

// metaNumber is a meta value as text; of an object, its member vat_number.
func metaNumber(m Meta) string {
	if text := m.Text(); text != "" {
		return text
	}
	var object struct {
		VATNumber string `json:"vat_number"`
	}
	if json.Unmarshal(m.Value, &object) != nil {
		return ""
	}
	return object.VATNumber
}

var (
	vatNumberForm = regexp.MustCompile(`^[A-Z]{2}[0-9A-Z+*]{2,12}$`)
	kvkNumberForm = regexp.MustCompile(`^[0-9]{8}$`)
	digit         = regexp.MustCompile(`[0-9]`)
)

// normalVATNumber writes a VAT number without spaces and dots, with its country before it; "" when it cannot be one.
func normalVATNumber(number, country string) string {
	n := compact(number)
	if !digit.MatchString(n) {
		return ""
	}
	if len(n) < 2 || !vatPrefix(n[:2]) {
		prefix := vatCountry(country)
		if prefix == "GR" {
			prefix = "EL"
		}
		n = prefix + n
	}
	if !vatNumberForm.MatchString(n) || !vatPrefix(n[:2]) {
		return ""
	}
	return n
}

// vatPrefix tells whether two characters can begin a VAT number: a country's code, or EL, as Greece writes it.
func vatPrefix(p string) bool { return p == "EL" || KnownCountry(p) }

// normalKVKNumber is 8 digits, or "".
func normalKVKNumber(number string) string {
	if n := compact(number); kvkNumberForm.MatchString(n) {
		return n
	}
	return ""
}

// compact is a number in upper case without the signs people put between its characters.
func compact(s string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", ".", "", "-", "", "\u00a0", "", "\t", "").Replace(strings.TrimSpace(s)))
}

// addressEmpty tells whether an address names nobody and no place.
func addressEmpty(a Address) bool {
	return strings.TrimSpace(a.FirstName+a.LastName+a.Company+a.Street+a.City+a.Zip+a.Country) == ""
}

// oneSpace trims, makes one space of every run of white space, and leaves out what is no character: control characters
// (which neither XML nor Postgres' JSON can hold) and broken UTF-8.
func oneSpace(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !unicode.IsSpace(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// firstText is the first that is not empty.
func firstText(texts ...string) string {
	for _, t := range texts {
		if strings.TrimSpace(t) != "" {
			return t
		}
	}
	return ""
}
