package push

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

const (
	// firstRest is how long a shop is left alone after trouble, twice as long each time up to longestRest.
	firstRest   = 30 * time.Second
	longestRest = 10 * time.Minute
	// probing is how long one push alone may find out whether the shop is back.
	probing = 90 * time.Second
	// strangeInARow is how many orders in a row must fail with an answer before the shop, and not one order, is the trouble.
	strangeInARow = 3
)

// resting are the shops that were in trouble a moment ago. A push that must read its order again does not ask such a shop:
// a hundred due orders would each wait for it, and hold the places that other shops' pushes need.
type resting struct {
	mu    sync.Mutex
	shops map[int64]*rest
}

// rest is how long one shop is left alone.
type rest struct {
	until   time.Time
	times   int // rests in a row
	strange int // answers in a row that may be one order's fault
	why     string
}

// ask tells whether a shop may be asked now; if not, the error says why, and when. After its rest one push asks for all. The
// number is for saw.
func (r *resting) ask(shopID int64, now time.Time) (rests int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.shops[shopID]
	if s == nil || s.times == 0 {
		return 0, nil
	}
	if wait := s.until.Sub(now); wait > 0 {
		return 0, &doorzet.LaterError{After: wait, Reason: s.why}
	}
	s.until = now.Add(probing)
	return s.times, nil
}

// saw takes in how a question to a shop ended that ask allowed. Trouble of questions that began before the last rest is not
// counted again.
func (r *resting) saw(shopID int64, rests int, now time.Time, err error) {
	trouble, bad := errors.AsType[*doorzet.ShopError](err)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.shops[shopID]
	switch {
	case err == nil:
		delete(r.shops, shopID)
		return
	case !bad || s != nil && rests != s.times:
		return
	case s == nil:
		s = &rest{}
		if r.shops == nil {
			r.shops = map[int64]*rest{}
		}
		r.shops[shopID] = s
	}
	if s.strange++; !ofTheShop(trouble) && s.strange < strangeInARow {
		s.until = now // whoever asked for all has its answer
		return
	}
	length := min(firstRest<<min(s.times, 10), longestRest)
	s.times++
	s.until, s.why = now.Add(max(length, trouble.RetryAfter)), trouble.Error()
}

// ofTheShop tells whether trouble is surely the shop's, and not of one order.
func ofTheShop(e *doorzet.ShopError) bool {
	switch e.Kind {
	case doorzet.ShopBusy, doorzet.ShopBlocked, doorzet.ShopDenied, doorzet.ShopUnsafe, doorzet.ShopRedirect:
		return true
	case doorzet.ShopDown:
		return e.Status != http.StatusInternalServerError
	case doorzet.ShopStrange, doorzet.ShopRefused:
	}
	return false
}
