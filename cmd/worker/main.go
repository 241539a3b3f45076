// Command worker runs nights and pushes: ops start as many as they need.
package main

import (
	"os"

	"github.com/doorzet/doorzet/cmd/internal/stack"
)

func main() {
	os.Exit(stack.Main("worker", (*stack.Stack).Metrics, (*stack.Stack).Worker))
}
