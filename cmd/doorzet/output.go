package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

// maxSmall is how large a file with settings may be.
const maxSmall = 1 << 20

// show writes a result: one JSON document, or text for a person.
func (c *cli) show(v any, text func(w io.Writer)) error {
	if c.json {
		return writeJSON(c.stdout, v)
	}
	out := bufio.NewWriter(c.stdout)
	text(out)
	return out.Flush()
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// list writes many rows as they come: a JSON array, or a table. Nothing is kept, so memory does not grow with their
// number. When it breaks off in the middle the array stays open: nobody takes half a list for a whole one.
type list struct {
	out  *bufio.Writer
	tabs *tabwriter.Writer // nil for JSON
	head string
	rows int
}

// tableBlock is after how many rows of a table its columns are set anew.
const tableBlock = 500

// list begins a list. The head names the columns of the table.
func (c *cli) list(head ...string) *list {
	l := &list{out: bufio.NewWriterSize(c.stdout, 64<<10)}
	if !c.json {
		l.tabs = tabwriter.NewWriter(l.out, 0, 8, 2, ' ', 0)
		l.head = strings.Join(head, "\t")
	}
	return l
}

// add writes one row: v as JSON, or the cells.
func (l *list) add(v any, cells ...any) error {
	l.rows++
	if l.tabs == nil {
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("write the answer: %w", err)
		}
		sep := ",\n "
		if l.rows == 1 {
			sep = "["
		}
		_, err = l.out.WriteString(sep + string(b))
		return err
	}
	if l.rows == 1 {
		_, _ = fmt.Fprintln(l.tabs, l.head)
	}
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = oneLine(fmt.Sprint(cell))
	}
	if _, err := fmt.Fprintln(l.tabs, strings.Join(texts, "\t")); err != nil {
		return err
	}
	if l.rows%tableBlock == 0 {
		return l.tabs.Flush()
	}
	return nil
}

// end closes the list. When nothing was written yet an error leaves no half answer behind.
func (l *list) end(err error, none string) error {
	if err != nil {
		return err
	}
	switch {
	case l.tabs == nil && l.rows == 0:
		_, err = l.out.WriteString("[]\n")
	case l.tabs == nil:
		_, err = l.out.WriteString("]\n")
	case l.rows == 0:
		_, err = l.out.WriteString(none + "\n")
	default:
		err = l.tabs.Flush()
	}
	if err != nil {
		return err
	}
	return l.out.Flush()
}

// oneLine keeps what others wrote from breaking a table, or a terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// facts writes a list of names and values, aligned.
func facts(w io.Writer, pairs ...any) {
	tabs := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		_, _ = fmt.Fprintf(tabs, "%v\t%s\n", pairs[i], oneLine(fmt.Sprint(pairs[i+1])))
	}
	_ = tabs.Flush() // the writer behind it keeps the error
}

// moment is a time in JSON: RFC 3339 in UTC, null when there is none.
type moment time.Time

func (m moment) MarshalJSON() ([]byte, error) {
	if t := time.Time(m); !t.IsZero() {
		return json.Marshal(t.UTC().Truncate(time.Second).Format(time.RFC3339))
	}
	return []byte("null"), nil
}

// local is a time as a person of the shop reads it.
func local(t time.Time, loc *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(loc).Format("2006-01-02 15:04")
}

// dash stands where there is nothing.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// readSmall reads a small file.
func readSmall(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(f, maxSmall))
	return string(b), err
}

// present tells whether a folder has a file.
func present(dir, name string) (bool, error) {
	_, err := os.Lstat(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
