package woo_test

import "github.com/shopspring/decimal"

// cent is n hundredths.
func cent(n int64) decimal.Decimal { return decimal.New(n, -2) }
