//go:build unix

package embedded

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// scratchPrefix begins the names of the folders that Scratch makes.
const scratchPrefix = "doorzet-scratch-"

// Scratch makes a folder for a server that a run of tests starts and never closes, because no test is the last one. The
// server ends with the run; the folder is removed by the next run that asks for one.
func Scratch(ctx context.Context) (string, error) {
	sweepScratch(ctx)
	return os.MkdirTemp(os.TempDir(), scratchPrefix)
}

// sweepScratch removes the folders of runs that have ended: nobody holds their lock.
func sweepScratch(ctx context.Context) {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), scratchPrefix+"*")) // the pattern is well formed
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || time.Since(info.ModTime()) < time.Minute {
			continue // perhaps made this moment, and not locked yet
		}
		held, err := lock(dir)
		if err != nil {
			continue // in use, or someone else's
		}
		// Only where a server outlives its parent does one of these still run.
		pg := endOrphan(ctx, filepath.Join(dir, "data", postgresPid), dir, syscall.SIGINT)
		rd := endOrphan(ctx, filepath.Join(dir, redisPid), dir, syscall.SIGTERM)
		if pg == nil && rd == nil {
			_ = os.RemoveAll(dir) // what cannot be removed now is tried again by the next run
		}
		_ = held.Close()
	}
}
