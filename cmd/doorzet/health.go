package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout is how long an address may take to answer.
const healthTimeout = 5 * time.Second

func (c *cli) health() *cobra.Command {
	var address string
	cmd := c.does(&cobra.Command{
		Use:     "health --url URL",
		Short:   "Tell whether an address answers 200: the health check of a container",
		Example: "  doorzet health --url http://127.0.0.1:8080/healthz",
	}, func(ctx context.Context, _ []string) error {
		if address == "" {
			return usage("--url is missing: give an address, like http://127.0.0.1:8080/healthz")
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			return usage("--url %q is no address: write it like http://127.0.0.1:8080/healthz", address)
		}
		return c.checkHealth(ctx, address)
	})
	cmd.Flags().StringVar(&address, "url", "", "the address to ask")
	return cmd
}

func (c *cli) checkHealth(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("it does not answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // only the status counts
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, resp.Status)
	}
	return c.show(map[string]int{"status": resp.StatusCode}, func(w io.Writer) { _, _ = fmt.Fprintln(w, "healthy") })
}
