// Command doorzet is the operator's command: it sets shops and books up, runs nights by hand, and lists, explains and
// changes what happens to orders.
//
// It works on the same rows as the worker and the scheduler. What takes work is left to them when they run, and is done
// here when they do not.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	code := run(ctx, os.Args[1:], system{getenv: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr})
	stop()
	os.Exit(code)
}

// system is what the command needs of the world around it.
type system struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// run is one call of the command; it returns the exit code.
func run(ctx context.Context, args []string, sys system) int {
	stderr := &shared{to: sys.stderr}
	sys.stderr = stderr
	c := &cli{system: sys, terminal: stderr.terminal()}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(sys.stdin)
	root.SetOut(sys.stdout)
	root.SetErr(sys.stderr)
	called, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	if !c.started { // cobra refused the call before a command ran
		err = &usageError{err}
	}
	c.json = c.json || wantsJSON(args)
	return c.report(called, err)
}
