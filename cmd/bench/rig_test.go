package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

func TestWhatKilledRunsLeftIsRemoved(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	ended := exec.CommandContext(t.Context(), "true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, runPrefix+strconv.Itoa(ended.Process.Pid))
	runs := filepath.Join(dir, runPrefix+strconv.Itoa(os.Getpid()))
	other := filepath.Join(dir, "run-to-the-hills")
	data := filepath.Join(elsewhere, "doorzet-1") // where a server lies whose user cannot reach the folder
	for _, path := range []string{gone, runs, other, data} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(data, filepath.Join(gone, "postgres")); err != nil {
		t.Fatal(err)
	}
	sweep(dir)
	for path, stays := range map[string]bool{gone: false, data: false, runs: true, other: true} {
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("%s: %v, should stay: %v", path, err, stays)
		}
	}
}
