//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endOrphan makes way for a new server in a folder that is locked by us, so that whatever still runs there has lost its
// parent: it is stopped. A pid file whose number now belongs to another program is a leftover, and is removed; the server
// itself would take that other program for its own.
func endOrphan(ctx context.Context, pidFile, dir string, signal syscall.Signal) error {
	b, err := os.ReadFile(pidFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 || !strings.Contains(commandLine(ctx, pid), dir) {
		return ignoreMissing(os.Remove(pidFile))
	}
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop the server %d that was left in %s: %w", pid, dir, err)
	}
	return waitGone(ctx, pid, dir)
}

// waitGone waits until a process that is not our child has ended.
func waitGone(ctx context.Context, pid int, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for strings.Contains(commandLine(ctx, pid), dir) {
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("the server %d that was left in %s does not stop: stop it by hand", pid, dir)
		}
	}
	return nil
}

// commandLine is how a running process was called, "" when there is none.
func commandLine(ctx context.Context, pid int) string {
	if _, err := os.Stat("/proc/self/cmdline"); err == nil {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		if err != nil {
			return ""
		}
		return strings.ReplaceAll(string(b), "\x00", " ")
	}
	out, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
