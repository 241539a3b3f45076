package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
)

// partFlag begins the arguments of a process that this program starts of itself: the name of the part, and a number.
const partFlag = "part"

// runPart is a process that this program started of itself; it returns the exit code.
func runPart(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) != 2 {
		_, _ = fmt.Fprintln(stderr, "bench: a part has a name and a number")
		return 2
	}
	n, err := strconv.Atoi(args[1])
	if err == nil {
		err = runDrain(ctx, args[0], n, stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}
