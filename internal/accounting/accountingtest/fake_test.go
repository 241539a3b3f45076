package accountingtest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/doorzet/doorzet/internal/accounting/accountingtest"
	"github.com/doorzet/doorzet/internal/doorzet"
)

func TestFakeBooksBehaveLikeBooks(t *testing.T) {
	t.Parallel()
	accountingtest.Run(t, func(*testing.T) accountingtest.Subject {
		return accountingtest.Subject{Books: &accountingtest.Fake{}}
	})
}

func TestFakeBooksThatAcceptDuplicatesBehaveLikeBooks(t *testing.T) {
	t.Parallel()
	accountingtest.Run(t, func(*testing.T) accountingtest.Subject {
		return accountingtest.Subject{Books: &accountingtest.Fake{Duplicates: true}}
	})
}

func TestFakeBooksTrouble(t *testing.T) {
	t.Parallel()
	unknown := func(err error) bool { var e *doorzet.UnknownError; return errors.As(err, &e) }
	refused := func(err error) bool { var e *doorzet.RefusedError; return errors.As(err, &e) }
	later := func(err error) bool { var e *doorzet.LaterError; return errors.As(err, &e) }
	tests := []struct {
		trouble accountingtest.Trouble
		is      func(error) bool
		held    int
	}{
		{accountingtest.TimeOutAfterCommit, unknown, 1},
		{accountingtest.TimeOutBeforeCommit, unknown, 0},
		{accountingtest.Refusing, refused, 0},
		{accountingtest.Down, later, 0},
	}
	for _, test := range tests {
		t.Run(string(test.trouble), func(t *testing.T) {
			t.Parallel()
			var books accountingtest.Fake
			books.MakeNext(1, test.trouble)
			_, err := books.Create(context.Background(), accountingtest.Document("WC-1"))
			if !test.is(err) {
				t.Errorf("first create: %v", err)
			}
			if got := books.Held("WC-1"); got != test.held {
				t.Errorf("%d documents held, want %d", got, test.held)
			}
			if _, err = books.Create(context.Background(), accountingtest.Document("WC-2")); err != nil {
				t.Errorf("second create: %v", err)
			}
		})
	}
}
