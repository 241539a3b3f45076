package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/lib/pq"
)

// idleInTransaction is after how long without a word Postgres ends a transaction. Ours do nothing but statements, one after
// another: one that is silent for so long belongs to a process that stands still, or to a machine that is gone, and what it has
// locked would keep everybody out for hours. It is well below doorzet.ClaimLease, so that who takes over finds the rows free.
const idleInTransaction = 10 * time.Second

// idleSetting is Postgres' name for it. A URL that gives it decides.
const idleSetting = "idle_in_transaction_session_timeout"

// connect reads a URL. Unless it says otherwise, a statement and its parameters go to Postgres in one message
// (binary_parameters): one round trip instead of two, and nothing that a pooler such as PgBouncer would have to keep between them.
// Bytes are sent as they are then, which fits bytea and nothing else: JSON is passed as text.
func connect(address string) (driver.Connector, error) {
	cfg, err := pq.NewConfig(address)
	if err != nil {
		return nil, err
	}
	given := url.Values{}
	if u, err := url.Parse(address); err == nil {
		given = u.Query()
	}
	if !given.Has("binary_parameters") {
		cfg.BinaryParameters = true
	}
	connector, err := pq.NewConnectorConfig(cfg)
	if err != nil || given.Has(idleSetting) {
		return connector, err
	}
	return impatient{connector}, nil
}

// impatient sets idleInTransaction on each connection. As a parameter of the connection itself PgBouncer would refuse it.
type impatient struct{ driver.Connector }

// Connect makes a connection.
func (i impatient) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := i.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	execer, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("set up a connection: the driver runs no statements"), conn.Close())
	}
	set := fmt.Sprintf(`SET %s = '%dms'`, idleSetting, idleInTransaction.Milliseconds())
	if _, err := execer.ExecContext(ctx, set, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("set up a connection: %w", err), conn.Close())
	}
	return conn, nil
}
