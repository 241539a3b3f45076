package files_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorzet/doorzet/internal/accounting/accountingtest"
)

// Paths inside the folder of rules, and of the tool that runs them.
const (
	xsdFile    = "ubl-2.1/xsdrt/maindoc/UBL-Invoice-2.1.xsd"
	enRules    = "en16931/schematron/EN16931-UBL-validation-preprocessed.sch"
	nlRules    = "nlcius/schematron/si-ubl-2.0-preprocessed.sch"
	schematron = "../../../tools/schematron"
)

// judge is what invoice files are judged with. The rules are others' work and stand outside the tree.
type judge struct{ dir string }

// newJudge finds the rules and the programs that run them. What is missing skips the test, and fails it under CI.
func newJudge(t *testing.T) judge {
	t.Helper()
	dir := os.Getenv("DOORZET_INVOICE_RULES")
	if dir == "" {
		dir = "../../../../shared/fixtures/invoices"
	}
	missing := ""
	for _, file := range []string{filepath.Join(dir, xsdFile), filepath.Join(dir, enRules), filepath.Join(dir, nlRules)} {
		if _, err := os.Stat(file); err != nil {
			missing = "the rule file " + file + " (set DOORZET_INVOICE_RULES)"
		}
	}
	if _, err := os.Stat(filepath.Join(schematron, "node_modules")); err != nil {
		missing = "tools/schematron/node_modules (npm ci --prefix tools/schematron)"
	}
	for _, program := range []string{"xmllint", "node"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = "the program " + program
		}
	}
	switch {
	case missing == "":
	case os.Getenv("CI") == "true":
		t.Fatalf("invoice files cannot be judged without %s", missing)
	default:
		t.Skipf("invoice files are not judged: no %s", missing)
	}
	return judge{dir: dir}
}

// failure is an assert that a file fails.
type failure struct {
	File     string
	AssertID string
	Flag     string
	Text     string
}

// wrong is what is wrong with each of the documents, by name: the XSD's complaints, and the fatal asserts of EN 16931 and,
// for documents that claim them, of the Dutch rules. Documents without a fault are absent.
func (j judge) wrong(t *testing.T, documents map[string][]byte) map[string][]string {
	t.Helper()
	dir := t.TempDir()
	var all, dutch []string
	for name, content := range documents {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		all = append(all, path)
		if bytes.Contains(content, []byte("nlcius")) {
			dutch = append(dutch, path)
		}
	}
	wrong := map[string][]string{}
	for _, f := range append(j.xsd(t, all), append(j.rules(t, enRules, all), j.rules(t, nlRules, dutch)...)...) {
		name := filepath.Base(f.File)
		wrong[name] = append(wrong[name], strings.TrimSpace(f.AssertID+" "+f.Text))
	}
	return wrong
}

// xsd runs the schema over files.
func (j judge) xsd(t *testing.T, names []string) []failure {
	t.Helper()
	args := append([]string{"--nonet", "--noout", "--schema", filepath.Join(j.dir, xsdFile)}, names...)
	out, err := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput()
	var failures []failure
	judged := 0
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		file, rest, _ := strings.Cut(line, ".xml")
		switch {
		case rest == " validates":
			judged++
		case rest == " fails to validate":
			judged++
			failures = append(failures, failure{File: file + ".xml", AssertID: "XSD"})
		case line != "":
			failures = append(failures, failure{File: file + ".xml", Text: line})
		}
	}
	if judged != len(names) {
		t.Fatalf("xmllint judged %d of %d files: %v\n%.2000s", judged, len(names), err, out)
	}
	return failures
}

// rules runs a rule file over files. That nothing fails counts only when rules were evaluated.
func (j judge) rules(t *testing.T, rules string, names []string) []failure {
	t.Helper()
	if len(names) == 0 {
		return nil
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(schematron, "validate.mjs"), filepath.Join(j.dir, rules))
	cmd.Stdin = strings.NewReader(strings.Join(names, "\n"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", rules, err, stderr.String())
	}
	var failures []failure
	judged := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			failure
			Asserts int
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v in %s", rules, err, lines.Text())
		}
		if line.AssertID != "" {
			failures = append(failures, line.failure)
			continue
		}
		judged[line.File] = line.Asserts
	}
	for _, name := range names {
		if judged[name] < 100 {
			failures = append(failures, failure{File: name, Text: fmt.Sprintf("only %d asserts of %s were evaluated", judged[name], rules)})
		}
	}
	return failures
}

// TestTheRunnerJudgesAsTheLibraryDoes: what makes the rules fast must not change what they say.
func TestTheRunnerJudgesAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	good := render(t, accountingtest.Document("WC-1"))
	name := filepath.Join(t.TempDir(), "broken.xml")
	if err := os.WriteFile(name, bytes.ReplaceAll(good, []byte(`currencyID="EUR"`), []byte(`currencyID="EUX"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, rules := range []string{enRules, nlRules} {
		cmd := exec.CommandContext(t.Context(), "node", filepath.Join(schematron, "compare.mjs"), filepath.Join(j.dir, rules), name)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", rules, err, out)
		}
	}
}
