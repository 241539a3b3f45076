//go:build unix && !linux

package embedded

import "syscall"

// dieWithParent cannot be had here: after a kill -9 of this process the server goes on, and the next start in the same
// folder ends it.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}
