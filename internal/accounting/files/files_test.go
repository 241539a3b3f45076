package files_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/doorzet/doorzet/internal/accounting/accountingtest"
	"github.com/doorzet/doorzet/internal/accounting/files"
	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestFilesBehaveLikeBooks(t *testing.T) {
	t.Parallel()
	accountingtest.Run(t, func(t *testing.T) accountingtest.Subject {
		t.Helper()
		books := files.Books{Dir: filepath.Join(t.TempDir(), "invoices")}
		return accountingtest.Subject{
			Books: books,
			Keep:  func(_ context.Context, r doorzet.Receipt) error { return books.Export(r.RemoteID, r.Content) },
		}
	})
}

func TestCreateWritesNothing(t *testing.T) {
	t.Parallel()
	books := files.Books{Dir: t.TempDir()}
	r, err := books.Create(context.Background(), accountingtest.Document("WC-1"))
	if err != nil || r.RemoteID != "WC-1.xml" || r.Total != 5491 || !strings.Contains(string(r.Content), "<cbc:ID>WC-1</cbc:ID>") {
		t.Errorf("receipt %s of %s, %v", r.RemoteID, r.Total, err)
	}
	if got := listed(t, books.Dir); got != "" {
		t.Errorf("the folder holds %s", got)
	}
}

func TestCreateRefusesForGood(t *testing.T) {
	t.Parallel()
	doc := accountingtest.Document("WC-1")
	doc.Total++
	_, err := files.Books{Dir: t.TempDir()}.Create(context.Background(), doc)
	if _, refused := errors.AsType[*doorzet.RefusedError](err); !refused {
		t.Errorf("%v is no refusal", err)
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	t.Run("the same content again changes nothing", func(t *testing.T) {
		t.Parallel()
		books := files.Books{Dir: filepath.Join(t.TempDir(), "a", "b")}
		for range 2 {
			if err := books.Export("WC-1", []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		if err := books.Export("WC-1.xml", []byte("x")); err != nil {
			t.Error(err)
		}
		if got := listed(t, books.Dir); got != "WC-1.xml" {
			t.Errorf("the folder holds %s", got)
		}
	})
	t.Run("other content is never written over", func(t *testing.T) {
		t.Parallel()
		books := files.Books{Dir: t.TempDir()}
		if err := books.Export("WC-1", []byte("x")); err != nil {
			t.Fatal(err)
		}
		err := books.Export("WC-1", []byte("y"))
		var refused *doorzet.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "WC-1.xml") {
			t.Errorf("%v is no refusal that names the file", err)
		}
		if got := string(read(t, filepath.Join(books.Dir, "WC-1.xml"))); got != "x" {
			t.Errorf("the file holds %q", got)
		}
	})
	t.Run("of many writers at once one is first", func(t *testing.T) {
		t.Parallel()
		books := files.Books{Dir: t.TempDir()}
		var wrote sync.Map
		var writers sync.WaitGroup
		for i := range 20 {
			writers.Go(func() {
				content := fmt.Sprint("content ", i)
				if books.Export("WC-1", []byte(content)) == nil {
					wrote.Store(content, true)
				}
			})
		}
		writers.Wait()
		count := 0
		wrote.Range(func(content, _ any) bool {
			count++
			if got := string(read(t, filepath.Join(books.Dir, "WC-1.xml"))); got != content {
				t.Errorf("the file holds %q, the writer was told of %q", got, content)
			}
			return true
		})
		if count != 1 || listed(t, books.Dir) != "WC-1.xml" {
			t.Errorf("%d writers were told that they wrote; the folder holds %s", count, listed(t, books.Dir))
		}
	})
	for _, name := range []string{"", ".", "..", "../WC-1", "a/b", `a\b`, ".hidden", "WC 1", "WC-1\x00", strings.Repeat("x", 101), "C:WC"} {
		t.Run(fmt.Sprintf("the name %.20q is refused", name), func(t *testing.T) {
			t.Parallel()
			books := files.Books{Dir: t.TempDir()}
			var input *doorzet.InputError
			if err := books.Export(name, []byte("x")); !errors.As(err, &input) {
				t.Errorf("export: %v", err)
			}
			if _, err := books.Find(context.Background(), name); !errors.As(err, &input) {
				t.Errorf("find: %v", err)
			}
			if got := listed(t, books.Dir); got != "" {
				t.Errorf("the folder holds %s", got)
			}
		})
	}
}

func TestFindDoesNotTakeWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	good := string(render(t, accountingtest.Document("WC-1")))
	tests := []struct{ name, content, says string }{
		{"no XML", "hello", "not ours"},
		{"cut off", good[:len(good)/2], "not ours"},
		{"another kind of XML", "<html></html>", "no UBL invoice"},
		{"another document", strings.Replace(good, "<cbc:ID>WC-1</cbc:ID>", "<cbc:ID>WC-2</cbc:ID>", 1), `"WC-2"`},
		{"an amount that is none", strings.Replace(good, ">54.91<", ">much<", 2), "no amount"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			books := files.Books{Dir: t.TempDir()}
			if err := os.WriteFile(filepath.Join(books.Dir, "WC-1.xml"), []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := books.Find(context.Background(), "WC-1"); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v does not say %q", err, test.says)
			}
		})
	}
	t.Run("a folder in its place", func(t *testing.T) {
		t.Parallel()
		books := files.Books{Dir: t.TempDir()}
		if err := os.Mkdir(filepath.Join(books.Dir, "WC-1.xml"), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := books.Find(context.Background(), "WC-1"); err == nil {
			t.Error("found it")
		}
		if err := books.Export("WC-1", []byte("x")); err == nil {
			t.Error("wrote it")
		}
	})
	t.Run("a folder that is not there holds nothing", func(t *testing.T) {
		t.Parallel()
		found, err := files.Books{Dir: filepath.Join(t.TempDir(), "none")}.Find(context.Background(), "WC-1")
		if len(found) != 0 || err != nil {
			t.Errorf("%v, %v", found, err)
		}
	})
}

func TestCheckDir(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if err := files.CheckDir(dir); err != nil {
		t.Error(err)
	}
	if got := listed(t, dir); got != "" {
		t.Errorf("the check left %s", got)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", file, filepath.Join(file, "below")} {
		var input *doorzet.InputError
		if err := files.CheckDir(bad); !errors.As(err, &input) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAFolderWithoutRights(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := filepath.Join(t.TempDir(), "locked")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	var input *doorzet.InputError
	if err := files.CheckDir(dir); !errors.As(err, &input) || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
	if err := (files.Books{Dir: dir}).Export("WC-1", []byte("x")); err == nil {
		t.Error("the export succeeded")
	}
}

// listed is what a folder holds, hidden files too.
func listed(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}
