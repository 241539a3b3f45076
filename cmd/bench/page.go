package main

import (
	"fmt"
	"os"
	"strings"
)

// fill writes the tables of one benchmark between its marks in a page, with the line that says where and when they were
// measured, and leaves all else as it is.
func fill(page, name, measured string, tables []table) (string, error) {
	from, until := "<!-- bench "+name+" -->\n", "<!-- end "+name+" -->"
	before, rest, ok := strings.Cut(page, from)
	if !ok {
		return "", fmt.Errorf("the page has no line %q", strings.TrimSpace(from))
	}
	_, after, ok := strings.Cut(rest, until)
	if !ok {
		return "", fmt.Errorf("the page has no line %q", until)
	}
	var b strings.Builder
	b.WriteString(before + from + "\n" + measured + "\n\n")
	for _, t := range tables {
		b.WriteString(t.markdown() + "\n")
	}
	b.WriteString(until + after)
	return b.String(), nil
}

// fillFile does so in a file.
func fillFile(path, name, measured string, tables []table) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	filled, err := fill(string(old), name, measured, tables)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(filled), 0o644)
}
