package main

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The demo is what a newcomer sees first. It is run as it is, with Postgres and Redis of its own, and once more on the same
// data, as somebody does who comes back.
func TestDemoOnceEndsAfterItsNightsAndBooksNothingTwiceWhenItIsRunAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := map[string]string{"DOORZET_DATA_DIR": dir, "DEMO_ONCE": "1"}
	demo := func() string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), []string{"demo"}, system{
			getenv: func(name string) string { return env[name] }, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		})
		if code != exitDone {
			t.Fatalf("exit code %d\n%s\n%s", code, stdout.String(), stderr.String())
		}
		return stdout.String()
	}

	story := demo()
	for _, want := range []string{"Imported       400", "Time passes in the shop: 8 open orders", "Where to look:", dir, "Nothing runs any more. make demo keeps it running"} {
		if !strings.Contains(story, want) {
			t.Errorf("the story lacks %q:\n%s", want, story)
		}
	}
	for _, late := range []string{"/queues/", "bin/doorzet", "The fake shop starts afresh"} {
		if strings.Contains(story, late) {
			t.Errorf("nothing runs any more, and it ran once, but the story has %q:\n%s", late, story)
		}
	}
	first := invoices(t, dir)
	if len(first) < 100 {
		t.Fatalf("%d invoice files", len(first))
	}

	if story = demo(); !strings.Contains(story, "The fake shop starts afresh") {
		t.Errorf("the second story does not say what happened to the shop:\n%s", story)
	}
	again := invoices(t, dir)
	for name, content := range first {
		if again[name] != content {
			t.Errorf("%s is another file after the second run", name)
		}
	}
	if more := len(again) - len(first); more > 8 {
		t.Errorf("the second run made %d more files; at most 8 orders became completed meanwhile", more)
	}
}

// invoices are the demo's files by name, each of them whole.
func invoices(t *testing.T, dir string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "invoices", "*"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(content, &struct {
			XMLName xml.Name `xml:"Invoice"`
		}{}); err != nil {
			t.Errorf("%s is no whole invoice: %v", name, err)
		}
		out[name] = string(content)
	}
	return out
}
