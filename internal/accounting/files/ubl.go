package files

import "encoding/xml"

// The types below are the part of UBL 2.1 Invoice that is written, in the order of its XSD. Prefixes are written out, since
// encoding/xml would repeat the namespace on every element. An empty element is not allowed anywhere: texts are omitted
// when empty, groups are nil.

type ublInvoice struct {
	XMLName         xml.Name         `xml:"Invoice"`
	Namespace       string           `xml:"xmlns,attr"`
	NamespaceCAC    string           `xml:"xmlns:cac,attr"`
	NamespaceCBC    string           `xml:"xmlns:cbc,attr"`
	CustomizationID string           `xml:"cbc:CustomizationID"`
	ID              string           `xml:"cbc:ID"`
	IssueDate       string           `xml:"cbc:IssueDate"`
	TypeCode        string           `xml:"cbc:InvoiceTypeCode"`
	Notes           []string         `xml:"cbc:Note"`
	TaxPointDate    string           `xml:"cbc:TaxPointDate,omitempty"`
	Currency        string           `xml:"cbc:DocumentCurrencyCode"`
	TaxCurrency     string           `xml:"cbc:TaxCurrencyCode,omitempty"`
	OrderID         string           `xml:"cac:OrderReference>cbc:ID"`
	Seller          ublParty         `xml:"cac:AccountingSupplierParty>cac:Party"`
	Buyer           ublParty         `xml:"cac:AccountingCustomerParty>cac:Party"`
	Delivery        *ublDelivery     `xml:"cac:Delivery"`
	PaymentMeans    *ublPaymentMeans `xml:"cac:PaymentMeans"`
	PaymentTerms    *ublNote         `xml:"cac:PaymentTerms"`
	TaxTotals       []ublTaxTotal    `xml:"cac:TaxTotal"`
	Total           ublTotal         `xml:"cac:LegalMonetaryTotal"`
	Lines           []ublLine        `xml:"cac:InvoiceLine"`
}

type ublNote struct {
	Note string `xml:"cbc:Note"`
}

type ublAmount struct {
	Currency string `xml:"currencyID,attr"`
	Value    string `xml:",chardata"`
}

type ublID struct {
	Scheme string `xml:"schemeID,attr,omitempty"`
	Value  string `xml:",chardata"`
}

type ublParty struct {
	Address   ublAddress    `xml:"cac:PostalAddress"`
	TaxScheme *ublPartyTax  `xml:"cac:PartyTaxScheme"`
	Legal     ublLegal      `xml:"cac:PartyLegalEntity"`
	Contact   *ublPartyMail `xml:"cac:Contact"`
}

type ublAddress struct {
	Street  string      `xml:"cbc:StreetName,omitempty"`
	Street2 string      `xml:"cbc:AdditionalStreetName,omitempty"`
	City    string      `xml:"cbc:CityName,omitempty"`
	Zip     string      `xml:"cbc:PostalZone,omitempty"`
	Region  string      `xml:"cbc:CountrySubentity,omitempty"`
	Country *ublCountry `xml:"cac:Country"`
}

type ublCountry struct {
	Code string `xml:"cbc:IdentificationCode"`
}

type ublPartyTax struct {
	CompanyID string       `xml:"cbc:CompanyID"`
	Scheme    ublTaxScheme `xml:"cac:TaxScheme"`
}

type ublTaxScheme struct {
	ID string `xml:"cbc:ID"`
}

type ublLegal struct {
	Name      string `xml:"cbc:RegistrationName"`
	CompanyID *ublID `xml:"cbc:CompanyID"`
}

type ublPartyMail struct {
	Name string `xml:"cbc:Name,omitempty"`
	Mail string `xml:"cbc:ElectronicMail,omitempty"`
}

type ublDelivery struct {
	Date    string       `xml:"cbc:ActualDeliveryDate,omitempty"`
	Address ublAddress   `xml:"cac:DeliveryLocation>cac:Address"`
	Name    *ublDelivers `xml:"cac:DeliveryParty"`
}

type ublDelivers struct {
	Name string `xml:"cac:PartyName>cbc:Name"`
}

type ublPaymentMeans struct {
	Code      ublMeansCode `xml:"cbc:PaymentMeansCode"`
	PaymentID string       `xml:"cbc:PaymentID,omitempty"`
	Account   *ublAccount  `xml:"cac:PayeeFinancialAccount"`
}

type ublMeansCode struct {
	Name string `xml:"name,attr,omitempty"`
	Code string `xml:",chardata"`
}

type ublAccount struct {
	ID   string `xml:"cbc:ID"`
	Name string `xml:"cbc:Name,omitempty"`
}

type ublTaxTotal struct {
	Amount    ublAmount        `xml:"cbc:TaxAmount"`
	Subtotals []ublTaxSubtotal `xml:"cac:TaxSubtotal"`
}

type ublTaxSubtotal struct {
	Net      ublAmount   `xml:"cbc:TaxableAmount"`
	VAT      ublAmount   `xml:"cbc:TaxAmount"`
	Category ublCategory `xml:"cac:TaxCategory"`
}

type ublCategory struct {
	ID         string       `xml:"cbc:ID"`
	Percent    string       `xml:"cbc:Percent"`
	ReasonCode string       `xml:"cbc:TaxExemptionReasonCode,omitempty"`
	Reason     string       `xml:"cbc:TaxExemptionReason,omitempty"`
	Scheme     ublTaxScheme `xml:"cac:TaxScheme"`
}

type ublTotal struct {
	Lines     ublAmount  `xml:"cbc:LineExtensionAmount"`
	Exclusive ublAmount  `xml:"cbc:TaxExclusiveAmount"`
	Inclusive ublAmount  `xml:"cbc:TaxInclusiveAmount"`
	Prepaid   *ublAmount `xml:"cbc:PrepaidAmount"`
	Payable   ublAmount  `xml:"cbc:PayableAmount"`
}

type ublLine struct {
	ID       int         `xml:"cbc:ID"`
	Quantity ublQuantity `xml:"cbc:InvoicedQuantity"`
	Net      ublAmount   `xml:"cbc:LineExtensionAmount"`
	Item     ublItem     `xml:"cac:Item"`
	Price    ublAmount   `xml:"cac:Price>cbc:PriceAmount"`
}

type ublQuantity struct {
	Unit  string `xml:"unitCode,attr"`
	Value int    `xml:",chardata"`
}

type ublItem struct {
	Name     string      `xml:"cbc:Name"`
	SKU      *ublSKU     `xml:"cac:SellersItemIdentification"`
	Category ublCategory `xml:"cac:ClassifiedTaxCategory"`
}

type ublSKU struct {
	ID string `xml:"cbc:ID"`
}
