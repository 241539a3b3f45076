// Command scheduler plans the nights and sweeps rows that are due. Any number may run; one is enough.
package main

import (
	"os"

	"github.com/doorzet/doorzet/cmd/internal/stack"
)

func main() {
	os.Exit(stack.Main("scheduler", (*stack.Stack).Metrics, (*stack.Stack).Scheduler))
}
