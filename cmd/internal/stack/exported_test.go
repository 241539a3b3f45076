package stack

import (
	"context"
	"testing"

	"github.com/doorzet/doorzet/internal/postgres/postgrestest"
)

func TestExportsAreRecordedManyAtOnceAndNoneIsForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "processing", 3, 5*days)
	b.done(t)
	b.push(t)
	b.exec(t, `UPDATE bookings SET exported_at = NULL`)
	open := func() int {
		return postgrestest.One[int](t, b.url, `SELECT count(*) FROM bookings WHERE exported_at IS NULL`)
	}
	e := &exported{DB: b.DB}
	for id := postgrestest.One[int64](t, b.url, `SELECT max(id) FROM bookings`); len(e.ids) < 2; id-- {
		if err := e.Exported(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if n := open(); n != 3 {
		t.Errorf("before it is recorded, %d of 3 are open", n)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.record(gone); err == nil {
		t.Fatal("it says that it recorded them without Postgres")
	}
	if err := e.record(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := open(); n != 1 {
		t.Errorf("of 3, two of which were exported, %d are open", n)
	}
	if err := e.record(gone); err != nil {
		t.Errorf("with nothing to record it says %v", err)
	}
}
