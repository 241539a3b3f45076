package main

import (
	"strings"
	"testing"
)

func sample() table {
	t := table{title: "Nights", head: []string{"open", "ratio"}}
	t.add("10", "1.08 ×")
	t.add("100,000", "a|b")
	t.target(true, "at most 1.15 ×", "1.08 ×")
	t.target(false, "at most 1", "2")
	return t
}

func TestTableAsText(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	s := sample()
	s.text(&b)
	want := `
Nights

  open      ratio
  10       1.08 ×
  100,000     a|b

  Target: at most 1.15 ×. Measured: 1.08 ×: met.
  Target: at most 1. Measured: 2: missed.
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}

func TestTableAsMarkdown(t *testing.T) {
	t.Parallel()
	s := sample()
	want := `**Nights**

| open | ratio |
|---|---:|
| 10 | 1.08 × |
| 100,000 | a\|b |

- Target: at most 1.15 ×. Measured: 1.08 ×: met.
- Target: at most 1. Measured: 2: missed.
`
	if got := s.markdown(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestFillChangesOnlyWhatLiesBetweenItsMarks(t *testing.T) {
	t.Parallel()
	const page = "# Page\n\n<!-- bench night -->\nold\n<!-- end night -->\n\nText.\n<!-- bench push -->\nkept\n<!-- end push -->\n"
	s := sample()
	got, err := fill(page, "night", "Measured today.", []table{s})
	if err != nil {
		t.Fatal(err)
	}
	want := "# Page\n\n<!-- bench night -->\n\nMeasured today.\n\n" + s.markdown() + "\n<!-- end night -->\n\nText.\n<!-- bench push -->\nkept\n<!-- end push -->\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if again, err := fill(got, "night", "Measured today.", []table{s}); err != nil || again != got {
		t.Errorf("filled once more it is another page (%v)", err)
	}
	for _, broken := range []string{"", "<!-- bench night -->\n", "<!-- end night -->"} {
		if _, err := fill(broken, "night", "", nil); err == nil {
			t.Errorf("a page %q is filled", broken)
		}
	}
}
