package wootest

import (
	"math/rand/v2"
	"time"
)

// mix is how often each status occurs in a made shop, per cent.
var mix = []struct {
	status string
	share  int
}{
	{"completed", 32}, {"processing", 18}, {"on-hold", 14}, {"pending", 10}, {"cancelled", 8}, {"failed", 6},
	{"refunded", 5}, {"shipped", 5}, {"checkout-draft", 2},
}

// seed makes the shop's orders: the same ones for the same seed, clock and number.
func (s *Shop) seed() {
	fits := map[string][]int{}
	for _, m := range mix {
		fits[m.status] = suitable(m.status)
	}
	now := s.now()
	span := time.Duration(s.opt.Days) * 24 * time.Hour
	for i := range s.opt.Orders {
		rng := rand.New(rand.NewPCG(s.opt.Seed, uint64(i)))
		r := &record{id: s.nextID + rng.Int64N(3), status: draw(rng), key: orderKey(rng)}
		r.tmpl = fits[r.status][rng.IntN(len(fits[r.status]))]
		r.created = now.Add(-span + span/time.Duration(s.opt.Orders)*time.Duration(i)).Truncate(time.Second)
		r.modified = r.created
		if age := int64(now.Sub(r.created)); age > 0 {
			r.modified = r.created.Add(time.Duration(rng.Int64N(min(age, int64(5*24*time.Hour))))).Truncate(time.Second)
		}
		r.settle(r.created.Add(90*time.Second), r.modified)
		s.insert(r)
	}
}

func draw(rng *rand.Rand) string {
	n := rng.IntN(100)
	for _, m := range mix {
		if n < m.share {
			return m.status
		}
		n -= m.share
	}
	return mix[0].status
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// orderKey is a key as WooCommerce makes them: wc_order_ and 13 characters.
func orderKey(rng *rand.Rand) string {
	b := []byte("wc_order_")
	for range 13 {
		b = append(b, letters[rng.IntN(len(letters))])
	}
	return string(b)
}

// suitable are the recorded orders for a status: drafts and refunded ones are their own kinds, the rest is mixed.
func suitable(status string) []int {
	var fit []int
	for i, t := range templates() {
		same := t.status == status
		special := t.status == "checkout-draft" || t.status == "refunded" || t.refs > 0
		if same && status != "refunded" || status == "refunded" && same && t.refs > 0 || !special && !ownKind(status) {
			fit = append(fit, i)
		}
	}
	return fit
}

func ownKind(status string) bool { return status == "checkout-draft" || status == "refunded" }

// settle sets the dates that come with a status, where they are not set yet.
func (r *record) settle(paid, done time.Time) {
	switch r.status {
	case "processing", "completed", "shipped", "refunded":
		if r.paid.IsZero() {
			r.paid = paid
		}
	}
	if r.status == "completed" && r.done.IsZero() {
		r.done = done
	}
}

// touch raises the modified time: to now, and never to the same second again.
func (s *Shop) touch(r *record) {
	s.forget()
	now := s.now()
	if !now.After(r.modified) {
		now = r.modified.Add(time.Second)
	}
	r.modified = now
}
