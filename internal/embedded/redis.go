//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
)

const (
	redisSocket = "redis.sock"
	redisPid    = "redis.pid"
	// redisDatabases is how many databases a private Redis has: one for each test of a run.
	redisDatabases = "1024"
	pingTimeout    = time.Second
	miniTick       = 100 * time.Millisecond
)

// Redis starts a private Redis and tells what it is: "redis-server" or "valkey-server" when one of them is installed,
// else "miniredis", which runs inside this process, is slower, and forgets everything at the end. Nothing of ours is lost
// by that: Postgres is the truth.
//
// The error is ErrBusy when another process has one in the same folder.
func Redis(ctx context.Context, o Options) (*Server, string, error) {
	program, kind := redisProgram()
	if program == "" {
		o.log().Info("neither redis-server nor valkey-server is installed: using one inside this process")
		return miniRedis()
	}
	as, err := unprivileged()
	if err != nil {
		return nil, "", err
	}
	dir, err := home(o, as)
	if err != nil {
		return nil, "", fmt.Errorf("make the folder of Redis: %w", err)
	}
	held, err := lock(dir)
	if err != nil {
		return nil, "", fmt.Errorf("lock the folder of Redis: %w", err)
	}
	s, err := startRedis(ctx, o, as, program, dir)
	if err != nil {
		return nil, "", errors.Join(err, held.Close())
	}
	s.keep(held)
	return s, kind, nil
}

func redisProgram() (path, kind string) {
	for _, kind := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(kind); err == nil {
			return path, kind
		}
		for _, dir := range []string{"/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"} {
			if path := filepath.Join(dir, kind); isProgram(path) {
				return path, kind
			}
		}
	}
	return "", ""
}

func startRedis(ctx context.Context, o Options, as *owner, program, dir string) (*Server, error) {
	if err := endOrphan(ctx, filepath.Join(dir, redisPid), dir, syscall.SIGTERM); err != nil {
		return nil, err
	}
	sockets, remove, err := socketDir(dir, redisSocket, as)
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(sockets, redisSocket)
	// The server outlives the call that starts it.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, redisArgs(dir, socket, o.Fsync)...)
	cmd.Dir, cmd.Env = dir, environment()
	p, err := start(cmd, as, filepath.Join(dir, "redis.log"), syscall.SIGTERM)
	if err != nil {
		remove()
		return nil, err
	}
	if err := p.wait(ctx, func() bool { return redisAnswers(ctx, socket) }); err != nil {
		err = errors.Join(err, p.end(syscall.SIGTERM))
		remove()
		return nil, err
	}
	o.log().Info("started a private Redis", "program", cmd.Path, "folder", dir)
	return &Server{
		URL:   "unix://" + (&url.URL{Path: socket}).EscapedPath() + "?db=0",
		Dir:   dir,
		PID:   p.cmd.Process.Pid,
		ended: p.ended,
		stop:  func() error { defer remove(); return p.end(syscall.SIGTERM) },
	}, nil
}

func redisArgs(dir, socket string, fsync bool) []string {
	every := "everysec"
	if !fsync {
		every = "no"
	}
	return []string{
		"--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--dir", dir, "--pidfile", filepath.Join(dir, redisPid),
		"--daemonize", "no", "--appendonly", "yes", "--appendfsync", every, "--save", "",
		"--maxmemory-policy", "noeviction", "--databases", redisDatabases,
	}
}

// redisAnswers asks the way a person with a terminal would; while it still loads its data it says so instead of PONG.
func redisAnswers(ctx context.Context, socket string) bool {
	dialer := net.Dialer{Timeout: pingTimeout}
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(pingTimeout)); err != nil {
		return false
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	answer := make([]byte, 5)
	n, err := conn.Read(answer)
	return err == nil && string(answer[:n]) == "+PONG"
}

// miniRedis starts a Redis inside this process. Its clock stands still unless it is driven: without that no key would
// ever expire.
func miniRedis() (*Server, string, error) {
	m := miniredis.NewMiniRedis()
	password := uuid.NewString() // it listens on a port, which everybody on this machine can reach
	m.RequireAuth(password)
	if err := m.Start(); err != nil {
		return nil, "", fmt.Errorf("start a Redis inside this process: %w", err)
	}
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(miniTick)
		defer tick.Stop()
		last := time.Now()
		for {
			select {
			case now := <-tick.C:
				m.FastForward(now.Sub(last))
				last = now
			case <-done:
				return
			}
		}
	}()
	s := &Server{
		URL:  (&url.URL{Scheme: "redis", User: url.UserPassword("", password), Host: m.Addr(), Path: "/0"}).String(),
		stop: func() error { close(done); m.Close(); return nil },
	}
	return s, "miniredis", nil
}
