package stack

import (
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
	"github.com/doorzet/doorzet/internal/queue"
)

// Nights are planned while Redis is down, and the sweep enqueues them when it is back.
func TestNightsArePlannedWithoutRedis(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, `UPDATE shops SET next_night_at = now() - interval '1 hour'`)
	up := b.Queue
	down, err := queue.Open("redis://127.0.0.1:1/0", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = down.Close() })
	b.Queue = down
	if err := b.plan(t.Context()); err == nil {
		t.Error("nobody hears that the nights were not enqueued")
	}
	b.Queue = up
	nights, err := b.DB.Nights(t.Context(), b.shop, 0)
	if err != nil || len(nights) != 1 || nights[0].State != doorzet.NightPlanned {
		t.Fatalf("the nights are %+v, %v", nights, err)
	}
	b.exec(t, `UPDATE nights SET wake_at = now()`)
	if err := b.sweepNights(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !postgrestest.One[bool](t, b.url, `SELECT wake_at > now() FROM nights`) {
		t.Error("the night was not swept")
	}
}
