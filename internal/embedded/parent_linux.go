package embedded

import "syscall"

// dieWithParent asks the kernel to signal the server when the thread that starts it ends.
func dieWithParent(attr *syscall.SysProcAttr, signal syscall.Signal) { attr.Pdeathsig = signal }
