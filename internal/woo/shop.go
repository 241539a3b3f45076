package woo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Status is an order status that the shop knows.
type Status struct {
	Slug string // without "wc-"
	Name string // as the shop shows it
}

// Webhook is one webhook of the shop. Neither its secret nor its count of failures can be read.
type Webhook struct {
	ID          int64
	Name        string
	Status      string // "active", "paused" by a person, "disabled" after seven failures in a row
	Topic       string // "order.updated"
	DeliveryURL string
}

// TaxRate is one tax rate of the shop as it is now; an order may name one that no longer exists.
type TaxRate struct {
	ID      int64
	Country string // ISO 3166 alpha-2, "" for all countries
	Percent decimal.Decimal
	Name    string
	Class   string // "standard" here is "" on an order's line
}

// Statuses are the order statuses that the shop knows now, custom ones included. WooCommerce has a list of them since
// about 9.6; before that a report names them, and the description of the orders' route does so always.
func (c *Client) Statuses(ctx context.Context) ([]Status, error) {
	var first error
	for _, path := range []string{"/wc/v3/orders/statuses", "/wc/v3/reports/orders/totals"} {
		a, err := c.do(ctx, call{path: path})
		if err == nil {
			var out []Status
			if out, err = decodeStatuses(a.body); err == nil {
				return out, nil
			}
		}
		if first == nil {
			first = err
		}
		if !absent(err) {
			return nil, fmt.Errorf("list the shop's statuses: %w", err)
		}
	}
	a, err := c.do(ctx, call{method: http.MethodOptions, path: "/wc/v3/orders"})
	if err != nil {
		return nil, fmt.Errorf("list the shop's statuses: %w", first)
	}
	return decodeRoute(a.body)
}

// absent tells whether a shop has no such route, or hides it: another one may answer. A route that is not there reads as
// an order with a strange id in versions before it ("orders/statuses"), or has another shape.
func absent(err error) bool {
	var se *doorzet.ShopError
	if !errors.As(err, &se) {
		return false
	}
	return se.Status == http.StatusNotFound || se.Status == http.StatusForbidden || se.Status == http.StatusBadRequest ||
		se.Kind == doorzet.ShopStrange && se.Status == 0
}

func decodeStatuses(body []byte) ([]Status, error) {
	list, err := entries(body)
	if err != nil {
		return nil, err
	}
	var out []Status
	for _, raw := range list {
		var v struct {
			Slug text `json:"slug"`
			Name text `json:"name"`
		}
		if err := json.Unmarshal(raw, &v); err != nil || v.Slug == "" {
			return nil, strange("The shop's list of statuses cannot be read.", err)
		}
		out = append(out, Status{Slug: strings.TrimPrefix(string(v.Slug), "wc-"), Name: plain(v.Name)})
	}
	if len(out) == 0 {
		return nil, strange("The shop's list of statuses is empty.", nil)
	}
	return out, nil
}

// decodeRoute reads the statuses from the description of the orders' route, where they have no names.
func decodeRoute(body []byte) ([]Status, error) {
	var v struct {
		Endpoints []struct {
			Args struct {
				Status struct {
					Items struct {
						Enum []string `json:"enum"`
					} `json:"items"`
				} `json:"status"`
			} `json:"args"`
		} `json:"endpoints"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, strange("The shop does not say which statuses it knows.", err)
	}
	for _, e := range v.Endpoints {
		var out []Status
		for _, slug := range e.Args.Status.Items.Enum {
			if slug != "any" && slug != "trash" {
				out = append(out, Status{Slug: slug, Name: slug})
			}
		}
		if len(out) > 0 {
			return out, nil
		}
	}
	return nil, strange("The shop does not say which statuses it knows.", nil)
}

// Webhooks are all webhooks of the shop, of whatever maker.
func (c *Client) Webhooks(ctx context.Context) ([]Webhook, error) {
	var out []Webhook
	err := c.each(ctx, "/wc/v3/webhooks", shortTime, func(raw []byte) error {
		var v struct {
			ID          ident `json:"id"`
			Name        text  `json:"name"`
			Status      text  `json:"status"`
			Topic       text  `json:"topic"`
			DeliveryURL text  `json:"delivery_url"`
		}
		if err := json.Unmarshal(raw, &v); err != nil || v.ID == 0 {
			return strange("The shop's list of webhooks cannot be read.", err)
		}
		out = append(out, Webhook{ID: int64(v.ID), Name: string(v.Name), Status: string(v.Status),
			Topic: string(v.Topic), DeliveryURL: string(v.DeliveryURL)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the shop's webhooks: %w", err)
	}
	return out, nil
}

// TaxRates are all tax rates of the shop.
func (c *Client) TaxRates(ctx context.Context) ([]TaxRate, error) {
	var out []TaxRate
	err := c.each(ctx, "/wc/v3/taxes", longTime, func(raw []byte) error {
		var v struct {
			ID      ident  `json:"id"`
			Country text   `json:"country"`
			Rate    amount `json:"rate"`
			Name    text   `json:"name"`
			Class   text   `json:"class"`
		}
		if err := json.Unmarshal(raw, &v); err != nil || v.ID == 0 {
			return strange("The shop's list of tax rates cannot be read.", err)
		}
		out = append(out, TaxRate{ID: int64(v.ID), Country: strings.ToUpper(string(v.Country)), Percent: v.Rate.Decimal,
			Name: plain(v.Name), Class: string(v.Class)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the shop's tax rates: %w", err)
	}
	return out, nil
}
