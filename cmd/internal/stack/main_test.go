package stack

import (
	"bufio"
	"io"
	"os"
	"testing"
)

// asProcess makes this test binary a worker or a scheduler, for tests of what becomes of real processes.
const asProcess = "DOORZET_TEST_PROCESS"

func TestMain(m *testing.M) {
	switch what := os.Getenv(asProcess); what {
	case "":
		os.Exit(m.Run())
	case "worker":
		awaitWord()
		os.Exit(Main(what, (*Stack).Metrics, (*Stack).Worker)) // as cmd/worker does
	case "scheduler":
		awaitWord()
		os.Exit(Main(what, (*Stack).Metrics, (*Stack).Scheduler)) // as cmd/scheduler does
	}
	os.Exit(2)
}

// awaitWord waits for a line on standard input, so that a process can be held ready. When the input ends, the test that it belongs
// to is dead, and so is the process.
func awaitWord() {
	in := bufio.NewReader(os.Stdin)
	if _, err := in.ReadString('\n'); err != nil {
		os.Exit(1)
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		os.Exit(1)
	}()
}
