// Package internal_test holds the rules of the layout: docs/design.md says them in words, this file makes them true.
package internal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/doorzet/doorzet"

// arrows are the imports among our own packages that the star does not have: from -> to. Each is a line here, so that a
// new one is seen. The star itself needs none: every package under internal/ imports the ground, internal/doorzet, and
// nothing else of ours; cmd imports all; a package whose name ends in "test" also imports what it helps to test, and
// embedded, which starts the servers that tests run on.
var arrows = map[string][]string{
	"internal/postgres": {"migrations"}, // the SQL that it applies
}

// homes are the packages that have one home: only packages at or below it import them.
var homes = map[string]string{
	"github.com/hibiken/asynq":      "internal/queue",
	"github.com/hibiken/asynqmon":   "internal/queue",
	"github.com/redis/go-redis":     "internal/queue",
	"github.com/alicebob/miniredis": "internal/embedded",
	"github.com/jmoiron/sqlx":       "internal/postgres",
	"github.com/lib/pq":             "internal/postgres",
	"github.com/pressly/goose":      "internal/postgres",
	"database/sql":                  "internal/postgres",
	"github.com/prometheus":         "internal/web",
	"github.com/spf13/cobra":        "cmd",
}

// notGround is what the ground must not know: it is rules and words, without input, output, clock or context.
var notGround = []string{"context", "database/sql", "net", "net/http", "os", "os/exec", "path/filepath", "sync"}

// badNames say nothing of what a package is for.
var badNames = []string{"util", "utils", "common", "helper", "helpers", "model", "models", "service", "services", "types", "base", "misc", "shared", "lib"}

type pkg struct {
	ImportPath, Name, Dir              string
	Imports, TestImports, XTestImports []string
}

// short is the path within the module: "internal/queue".
func (p pkg) short() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// forTests tells whether a package is only there for tests: queuetest, wootest.
func (p pkg) forTests() bool { return strings.HasSuffix(p.ImportPath, "test") }

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Dir,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, complaints.String())
	}
	var all []pkg
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestTheStar(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if strings.HasPrefix(p.short(), "cmd/") {
			continue
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module+"/")
			switch {
			case !ours, to == "internal/doorzet", slices.Contains(arrows[p.short()], to):
			case p.forTests() && (to == path.Dir(p.short()) || to == "internal/embedded"):
			default:
				t.Errorf("%s imports %s: a package under internal/ imports internal/doorzet and nothing else of ours; say what you need as an interface, or add a line to arrows", p.short(), to)
			}
		}
	}
}

func TestNothingButTestsImportsTestPackages(t *testing.T) {
	t.Parallel()
	// The operator's command starts a fake shop.
	allowed := map[string]string{module + "/internal/woo/wootest": "cmd/"}
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			isTest := strings.HasPrefix(imported, module) && strings.HasSuffix(imported, "test") || imported == "testing"
			home, ok := allowed[imported]
			if isTest && !p.forTests() && (!ok || !strings.HasPrefix(p.short(), home)) {
				t.Errorf("%s imports %s, which is only for tests", p.short(), imported)
			}
		}
	}
}

func TestTheGroundKnowsNothing(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if p.short() != "internal/doorzet" {
			continue
		}
		for _, imported := range p.Imports {
			std := !strings.Contains(strings.Split(imported, "/")[0], ".")
			if slices.Contains(notGround, imported) || !std && imported != "github.com/shopspring/decimal" {
				t.Errorf("internal/doorzet imports %s", imported)
			}
		}
	}
	for file, name := range selectors(t, "time", "Now", "Since", "Until", "After", "NewTimer", "NewTicker") {
		if strings.HasPrefix(file, "internal/doorzet/") {
			t.Errorf("%s uses %s: the ground has no clock, a time comes in as a value", file, name)
		}
	}
}

func TestEachLibraryHasOneHome(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			for library, home := range homes {
				if within(imported, library) && !within(p.short(), home) {
					t.Errorf("%s imports %s: only %s does", p.short(), imported, home)
				}
			}
		}
	}
}

// within tells whether a path is another one or below it. A major version ("/v9") is below.
func within(at, home string) bool { return at == home || strings.HasPrefix(at, home+"/") }

func TestOnlyConfigReadsTheEnvironment(t *testing.T) {
	t.Parallel()
	for file, name := range selectors(t, "os", "Getenv", "LookupEnv", "Environ", "ExpandEnv") {
		dir := path.Dir(file)
		// A process hands os.Getenv to config; tests and their packages read what a person sets for a test run.
		if dir == "internal/config" || within(dir, "cmd") || strings.HasSuffix(file, "_test.go") || strings.HasSuffix(dir, "test") {
			continue
		}
		t.Errorf("%s uses %s: only internal/config reads the environment", file, name)
	}
}

func TestNobodySleeps(t *testing.T) {
	t.Parallel()
	for file := range selectors(t, "time", "Sleep") {
		t.Errorf("%s uses time.Sleep: wait for what you wait for", file)
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		var with []string
		goFiles(t, p.Dir, func(name string, file *ast.File) {
			if file.Doc != nil && !strings.HasSuffix(name, "_test.go") {
				with = append(with, name)
			}
		})
		if onlyTests(t, p.Dir) {
			continue
		}
		if len(with) != 1 {
			t.Errorf("%s has %d package comments (%s), want one", p.short(), len(with), strings.Join(with, ", "))
		}
	}
}

func TestPackagesHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "std").Output()
	if err != nil {
		t.Fatal(err)
	}
	std := map[string]bool{}
	for name := range strings.FieldsSeq(string(out)) {
		if !strings.Contains(name, "internal/") && !strings.HasPrefix(name, "vendor/") {
			std[path.Base(name)] = true
		}
	}
	for _, p := range packages(t) {
		if slices.Contains(badNames, p.Name) {
			t.Errorf("%s: the name %q says nothing", p.short(), p.Name)
		}
		if std[p.Name] && !onlyTests(t, p.Dir) {
			t.Errorf("%s: the name %q is the standard library's", p.short(), p.Name)
		}
	}
}

// goFiles calls f for each Go file of a folder, whatever its build tags.
func goFiles(t *testing.T, dir string, f func(name string, file *ast.File)) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		f(filepath.Base(name), file)
	}
}

func onlyTests(t *testing.T, dir string) bool {
	t.Helper()
	only := true
	goFiles(t, dir, func(name string, _ *ast.File) { only = only && strings.HasSuffix(name, "_test.go") })
	return only
}

// selectors finds the files that use one of a package's names: path within the module -> the name.
func selectors(t *testing.T, from string, names ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, p := range packages(t) {
		goFiles(t, p.Dir, func(name string, file *ast.File) {
			ast.Inspect(file, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := s.X.(*ast.Ident); ok && x.Name == from && slices.Contains(names, s.Sel.Name) {
					found[p.short()+"/"+name] = from + "." + s.Sel.Name
				}
				return true
			})
		})
	}
	return found
}
