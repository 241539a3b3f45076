package doorzet

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// Cents is an amount of money in hundredths of its currency.
type Cents int64

// String is the amount with two decimals and a point: "-12.05".
func (c Cents) String() string { return decimal.New(int64(c), -2).StringFixed(2) }

// Decimal is the amount as a decimal number.
func (c Cents) Decimal() decimal.Decimal { return decimal.New(int64(c), -2) }

// Abs is the amount without its sign.
func (c Cents) Abs() Cents {
	if c < 0 {
		return -c
	}
	return c
}

// CentsOf converts exactly. An amount with more than two significant decimals is an error, never rounded.
func CentsOf(d decimal.Decimal) (Cents, error) {
	if !d.Equal(d.Truncate(2)) {
		return 0, fmt.Errorf("amount %s has more than two decimals", d)
	}
	return Cents(d.Shift(2).IntPart()), nil
}
