// Command worker runs nights and pushes: ops start as many as they need.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/doorzet/doorzet/cmd/internal/stack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Getenv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "doorzet worker:", err)
		os.Exit(1)
	}
}

// run starts the process and returns when ctx is done and its work has drained.
func run(ctx context.Context, getenv func(string) string, stdout io.Writer) error {
	s, err := stack.Start(getenv, stdout)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // the process ends
	return s.Serve(ctx, s.Metrics, s.Worker)
}
