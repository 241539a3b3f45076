package postgres

import (
	"database/sql"
	"time"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

type bookingRow struct {
	ID         int64           `db:"id"`
	Order      int64           `db:"order_id"`
	Kind       string          `db:"kind"`
	Round      int             `db:"round"`
	State      string          `db:"state"`
	Reference  string          `db:"reference"`
	RemoteID   string          `db:"remote_id"`
	Remote     sql.NullInt64   `db:"remote_total"`
	OrderTotal decimal.Decimal `db:"order_total"`
	Currency   string          `db:"currency"`
	Attempts   int             `db:"attempts"`
	Error      string          `db:"error"`
	DueAt      time.Time       `db:"due_at"`
	BookedAt   sql.NullTime    `db:"booked_at"`
	ByHand     bool            `db:"by_hand"`
	NextTryAt  sql.NullTime    `db:"next_try_at"`
	HeldWhy    string          `db:"held_why"`
}

func (r bookingRow) booking() doorzet.BookingRow {
	total := r.OrderTotal.StringFixed(2)
	if r.Remote.Valid {
		total = doorzet.Cents(r.Remote.Int64).String()
	}
	why := r.Error
	if why == "" {
		why = r.HeldWhy
	}
	return doorzet.BookingRow{
		ID: r.ID, Order: r.Order, Kind: doorzet.BookingKind(r.Kind), Round: r.Round, State: doorzet.BookingState(r.State),
		Reference: r.Reference, RemoteID: r.RemoteID, Total: total, Currency: r.Currency, Attempts: r.Attempts, Error: why,
		DueAt: r.DueAt.UTC(), BookedAt: clock(r.BookedAt), ByHand: r.ByHand, NextTry: clock(r.NextTryAt),
	}
}
