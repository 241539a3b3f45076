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

// trial is one behaviour being tried.
type trial struct {
	Subject
	t *testing.T
}

// Run is the behaviour that every accounting system must show. Open gives a new, empty subject to each test.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	tests := []struct {
		name string
		run  func(trial)
	}{
		{"a reference that was never used finds nothing", trial.findsNothing},
		{"what was created is found as it was", trial.findsWhatWasCreated},
		{"the receipt says what was created", trial.receiptIsTrue},
		{"the same document gives the same content", trial.createIsDeterministic},
		{"a reference is found whole, not by its beginning", trial.referenceIsWhole},
		{"two creates of one reference are never silently different", trial.differentCreatesShow},
		{"the same create twice can be adopted", trial.sameCreateTwice},
		{"nothing is created after its time is up", trial.cancelledCreatesNothing},
		{"a look-up can be trusted within a minute", trial.settlesSoon},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(trial{t: t, Subject: open(t)})
		})
	}
}

func (s trial) findsNothing() {
	if found := s.find("WC-404"); len(found) != 0 {
		s.t.Errorf("found %d documents, want none", len(found))
	}
}

func (s trial) findsWhatWasCreated() {
	for _, doc := range []doorzet.Document{Document("WC-1002"), Export("WC-1003")} {
		s.mustCreate(doc)
		found := s.find(doc.Reference)
		if len(found) != 1 {
			s.t.Fatalf("%s: found %d documents, want one", doc.Reference, len(found))
		}
		f := found[0]
		if f.Kind != doc.Kind || f.Total != doc.Total || f.Currency != doc.Currency || f.Date != doc.Date {
			s.t.Errorf("%s: found %s of %s %s on %s, want %s of %s %s on %s", doc.Reference, f.Kind, f.Total, f.Currency, f.Date, doc.Kind, doc.Total, doc.Currency, doc.Date)
		}
		if f.VAT != nil && !reflect.DeepEqual(f.VAT, doc.VATByPercent()) {
			s.t.Errorf("%s: found VAT %v, want %v", doc.Reference, f.VAT, doc.VATByPercent())
		}
		if err := doorzet.Adoptable(doc, f); err != nil {
			s.t.Errorf("%s: %v", doc.Reference, err)
		}
	}
}

func (s trial) receiptIsTrue() {
	doc := Document("WC-1002")
	r := s.mustCreate(doc)
	if r.Total != doc.Total {
		s.t.Errorf("total %s, want %s", r.Total, doc.Total)
	}
	if r.RemoteID == "" {
		s.t.Error("the receipt has no remote id")
	}
	if f := s.find(doc.Reference); len(f) == 1 && f[0].RemoteID != r.RemoteID {
		s.t.Errorf("found under id %q, was created under %q", f[0].RemoteID, r.RemoteID)
	}
}

func (s trial) createIsDeterministic() {
	first := s.mustCreate(Document("WC-1002"))
	second, err := s.Books.Create(context.Background(), Document("WC-1002"))
	if err == nil && string(second.Content) != string(first.Content) {
		s.t.Error("the same document gave another content")
	}
}

func (s trial) referenceIsWhole() {
	s.mustCreate(Document("WC-10"))
	for _, ref := range []string{"WC-1", "WC-100", "WC-10-2", "C-10"} {
		if found := s.find(ref); len(found) != 0 {
			s.t.Errorf("%s: found %d documents, want none", ref, len(found))
		}
	}
}

func (s trial) differentCreatesShow() {
	s.mustCreate(Document("WC-1002"))
	other := Export("WC-1002")
	_, err := s.create(context.Background(), other)
	found := s.find("WC-1002")
	if err == nil && len(found) < 2 {
		s.t.Error("the second create was accepted, and a look-up does not show both")
	}
	if len(found) == 0 {
		s.t.Fatal("the first document is gone")
	}
	if doorzet.Adoptable(Document("WC-1002"), found[0]) != nil {
		s.t.Error("the first document was changed")
	}
	if doorzet.Adoptable(other, found[0]) == nil {
		s.t.Error("another document would be adopted")
	}
}

func (s trial) sameCreateTwice() {
	doc := Document("WC-1002")
	s.mustCreate(doc)
	_, err := s.create(context.Background(), doc)
	found := s.find(doc.Reference)
	if len(found) == 0 {
		s.t.Fatal("the document is gone")
	}
	for _, f := range found {
		if conflict := doorzet.Adoptable(doc, f); conflict != nil {
			s.t.Error(conflict)
		}
	}
	if _, refused := errors.AsType[*doorzet.RefusedError](err); refused {
		s.t.Errorf("the second create was refused (%v); a known duplicate must lead to a look-up", err)
	}
}

func (s trial) cancelledCreatesNothing() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.create(ctx, Document("WC-1002")); err == nil {
		s.t.Error("a create without time succeeded")
	}
	if found := s.find("WC-1002"); len(found) != 0 {
		s.t.Errorf("found %d documents, want none", len(found))
	}
}

func (s trial) settlesSoon() {
	if d := s.Books.Settle(); d < 0 || d > time.Minute {
		s.t.Errorf("settles after %s", d)
	}
}

func (s trial) mustCreate(doc doorzet.Document) doorzet.Receipt {
	s.t.Helper()
	r, err := s.create(context.Background(), doc)
	if err != nil {
		s.t.Fatalf("create %s: %v", doc.Reference, err)
	}
	return r
}

func (s trial) find(ref string) []doorzet.Found {
	s.t.Helper()
	found, err := s.Books.Find(context.Background(), ref)
	if err != nil {
		s.t.Fatalf("find %s: %v", ref, err)
	}
	return found
}
