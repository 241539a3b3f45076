package woo_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorzet/doorzet/internal/woo"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// inside is a transport to a shop in the same process, for tests of time: in a bubble of synctest minutes pass at once.
type inside struct{ shop http.Handler }

// RoundTrip asks the shop. The answer's body comes as the shop writes it.
func (i inside) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	out, in := io.Pipe()
	w := &writer{header: http.Header{}, body: in, begun: make(chan struct{})}
	asked := req.Clone(ctx)
	asked.RequestURI = req.URL.RequestURI()
	broken := make(chan struct{})
	go func() {
		defer func() {
			if recover() != nil { // the shop broke the connection
				close(broken)
				_ = in.CloseWithError(io.ErrUnexpectedEOF)
				return
			}
			w.WriteHeader(http.StatusOK)
			_ = in.CloseWithError(ctx.Err())
		}()
		i.shop.ServeHTTP(w, asked)
	}()
	context.AfterFunc(ctx, func() { _ = in.CloseWithError(context.Cause(ctx)) })
	select {
	case <-w.begun:
		return &http.Response{StatusCode: w.status, Header: w.header, Body: body{out, cancel}, Request: req, ContentLength: -1}, nil
	case <-broken:
		cancel()
		return nil, io.EOF
	case <-ctx.Done():
		cancel()
		return nil, ctx.Err()
	}
}

// body ends the question when it is closed.
type body struct {
	io.ReadCloser
	end context.CancelFunc
}

func (b body) Close() error {
	b.end()
	return b.ReadCloser.Close()
}

type writer struct {
	header http.Header
	status int
	body   *io.PipeWriter
	begun  chan struct{}
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) Flush() {}

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		close(w.begun)
	}
}

func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// timed runs a test in which time is not real. The shop has so many orders; the client is let in with its first call and really
// waits.
func timed(t *testing.T, orders int, test func(t *testing.T, shop *wootest.Shop, c *woo.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		shop := wootest.New(wootest.Options{Orders: orders, Secure: true})
		test(t, shop, clientOf(shop))
	})
}

func clientOf(shop *wootest.Shop) *woo.Client {
	return &woo.Client{
		URL: "https://shop.example", Key: wootest.DefaultKey, Secret: wootest.DefaultSecret, Auth: "basic",
		HTTP: &http.Client{Transport: inside{shop}},
	}
}

// took is how long something took.
func took(do func()) time.Duration {
	began := time.Now()
	do()
	return time.Since(began)
}
