//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
	lookEvery    = 20 * time.Millisecond
	tailBytes    = 2000
)

// process is a running server.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error         // how, once ended
	log   string        // path of its log
}

// start runs a server's program with its output in a file of its folder. When this process dies, however it dies, the
// server gets the signal dying where the system can do that.
func start(cmd *exec.Cmd, as *owner, logPath string, dying syscall.Signal) (*process, error) {
	out, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout, cmd.Stderr = out, out
	// A group of its own: Ctrl-C in a terminal is for us, who then stop the server in an orderly way.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: credential(as)}
	dieWithParent(cmd.SysProcAttr, dying)
	p := &process{cmd: cmd, ended: make(chan struct{}), log: logPath}
	started := make(chan error)
	go func() {
		// The signal comes when the thread that started the server ends, not only with the process: so the thread is kept
		// for as long as the server runs.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		p.err = cmd.Wait()
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	return p, nil
}

// run runs a program to its end, as someone, with input. Its output is in the error when it fails.
func run(ctx context.Context, as *owner, dir, input, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = environment()
	cmd.Stdin = strings.NewReader(input)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(as)}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, tail(out))
	}
	return nil
}

// environment is what a server gets to see of ours: none of our settings (PGDATA and the like), and no secrets.
func environment() []string {
	return []string{"LC_ALL=C", "TZ=UTC"}
}

func credential(as *owner) *syscall.Credential {
	if as == nil {
		return nil
	}
	return &syscall.Credential{Uid: as.uid, Gid: as.gid}
}

// wait waits until ready says so. The server's last words are in the error when it ends before.
func (p *process) wait(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if ready() {
			return nil
		}
		select {
		case <-look.C:
		case <-p.ended:
			return fmt.Errorf("%s ended at once: %s", filepath.Base(p.cmd.Path), p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w: %s", filepath.Base(p.cmd.Path), ctx.Err(), p.lastWords())
		}
	}
}

// end sends a signal and waits until the server has ended; when it does not, it is killed.
func (p *process) end(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-p.ended:
		return nil
	case <-late.C:
		err := p.cmd.Process.Kill()
		<-p.ended
		return errors.Join(fmt.Errorf("%s did not stop within %s and was killed", filepath.Base(p.cmd.Path), stopTimeout), err)
	}
}

func (p *process) lastWords() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return tail(b)
}

func tail(b []byte) string {
	if len(b) > tailBytes {
		b = b[len(b)-tailBytes:]
	}
	return strings.TrimSpace(string(b))
}

// lock keeps a folder for this process; the system lets go of it when the process ends.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "doorzet.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", dir, ErrBusy)
		}
		return nil, err
	}
	return f, nil
}

func ownerOf(info fs.FileInfo) (uint32, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Uid, true
}
