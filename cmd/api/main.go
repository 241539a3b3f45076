// Command api is the front door over HTTP: health, and the queue pages for ops.
package main

import (
	"os"

	"github.com/doorzet/doorzet/cmd/internal/stack"
)

func main() {
	os.Exit(stack.Main("api", (*stack.Stack).Prepare, (*stack.Stack).API))
}
