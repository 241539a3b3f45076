package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/user"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/config"
	"github.com/doorzet/doorzet/internal/doorzet"
)

// cli is one call of the command.
type cli struct {
	system
	json     bool
	terminal bool // somebody looks at stderr
	started  bool // a command was found and its arguments are right
}

// usageError is a wrong call: exit code 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// wrong is an error about a value that was given, as a wrong call.
func wrong(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// secretKey is what the keys of shops are read and stored with.
const secretKey = "DOORZET_SECRET_KEY"

// errSaid means that the command failed and has said all about it.
var errSaid = errors.New("failed")

func (c *cli) root() *cobra.Command {
	root := c.group(&cobra.Command{
		Use:   "doorzet",
		Short: "Pushes WooCommerce orders into the books, each exactly once",
		Long: "Doorzet pushes WooCommerce orders into the books, each exactly once, when they reach a status that the shop's owner chose.\n\n" +
			"A first night:\n" +
			"  doorzet books add --kind files --name main --dir invoices --seller-file seller.json\n" +
			"  doorzet shop add --name Shop --url https://shop.example --key ck_... --secret cs_... \\\n" +
			"          --statuses processing,completed --start-date 2026-01-01 --books 1\n" +
			"  doorzet night run --shop 1\n" +
			"  doorzet order list --shop 1 --state open",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}, c.migrate(), c.books(), c.shop(), c.night(), c.order(), c.booking(), c.fakeshop(), c.demo(), c.restored(), c.health())
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	root.PersistentPreRun = func(*cobra.Command, []string) { c.started = true }
	root.PersistentFlags().BoolVar(&c.json, "json", false, "one JSON document on stdout; the rest goes to stderr")
	return root
}

// flagError says what is wrong with a flag in words instead of Go's.
func flagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	flag := invalid.GetFlag()
	write := map[string]string{"int": "a whole number", "int64": "a number", "uint64": "a number", "bool": "true or false"}[flag.Value.Type()]
	return fmt.Errorf("--%s %q: write %s", flag.Name, invalid.GetValue(), cmp.Or(write, "another value"))
}

// group is a command that only holds others.
func (c *cli) group(cmd *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(subs...)
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		var names []string
		for _, s := range subs {
			names = append(names, s.Name())
		}
		if len(args) > 0 {
			return usage("unknown command %q; choose one of: %s", args[0], strings.Join(names, ", "))
		}
		return usage("say what to do: %s", strings.Join(names, ", "))
	}
	return cmd
}

// does gives a command its work. One that does not say otherwise takes no arguments.
func (c *cli) does(cmd *cobra.Command, work func(ctx context.Context, args []string) error) *cobra.Command {
	if cmd.Args == nil {
		cmd.Args = func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%q is one word too many", args[0])
			}
			return nil
		}
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return work(cmd.Context(), args) }
	return cmd
}

// connections makes the connections; nothing is contacted yet. Logs go to stderr, warnings only unless the log level says
// otherwise.
func (c *cli) connections(needs ...string) (*stack.Stack, error) {
	cfg, err := config.Load(c.getenv)
	if err == nil {
		err = cfg.Need(needs...)
	}
	if err != nil {
		return nil, wrong(err)
	}
	level := slog.LevelWarn
	if cfg.Given("DOORZET_LOG_LEVEL") {
		level = cfg.LogLevel
	}
	s, err := stack.Open(cfg, slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: level})))
	return s, wrong(err)
}

// open makes the connections and brings the database up to date, so that nobody needs to know of migrations.
func (c *cli) open(ctx context.Context, needs ...string) (*stack.Stack, error) {
	s, err := c.connections(needs...)
	if err != nil {
		return nil, err
	}
	if err := s.DB.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("no answer from Postgres: %w (is it running, and is DATABASE_URL right?)", err), s.Close())
	}
	if err := s.DB.Migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// without is work that needs no database.
func (c *cli) without(work func(s *stack.Stack) error) error {
	s, err := c.connections()
	if err != nil {
		return err
	}
	return errors.Join(work(s), s.Close())
}

// with opens the connections for a piece of work and closes them behind it.
func (c *cli) with(ctx context.Context, work func(s *stack.Stack) error, needs ...string) error {
	s, err := c.open(ctx, needs...)
	if err != nil {
		return err
	}
	return errors.Join(work(s), s.Close())
}

// withShop is with, for work on one shop.
func (c *cli) withShop(ctx context.Context, id int64, work func(s *stack.Stack, shop doorzet.Shop) error) error {
	if id <= 0 {
		return usage("--shop is missing: give the id of a shop, like --shop 1 (see: doorzet shop list)")
	}
	return c.with(ctx, func(s *stack.Stack) error {
		shop, err := s.DB.Shop(ctx, id)
		if errors.Is(err, doorzet.ErrNotFound) {
			return fmt.Errorf("there is no shop %d (see: doorzet shop list)", id)
		}
		if err != nil {
			return err
		}
		return work(s, shop)
	}, secretKey)
}

// report says what went wrong and gives the exit code.
func (c *cli) report(cmd *cobra.Command, err error) int {
	code := exitFailed
	if _, ok := errors.AsType[*usageError](err); ok {
		code = exitUsage
	}
	if errors.Is(err, errSaid) {
		return code
	}
	text := err.Error()
	if code == exitUsage {
		text += "\nSee: " + cmd.CommandPath() + " --help"
	}
	if c.json {
		_ = writeJSON(c.stdout, map[string]string{"error": err.Error()}) // there is nobody left to tell
	}
	_, _ = fmt.Fprintf(c.stderr, "%s: %s\n", cmd.CommandPath(), text)
	return code
}

// wantsJSON tells whether --json stands among arguments that could not be read.
func wantsJSON(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return a == "--json" || a == "--json=true" })
}

// say writes a line for a person to stderr.
func (c *cli) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.stderr, format+"\n", args...) // there is nobody left to tell
}

// actor is who does it, for the journal.
func actor() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "operator"
}

// secretFrom reads a secret that was given as a flag, in a file, or as "-" on stdin.
func (c *cli) secretFrom(name, value, file string) (doorzet.Secret, error) {
	switch {
	case value != "" && file != "":
		return "", usage("--%s and --%s-file are both given: give one of them", name, name)
	case file != "":
		b, err := readSmall(file)
		if err != nil {
			return "", usage("--%s-file %s: it cannot be read (%w)", name, file, err)
		}
		value = b
	case value == "-":
		b, err := io.ReadAll(io.LimitReader(c.stdin, maxSmall))
		if err != nil {
			return "", usage("--%s -: stdin cannot be read (%w)", name, err)
		}
		value = string(b)
	}
	return doorzet.Secret(strings.TrimSpace(value)), nil
}
