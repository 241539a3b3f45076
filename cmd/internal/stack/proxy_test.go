package stack

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
)

// heldUp puts itself between a process and Postgres: the first message that has a word in it is held up until release is called or
// the test ends, and held is closed when there is one. It gives the process' setting.
func (e *evening) heldUp(t *testing.T, process, word string) (setting string, held <-chan struct{}, release func()) {
	t.Helper()
	address, err := url.Parse(e.url)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	behind := filepath.Join(query.Get("host"), ".s.PGSQL."+query.Get("port"))
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	there, gone := make(chan struct{}), make(chan struct{})
	release = sync.OnceFunc(func() { close(gone) })
	t.Cleanup(release)
	hold := sync.OnceFunc(func() { close(there); <-gone })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			var dialer net.Dialer
			server, err := dialer.DialContext(t.Context(), "unix", behind)
			if err != nil {
				_ = client.Close()
				return
			}
			go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
			go func() { _, _ = io.Copy(wary{server, []byte(word), hold}, client); _ = server.Close() }()
		}
	}()
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return e.database(t, process, "host", host, "port", port), there, release
}

// wary calls a function before it writes what has a word in it.
type wary struct {
	io.Writer
	word []byte
	call func()
}

func (w wary) Write(b []byte) (int, error) {
	if bytes.Contains(b, w.word) {
		w.call()
	}
	return w.Writer.Write(b)
}
