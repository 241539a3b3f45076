package woo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// PHP and plugins are loose with types: the same field is a number here and a string there, null or "" stand for
// nothing, and an empty object is an empty array. These types accept all of that and nothing that would change a value.

// text is a string; numbers and booleans become text, null and empty arrays are "".
type text string

// UnmarshalJSON accepts any scalar.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch b = bytes.TrimSpace(b); b[0] {
	case '"':
		err := json.Unmarshal(b, (*string)(t))
		*t = text(printable(string(*t)))
		return err
	case 'n':
		return nil
	case '[', '{':
		if empty(b) {
			return nil
		}
		return errors.New("not a text")
	}
	*t = text(b)
	return nil
}

// printable is a text without control characters but line breaks and tabs: nobody typed them, and a database refuses some.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// empty tells whether b is an array or object without elements.
func empty(b []byte) bool {
	return len(bytes.TrimSpace(bytes.Trim(b, "[]{}"))) == 0
}

// amount is money or a quantity: a number, a string of one, or "" and null for zero.
type amount struct{ decimal.Decimal }

// UnmarshalJSON accepts a number, a string of a number, "", null and false.
func (a *amount) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return errors.New("not an amount")
	}
	s := strings.TrimSpace(string(t))
	if s == "" || s == "false" {
		a.Decimal = decimal.Zero
		return nil
	}
	d, err := parseAmount(s)
	if err != nil {
		return err
	}
	a.Decimal = d
	return nil
}

// parseAmount reads a number. Exponents that nobody's money has are refused: calculating with them takes for ever.
func parseAmount(s string) (decimal.Decimal, error) {
	s = strings.TrimSpace(s)
	if len(s) > 64 {
		return decimal.Zero, errors.New("an amount of more than 64 characters")
	}
	d, err := decimal.NewFromString(s)
	if err != nil || d.Exponent() > 32 || d.Exponent() < -64 {
		return decimal.Zero, fmt.Errorf("%q is not an amount", s)
	}
	return d, nil
}

// ident is an id: a whole number, or a string of one; "", null and false are 0.
type ident int64

// UnmarshalJSON accepts a whole number, a string of one, "", null and false.
func (i *ident) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return errors.New("not an id")
	}
	s := strings.TrimSpace(string(t))
	if s == "" || s == "false" {
		*i = 0
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return fmt.Errorf("%.40q is not an id", s)
	}
	*i = ident(n)
	return nil
}

// rateID is the id of a tax rate. WooCommerce writes the word "zero-rated" where there is no rate, plugins write others:
// they are 0.
type rateID int64

// UnmarshalJSON never refuses.
func (r *rateID) UnmarshalJSON(b []byte) error {
	var i ident
	_ = i.UnmarshalJSON(b) // a word is no id
	*r = rateID(i)
	return nil
}

// flag is a boolean: true, "true", "yes", "1" and 1 are true.
type flag bool

// UnmarshalJSON never refuses a scalar.
func (f *flag) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return errors.New("not a boolean")
	}
	switch strings.ToLower(string(t)) {
	case "true", "yes", "1":
		*f = true
	default:
		*f = false
	}
	return nil
}

// moment is a *_gmt date: UTC without a zone, null when unset.
type moment struct{ time.Time }

// UnmarshalJSON accepts WooCommerce's form, and RFC 3339 as plugins write it.
func (m *moment) UnmarshalJSON(b []byte) error {
	m.Time = time.Time{}
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return errors.New("not a date")
	}
	s := string(t)
	if s == "" || s == "false" || strings.HasPrefix(s, "0000-") {
		return nil
	}
	for _, layout := range []string{dateForm, time.RFC3339, time.DateTime} {
		if v, err := time.Parse(layout, s); err == nil {
			m.Time = v.UTC()
			return nil
		}
	}
	return fmt.Errorf("%.40q is not a date", s)
}

// dateForm is how WooCommerce writes and reads dates without a zone.
const dateForm = "2006-01-02T15:04:05"

// list is an array. PHP writes an array with a gap in its keys as an object: its values are the elements, in order.
type list[T any] []T

// UnmarshalJSON accepts an array, an object with values of the same kind, "" and null.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	switch b = bytes.TrimSpace(b); b[0] {
	case '[':
		return json.Unmarshal(b, (*[]T)(l))
	case '{':
		return l.fromObject(b)
	case '"', 'n', 'f':
		if s := string(b); s == `""` || s == "null" || s == "false" {
			return nil
		}
	}
	return errors.New("not a list")
}

func (l *list[T]) fromObject(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		if _, err := strconv.Atoi(fmt.Sprint(key)); err != nil {
			return errors.New("not a list")
		}
		var v T
		if err := dec.Decode(&v); err != nil {
			return err
		}
		*l = append(*l, v)
	}
	return nil
}

// object is a JSON object; null, "" and an empty array stand for an empty one.
type object[T any] struct{ V T }

// UnmarshalJSON accepts an object, and nothing in PHP's ways of writing it.
func (o *object[T]) UnmarshalJSON(b []byte) error {
	switch b = bytes.TrimSpace(b); {
	case b[0] == '{':
		return json.Unmarshal(b, &o.V)
	case string(b) == "null", string(b) == `""`, string(b) == "false", b[0] == '[' && empty(b):
		return nil
	}
	return errors.New("not an object")
}
