package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/accounting/files"
	"github.com/doorzet/doorzet/internal/doorzet"
)

// setBooks is one change of the settings of books.
type setBooks struct {
	name, dir, sellerFile string
}

func (c *cli) booksSet() *cobra.Command {
	var id int64
	var o setBooks
	cmd := c.does(&cobra.Command{
		Use:   "set --books ID",
		Short: "Change the settings of books",
		Long: "Change the settings of books. What is not given stays as it is; each change is written to the journal of the shops that push there.\n\n" +
			"The coming night makes held orders again with a new seller file. Invoices that are in the books stay as they are.\n\n" + sellerHelp,
		Example: "  doorzet books set --books 1 --seller-file seller.json",
	}, func(ctx context.Context, _ []string) error {
		o.name = strings.TrimSpace(o.name)
		if id > 0 && o == (setBooks{}) {
			return usage("nothing to change: give one or more of --name, --dir, --seller-file")
		}
		return c.withBooks(ctx, id, func(s *stack.Stack, b doorzet.Books) error { return c.changeBooks(ctx, s, b, o) })
	})
	booksFlag(cmd, &id)
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "another name")
	f.StringVar(&o.dir, "dir", "", "another folder for the invoice files; it is made when it is missing")
	f.StringVar(&o.sellerFile, "seller-file", "", "a JSON file that says who sells; it takes the place of all that was known of the seller")
	return cmd
}

// apply puts what was given into books; what was not given stays.
func (o setBooks) apply(b *doorzet.Books) error {
	var err error
	if o.name != "" {
		b.Name = o.name
	}
	if o.sellerFile != "" {
		if b.Seller, err = sellerFrom(o.sellerFile); err != nil {
			return err
		}
	}
	if o.dir != "" {
		if b.Dir, err = folder(o.dir); err != nil {
			return err
		}
		return wrong(files.CheckDir(b.Dir))
	}
	return nil
}

// booksChange is what "books set" answers.
type booksChange struct {
	ID      int64    `json:"id"`
	Changes []string `json:"changes"`
}

// changeBooks changes settings: everything is proved before anything is stored.
func (c *cli) changeBooks(ctx context.Context, s *stack.Stack, old doorzet.Books, o setBooks) error {
	b := old
	if err := o.apply(&b); err != nil {
		return err
	}
	seller, err := sellerChanges(old.Seller, b.Seller)
	if err != nil {
		return err
	}
	v := booksChange{ID: b.ID, Changes: []string{}}
	if old.Name != b.Name {
		v.Changes = append(v.Changes, fmt.Sprintf("Books %d, name: %s → %s.", b.ID, old.Name, b.Name))
	}
	if old.Dir != b.Dir {
		v.Changes = append(v.Changes, fmt.Sprintf("Books %d, folder: %s → %s.", b.ID, old.Dir, b.Dir))
	}
	for _, change := range seller {
		v.Changes = append(v.Changes, fmt.Sprintf("Books %d, seller, %s.", b.ID, change))
	}
	if len(v.Changes) > 0 {
		if err := s.DB.SetBooks(ctx, old, b, v.Changes, actor()); err != nil {
			return err
		}
	}
	return c.show(v, func(w io.Writer) {
		writeChange(w, changeView{Changes: v.Changes}, "")
		if len(seller) > 0 {
			_, _ = fmt.Fprintln(w, "The coming night makes held orders again. What is in the books stays as it is.")
		}
		if old.Dir != b.Dir {
			_, _ = fmt.Fprintf(w, "Files of before stay where they are. To have them in the new folder too: doorzet books export --books %d\n", b.ID)
		}
	})
}

// sellerChanges are what differs between two sellers, by the names that a seller file has.
func sellerChanges(old, seller doorzet.Seller) ([]string, error) {
	from, err := written(old)
	if err != nil {
		return nil, err
	}
	to, err := written(seller)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for name := range from {
		names[name] = true
	}
	for name := range to {
		names[name] = true
	}
	var out []string
	for name := range names {
		if from[name] != to[name] {
			out = append(out, fmt.Sprintf("%s: %s → %s", name, dash(from[name]), dash(to[name])))
		}
	}
	slices.Sort(out)
	return out, nil
}

// written is a seller as its file says it: every value as text.
func written(seller doorzet.Seller) (map[string]string, error) {
	text, err := json.Marshal(seller)
	if err != nil {
		return nil, fmt.Errorf("read the seller: %w", err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("read the seller: %w", err)
	}
	out := make(map[string]string, len(fields))
	for name, value := range fields {
		var word string
		if json.Unmarshal(value, &word) != nil { // periods stay as they are written
			word = string(value)
		}
		out[name] = word
	}
	return out, nil
}
