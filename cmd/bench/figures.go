package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// ratio is how many times b fits in a; there is none when b is nothing.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

// percentile is the smallest value that at least p percent of the values do not exceed; of none it is 0. p = 50 is the median.
func percentile[T ~int64 | ~float64](values []T, p float64) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// mean is the average; of none it is 0.
func mean(values []time.Duration) time.Duration {
	if len(values) == 0 {
		return 0
	}
	var sum time.Duration
	for _, v := range values {
		sum += v
	}
	return sum / time.Duration(len(values))
}

// times is a ratio as it is read: "1.08 ×".
func times(r float64) string {
	if math.IsNaN(r) {
		return "-"
	}
	return strconv.FormatFloat(r, 'f', 2, 64) + " ×"
}

// span is a duration as it is read, with three digits that mean something.
func span(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1000)
	case d < 100*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// rate is how many a second.
func rate(n int, took time.Duration) string { return perSecond(ratio(float64(n), took.Seconds())) }

func perSecond(f float64) string {
	if math.IsNaN(f) {
		return "-"
	}
	return count(int(math.Round(f))) + "/s"
}

// count is a number with its thousands apart.
func count(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0 && digits[at-1] != '-'; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// memory is bytes in MiB; none where the system does not tell.
func memory(bytes int64) string {
	if bytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20))
}

// each is how many there are of something for each of something else.
func each(of, things int) string {
	r := ratio(float64(of), float64(things))
	if math.IsNaN(r) {
		return "-"
	}
	return strconv.FormatFloat(r, 'f', 2, 64)
}
