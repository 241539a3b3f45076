package woo_test

import (
	"encoding/json"

	"github.com/shopspring/decimal"
)

type jsonRaw = json.RawMessage

// cent is n hundredths.
func cent(n int64) decimal.Decimal { return decimal.New(n, -2) }
