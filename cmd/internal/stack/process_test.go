package stack

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/queue/queuetest"
)

// A process refuses a wrong environment before it does anything, and ends without an error when it is told to stop.
func TestAProcess(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"DATABASE_URL": postgrestest.URL(t), "REDIS_URL": queuetest.Redis(t), "DOORZET_LISTEN": "127.0.0.1:0",
		"DOORZET_SECRET_KEY": base64.StdEncoding.EncodeToString(make([]byte, 32)),
	}
	getenv := func(name string) string { return env[name] }
	ctx, cancel := context.WithCancel(t.Context())
	began := make(chan struct{})
	part := func(_ *Stack, ctx context.Context) error {
		close(began)
		<-ctx.Done()
		return nil
	}
	ended := make(chan error)
	go func() {
		ended <- run(ctx, getenv, io.Discard, []func(*Stack, context.Context) error{part, (*Stack).Prepare, (*Stack).API, (*Stack).Metrics})
	}()
	<-began
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("told to stop, it says: %v", err)
	}

	delete(env, "DOORZET_SECRET_KEY")
	err := run(t.Context(), getenv, io.Discard, nil)
	if err == nil || !strings.Contains(err.Error(), "DOORZET_SECRET_KEY") || !strings.Contains(err.Error(), "openssl rand -base64 32") {
		t.Errorf("without a key it says: %v", err)
	}
	env["DOORZET_WORKER_PUSH"], env["DOORZET_SECRET_KEY"] = "many", "short"
	err = run(t.Context(), getenv, io.Discard, nil)
	if err == nil || !strings.Contains(err.Error(), "DOORZET_WORKER_PUSH") || !strings.Contains(err.Error(), "DOORZET_SECRET_KEY") {
		t.Errorf("with two wrong values it says: %v", err)
	}
}

func TestAProcessTakesNoArguments(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if code := answer("worker", []string{"--help"}, &stdout, &stderr); code != 0 || stderr.Len() > 0 ||
		!strings.Contains(stdout.String(), "configured by environment") || strings.Count(stdout.String(), "\n") != 1 {
		t.Errorf("--help: exit code %d, %q, %q", code, stdout.String(), stderr.String())
	}
	for _, args := range [][]string{{"--queues", "push"}, {"help"}, {"--help", "me"}} {
		stdout.Reset()
		stderr.Reset()
		if code := answer("worker", args, &stdout, &stderr); code != 2 || stdout.Len() > 0 || !strings.Contains(stderr.String(), "it takes no arguments") {
			t.Errorf("%v: exit code %d, %q, %q", args, code, stdout.String(), stderr.String())
		}
	}
}
