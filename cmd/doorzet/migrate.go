package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
)

func (c *cli) migrate() *cobra.Command {
	return c.does(&cobra.Command{
		Use:     "migrate",
		Short:   "Bring the database to this version",
		Long:    "Bring the database to this version. Every command and process does so by itself when it starts; this one does nothing else.",
		Example: "  doorzet migrate",
	}, func(ctx context.Context, _ []string) error {
		return c.with(ctx, func(*stack.Stack) error { // opening it has migrated it
			return c.show(map[string]bool{"migrated": true}, func(w io.Writer) { _, _ = fmt.Fprintln(w, "The database is up to date.") })
		})
	})
}
