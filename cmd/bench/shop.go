package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// fakeShop is one fake shop of a fakeshop process, told what to do by its control API.
type fakeShop struct {
	URL, Key, Secret, Control string

	id   int64   // in the installation
	open []int64 // orders that were open at the first import
	sold int     // those of them that reached a chosen status after the first import
}

// fakes are the fake shops of one process.
type fakes struct {
	process *process
	shops   []*fakeShop
}

// fakes starts a process with n empty fake shops.
func (r *rig) fakes(ctx context.Context, n int) (*fakes, error) {
	in, out := io.Pipe()
	args := []string{"fakeshop", "--shops", strconv.Itoa(n), "--orders", "0", "--listen", "127.0.0.1:0", "--json"}
	started, err := r.start(ctx, "fakeshop", r.program("doorzet"), nil, out, args...)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = in.CloseWithError(ctx.Err()) })
	defer stop()
	go func() {
		<-started.ended
		_ = in.CloseWithError(fmt.Errorf("the fake shops ended: %s", started.lastWords()))
	}()
	f := &fakes{process: started}
	if err := json.NewDecoder(in).Decode(&f.shops); err != nil {
		return nil, fmt.Errorf("read where the fake shops are: %w", err)
	}
	go func() { _, _ = io.Copy(io.Discard, in) }() // the end of the line
	return f, nil
}

// connect connects fake shops to the installation, all with the same books.
func (p *place) connect(ctx context.Context, shops []*fakeShop) (err error) {
	if p.booksID == 0 {
		if p.booksID, err = p.addBooks(ctx); err != nil {
			return err
		}
	}
	now := time.Now().UTC()
	for _, s := range shops {
		p.shops++
		s.id, err = p.own.DB.AddShop(ctx, doorzet.Shop{
			Name: "Shop " + strconv.Itoa(p.shops), URL: s.URL, Home: s.URL, Key: doorzet.Secret(s.Key), Secret: doorzet.Secret(s.Secret),
			Prefix: "S" + strconv.Itoa(p.shops), TimeZone: "UTC", StartDate: doorzet.DateOf(now.AddDate(0, -6, 0), time.UTC),
			Statuses: []string{"processing", "completed"}, NightHours: farHours(now), Remainder: true, BooksID: p.booksID, Auth: "oauth1",
		}, false, watchingRole)
		if err != nil {
			return err
		}
	}
	return nil
}

// farHours are night hours that do not begin while a benchmark runs, so that all nights are its own.
func farHours(now time.Time) doorzet.NightHours {
	const day = 24 * 60
	from := (now.Hour()*60 + now.Minute() + day/2) % day
	return doorzet.NightHours{From: from, To: (from + 60) % day}
}

// do is one call of the control API.
func (s *fakeShop) do(ctx context.Context, method, path string, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, s.Control+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the fake shop says to %s %s: %s", method, path, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// add adds orders and gives their ids.
func (s *fakeShop) add(ctx context.Context, orders ...wootest.Order) ([]int64, error) {
	if len(orders) == 0 {
		return nil, nil
	}
	var added struct {
		IDs []int64 `json:"ids"`
	}
	err := s.do(ctx, http.MethodPost, "orders", orders, &added)
	return added.IDs, err
}

// change changes orders.
func (s *fakeShop) change(ctx context.Context, ids []int64, to wootest.Order) error {
	for _, id := range ids {
		if err := s.do(ctx, http.MethodPost, "orders/"+strconv.FormatInt(id, 10), to, nil); err != nil {
			return err
		}
	}
	return nil
}

// recover takes all faults away.
func (s *fakeShop) recover(ctx context.Context) error {
	return s.do(ctx, http.MethodDelete, "faults", nil, nil)
}

// fail makes requests go wrong, or slow.
func (s *fakeShop) fail(ctx context.Context, f wootest.Fault) error {
	return s.do(ctx, http.MethodPost, "faults", f, nil)
}

// forget begins to count requests from nothing.
func (s *fakeShop) forget(ctx context.Context) error {
	return s.do(ctx, http.MethodPost, "reset-requests", nil, nil)
}

// asked is what was asked of the shop since.
type asked struct {
	Counts   map[string]int    `json:"counts"`
	Requests []wootest.Request `json:"requests"`
}

// asked are the requests since the last time that they were forgotten.
func (s *fakeShop) asked(ctx context.Context) (asked, error) {
	var a asked
	err := s.do(ctx, http.MethodGet, "requests", nil, &a)
	if n := a.Counts["single"] + a.Counts["list"] + a.Counts["other"]; err == nil && n != len(a.Requests) {
		return a, errors.New("the fake shop has forgotten some of its requests")
	}
	return a, err
}
