package accountingtest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Books is what package push asks of an accounting system.
type Books interface {
	Create(ctx context.Context, doc doorzet.Document) (doorzet.Receipt, error)
	Find(ctx context.Context, ref string) ([]doorzet.Found, error)
	Settle() time.Duration
}

// Subject is one set of empty books under test.
type Subject struct {
	Books Books
	// Keep does what follows a booking that was recorded, where a document can only be found after that (files: the
	// export); nil where Create is enough.
	Keep func(ctx context.Context, r doorzet.Receipt) error
}

// create makes a document and keeps it.
func (s Subject) create(ctx context.Context, doc doorzet.Document) (doorzet.Receipt, error) {
	r, err := s.Books.Create(ctx, doc)
	if err == nil && s.Keep != nil {
		err = s.Keep(ctx, r)
	}
	return r, err
}

// Run is the behaviour that every accounting system must show. Open gives a new, empty subject to each test.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	tests := []struct {
		name string
		run  func(t *testing.T, s Subject)
	}{
		{"a reference that was never used finds nothing", findsNothing},
		{"what was created is found as it was", findsWhatWasCreated},
		{"the receipt says what was created", receiptIsTrue},
		{"the same document gives the same content", createIsDeterministic},
		{"a reference is found whole, not by its beginning", referenceIsWhole},
		{"two creates of one reference are never silently different", differentCreatesShow},
		{"the same create twice can be adopted", sameCreateTwice},
		{"nothing is created after its time is up", cancelledCreatesNothing},
		{"a look-up can be trusted within a minute", settlesSoon},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

func findsNothing(t *testing.T, s Subject) {
	if found := find(t, s, "WC-404"); len(found) != 0 {
		t.Errorf("found %d documents, want none", len(found))
	}
}

func findsWhatWasCreated(t *testing.T, s Subject) {
	for _, doc := range []doorzet.Document{Document("WC-1002"), Export("WC-1003")} {
		mustCreate(t, s, doc)
		found := find(t, s, doc.Reference)
		if len(found) != 1 {
			t.Fatalf("%s: found %d documents, want one", doc.Reference, len(found))
		}
		f := found[0]
		if f.Kind != doc.Kind || f.Total != doc.Total || f.Currency != doc.Currency || f.Date != doc.Date {
			t.Errorf("%s: found %s of %s %s on %s, want %s of %s %s on %s", doc.Reference, f.Kind, f.Total, f.Currency, f.Date, doc.Kind, doc.Total, doc.Currency, doc.Date)
		}
		if f.VAT != nil && !reflect.DeepEqual(f.VAT, doc.VATByPercent()) {
			t.Errorf("%s: found VAT %v, want %v", doc.Reference, f.VAT, doc.VATByPercent())
		}
		if err := doorzet.Adoptable(doc, f); err != nil {
			t.Errorf("%s: %v", doc.Reference, err)
		}
	}
}

func receiptIsTrue(t *testing.T, s Subject) {
	doc := Document("WC-1002")
	r := mustCreate(t, s, doc)
	if r.Total != doc.Total {
		t.Errorf("total %s, want %s", r.Total, doc.Total)
	}
	if r.RemoteID == "" {
		t.Error("the receipt has no remote id")
	}
	if f := find(t, s, doc.Reference); len(f) == 1 && f[0].RemoteID != r.RemoteID {
		t.Errorf("found under id %q, was created under %q", f[0].RemoteID, r.RemoteID)
	}
}

func createIsDeterministic(t *testing.T, s Subject) {
	first := mustCreate(t, s, Document("WC-1002"))
	second, err := s.Books.Create(context.Background(), Document("WC-1002"))
	if err == nil && string(second.Content) != string(first.Content) {
		t.Error("the same document gave another content")
	}
}

func referenceIsWhole(t *testing.T, s Subject) {
	mustCreate(t, s, Document("WC-10"))
	for _, ref := range []string{"WC-1", "WC-100", "WC-10-2", "C-10"} {
		if found := find(t, s, ref); len(found) != 0 {
			t.Errorf("%s: found %d documents, want none", ref, len(found))
		}
	}
}

func differentCreatesShow(t *testing.T, s Subject) {
	mustCreate(t, s, Document("WC-1002"))
	other := Export("WC-1002")
	_, err := s.create(context.Background(), other)
	found := find(t, s, "WC-1002")
	if err == nil && len(found) < 2 {
		t.Error("the second create was accepted, and a look-up does not show both")
	}
	if len(found) == 0 {
		t.Fatal("the first document is gone")
	}
	if doorzet.Adoptable(Document("WC-1002"), found[0]) != nil {
		t.Error("the first document was changed")
	}
	if doorzet.Adoptable(other, found[0]) == nil {
		t.Error("another document would be adopted")
	}
}

func sameCreateTwice(t *testing.T, s Subject) {
	doc := Document("WC-1002")
	mustCreate(t, s, doc)
	_, err := s.create(context.Background(), doc)
	found := find(t, s, doc.Reference)
	if len(found) == 0 {
		t.Fatal("the document is gone")
	}
	for _, f := range found {
		if conflict := doorzet.Adoptable(doc, f); conflict != nil {
			t.Error(conflict)
		}
	}
	var refused *doorzet.RefusedError
	if errors.As(err, &refused) {
		t.Errorf("the second create was refused (%v); a known duplicate must lead to a look-up", err)
	}
}

func cancelledCreatesNothing(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.create(ctx, Document("WC-1002")); err == nil {
		t.Error("a create without time succeeded")
	}
	if found := find(t, s, "WC-1002"); len(found) != 0 {
		t.Errorf("found %d documents, want none", len(found))
	}
}

func settlesSoon(t *testing.T, s Subject) {
	if d := s.Books.Settle(); d < 0 || d > time.Minute {
		t.Errorf("settles after %s", d)
	}
}

func mustCreate(t *testing.T, s Subject, doc doorzet.Document) doorzet.Receipt {
	t.Helper()
	r, err := s.create(context.Background(), doc)
	if err != nil {
		t.Fatalf("create %s: %v", doc.Reference, err)
	}
	return r
}

func find(t *testing.T, s Subject, ref string) []doorzet.Found {
	t.Helper()
	found, err := s.Books.Find(context.Background(), ref)
	if err != nil {
		t.Fatalf("find %s: %v", ref, err)
	}
	return found
}
