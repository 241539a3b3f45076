package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stopTimeout is how long a process that is told to stop may take: longer than a worker drains.
const stopTimeout = 40 * time.Second

// process is one of the programs that are measured, or a fake shop, as a process of its own.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string
	ended chan struct{} // closed when it has ended
}

// start starts a program. It ends with ctx at the latest. Its log, and what it prints unless out is given, go to a file in the
// rig's folder.
func (r *rig) start(ctx context.Context, name, program string, env []string, out io.Writer, args ...string) (*process, error) {
	r.started++
	p := &process{name: name, log: filepath.Join(r.dir, fmt.Sprintf("%03d-%s.log", r.started, name)), ended: make(chan struct{})}
	f, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // the process has its own
	p.cmd = exec.CommandContext(ctx, program, args...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, f, f
	if out != nil {
		p.cmd.Stdout = out
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // whoever waits for it looks at its log
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// hasEnded tells whether a process that should run does not.
func (p *process) hasEnded() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended by itself; its last words: %s", p.name, p.lastWords())
	default:
		return nil
	}
}

// stop ends a process in an orderly way.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-p.ended:
		return nil
	case <-late.C:
		p.kill()
		return fmt.Errorf("%s did not stop within %s and was killed", p.name, stopTimeout)
	}
}

// kill ends a process without a word.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

func (p *process) lastWords() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	const most = 1000
	return strings.TrimSpace(string(b[max(0, len(b)-most):]))
}

// said tells whether a process has logged something.
func (p *process) said(words string) bool {
	b, err := os.ReadFile(p.log)
	return err == nil && strings.Contains(string(b), words)
}
