package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// replay asks a shop once more what it was asked, with a plain HTTP client and nothing else: single orders two at the same
// time, all else one after another, each answer read to its end. It tells how long that took: the floor of a night.
func (s *fakeShop) replay(ctx context.Context, requests []wootest.Request) (time.Duration, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	defer client.CloseIdleConnections()
	began := time.Now()
	for rest := requests; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(r wootest.Request) bool { return r.Kind != "single" })
		switch {
		case n == 0:
			n = 1
		case n < 0:
			n = len(rest)
		}
		if err := s.askAll(ctx, client, rest[:n]); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return time.Since(began), nil
}

// atOnce is how many single orders are asked for at the same time, as a night does.
const atOnce = 2

func (s *fakeShop) askAll(ctx context.Context, client *http.Client, requests []wootest.Request) error {
	if len(requests) == 1 {
		return s.ask(ctx, client, requests[0])
	}
	next := make(chan wootest.Request)
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for r := range next {
				if err := s.ask(ctx, client, r); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	for _, r := range requests {
		next <- r
	}
	close(next)
	wg.Wait()
	return failed
}

func (s *fakeShop) ask(ctx context.Context, client *http.Client, r wootest.Request) error {
	query, err := url.ParseQuery(r.Query)
	if err != nil {
		return err
	}
	maps.DeleteFunc(query, func(name string, _ []string) bool { return strings.HasPrefix(name, "oauth_") })
	address := s.URL + "/wp-json" + r.Route
	if r.Route != "/" { // all but the index is for those with a key
		s.sign(r.Method, address, query)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, address+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("asked once more for %s, the fake shop answers %s", r.Route, resp.Status)
	}
	return nil
}

// sign adds an OAuth 1.0a signature, the one way in over plain http.
func (s *fakeShop) sign(method, address string, query url.Values) {
	query.Set("oauth_consumer_key", s.Key)
	query.Set("oauth_timestamp", strconv.FormatInt(time.Now().Unix(), 10))
	query.Set("oauth_nonce", rand.Text())
	query.Set("oauth_signature_method", "HMAC-SHA256")
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		pairs = append(pairs, escape(name)+"="+escape(query.Get(name)))
	}
	mac := hmac.New(sha256.New, []byte(s.Secret+"&"))
	mac.Write([]byte(method + "&" + escape(address) + "&" + escape(strings.Join(pairs, "&"))))
	query.Set("oauth_signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
