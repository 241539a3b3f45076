package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBooksExportWritesWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	b.add("processing", day)
	b.add("processing", day)
	b.night()
	files := b.files("main")
	if err := os.Remove(filepath.Join(b.dir, "main", files[0])); err != nil {
		t.Fatal(err)
	}
	var sum struct{ Written, Already, Failed int }
	b.must(&sum, "books", "export", "--books", "1")
	if sum.Written != 1 || sum.Already != 1 || !slices.Equal(b.files("main"), files) {
		t.Errorf("%+v, files %v", sum, b.files("main"))
	}
	if err := os.WriteFile(filepath.Join(b.dir, "main", files[0]), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if a := b.run("books", "export", "--books", "1", "--json"); a.code != exitFailed || !strings.Contains(a.stderr, "exists with another content") {
		t.Errorf("%+v", a)
	}
	var list []struct{ Name, Dir string }
	if b.must(&list, "books", "list"); len(list) != 1 || !filepath.IsAbs(list[0].Dir) {
		t.Errorf("%+v", list)
	}
}

// sellerFile writes a seller file, with something more in it.
func (b *bench) sellerFile(more string) string {
	b.t.Helper()
	file := filepath.Join(b.dir, "changed.json")
	if err := os.WriteFile(file, []byte(strings.TrimSuffix(seller, "}")+more+"}"), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return file
}

func TestBooksSetChangesTheSellerAndTheComingNightMakesHeldOrdersAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	var v struct {
		ID      int64
		Changes []string
	}
	kor := []string{`Books 1, seller, kor: - → [{"from":"2020-01-01","to":""}].`}
	b.must(&v, "books", "set", "--books", "1", "--seller-file", b.sellerFile(`, "kor": [{"from": "2020-01-01"}]`))
	if v.ID != 1 || !slices.Equal(v.Changes, kor) || !slices.Equal(b.journal(), kor) {
		t.Errorf("%+v, journal %q", v, b.journal())
	}
	order := b.add("processing", day)
	if b.night(); b.state(order) != "held" {
		t.Fatalf("an order with VAT of a seller without VAT is %s", b.state(order))
	}
	a := b.run("books", "set", "--books", "1", "--seller-file", b.sellerFile(""), "--name", "other", "--dir", filepath.Join(b.dir, "elsewhere"))
	for _, want := range []string{"The coming night makes held orders again.", "name: main → other.", "doorzet books export --books 1"} {
		if a.code != exitDone || !strings.Contains(a.stdout, want) {
			t.Errorf("no %q: %+v", want, a)
		}
	}
	if b.night(); b.state(order) != "pushed" || len(b.files("elsewhere")) != 1 {
		t.Errorf("after the night the order is %s, the files are %v", b.state(order), b.files("elsewhere"))
	}
	if b.must(&v, "books", "set", "--books", "1", "--name", "other"); len(v.Changes) != 0 {
		t.Errorf("the same again changes %q", v.Changes)
	}
}

func TestAFolderBelongsToOneConnectionToBooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addBooks("main")
	b.addBooks("second")
	again := filepath.Join(b.dir, "second") + "/../main/"
	refused := "folder " + filepath.Join(b.dir, "main") + " is that of books 1, main, already: choose another --dir"
	b.fails(exitFailed, refused, "books", "add", "--kind", "files", "--name", "third", "--dir", again, "--seller-file", b.sellerFile(""))
	b.fails(exitFailed, refused, "books", "set", "--books", "2", "--dir", again)
	b.fails(exitFailed, `books named "main" exist already`, "books", "set", "--books", "2", "--name", "main")
	b.must(&struct{}{}, "books", "set", "--books", "1", "--dir", again)
}
