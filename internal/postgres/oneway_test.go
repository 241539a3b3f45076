package postgres_test

import (
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
)

// between puts itself before a Postgres and counts what is sent to it: as a client waits for each answer, that is the round
// trips. It gives the URL of its own.
func between(t *testing.T, server string) (own *url.URL, sent *atomic.Int64) {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	behind := filepath.Join(query.Get("host"), ".s.PGSQL."+query.Get("port"))
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	sent = new(atomic.Int64)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			var dialer net.Dialer
			postgres, err := dialer.DialContext(t.Context(), "unix", behind)
			if err != nil {
				_ = client.Close()
				return
			}
			go func() { _, _ = io.Copy(client, postgres); _ = client.Close() }()
			go func() { _, _ = io.Copy(counting{postgres, sent}, client); _ = postgres.Close() }()
		}
	}()
	u.Host = listener.Addr().String()
	query.Del("host")
	query.Del("port")
	u.RawQuery = query.Encode()
	return u, sent
}

// counting counts the writes. It hides what would let io.Copy go around it.
type counting struct {
	io.Writer
	sent *atomic.Int64
}

func (c counting) Write(b []byte) (int, error) {
	c.sent.Add(1)
	return c.Writer.Write(b)
}

// A statement with parameters is one round trip, unless the URL says otherwise.
func TestOpen_aStatementIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	for binary, want := range map[string]int64{"": 1, "yes": 1, "no": 2} {
		u, sent := between(t, postgrestest.URL(t))
		if binary != "" {
			query := u.Query()
			query.Set("binary_parameters", binary)
			u.RawQuery = query.Encode()
		}
		db, err := postgres.Open(u.String(), postgrestest.Keys(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := sent.Load()
		if _, err := db.Books(t.Context(), 1); !errors.Is(err, doorzet.ErrNotFound) {
			t.Fatal(err)
		}
		if got := sent.Load() - before; got != want {
			t.Errorf("binary_parameters %q: %d round trips, want %d", binary, got, want)
		}
		_ = db.Close()
	}
}
