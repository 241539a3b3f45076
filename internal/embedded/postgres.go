//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const (
	postgresName = "doorzet" // of the superuser and of the database
	postgresPort = "5432"    // only a part of the socket's name
	postgresPid  = "postmaster.pid"
)

// Postgres starts a private Postgres, with an empty database on the first start. Its URL is that of a superuser, who
// needs no password: the socket lets only this user (and root) in.
//
// The error is a *MissingError when Postgres is not installed, ErrBusy when another process has one in the same folder.
func Postgres(ctx context.Context, o Options) (*Server, error) {
	bins := postgresBins(ctx)
	if len(bins) == 0 {
		return nil, &MissingError{What: "PostgreSQL", Install: installLine("postgresql")}
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := home(o, as)
	if err != nil {
		return nil, fmt.Errorf("make the folder of Postgres: %w", err)
	}
	held, err := lock(dir)
	if err != nil {
		return nil, fmt.Errorf("lock the folder of Postgres: %w", err)
	}
	s, err := startPostgres(ctx, o, as, bins, dir)
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	s.keep(held)
	return s, nil
}

func startPostgres(ctx context.Context, o Options, as *owner, bins []string, dir string) (*Server, error) {
	data := filepath.Join(dir, "data")
	bin, err := binFor(ctx, bins, data)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(data); errors.Is(err, fs.ErrNotExist) {
		if err := initPostgres(ctx, as, bin, dir, data); err != nil {
			return nil, err
		}
	}
	if err := endOrphan(ctx, filepath.Join(data, postgresPid), dir, syscall.SIGINT); err != nil {
		return nil, err
	}
	socket, remove, err := socketDir(dir, ".s.PGSQL."+postgresPort, as)
	if err != nil {
		return nil, err
	}
	// The server outlives the call that starts it.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(bin, "postgres"), postgresArgs(data, socket, o.Fsync, o.Count && counts(ctx, bin))...)
	cmd.Dir, cmd.Env = dir, environment()
	p, err := start(cmd, as, filepath.Join(dir, "postgres.log"), syscall.SIGINT)
	if err != nil {
		remove()
		return nil, err
	}
	if err := p.wait(ctx, func() bool { return postgresReady(data, p.cmd.Process.Pid) }); err != nil {
		err = errors.Join(err, p.end(syscall.SIGINT))
		remove()
		return nil, err
	}
	o.log().Info("started a private Postgres", "program", cmd.Path, "folder", dir)
	return &Server{
		URL:   postgresURL(socket),
		Dir:   dir,
		PID:   p.cmd.Process.Pid,
		ended: p.ended,
		// SIGINT is Postgres' fast shutdown: connections are ended, nothing is waited for.
		stop: func() error { defer remove(); return p.end(syscall.SIGINT) },
	}, nil
}

func postgresArgs(data, socket string, fsync, count bool) []string {
	settings := []string{
		"listen_addresses=", "unix_socket_directories=" + socket, "unix_socket_permissions=0700", "port=" + postgresPort,
		"max_connections=300", "logging_collector=off", "log_destination=stderr", "timezone=UTC", "log_timezone=UTC",
	}
	if !fsync {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	if count {
		settings = append(settings, "shared_preload_libraries="+statements, statements+".track=top")
	}
	args := []string{"-D", data}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

// statements is the library with which Postgres counts statements. A server that is told to load a library that it does not
// have does not start.
const statements = "pg_stat_statements"

// counts tells whether the programs in a folder come with that library: Debian has it in the server's package.
func counts(ctx context.Context, bin string) bool {
	dirs := []string{filepath.Join(bin, "..", "lib"), filepath.Join(bin, "..", "lib", "postgresql")}
	if out, err := exec.CommandContext(ctx, filepath.Join(bin, "pg_config"), "--pkglibdir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	return slices.ContainsFunc(dirs, func(dir string) bool {
		found, err := filepath.Glob(filepath.Join(dir, statements+".*"))
		return err == nil && len(found) > 0
	})
}

func postgresURL(socket string) string {
	query := url.Values{"host": {socket}, "port": {postgresPort}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", User: url.User(postgresName), Path: "/" + postgresName, RawQuery: query.Encode()}).String()
}

// initPostgres makes the data folder. It is built beside its place and moved there when it is whole, so a kill in the
// middle leaves nothing that looks like data.
func initPostgres(ctx context.Context, as *owner, bin, dir, data string) error {
	half := data + ".new"
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	err := run(ctx, as, dir, "", filepath.Join(bin, "initdb"), "--pgdata="+half, "--username="+postgresName, "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--no-sync")
	if err != nil {
		return fmt.Errorf("make a Postgres data folder in %s: %w", dir, err)
	}
	err = run(ctx, as, dir, "CREATE DATABASE "+postgresName+"\n", filepath.Join(bin, "postgres"), "--single", "-D", half, "postgres")
	if err != nil {
		return fmt.Errorf("make the database %s: %w", postgresName, err)
	}
	return os.Rename(half, data)
}

// postgresReady reads what Postgres itself writes for pg_ctl: its state stands on the eighth line of the pid file.
func postgresReady(data string, pid int) bool {
	b, err := os.ReadFile(filepath.Join(data, postgresPid))
	if err != nil {
		return false
	}
	lines := strings.Split(string(b), "\n")
	return len(lines) > 7 && strings.TrimSpace(lines[0]) == strconv.Itoa(pid) && strings.TrimSpace(lines[7]) == "ready"
}

// postgresBins are the folders with a server's programs, newest version first. Debian keeps them out of PATH.
func postgresBins(ctx context.Context) []string {
	var found []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/libexec/postgresql*",
		"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin", "/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		dirs, _ := filepath.Glob(pattern) // the patterns are well formed
		found = append(found, dirs...)
	}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if path, err := filepath.EvalSymlinks(initdb); err == nil {
			found = append(found, filepath.Dir(path))
		}
	}
	slices.Sort(found)
	found = slices.DeleteFunc(slices.Compact(found), func(dir string) bool {
		return !isProgram(filepath.Join(dir, "initdb")) || !isProgram(filepath.Join(dir, "postgres"))
	})
	slices.SortStableFunc(found, func(a, b string) int { return major(ctx, b) - major(ctx, a) })
	return found
}

// binFor is the folder whose version made the data, or the newest when there is no data yet.
func binFor(ctx context.Context, bins []string, data string) (string, error) {
	b, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return bins[0], nil
	}
	if err != nil {
		return "", err
	}
	version := strings.TrimSpace(string(b))
	for _, bin := range bins {
		if strconv.Itoa(major(ctx, bin)) == version {
			return bin, nil
		}
	}
	return "", fmt.Errorf("the data in %s was made by PostgreSQL %s, which is not installed any more: install it, or remove the folder", data, version)
}

// major is the major version of the programs in a folder, 0 when it cannot be told.
func major(ctx context.Context, bin string) int {
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	// postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
	_, version, _ := strings.Cut(string(out), ") ")
	digits := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if digits < 0 {
		return 0
	}
	n, err := strconv.Atoi(version[:digits])
	if err != nil {
		return 0
	}
	return n
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
