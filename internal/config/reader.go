package config

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

const (
	fileSuffix      = "_FILE"
	keyBytes        = 32
	minPassword     = 8
	maxPort         = 65535
	maxSecretInFile = 64 << 10
)

// reader reads variables and collects what is wrong with them: each method takes a variable's name, and returns the
// zero value after noting a problem.
type reader struct {
	getenv   func(string) string
	given    map[string]bool
	problems []error
}

// wrong notes a problem. found never holds a secret.
func (r *reader) wrong(name, found, write string) {
	r.problems = append(r.problems, doorzet.Input("%s: found %s; write %s", name, found, write))
}

// text is a variable's value, else its default.
func (r *reader) text(name string) string {
	v := variable(name)
	value := strings.TrimSpace(r.getenv(name))
	if v.Secret {
		if path := r.getenv(name + fileSuffix); path != "" {
			r.given[name] = true
			if value != "" {
				r.problems = append(r.problems, doorzet.Input("%s and %s%s are both set; write only one of them", name, name, fileSuffix))
				return ""
			}
			return r.file(name+fileSuffix, path)
		}
	}
	if value == "" {
		return v.Default
	}
	r.given[name] = true
	return value
}

func (r *reader) file(name, path string) string {
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxSecretInFile) {
		r.wrong(name, fmt.Sprintf("%q, which is not a small file", path), "the path of a file that holds only the value")
		return ""
	}
	b, err := os.ReadFile(path)
	if err != nil {
		r.wrong(name, "a path that cannot be read ("+err.Error()+")", "the path of a file that holds only the value")
		return ""
	}
	value := strings.TrimSpace(string(b))
	if value == "" {
		r.wrong(name, fmt.Sprintf("%q, which is empty", path), "the path of a file that holds the value")
	}
	return value
}

// together refuses one of two variables without the other.
func (r *reader) together(a, b string) {
	if r.given[a] != r.given[b] {
		set, unset := a, b
		if r.given[b] {
			set, unset = b, a
		}
		r.problems = append(r.problems, doorzet.Input("%s is set and %s is not; write both, or neither", set, variable(unset).forms()))
	}
}

func (r *reader) yes(name string) bool {
	switch value := r.text(name); value {
	case "true":
		return true
	case "false":
		return false
	default:
		r.wrong(name, strconv.Quote(value), "true or false")
		return false
	}
}

func (r *reader) number(name string, least, most int) int {
	value := r.text(name)
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		r.wrong(name, strconv.Quote(value), fmt.Sprintf("a whole number from %d to %d", least, most))
		return 0
	}
	return n
}

func (r *reader) duration(name string, least, most time.Duration) time.Duration {
	value := r.text(name)
	d, err := time.ParseDuration(value)
	if err != nil || d < least || d > most {
		r.wrong(name, strconv.Quote(value), fmt.Sprintf("a time from %s to %s, as 20s or 2m", least, most))
		return 0
	}
	return d
}

func (r *reader) level(name string) slog.Level {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	value := r.text(name)
	level, ok := levels[strings.ToLower(value)]
	if !ok {
		r.wrong(name, strconv.Quote(value), "debug, info, warn or error")
	}
	return level
}

// words is a list with commas of some of the known words, in their order.
func (r *reader) words(name string, known ...string) []string {
	var found []string
	for word := range strings.SplitSeq(r.text(name), ",") {
		word = strings.TrimSpace(word)
		if !slices.Contains(known, word) {
			r.wrong(name, strconv.Quote(word), "one or more of "+strings.Join(known, ", ")+", with commas")
			return nil
		}
		found = append(found, word)
	}
	var ordered []string
	for _, word := range known {
		if slices.Contains(found, word) {
			ordered = append(ordered, word)
		}
	}
	return ordered
}

// address is HOST:PORT to listen at; HOST may be empty, which means every interface.
func (r *reader) address(name string) string {
	value := r.text(name)
	if value == "" {
		return ""
	}
	_, port, err := net.SplitHostPort(value)
	n, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil || n < 0 || n > maxPort {
		r.wrong(name, strconv.Quote(value), "HOST:PORT, as 127.0.0.1:8080, or :8080 for every interface")
		return ""
	}
	return value
}

func (r *reader) user(name string) string {
	value := r.text(name)
	if strings.Contains(value, ":") {
		r.wrong(name, strconv.Quote(value), "a name without a colon")
		return ""
	}
	return value
}

func (r *reader) password(name string) doorzet.Secret {
	value := r.text(name)
	if value != "" && len(value) < minPassword {
		r.wrong(name, fmt.Sprintf("%d characters", len(value)), fmt.Sprintf("at least %d characters", minPassword))
		return ""
	}
	return doorzet.Secret(value)
}

func (r *reader) key(name string) doorzet.Secret {
	value := r.text(name)
	if value == "" {
		return ""
	}
	const write = "base64 of exactly 32 bytes, as made by: openssl rand -base64 32"
	key, err := base64.StdEncoding.DecodeString(value)
	switch {
	case err != nil:
		r.wrong(name, "a value that is not base64", write)
		return ""
	case len(key) != keyBytes:
		r.wrong(name, fmt.Sprintf("base64 of %d bytes", len(key)), write)
		return ""
	}
	return doorzet.Secret(key)
}

func (r *reader) pool(name string) string {
	value := r.text(name)
	if value == "" {
		return ""
	}
	if _, err := doorzet.ParsePool(value); err != nil {
		r.wrong(name, strconv.Quote(value), "at most 20 lower-case letters, digits and hyphens, like large")
		return ""
	}
	return value
}

func (r *reader) publicURL(name string) string {
	value := r.text(name)
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		shown := strconv.Quote(value)
		if strings.Contains(value, "@") {
			shown = "a URL with a user or password"
		}
		r.wrong(name, shown, "https://HOST or https://HOST/PATH, without user, query or fragment")
		return ""
	}
	return strings.TrimRight(value, "/")
}

// forms is how a variable can be given: its name, of a secret also the _FILE form.
func (v Variable) forms() string {
	if v.Secret {
		return v.Name + " (or " + v.Name + fileSuffix + ")"
	}
	return v.Name
}
