package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/accounting/files"
	"github.com/doorzet/doorzet/internal/doorzet"
)

func (c *cli) books() *cobra.Command {
	return c.group(&cobra.Command{
		Use:   "books",
		Short: "Connections to books",
		Long:  "Connections to books: where orders are pushed to.",
	}, c.booksAdd(), c.booksList(), c.booksSet(), c.booksExport())
}

// sellerHelp shows what stands in a seller file.
const sellerHelp = "The seller file says whose invoices they are:\n" +
	`  {"name": "Shop B.V.", "street": "Keizersgracht 1", "postcode": "1015 CN", "city": "Amsterdam", "country": "NL",` + "\n" +
	`   "vat_number": "NL001234567B01", "kvk_number": "12345678", "iban": "NL91ABNA0417164300",` + "\n" +
	`   "email": "info@example.com", "vat_scheme": "invoice" or "cash",` + "\n" +
	`   "kor": [{"from": "2026-01-01"}], "oss": [{"from": "2025-07-01", "to": "2025-12-31"}]}` + "\n" +
	"kor (small business scheme) and oss (one stop shop) may be left out."

func (c *cli) booksAdd() *cobra.Command {
	var b doorzet.Books
	var seller string
	cmd := c.does(&cobra.Command{
		Use:   "add --kind files --name NAME --dir DIR --seller-file FILE",
		Short: "Connect books",
		Long: "Connect books. Of kind files: one invoice file (UBL 2.1, EN 16931) for each order, in a folder.\n\n" +
			sellerHelp,
		Example: "  doorzet books add --kind files --name main --dir /var/lib/doorzet/invoices --seller-file seller.json",
	}, func(ctx context.Context, _ []string) error { return c.addBooks(ctx, b, seller) })
	f := cmd.Flags()
	f.StringVar(&b.Kind, "kind", "", "files")
	f.StringVar(&b.Name, "name", "", "a name for the books, used once")
	f.StringVar(&b.Dir, "dir", "", "the folder for the invoice files; it is made when it is missing")
	f.StringVar(&seller, "seller-file", "", "a JSON file that says who sells")
	return cmd
}

func (c *cli) addBooks(ctx context.Context, b doorzet.Books, sellerFile string) error {
	switch {
	case b.Kind == "":
		return usage("--kind is missing: give --kind files")
	case b.Kind != "files":
		return usage("--kind %s is not known: give --kind files", b.Kind)
	case b.Name == "":
		return usage("--name is missing: give the books a name")
	case b.Dir == "":
		return usage("--dir is missing: give the folder for the invoice files")
	case sellerFile == "":
		return usage("--seller-file is missing: give a JSON file that says who sells")
	}
	var err error
	if b.Seller, err = sellerFrom(sellerFile); err != nil {
		return err
	}
	if b.Dir, err = folder(b.Dir); err != nil {
		return err
	}
	return c.with(ctx, func(s *stack.Stack) error {
		if err := files.CheckDir(b.Dir); err != nil {
			return wrong(err)
		}
		id, err := s.DB.AddBooks(ctx, b)
		if err != nil {
			return err
		}
		return c.show(map[string]int64{"id": id}, func(w io.Writer) {
			_, _ = fmt.Fprintf(w, "Books %d: %s. Invoice files go to %s.\n", id, b.Name, b.Dir)
		})
	})
}

// sellerFrom reads a seller file.
func sellerFrom(file string) (doorzet.Seller, error) {
	data, err := readSmall(file)
	if err != nil {
		return doorzet.Seller{}, usage("--seller-file %s: it cannot be read (%w)", file, err)
	}
	seller, err := doorzet.ParseSeller([]byte(data))
	if err != nil {
		return seller, usage("--seller-file %s: %w", file, err)
	}
	return seller, nil
}

// folder is a folder by its one whole name, so that it is known again however it is written.
func folder(dir string) (string, error) {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return "", usage("--dir %s: %w", dir, err)
	}
	return whole, nil
}

// booksView is a connection to books in JSON.
type booksView struct {
	ID     int64          `json:"id"`
	Name   string         `json:"name"`
	Kind   string         `json:"kind"`
	Dir    string         `json:"dir"`
	Seller doorzet.Seller `json:"seller"`

	PerMinute int `json:"per_minute,omitempty"` // pushes; 0 = as many as there are
}

func (c *cli) booksList() *cobra.Command {
	return c.does(&cobra.Command{
		Use: "list", Short: "List the connections to books", Example: "  doorzet books list",
	}, func(ctx context.Context, _ []string) error {
		return c.with(ctx, func(s *stack.Stack) error {
			all, err := s.DB.AllBooks(ctx)
			if err != nil {
				return err
			}
			l := c.list("ID", "NAME", "KIND", "FOLDER", "SELLER")
			for _, b := range all {
				if err := l.add(booksView(b), b.ID, b.Name, b.Kind, b.Dir, b.Seller.Name); err != nil {
					return err
				}
			}
			return l.end(nil, "There are no books yet: doorzet books add")
		})
	})
}

func (c *cli) booksExport() *cobra.Command {
	var id int64
	cmd := c.does(&cobra.Command{
		Use:   "export --books ID",
		Short: "Write all invoice files again",
		Long: "Write all invoice files of the books to their folder again, as they are stored. Files that are there already are left" +
			" alone; a file of the same name with another content is never written over.",
		Example: "  doorzet books export --books 1",
	}, func(ctx context.Context, _ []string) error {
		return c.withBooks(ctx, id, func(s *stack.Stack, b doorzet.Books) error { return c.export(ctx, s, b) })
	})
	booksFlag(cmd, &id)
	return cmd
}

// booksFlag adds --books.
func booksFlag(cmd *cobra.Command, id *int64) {
	cmd.Flags().Int64Var(id, "books", 0, "id of the books (see: doorzet books list)")
}

// withBooks is with, for work on one connection to books.
func (c *cli) withBooks(ctx context.Context, id int64, work func(s *stack.Stack, b doorzet.Books) error) error {
	if id <= 0 {
		return usage("--books is missing: give the id of books, like --books 1 (see: doorzet books list)")
	}
	return c.with(ctx, func(s *stack.Stack) error {
		b, err := s.DB.Books(ctx, id)
		if errors.Is(err, doorzet.ErrNotFound) {
			return fmt.Errorf("there are no books %d (see: doorzet books list)", id)
		}
		if err != nil {
			return err
		}
		return work(s, b)
	})
}

// exported is what an export did.
type exported struct {
	Written int `json:"written"`
	Already int `json:"already"`
	Failed  int `json:"failed"`
}

// export writes the files of books that their folder does not have. One that cannot be written does not hold up the others.
func (c *cli) export(ctx context.Context, s *stack.Stack, b doorzet.Books) error {
	const batch = 200
	var sum exported
	for after, more := int64(0), true; more; {
		list, err := s.DB.ExportsOf(ctx, b.ID, after, batch)
		if err != nil {
			return err
		}
		for _, e := range list {
			after = e.BookingID
			if err := sum.write(ctx, s, b.Dir, e); err != nil {
				c.say("%s: %v", e.Name, err)
			}
		}
		more = len(list) == batch
	}
	err := c.show(sum, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%d files written to %s; %d were there already; %d could not be written.\n", sum.Written, b.Dir, sum.Already, sum.Failed)
	})
	if err == nil && sum.Failed > 0 {
		return errSaid
	}
	return err
}

func (x *exported) write(ctx context.Context, s *stack.Stack, dir string, e doorzet.Export) error {
	there, err := present(dir, e.Name)
	if err == nil {
		err = files.Books{Dir: dir}.Export(e.Name, e.Content)
	}
	if err == nil {
		err = s.DB.Exported(ctx, e.BookingID)
	}
	switch {
	case err != nil:
		x.Failed++
	case there:
		x.Already++
	default:
		x.Written++
	}
	return err
}
