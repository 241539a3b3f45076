package main

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// nightView is the report of a night in JSON.
type nightView struct {
	Shop           int64              `json:"shop"`
	Night          *int64             `json:"night"` // null of a dry-run
	Since          moment             `json:"since"`
	WebhooksOn     bool               `json:"webhooks_on"`
	Open           int                `json:"open"`
	Strategy       doorzet.Strategy   `json:"strategy"`
	Imported       int                `json:"imported"`
	LookedAt       int                `json:"looked_at"`
	Pushed         int                `json:"pushed"`
	StillOpen      int                `json:"still_open"`
	Expired        int                `json:"expired"`
	Gone           int                `json:"gone"`
	Held           int                `json:"held"`
	Failed         int                `json:"failed"`
	Requests       requestsView       `json:"requests"`
	BulkFound      int                `json:"bulk_found"`
	RemainderFound int                `json:"remainder_found"`
	Seconds        float64            `json:"seconds"`
	State          doorzet.NightState `json:"state"`
	Error          string             `json:"error"`
	Notes          []string           `json:"notes"`
	Date           *doorzet.Date      `json:"date"`
	Planned        bool               `json:"planned"`
	DryRun         bool               `json:"dry_run"`
	WouldPush      []wouldPush        `json:"would_push,omitzero"`
}

type requestsView struct {
	List   int `json:"list"`
	Single int `json:"single"`
	Total  int `json:"total"`
}

// wouldPush is an order that a dry-run would push.
type wouldPush struct {
	ID     int64  `json:"id"`
	Number string `json:"number"`
	Status string `json:"status"`
	Total  string `json:"total"`
}

func viewNight(n doorzet.Night) nightView {
	v := nightView{
		Shop: n.ShopID, Since: moment(n.Since), WebhooksOn: n.WebhooksOn, Open: n.Open, Strategy: n.Strategy,
		Imported: n.Imported, LookedAt: n.LookedAt, Pushed: n.Pushed, StillOpen: n.StillOpen, Expired: n.Expired,
		Gone: n.Gone, Held: n.Held, Failed: n.Failed, BulkFound: n.BulkFound, RemainderFound: n.RemainderFound,
		Requests: requestsView{n.Requests.List, n.Requests.Single, n.Requests.Total},
		Seconds:  seconds(n), State: n.State, Error: n.Error, Notes: n.Notes, Planned: n.Planned,
	}
	if v.Notes == nil {
		v.Notes = []string{}
	}
	if n.ID != 0 {
		v.Night = &n.ID
	}
	if !n.Date.IsZero() {
		v.Date = &n.Date
	}
	return v
}

// seconds is how long a night took, or takes until now.
func seconds(n doorzet.Night) float64 {
	if n.StartedAt.IsZero() {
		return 0
	}
	end := n.FinishedAt
	if end.IsZero() {
		end = time.Now()
	}
	return math.Round(end.Sub(n.StartedAt).Seconds()*1000) / 1000
}

// writeNight is the report for a person.
func writeNight(w io.Writer, n doorzet.Night, shop doorzet.Shop) {
	loc := shop.Location()
	title := fmt.Sprintf("%d of shop %d, %s", n.ID, n.ShopID, shop.Name)
	if n.ID == 0 {
		title = fmt.Sprintf("dry-run of shop %d, %s: nothing was kept, nothing was pushed", n.ShopID, shop.Name)
	}
	webhooks := "off"
	if n.WebhooksOn {
		webhooks = "on"
	}
	facts(w,
		"Night", title,
		"State", n.State,
		"Started", fmt.Sprintf("%s, took %.1f seconds", local(n.StartedAt, loc), seconds(n)),
		"Looks back to", fmt.Sprintf("%s (webhooks %s)", local(n.Since, loc), webhooks),
		"Open orders", fmt.Sprintf("%d when it began: %s", n.Open, dash(string(n.Strategy))),
		"Imported", n.Imported,
		"Looked at", n.LookedAt,
		"Pushed", n.Pushed,
		"Held", n.Held,
		"Failed", n.Failed,
		"Still open", n.StillOpen,
		"Expired", n.Expired,
		"Gone", n.Gone,
		"Found", fmt.Sprintf("%d by the bulk fetch, %d beyond it", n.BulkFound, n.RemainderFound),
		"Requests", fmt.Sprintf("%d: %d lists, %d single orders", n.Requests.Total, n.Requests.List, n.Requests.Single),
	)
	for _, note := range n.Notes {
		_, _ = fmt.Fprintln(w, "Note:", oneLine(note))
	}
	if n.Error != "" {
		_, _ = fmt.Fprintln(w, "Error:", oneLine(n.Error))
	}
	if n.Held > 0 {
		_, _ = fmt.Fprintf(w, "\nWhy orders are held: doorzet order list --shop %d --state held\n", n.ShopID)
	}
}
