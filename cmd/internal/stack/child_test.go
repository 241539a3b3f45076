package stack

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
)

// patience is how long a test waits for what must happen. It is no measure of speed.
const patience = 90 * time.Second

// child is a worker or a scheduler in a process of its own.
type child struct {
	name  string // Postgres knows its connections by it
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *output
	ended chan struct{} // closed when it has ended
}

// output is what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// spawn makes a process that waits for its word: see say. It ends with the test at the latest. Settings are NAME=value.
func (b *bundle) spawn(t *testing.T, kind, name string, settings ...string) *child {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{name: name, cmd: exec.Command(program), out: &output{}, ended: make(chan struct{})}
	c.cmd.Env = append(b.environment(t, name), asProcess+"="+kind)
	c.cmd.Env = append(c.cmd.Env, settings...)
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a stopped one is woken when this process dies
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = c.cmd.Wait() // how it ended is in the process state
		close(c.ended)
	}()
	t.Cleanup(func() { c.bury(t) })
	return c
}

// environment is what every process of a test gets.
func (b *bundle) environment(t *testing.T, name string) []string {
	t.Helper()
	return []string{
		b.database(t, name), "REDIS_URL=" + b.Config.RedisURL.Reveal(),
		"DOORZET_SECRET_KEY=" + base64.StdEncoding.EncodeToString([]byte(b.Config.SecretKey.Reveal())),
		"DOORZET_PUBLIC_URL=" + b.Config.PublicURL, "DOORZET_ALLOW_PRIVATE_SHOPS=true", "DOORZET_DRAIN=20s",
	}
}

// database is the setting for the bundle's Postgres, in which the connections of a process bear its name. More are parameters and
// their values.
func (b *bundle) database(t *testing.T, name string, more ...string) string {
	t.Helper()
	address, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("application_name", name)
	for i := 0; i+1 < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	address.RawQuery = query.Encode()
	return "DATABASE_URL=" + address.String()
}

// start makes a process and gives it its word.
func (b *bundle) start(t *testing.T, kind, name string, settings ...string) *child {
	t.Helper()
	c := b.spawn(t, kind, name, settings...)
	c.say(t)
	return c
}

// say lets a process begin.
func (c *child) say(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(c.stdin, "go\n"); err != nil {
		t.Fatalf("%s: %v: %s", c.name, err, c.out)
	}
}

func (c *child) alive() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// bury ends a process, and shows what it said when the test failed or when it broke off.
func (c *child) bury(t *testing.T) {
	t.Helper()
	_ = c.cmd.Process.Signal(syscall.SIGCONT) // it may have ended
	_ = c.cmd.Process.Kill()
	<-c.ended
	said := c.out.String()
	if strings.Contains(said, "DATA RACE") || strings.Contains(said, "panic:") || strings.Contains(said, "the work broke off") {
		t.Errorf("%s broke:\n%s", c.name, said)
		return
	}
	if t.Failed() {
		lines := strings.Split(strings.TrimSpace(said), "\n")
		t.Logf("%s said at last:\n%s", c.name, strings.Join(lines[max(0, len(lines)-15):], "\n"))
	}
}

// kill is SIGKILL, and waits until Postgres knows as well that the process is dead: what it had sent there is done or undone.
func (c *child) kill(t *testing.T, s *postgrestest.Session) {
	t.Helper()
	_ = c.cmd.Process.Kill() // it may be dead already: hooks kill too
	<-c.ended
	await(t, c.name+" has left Postgres", func() bool {
		return s.Int(t, `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`, c.name) == 0
	})
}

// stop is SIGSTOP: the process stands still, and does not know it.
func (c *child) stop(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	await(t, c.name+" stands still", func() bool { return c.frozen(t) })
}

// frozen tells whether each thread of a process stands still. Where the system does not tell, the signal is taken at its word.
func (c *child) frozen(t *testing.T) bool {
	t.Helper()
	stats, err := filepath.Glob("/proc/" + strconv.Itoa(c.cmd.Process.Pid) + "/task/*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		_, state, _ := strings.Cut(string(stat), ") ")
		if !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return true
}

// goOn is SIGCONT.
func (c *child) goOn(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// leave is SIGTERM: the process ends what it does, and then itself. It must end well.
func (c *child) leave(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await(t, c.name+" has ended", func() bool { return !c.alive() })
	if code := c.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("%s ended with code %d: %s", c.name, code, c.out)
	}
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	awaitOr(t, what, so, func() string { return "" })
}

// awaitOr is await with words for when it does not come true.
func awaitOr(t *testing.T, what string, so func() bool, why func() string) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("after %s it is still not so that %s %s", patience, what, why())
		}
	}
}

// nameOf is a name for the n-th worker of a test.
func nameOf(kind string, n int) string { return fmt.Sprintf("%s-%d", kind, n) }
