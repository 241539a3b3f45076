package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/doorzet/doorzet/cmd/internal/stack"
	"github.com/doorzet/doorzet/internal/config"
	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgresbench"
	"github.com/doorzet/doorzet/internal/queue"
)

// place is an installation of its own: a database, a Redis database and a folder for the books, with the rig's servers.
type place struct {
	rig   *rig
	name  string
	books string       // folder
	env   []string     // of its processes
	own   *stack.Stack // what this process asks and wakes with, not counted
	db    *postgresbench.DB
	redis string

	booksID int64 // 0 = none yet
	shops   int   // connected so far

	watching string // the address of the database for those who look on

	running []*process
}

// newPlace makes an empty installation; from another one it is a copy of its rows, to which nobody may be connected.
func (r *rig) newPlace(ctx context.Context, from *place) (*place, error) {
	r.places++
	p := &place{rig: r, name: fmt.Sprintf("place_%d", r.places)}
	p.books = filepath.Join(r.dir, "books", p.name)
	var err error
	if from == nil {
		err = r.admin.Create(ctx, p.name)
	} else {
		err = r.admin.Copy(ctx, p.name, from.name)
	}
	if err != nil {
		return nil, err
	}
	err = p.open(ctx)
	if err == nil && from != nil {
		err = p.db.MoveBooks(ctx, p.books)
	}
	if err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	return p, nil
}

func (p *place) open(ctx context.Context) error {
	measured, err := postgresbench.Named(p.rig.postgres.URL, p.name, measuredRole)
	if err != nil {
		return err
	}
	watching, err := postgresbench.Named(p.rig.postgres.URL, p.name, watchingRole)
	if err != nil {
		return err
	}
	p.redis = numbered(p.rig.redis.URL, p.rig.places)
	settings := map[string]string{
		"DATABASE_URL": measured, "REDIS_URL": p.redis, "DOORZET_SECRET_KEY": p.rig.key, "DOORZET_ALLOW_PRIVATE_SHOPS": "true",
	}
	p.env = []string{"PATH=" + os.Getenv("PATH"), "TZ=UTC"}
	for name, value := range settings {
		p.env = append(p.env, name+"="+value)
	}
	p.watching, settings["DATABASE_URL"] = watching, watching
	cfg, err := config.Load(func(name string) string { return settings[name] })
	if err != nil {
		return err
	}
	if p.own, err = stack.Open(cfg, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if p.db, err = postgresbench.Open(watching); err != nil {
		return err
	}
	if _, err := p.db.CountStatements(ctx); err != nil {
		return err
	}
	return p.own.DB.Migrate(ctx)
}

// numbered is another database of a private Redis.
func numbered(url string, n int) string {
	if base, ok := strings.CutSuffix(url, "?db=0"); ok {
		return base + "?db=" + strconv.Itoa(n)
	}
	return strings.TrimSuffix(url, "/0") + "/" + strconv.Itoa(n) // one inside this process
}

// statements counts what the processes have asked Postgres since the reset; nothing where it does not count.
func (p *place) statements(ctx context.Context) (postgresbench.Count, error) {
	if !p.rig.counts {
		return postgresbench.Count{}, nil
	}
	if p.rig.top != nil {
		const most = 12
		list, err := p.db.Top(ctx, measuredRole, most)
		if err != nil {
			return postgresbench.Count{}, err
		}
		for _, s := range list {
			p.rig.top("%8.1f ms in all, %.3f ms each, %d times: %.150s", s.Ms, s.Ms/float64(s.Calls), s.Calls, s.Text)
		}
	}
	return p.db.Statements(ctx, measuredRole)
}

// countAnew forgets the statements until now.
func (p *place) countAnew(ctx context.Context) error {
	if !p.rig.counts {
		return nil
	}
	return p.db.ResetStatements(ctx)
}

// leave ends the processes and the connections; the rows stay, for copies.
func (p *place) leave() error {
	var failed []error
	for _, one := range slices.Backward(p.running) {
		failed = append(failed, one.stop())
	}
	p.running = nil
	if p.own != nil {
		failed = append(failed, p.own.Close())
	}
	if p.db != nil {
		failed = append(failed, p.db.Close())
	}
	p.own, p.db = nil, nil
	return errors.Join(failed...)
}

// close ends all of it.
func (p *place) close(ctx context.Context) error {
	return errors.Join(p.leave(), p.rig.admin.Drop(context.WithoutCancel(ctx), p.name))
}

// startTimeout is how long a process may take until it works.
const startTimeout = time.Minute

// worker starts a worker, with settings beside the usual ones, and waits until it takes work.
func (p *place) worker(ctx context.Context, settings ...string) (*process, error) {
	before, err := p.own.Queue.Workers(ctx, queue.Reconcile)
	if err != nil {
		return nil, err
	}
	w, err := p.start(ctx, "worker", settings...)
	if err != nil {
		return nil, err
	}
	err = until(ctx, "the worker takes work", lookEvery, startTimeout, func(ctx context.Context) (bool, error) {
		if err := w.hasEnded(); err != nil {
			return false, err
		}
		n, err := p.own.Queue.Workers(ctx, queue.Reconcile)
		return n > before, err
	})
	return w, err
}

// scheduler starts a scheduler and waits until it plans and sweeps.
func (p *place) scheduler(ctx context.Context) (*process, error) {
	s, err := p.start(ctx, "scheduler")
	if err != nil {
		return nil, err
	}
	err = until(ctx, "the scheduler has started", lookEvery, startTimeout, func(context.Context) (bool, error) {
		return s.said("scheduler started"), s.hasEnded()
	})
	return s, err
}

func (p *place) start(ctx context.Context, program string, settings ...string) (*process, error) {
	started, err := p.rig.start(ctx, program, p.rig.program(program), slices.Concat(p.env, settings), nil)
	if err == nil {
		p.running = append(p.running, started)
	}
	return started, err
}

// stop ends one of the processes.
func (p *place) stop(one *process) error {
	for i, other := range p.running {
		if other == one {
			p.running = append(p.running[:i:i], p.running[i+1:]...)
			break
		}
	}
	return one.stop()
}

// addBooks makes books of kind files, into the installation's own folder.
func (p *place) addBooks(ctx context.Context) (int64, error) {
	return p.own.DB.AddBooks(ctx, doorzet.Books{Kind: "files", Name: "files", Dir: p.books, Seller: doorzet.Seller{
		Name: "De Boekenwinkel B.V.", Street: "Kade 1", Zip: "1011 AA", City: "Amsterdam", Country: "NL",
		VATNumber: "NL001234567B01", KVKNumber: "12345678", IBAN: "NL91ABNA0417164300", Scheme: doorzet.SchemeInvoice,
	}})
}
