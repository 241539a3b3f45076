package postgres_test

import (
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
	"github.com/doorzet/doorzet/internal/postgres"
)

func TestR14_aShopIsConnectedOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		second func(t *testing.T, b *bundle, s doorzet.Shop) doorzet.Shop
		copied bool
		why    string // "" = accepted
	}{
		{"another shop", func(_ *testing.T, _ *bundle, s doorzet.Shop) doorzet.Shop { return s }, false, ""},
		{"the same address, with www and a slash", func(_ *testing.T, _ *bundle, s doorzet.Shop) doorzet.Shop {
			s.Home, s.StoreID = "http://www.shop.example/", "store WC"
			return s
		}, false, "connected already: it is shop 1"},
		{"the same address with another store id", func(_ *testing.T, _ *bundle, s doorzet.Shop) doorzet.Shop {
			s.Home = "https://www.shop.example"
			return s
		}, false, "a shop's home address can be connected only once"},
		{"the same address, called a copy", func(_ *testing.T, _ *bundle, s doorzet.Shop) doorzet.Shop {
			s.Home, s.StoreID = "https://shop.example", "store WC"
			return s
		}, true, "connected already"},
		{"the prefix of another", func(_ *testing.T, _ *bundle, s doorzet.Shop) doorzet.Shop {
			s.Prefix = "WC"
			return s
		}, false, "prefix WC is used by another shop"},
		{"a known store id under another address", func(_ *testing.T, _ *bundle, s doorzet.Shop) doorzet.Shop {
			s.StoreID = "store WC"
			return s
		}, false, "known already as shop 1 at https://shop.example. If that shop moved"},
		{"a copy with books of its own", func(_ *testing.T, _ *bundle, s doorzet.Shop) doorzet.Shop {
			s.StoreID = "store WC"
			return s
		}, true, ""},
		{"a copy with the books of the first", func(_ *testing.T, b *bundle, s doorzet.Shop) doorzet.Shop {
			s.StoreID, s.BooksID = "store WC", b.shop.BooksID
			return s
		}, true, "a copy of shop 1 may never push to the same books"},
		{"a copy with the books of another copy", func(t *testing.T, b *bundle, s doorzet.Shop) doorzet.Shop {
			t.Helper()
			first := b.newShop(t, "COPY", "https://copy.example")
			first.StoreID = "store WC"
			if _, err := b.db.AddShop(t.Context(), first, true, "test"); err != nil {
				t.Fatal(err)
			}
			s.StoreID, s.BooksID = "store WC", first.BooksID
			return s
		}, true, "a copy of shop 2 may never push to the same books"},
		{"no store id, as old versions", func(_ *testing.T, b *bundle, s doorzet.Shop) doorzet.Shop {
			s.StoreID, s.BooksID = "", b.shop.BooksID
			return s
		}, false, ""},
		{"books that are not there", func(_ *testing.T, _ *bundle, s doorzet.Shop) doorzet.Shop {
			s.BooksID = 99
			return s
		}, false, "there are no books with id 99"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			_, err := b.db.AddShop(t.Context(), c.second(t, b, b.newShop(t, "TWO", "https://two.example")), c.copied, "test")
			refused(t, err, c.why)
		})
	}
}

// refused wants an InputError with a sentence, or none.
func refused(t *testing.T, err error, why string) {
	t.Helper()
	var input *doorzet.InputError
	switch {
	case why == "" && err != nil:
		t.Error(err)
	case why != "" && (!errors.As(err, &input) || !strings.Contains(input.Reason, why)):
		t.Errorf("said %v, want %q", err, why)
	}
}

func TestR14_settingsKeepShopsApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.addShop(t, "TWO", "https://two.example")
	twin := b.newShop(t, "COPY", "https://copy.example")
	twin.StoreID = "store WC"
	id, err := b.db.AddShop(t.Context(), twin, true, "test")
	if err != nil {
		t.Fatal(err)
	}
	twin = b.reload(t, id)
	for _, c := range []struct {
		name   string
		shop   doorzet.Shop
		change func(s *doorzet.Shop)
		why    string
	}{
		{"moved", other, func(s *doorzet.Shop) { s.URL, s.Home = "https://new.example", "https://new.example" }, ""},
		{"moved to another's address", other, func(s *doorzet.Shop) { s.Home = "https://www.shop.example/" }, "can be connected only once"},
		{"another's store id", other, func(s *doorzet.Shop) { s.StoreID = "store WC" }, "store id store WC is known already"},
		{"a copy is given the books of the first", twin, func(s *doorzet.Shop) { s.BooksID = b.shop.BooksID }, "may never push to the same books"},
		{"the first is given the books of its copy", b.shop, func(s *doorzet.Shop) { s.BooksID = twin.BooksID }, "may never push to the same books"},
		{"two different shops in the same books", other, func(s *doorzet.Shop) { s.BooksID = b.shop.BooksID }, ""},
	} {
		s := c.shop
		c.change(&s)
		err := b.db.SetShop(t.Context(), c.shop, s, nil, "anna")
		if c.why == "" && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.why != "" {
			refused(t, err, c.why)
		}
	}
}

func TestShopKeepsItsSettings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.shop
	s.Name, s.TimeZone, s.NightHours, s.Remainder = "Other", "-03:30", doorzet.NightHours{From: 23 * 60, To: 180}, false
	s.StartDate, s.Statuses, s.Key, s.WooVersion, s.Auth = doorzet.Date{Year: 2026, Month: time.March, Day: 29}, []string{"on-hold"}, "ck_new", "9.1", "query"
	// Meanwhile a night stopped the shop and somebody else gave it another secret: neither is undone.
	b.exec(t, `UPDATE shops SET blocked_why = 'Another shop answers.' WHERE id = $1`, s.ID)
	if err := b.db.SetShop(t.Context(), b.shop, s, []string{"Key changed."}, "anna"); err != nil {
		t.Fatal(err)
	}
	got := b.reload(t, s.ID)
	if got.Name != "Other" || got.TimeZone != "-03:30" || got.NightHours != s.NightHours || got.Remainder || got.StartDate != s.StartDate ||
		got.Statuses[0] != "on-hold" || got.Key != "ck_new" || got.Secret != "cs_verysecret" || got.WooVersion != "9.1" || got.Auth != "query" || got.Prefix != "WC" || got.BlockedWhy != "Another shop answers." {
		t.Errorf("kept as %+v", got)
	}
	if starts := one[time.Time](t, b, `SELECT starts_at FROM shops`); !starts.Equal(s.StartsAt()) {
		t.Errorf("starts at %s, want %s", starts.UTC(), s.StartsAt())
	}
	if !got.NextNightAt.After(time.Now()) || got.NextNightAt.Equal(b.shop.NextNightAt) {
		t.Errorf("the next night is %s, it was %s before the hours changed", got.NextNightAt, b.shop.NextNightAt)
	}
	if err := b.db.SetShop(t.Context(), doorzet.Shop{}, doorzet.Shop{ID: 99, TimeZone: "UTC"}, nil, "anna"); !errors.Is(err, doorzet.ErrNotFound) {
		t.Errorf("a shop that is not there: %v", err)
	}
}

// An earlier start date brings a comparison of all ids; a later one does not.
func TestR12_anEarlierStartDateIsCompared(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := time.Now()
	if err := b.db.FinishImport(t.Context(), b.shop, now, true); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		year    int
		compare bool
	}{{2021, false}, {2019, true}} {
		s := b.reload(t, b.shop.ID)
		s.StartDate.Year = c.year
		if err := b.db.SetShop(t.Context(), doorzet.Shop{}, s, nil, "anna"); err != nil {
			t.Fatal(err)
		}
		if got := b.reload(t, s.ID); got.FullImportAt.IsZero() != c.compare || got.ImportedAt.IsZero() {
			t.Errorf("start date in %d: compared last %s, imported last %s", c.year, got.FullImportAt, got.ImportedAt)
		}
	}
}

// Nothing of a shop's keys stands in the database as it is.
func TestSecretsAreEncrypted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var rows []string
	if err := b.raw.Select(&rows, `SELECT encode(consumer_key, 'escape') || encode(consumer_secret, 'escape') || to_jsonb(s)::text FROM shops s
		UNION ALL SELECT to_jsonb(e)::text FROM events e`); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if strings.Contains(r, "verysecret") {
			t.Errorf("a secret stands in the row: %s", r)
		}
	}
	if n := one[int](t, b, `SELECT count(DISTINCT x) FROM (SELECT consumer_key x FROM shops UNION ALL SELECT consumer_secret FROM shops) s`); n != 2 || len(rows) < 2 {
		t.Errorf("%d ciphertexts in %d rows", n, len(rows))
	}
}

func TestAnotherSecretKeyIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sum := sha256.Sum256([]byte("another key"))
	wrong, err := postgres.NewKeyring(sum[:])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		keys postgres.Keyring
		want string
	}{
		{"another key", wrong, "encrypted with another DOORZET_SECRET_KEY"},
		{"no key", postgres.Keyring{}, "DOORZET_SECRET_KEY is not set"},
	} {
		db, err := postgres.Open(b.url, c.keys)
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Shop(t.Context(), b.shop.ID)
		refused(t, err, c.want)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := postgres.NewKeyring([]byte("short")); err == nil || !strings.Contains(err.Error(), "must have 32 bytes, it has 5") {
		t.Errorf("a short key: %v", err)
	}
	b.exec(t, `UPDATE shops SET consumer_key = set_byte(consumer_key, length(consumer_key) - 1, 0)`)
	if _, err := b.db.Shop(t.Context(), b.shop.ID); err == nil {
		t.Error("a damaged secret was opened")
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 2 {
		if err := b.db.Pause(t.Context(), b.shop.ID, "anna"); err != nil {
			t.Fatal(err)
		}
	}
	if s := b.reload(t, b.shop.ID); !s.Paused() {
		t.Error("not paused")
	}
	if err := b.db.Resume(t.Context(), b.shop.ID, "anna"); err != nil {
		t.Fatal(err)
	}
	if s := b.reload(t, b.shop.ID); s.Paused() {
		t.Error("still paused")
	}
	if err := b.db.Pause(t.Context(), 99, "anna"); !errors.Is(err, doorzet.ErrNotFound) {
		t.Errorf("a shop that is not there: %v", err)
	}
}
