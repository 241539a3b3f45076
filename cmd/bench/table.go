package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is one table of results.
type table struct {
	title string
	head  []string
	rows  [][]string
	notes []string // sentences below it
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// target adds the sentence that says whether a target is met.
func (t *table) target(met bool, what, got string) {
	word := "missed"
	if met {
		word = "met"
	}
	t.note("Target: %s. Measured: %s: %s.", what, got, word)
}

// text writes it for a terminal.
func (t *table) text(w io.Writer) {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	_, _ = fmt.Fprintf(w, "\n%s\n\n", t.title) // the writer behind it keeps the error
	for _, row := range append([][]string{t.head}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line.WriteString("  " + cell + pad)
				continue
			}
			line.WriteString("  " + pad + cell)
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
	_, _ = fmt.Fprintln(w)
	for _, note := range t.notes {
		_, _ = fmt.Fprintln(w, "  "+note)
	}
}

// markdown is it for a page.
func (t *table) markdown() string {
	var b strings.Builder
	b.WriteString("**" + t.title + "**\n\n")
	line := func(cells []string) {
		for _, cell := range cells {
			b.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	line(t.head)
	b.WriteString("|---|" + strings.Repeat("---:|", len(t.head)-1) + "\n")
	for _, row := range t.rows {
		line(row)
	}
	b.WriteByte('\n')
	for _, note := range t.notes {
		b.WriteString("- " + note + "\n")
	}
	return b.String()
}
