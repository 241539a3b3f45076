package woo_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/doorzet/doorzet/internal/woo"
)

func FuzzDecodeOrder(f *testing.F) {
	files, err := filepath.Glob("wootest/testdata/orders/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files[:6] {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"id":7,"meta_data":{"0":1},"billing":[],"total":"1e30"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := woo.DecodeOrder(raw)
		if err == nil && o.ID <= 0 {
			t.Errorf("an order without an id: %+v", o)
		}
	})
}

func BenchmarkDecodeOrder(b *testing.B) {
	raw, err := os.ReadFile("wootest/testdata/orders/mixed_9_21_shipping.json")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := woo.DecodeOrder(raw); err != nil {
			b.Fatal(err)
		}
	}
}
