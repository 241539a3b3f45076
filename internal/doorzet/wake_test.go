package doorzet

import "testing"

func TestParsePool(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"large": true, "eu-1": true, "0": true, "abcdefghijklmnopqrst": true,
		"": false, "none": false, "Large": false, "-a": false, "a b": false, "a{b}": false, "abcdefghijklmnopqrstu": false,
	} {
		if got, err := ParsePool(name); (err == nil) != ok || ok && got != name {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}
