package doorzet

import "fmt"

// Adoptable tells whether a document found in the books under doc's reference is that document, so that nothing needs to
// be made: nil when it is, else a *RefusedError with a sentence that tells what differs. Kind, total, currency, VAT per
// percentage and the calendar month must be equal; VAT is not compared with books that do not tell it. The month stands
// for the filing period: a difference within one month changes no declaration.
func Adoptable(doc Document, f Found) error {
	var differs string
	switch {
	case f.Kind != doc.Kind:
		differs = fmt.Sprintf("it is of kind %s, not %s", f.Kind, doc.Kind)
	case f.Currency != doc.Currency:
		differs = fmt.Sprintf("it is in %s, not in %s", f.Currency, doc.Currency)
	case f.Total != doc.Total:
		differs = fmt.Sprintf("its total is %s, not %s", f.Total, doc.Total)
	case f.Date.Year != doc.Date.Year || f.Date.Month != doc.Date.Month:
		differs = fmt.Sprintf("its date is %s, not %s: that may be another filing period", f.Date, doc.Date)
	default:
		differs = differentVAT(doc.VATByPercent(), f.VAT)
	}
	if differs == "" {
		return nil
	}
	return Refused("The books already hold a document %s, but %s. Look in the books whether it is the same sale; nothing was booked.", doc.Reference, differs)
}

// VATByPercent is the document's VAT per percentage ("21", "9", "5.5", "0"), over all countries and reasons.
func (d Document) VATByPercent() map[string]Cents {
	vat := map[string]Cents{}
	for _, g := range d.Groups {
		vat[g.Percent.String()] += g.VAT
	}
	return vat
}

// differentVAT names the lowest percentage whose VAT differs; "" when none does. A percentage without VAT may be absent.
func differentVAT(want, have map[string]Cents) string {
	if have == nil {
		return ""
	}
	var differs string
	for _, m := range []map[string]Cents{want, have} {
		for percent := range m {
			if want[percent] != have[percent] && (differs == "" || percent < differs) {
				differs = percent
			}
		}
	}
	if differs == "" {
		return ""
	}
	return fmt.Sprintf("its VAT of %s %% is %s, not %s", differs, have[differs], want[differs])
}
