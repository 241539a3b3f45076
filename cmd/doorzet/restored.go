package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/doorzet"
)

// restoreView is what was recorded of a restore, in JSON.
type restoreView struct {
	RestoredAt moment `json:"restored_at"`
	LookUpTill moment `json:"look_up_till"` // orders created before it are looked up in the books before their first create
	Bookings   int    `json:"bookings"`
	Shops      int    `json:"shops"`
}

func (c *cli) restored() *cobra.Command {
	var at string
	cmd := c.does(&cobra.Command{
		Use:   "restored [--at TIME]",
		Short: "Say that Postgres was restored from a backup",
		Long: "Say that Postgres was restored from a backup, so that nothing is booked twice that was booked after the backup was made.\n\n" +
			"Doorzet notices a restore by itself as long as Redis keeps what it had, or a worker or scheduler lived through it. Say it" +
			" when Redis was lost, emptied or restored as well; best before the workers are started. To say it twice, or without need," +
			" does no harm.\n\n" +
			"Every booking that is not in the books as far as Postgres knows is looked up there before anything is made of it. So is every" +
			" order that was created before the restore (and within a day after it, as clocks differ), before it is booked for the first" +
			" time. What the books hold already is taken over; where it differs from the order, a person must look. The coming night" +
			" compares all orders of each shop.",
		Example: "  doorzet restored\n  doorzet restored --at 2026-01-31T14:00:00+01:00",
	}, func(ctx context.Context, _ []string) error {
		said, err := momentOf(at)
		if err != nil {
			return err
		}
		return c.with(ctx, func(s *stack.Stack) error {
			r, err := s.DB.Restored(ctx, said, actor())
			if err != nil {
				return err
			}
			v := restoreView{moment(r.At), moment(r.At.Add(doorzet.RestoreMargin)), r.Bookings, r.Shops}
			return c.show(v, func(w io.Writer) { writeRestore(w, r, said) })
		})
	})
	cmd.Flags().StringVar(&at, "at", "", "when it was restored, like 2026-01-31T14:00:00+01:00 (now)")
	return cmd
}

// momentOf reads an instant that has passed; "" is the zero time.
func momentOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, usage("--at %q: write a time with its zone, like 2026-01-31T14:00:00+01:00 or 2026-01-31T13:00:00Z", text)
	}
	if at.After(time.Now()) {
		return time.Time{}, usage("--at %s is yet to come: give the moment at which Postgres was restored", text)
	}
	return at, nil
}

func writeRestore(w io.Writer, r doorzet.Restore, said time.Time) {
	out := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	if !said.IsZero() && r.At.Sub(said) >= time.Second {
		out("A later restore is recorded already: its moment stays.")
	}
	out("Postgres was restored at %s.", r.At.Format(time.RFC3339))
	out("Bookings that are not in the books as far as it knows: %d. Each is looked up there before anything is made of it.", r.Bookings)
	out("Orders created before %s are looked up in the books before they are booked for the first time.", r.At.Add(doorzet.RestoreMargin).Format(time.RFC3339))
	out("Shops: %d. The coming night compares all orders of each.", r.Shops)
	out("Settings, and what was ignored or pushed by hand after the backup was made, must be looked at by a person.")
}
