package woo

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// About is what a shop says of itself to everybody.
type About struct {
	Name        string // plain text
	Home        string // what the shop calls itself, with scheme
	URL         string // where WordPress lies
	TimeZone    string // IANA name, or "+01:00" when the shop is set to an offset
	WooCommerce bool   // the REST API that we use is there
}

// System is what a shop says of itself to somebody with a key.
type System struct {
	WooVersion string
	StoreID    string // WooCommerce's uuid of the store, "" in old versions
	Home       string
	Currency   string
	HPOS       bool // orders lie in WooCommerce's own tables
}

// About reads the public index of the shop's REST API. Without a field list that index is more than a megabyte.
func (c *Client) About(ctx context.Context) (About, error) {
	a, err := c.do(ctx, aboutCall())
	if err != nil {
		return About{}, fmt.Errorf("ask the shop about itself: %w", err)
	}
	about, err := decodeAbout(a.body)
	if err != nil {
		return About{}, err
	}
	c.learnHome(about.Home)
	return about, nil
}

func (c *Client) learnHome(home string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.home, c.served = home, true
}

func aboutCall() call {
	return call{
		path:   "/",
		query:  url.Values{"_fields": {"name,home,url,timezone_string,gmt_offset,namespaces"}},
		public: true,
	}
}

func decodeAbout(body []byte) (About, error) {
	var v struct {
		Name       text       `json:"name"`
		Home       text       `json:"home"`
		URL        text       `json:"url"`
		Zone       text       `json:"timezone_string"`
		Offset     *amount    `json:"gmt_offset"`
		Namespaces list[text] `json:"namespaces"`
	}
	if err := json.Unmarshal(body, &v); err != nil || v.Home == "" {
		return About{}, strange("The address answers, but not as WordPress does. Check the shop's address.", err)
	}
	about := About{
		Name:        html.UnescapeString(string(v.Name)),
		Home:        string(v.Home),
		URL:         string(v.URL),
		TimeZone:    string(v.Zone),
		WooCommerce: slices.Contains(v.Namespaces, "wc/v3"),
	}
	if about.TimeZone == "" && v.Offset != nil {
		about.TimeZone = offsetName(v.Offset.Decimal)
	}
	return about, nil
}

// offsetName writes hours as an offset: 5.5 is "+05:30".
func offsetName(hours decimal.Decimal) string {
	minutes := hours.Mul(decimal.NewFromInt(60)).Round(0).IntPart()
	sign := "+"
	if minutes < 0 {
		sign, minutes = "-", -minutes
	}
	return fmt.Sprintf("%s%02d:%02d", sign, minutes/60, minutes%60)
}

// System reads what WooCommerce calls its system status. A Read key of a shop manager is enough.
func (c *Client) System(ctx context.Context) (System, error) {
	a, err := c.do(ctx, call{
		path:  "/wc/v3/system_status",
		query: url.Values{"_fields": {"environment,settings"}},
	})
	if err != nil {
		return System{}, fmt.Errorf("ask the shop for its system status: %w", err)
	}
	var v struct {
		Environment struct {
			Home    text `json:"home_url"`
			Version text `json:"version"`
			StoreID text `json:"store_id"`
		} `json:"environment"`
		Settings struct {
			Currency  text `json:"currency"`
			HPOS      flag `json:"HPOS_enabled"`
			Datastore text `json:"order_datastore"`
		} `json:"settings"`
	}
	if err := json.Unmarshal(a.body, &v); err != nil || v.Environment.Home == "" {
		return System{}, strange("The shop's system status has a shape that WooCommerce never sends. A plugin probably changes it.", err)
	}
	return System{
		WooVersion: string(v.Environment.Version),
		StoreID:    string(v.Environment.StoreID),
		Home:       string(v.Environment.Home),
		Currency:   string(v.Settings.Currency),
		HPOS:       bool(v.Settings.HPOS) || strings.HasSuffix(string(v.Settings.Datastore), "OrdersTableDataStore"),
	}, nil
}

// strange makes a ShopError for an answer of the wrong shape.
func strange(advice string, cause error) error {
	return &doorzet.ShopError{Kind: doorzet.ShopStrange, Advice: advice, Err: cause}
}
