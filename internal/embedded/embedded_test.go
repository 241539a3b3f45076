package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/embedded"
)

// asHelper makes this test binary start a server and wait to be killed: the only way to see what becomes of it.
const asHelper = "DOORZET_TEST_EMBEDDED_HELPER"

func TestMain(m *testing.M) {
	if what := os.Getenv(asHelper); what != "" {
		os.Exit(helper(what, os.Args[len(os.Args)-1]))
	}
	os.Exit(m.Run())
}

func helper(what, dir string) int {
	start := embedded.Postgres
	if what == "redis" {
		start = func(ctx context.Context, o embedded.Options) (*embedded.Server, error) {
			s, _, err := embedded.Redis(ctx, o)
			return s, err
		}
	}
	s, err := start(context.Background(), embedded.Options{Dir: dir})
	if err != nil {
		_, _ = os.Stdout.WriteString("error " + err.Error() + "\n")
		return 1
	}
	_, _ = os.Stdout.WriteString("url " + s.URL + "\n")
	select {}
}

// folder is a short path that a server's user can reach even when the tests run as root: t.TempDir is neither.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := embedded.Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func postgres(t *testing.T, dir string) *embedded.Server {
	t.Helper()
	s, err := embedded.Postgres(t.Context(), embedded.Options{Dir: dir})
	if _, ok := errors.AsType[*embedded.MissingError](err); ok {
		missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// missing skips a test for want of a program, except where that must not be.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func psql(t *testing.T, url, sql string) string {
	t.Helper()
	program, err := exec.LookPath("psql")
	if err != nil {
		missing(t, "psql is not installed")
	}
	out, err := exec.Command(program, "-X", "-q", "-t", "-A", "-c", sql, url).CombinedOutput()
	if err != nil {
		t.Fatalf("psql %s: %v: %s", sql, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestPostgresKeepsItsDataOverARestart(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first := postgres(t, dir)
	psql(t, first.URL, "create table kept (n int); insert into kept values (42)")
	if _, err := embedded.Postgres(t.Context(), embedded.Options{Dir: dir}); !errors.Is(err, embedded.ErrBusy) {
		t.Errorf("a second server in the same folder: got error %v, want ErrBusy", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	if alive(first.PID) {
		t.Error("the server runs on after Close")
	}
	second := postgres(t, dir)
	if got := psql(t, second.URL, "select n from kept"); got != "42" {
		t.Errorf("after a restart: got %q, want 42", got)
	}
	if got := psql(t, second.URL, "select current_database() || ' ' || current_setting('listen_addresses') || '.'"); got != "doorzet ." {
		t.Errorf("database and network addresses: got %q, want %q", got, "doorzet .")
	}
}

// A folder is held as long as its server runs, also by who forgot the server, as a run of tests does.
func TestAForgottenServerKeepsItsFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	forgotten, err := embedded.Postgres(t.Context(), embedded.Options{Dir: dir})
	if err != nil {
		missing(t, err.Error())
	}
	pid := forgotten.PID // the last use of it
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGINT) })
	for range 3 {
		runtime.GC() // the first finds what nothing refers to, the next ones clean it up
	}
	if _, err := embedded.Postgres(t.Context(), embedded.Options{Dir: dir}); !errors.Is(err, embedded.ErrBusy) {
		t.Errorf("a second server in the folder of a forgotten one: got error %v, want ErrBusy", err)
	}
}

func TestPostgresWithAStalePidFile(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first := postgres(t, dir)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	// The number now belongs to a living program that is no Postgres: this test.
	pid := filepath.Join(first.Dir, "data", "postmaster.pid")
	if err := os.WriteFile(pid, []byte(strings.Join([]string{strconv.Itoa(os.Getpid()), first.Dir, "", ""}, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	second := postgres(t, dir)
	if got := psql(t, second.URL, "select 1"); got != "1" {
		t.Errorf("got %q, want 1", got)
	}
}

func TestPostgresAfterItsParentWasKilled(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	if s := postgres(t, dir); s.Close() != nil {
		t.Fatal("the first start did not end well")
	}
	killParent(t, "postgres", dir)
	s := postgres(t, dir) // whether the old one still ends, or goes on where the system has no such signal
	if got := psql(t, s.URL, "select 1"); got != "1" {
		t.Errorf("got %q, want 1", got)
	}
}

func TestAFolderThatTheServersUserCannotReach(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only for root, whose servers run as someone else")
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "redis")
	first, kind := redis(t, dir)
	if kind == "miniredis" {
		missing(t, "redis-server is not installed")
	}
	t.Cleanup(func() { _ = os.RemoveAll(first.Dir) })
	if !strings.HasPrefix(first.Dir, "/var/tmp/doorzet-") {
		t.Errorf("it lives in %s, want a folder in /var/tmp", first.Dir)
	}
	if got := ask(t, first.URL, "SET kept 42"); got != "+OK" {
		t.Fatalf("SET: got %q", got)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, _ := redis(t, dir)
	if got := ask(t, second.URL, "GET kept"); got != "42" {
		t.Errorf("after a restart: got %q, want 42", got)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	third, _ := redis(t, dir)
	t.Cleanup(func() { _ = os.RemoveAll(third.Dir) })
	if got := ask(t, third.URL, "EXISTS kept"); got != ":0" {
		t.Errorf("after the folder was removed: got %q, want a new beginning", got)
	}
}

func redis(t *testing.T, dir string) (*embedded.Server, string) {
	t.Helper()
	s, kind, err := embedded.Redis(t.Context(), embedded.Options{Dir: dir, Fsync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, kind
}

// ask sends Redis one command and returns its answer.
func ask(t *testing.T, address, line string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	network, host := "tcp", u.Host
	if u.Scheme == "unix" {
		network, host = "unix", u.Path
	}
	conn, err := net.Dial(network, host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	r := bufio.NewReader(conn)
	if password, ok := u.User.Password(); ok {
		if _, err := conn.Write(command("AUTH " + password)); err != nil {
			t.Fatal(err)
		}
		if answer, err := r.ReadString('\n'); err != nil || answer != "+OK\r\n" {
			t.Fatalf("AUTH: %q, %v", answer, err)
		}
	}
	if _, err := conn.Write(command(line)); err != nil {
		t.Fatal(err)
	}
	answer, err := r.ReadString('\n')
	if err == nil && strings.HasPrefix(answer, "$") && !strings.HasPrefix(answer, "$-") {
		answer, err = r.ReadString('\n')
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(answer)
}

// command is a command as the protocol has it.
func command(line string) []byte {
	words := strings.Fields(line)
	b := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, word := range words {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(word), word)
	}
	return b
}

func TestRedisKeepsItsDataOverARestart(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first, kind := redis(t, dir)
	if kind == "miniredis" {
		missing(t, "redis-server is not installed")
	}
	if got := ask(t, first.URL, "SET kept 42"); got != "+OK" {
		t.Fatalf("SET: got %q", got)
	}
	if _, _, err := embedded.Redis(t.Context(), embedded.Options{Dir: dir}); !errors.Is(err, embedded.ErrBusy) {
		t.Errorf("a second server in the same folder: got error %v, want ErrBusy", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, _ := redis(t, dir)
	if got := ask(t, second.URL, "GET kept"); got != "42" {
		t.Errorf("after a restart: got %q, want 42", got)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	killParent(t, "redis", dir)
	third, _ := redis(t, dir)
	if got := ask(t, third.URL, "GET kept"); got != "42" {
		t.Errorf("after its parent was killed: got %q, want 42", got)
	}
}

func TestRedisIsInsideTheProcessWhenNoneIsInstalled(t *testing.T) {
	t.Parallel()
	s, err := embedded.MiniRedis()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if got := ask(t, s.URL, "SET gone 1 PX 150"); got != "+OK" {
		t.Fatalf("SET: got %q", got)
	}
	eventually(t, "a key with a time to live expires, because the clock is driven", func() bool {
		return ask(t, s.URL, "EXISTS gone") == ":0"
	})
}

func TestMissingErrorSaysHowToInstall(t *testing.T) {
	t.Parallel()
	var err error = &embedded.MissingError{What: "PostgreSQL", Install: "sudo apt-get install -y postgresql"}
	want := "PostgreSQL is not installed on this machine; install it with: sudo apt-get install -y postgresql"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// killParent starts a server from another process and kills that process.
func killParent(t *testing.T, what, dir string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], dir)
	cmd.Env = append(os.Environ(), asHelper+"="+what)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "url ") {
		_ = cmd.Process.Kill()
		t.Fatalf("the helper said %q: %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !is() {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("does not come true: %s", what)
		}
	}
}
