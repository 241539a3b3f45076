package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine is where something was measured.
type machine struct {
	cpu    string
	cores  int
	memory int64 // bytes; 0 = not known
}

// thisMachine reads what the system tells of itself; what it does not tell stays open.
func thisMachine() machine {
	m := machine{cpu: runtime.GOARCH, cores: runtime.NumCPU()}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.cpu = cmp.Or(field(string(info), "model name"), m.cpu)
	}
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		m.memory = kilobytes(field(string(info), "MemTotal"))
	}
	return m
}

func (m machine) String() string {
	s := fmt.Sprintf("%s, %d cores", m.cpu, m.cores)
	if m.memory > 0 {
		s += fmt.Sprintf(", %.0f GiB", float64(m.memory)/(1<<30))
	}
	return s
}

// field is the value of a line "name : value".
func field(text, name string) string {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// kilobytes reads "24676536 kB" as bytes; 0 when it is something else.
func kilobytes(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(s, "kB")), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// peak is the most memory that a process has had since it began (VmHWM); 0 where the system does not tell.
func peak(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return kilobytes(field(string(status), "VmHWM"))
}

// ticks is in how many parts of a second Linux counts the time of processes.
const ticks = 100

// busy is how long a process has worked since it began, on all cores; 0 where the system does not tell.
func busy(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name, which may hold anything
	fields := strings.Fields(rest)
	const user, system = 11, 12
	if len(fields) <= system {
		return 0
	}
	var sum int64
	for _, word := range []string{fields[user], fields[system]} {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return 0
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}

// load is how many processes wanted a core on average in the last minute; -1 where the system does not tell.
func load() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return -1
	}
	word, _, _ := strings.Cut(string(b), " ")
	n, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return -1
	}
	return n
}
