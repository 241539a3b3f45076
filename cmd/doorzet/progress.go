package main

import (
	"fmt"
	"io"
	"strings"
)

// bar shows how far work is: a bar where stderr is a terminal, else a line for each step.
type bar struct {
	out      io.Writer
	terminal bool
	step     string
	shown    string
}

func (c *cli) progress() *bar {
	return &bar{out: c.stderr, terminal: c.terminal}
}

// barWidth is how many characters the bar itself has.
const barWidth = 30

func (b *bar) show(step string, done, todo int) {
	if !b.terminal {
		if step != b.step && step != "" {
			_, _ = fmt.Fprintf(b.out, "%s ...\n", step)
		}
		b.step = step
		return
	}
	full := 0
	if todo > 0 {
		full = barWidth * min(done, todo) / todo
	}
	text := fmt.Sprintf("%-10s [%s%s] %d of %d", step, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done, todo)
	if todo == 0 {
		text = fmt.Sprintf("%-10s ...", step)
	}
	if text != b.shown {
		b.shown = text
		_, _ = fmt.Fprintf(b.out, "\r\x1b[K%s", text)
	}
}

// end leaves the last bar standing and goes on below it.
func (b *bar) end() {
	if b.terminal && b.shown != "" {
		_, _ = fmt.Fprintln(b.out)
	}
}
