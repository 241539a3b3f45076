package main

import (
	"math"
	"testing"
	"time"
)

func TestRatioAndPercentile(t *testing.T) {
	t.Parallel()
	if r := ratio(3, 2); r != 1.5 {
		t.Errorf("3 to 2 is %v", r)
	}
	if r := ratio(3, 0); !math.IsNaN(r) || times(r) != "-" {
		t.Errorf("to nothing it is %v, %q", r, times(r))
	}
	values := []time.Duration{5, 1, 4, 2, 3, 10, 9, 8, 7, 6}
	for p, want := range map[float64]time.Duration{0: 1, 10: 1, 50: 5, 51: 6, 95: 10, 99: 10, 100: 10} {
		if got := percentile(values, p); got != want {
			t.Errorf("percentile %v is %d, want %d", p, got, want)
		}
	}
	if values[0] != 5 {
		t.Error("the values were sorted in place")
	}
	if percentile([]float64{}, 50) != 0 || mean(nil) != 0 {
		t.Error("of nothing there is something")
	}
	if got := mean([]time.Duration{1, 2, 6}); got != 3 {
		t.Errorf("the mean is %d", got)
	}
}

func TestFiguresAsTheyAreRead(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		times(1.0849): "1.08 ×", span(3456 * time.Microsecond): "3.46 ms", span(68*time.Millisecond + 400*time.Microsecond): "68 ms",
		span(5870 * time.Millisecond): "5.87 s", span(137 * time.Second): "137 s", count(0): "0", count(999): "999", count(1000): "1,000",
		count(1234567): "1,234,567", count(-12345): "-12,345", count(-123): "-123", rate(500, 2*time.Second): "250/s", rate(5, 0): "-",
		memory(0): "-", memory(37 << 20): "37 MiB", each(62, 10): "6.20", each(1, 0): "-",
	} {
		if got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

func TestWhatTheSystemTells(t *testing.T) {
	t.Parallel()
	if n := kilobytes(field("Name:\tworker\nVmHWM:\t   38148 kB\nVmRSS:\t1 kB\n", "VmHWM")); n != 38148<<10 {
		t.Errorf("VmHWM is %d", n)
	}
	if field("a: b", "c") != "" || kilobytes("much") != 0 || peak(-1) != 0 || busy(-1) != 0 {
		t.Error("what is not there is something")
	}
	if m := (machine{"CPU", 2, 24 << 30}).String(); m != "CPU, 2 cores, 24 GiB" {
		t.Errorf("the machine is %q", m)
	}
	if m := (machine{"CPU", 2, 0}).String(); m != "CPU, 2 cores" {
		t.Errorf("a machine that does not tell its memory is %q", m)
	}
}
