// Package embedded starts a private Postgres and a private Redis from the programs found on this machine, for
// `doorzet demo` and for tests.
//
// A private server has a folder of its own, listens only on a socket in that folder, and ends with the process that
// started it. Its data stays: starting again in the same folder finds it. Servers that run on this machine already, a
// distribution's service for example, are neither used nor disturbed. Nothing here is meant for production.
package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
)

// Options say where a private server lives.
type Options struct {
	// Dir is its data folder; it is made when it does not exist. One server at a time can have it.
	Dir string
	// Log gets a line for what is started and where; nil = silent. The server's own log is a file in its folder.
	Log *slog.Logger
	// Fsync is whether the data must survive a power cut. Tests do without.
	Fsync bool
	// Count is whether Postgres can count statements (pg_stat_statements), where that comes with its programs.
	Count bool
}

func (o Options) log() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}

// Server is a running private server. Close ends it; its data stays.
type Server struct {
	URL string // for DATABASE_URL or REDIS_URL
	Dir string // where it really lives: not always below Options.Dir, see home
	PID int    // 0 when it runs inside this process

	stop  func() error
	ended <-chan struct{} // closed when it has ended
}

// Close stops the server in an orderly way and waits until it has ended. A second call does nothing.
func (s *Server) Close() error {
	stop := s.stop
	s.stop = nil
	if stop == nil {
		return nil
	}
	return stop()
}

// keep holds on to the lock of the server's folder until the server has ended, also when nobody keeps the Server: a file that
// nothing refers to is closed by the garbage collector, its lock ends, and the next run of tests takes the folder for a
// leftover.
func (s *Server) keep(held *os.File) {
	stop := s.stop
	s.stop = func() error { return errors.Join(stop(), held.Close()) }
	go func() {
		<-s.ended
		runtime.KeepAlive(held)
	}()
}

// MissingError means that a program is not installed. Install is the exact line that installs it here.
type MissingError struct{ What, Install string }

func (e *MissingError) Error() string {
	return e.What + " is not installed on this machine; install it with: " + e.Install
}

// ErrBusy means that another process has a server in the same folder.
var ErrBusy = errors.New("another process uses this folder")

// owner is whom a server runs as: nil is the user of this process. Postgres refuses to run as root, and Redis need not.
type owner struct {
	name     string
	uid, gid uint32
}

// unprivileged is nobody's owner but root's: nil unless this process is root, else a user without rights.
func unprivileged() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil || uid == 0 {
			continue
		}
		return &owner{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return nil, errors.New("this process is root, a private server must not be, and there is neither a user postgres nor nobody")
}

// home makes the folder of a server and returns its absolute path. As root the server runs as someone else, who may not
// be able to reach it (a checkout below /root): then the folder is a link to one in /var/tmp. Removing the link begins
// anew, as removing the folder does.
func home(o Options, as *owner) (string, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return "", err
	}
	if as == nil {
		return dir, os.MkdirAll(dir, 0o700)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	if !reachable(filepath.Dir(dir)) {
		return elsewhere(o, dir, as)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return dir, own(dir, as)
}

// elsewhere is the folder that the link dir leads to; both are made when they do not exist.
func elsewhere(o Options, dir string, as *owner) (string, error) {
	switch target, err := os.Readlink(dir); {
	case err == nil:
		if _, err := os.Lstat(target); err == nil {
			return target, own(target, as)
		}
		if err := os.Remove(dir); err != nil { // /var/tmp was cleaned
			return "", err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("the user %s, whom the server runs as, cannot reach %s: remove it, or choose another folder", as.name, dir)
	}
	target, err := os.MkdirTemp("/var/tmp", "doorzet-")
	if err != nil {
		return "", err
	}
	o.log().Info("the user of the server cannot reach the data folder", "user", as.name, "folder", dir, "instead", target)
	if err := os.Symlink(target, dir); err != nil {
		return "", errors.Join(err, os.Remove(target))
	}
	return target, own(target, as)
}

// own gives a folder to an owner. Someone else's folder is refused: in /var/tmp anybody may have made it.
func own(dir string, as *owner) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	uid, ok := ownerOf(info)
	if !info.IsDir() || !ok || (uid != 0 && uid != as.uid) {
		return fmt.Errorf("%s belongs to someone else: remove it, or choose another folder", dir)
	}
	if err := os.Chown(dir, int(as.uid), int(as.gid)); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// reachable tells whether everybody may pass through a folder and all above it.
func reachable(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}

// maxSocketPath is how long a socket's path may be: 104 bytes on macOS, 108 on Linux, one of them the end.
const maxSocketPath = 103

// socketDir is where a server's socket goes: into its folder, or into a short one when the path would be too long.
// remove takes the short one away again.
func socketDir(dir, socket string, as *owner) (path string, remove func(), err error) {
	if len(filepath.Join(dir, socket)) <= maxSocketPath {
		return dir, func() {}, nil
	}
	short, err := os.MkdirTemp("/tmp", "doorzet-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(short) }
	if as != nil {
		if err := own(short, as); err != nil {
			remove()
			return "", nil, err
		}
	}
	return short, remove, nil
}
