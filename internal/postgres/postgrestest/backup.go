package postgrestest

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// Backup keeps a database as it is now. The function that it returns restores it, as often as it is called: what happened since is
// gone, and everybody who is connected is thrown out. Both are felt by a stack that runs meanwhile, as in life.
func Backup(tb testing.TB, databaseURL string) (restore func()) {
	tb.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		tb.Fatal(err)
	}
	name, server := strings.TrimPrefix(u.Path, "/"), named(databaseURL, "postgres")
	kept := fmt.Sprintf("%s_backup_%d", name, next.Add(1))
	alone(tb, server, name)
	Exec(tb, server, `CREATE DATABASE `+kept+` TEMPLATE `+name)
	Exec(tb, server, `ALTER DATABASE `+name+` ALLOW_CONNECTIONS true`)
	return func() {
		tb.Helper()
		alone(tb, server, name)
		// Not dropped: that would wait for a checkpoint.
		Exec(tb, server, fmt.Sprintf(`ALTER DATABASE %s RENAME TO %s_lost_%d`, name, name, next.Add(1)))
		Exec(tb, server, `CREATE DATABASE `+name+` TEMPLATE `+kept)
	}
}

// alone lets nobody connect to a database any more: who does keeps it from being copied and renamed.
func alone(tb testing.TB, server, name string) {
	tb.Helper()
	Exec(tb, server, `ALTER DATABASE `+name+` ALLOW_CONNECTIONS false`)
	Exec(tb, server, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '`+name+`'`)
}
