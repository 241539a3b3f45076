package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// SetBooks changes only what differs, so that two people who change books at the same time keep both changes.
func TestSetBooksKeepsWhatOthersChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before, err := b.db.Books(t.Context(), b.shop.BooksID)
	if err != nil {
		t.Fatal(err)
	}
	set := func(changes string, change func(*doorzet.Books)) error {
		after := before
		change(&after)
		return b.db.SetBooks(t.Context(), before, after, []string{changes}, "test")
	}
	if err := set("Seller.", func(b *doorzet.Books) { b.Seller.OSS = []doorzet.Period{{}} }); err != nil {
		t.Fatal(err)
	}
	if err := set("Name.", func(b *doorzet.Books) { b.Name = "other" }); err != nil {
		t.Fatal(err)
	}
	now, err := b.db.Books(t.Context(), before.ID)
	if err != nil || now.Name != "other" || len(now.Seller.OSS) != 1 || now.Dir != before.Dir {
		t.Errorf("%+v, %v", now, err)
	}
	events, err := b.db.Events(t.Context(), b.shop.ID, 0)
	if err != nil || len(events) < 2 || events[len(events)-1].Text != "Name." || events[len(events)-2].Text != "Seller." {
		t.Errorf("journal %+v, %v", events, err)
	}
	before.ID = 99
	if err := set("Gone.", func(b *doorzet.Books) { b.Name = "gone" }); !errors.Is(err, doorzet.ErrNotFound) {
		t.Errorf("books that are not there: %v", err)
	}
}

func TestAFolderOfFilesBelongsToOneConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, err := b.db.Books(t.Context(), b.shop.BooksID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.db.AddBooks(t.Context(), doorzet.Books{Kind: "files", Name: "other", Dir: first.Dir})
	var refused *doorzet.InputError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), first.Name) {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"elsewhere", "elsewhere too"} { // other kinds have no folder
		if _, err := b.db.AddBooks(t.Context(), doorzet.Books{Kind: "fake", Name: name}); err != nil {
			t.Error(err)
		}
	}
}
