package push

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// readersPerShop is how many pushes of a process read their orders at one shop at the same time: as many calls as a shop is
	// asked at once.
	readersPerShop = 2
	// readPatience is how long another one waits for them before it goes out of the way of other shops' pushes.
	readPatience = 2 * time.Second
)

// errCrowded means that too many pushes read their orders at the shop already.
var errCrowded = errors.New("other orders of the shop are read first")

// crowdedPause is when such a push is tried again.
func crowdedPause() time.Duration { return 3*time.Second + rand.N(3*time.Second) }

// reading lets only so many pushes read at a shop, so that one that takes long for each answer does not hold the places of
// other shops' pushes.
type reading struct {
	mu    sync.Mutex
	shops map[int64]*readers
}

// readers are those who read at one shop, or wait for it.
type readers struct {
	users  int
	places chan struct{}
}

// take waits for a place, for a while: errCrowded. Who has one gives it back.
func (r *reading) take(ctx context.Context, shopID int64) (give func(), err error) {
	s := r.enter(shopID)
	late := time.NewTimer(readPatience)
	defer late.Stop()
	select {
	case s.places <- struct{}{}:
		return func() {
			<-s.places
			r.leave(shopID, s)
		}, nil
	case <-late.C:
		err = errCrowded
	case <-ctx.Done():
		err = ctx.Err()
	}
	r.leave(shopID, s)
	return nil, err
}

func (r *reading) enter(shopID int64) *readers {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.shops[shopID]
	if s == nil {
		s = &readers{places: make(chan struct{}, readersPerShop)}
		if r.shops == nil {
			r.shops = map[int64]*readers{}
		}
		r.shops[shopID] = s
	}
	s.users++
	return s
}

func (r *reading) leave(shopID int64, s *readers) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(r.shops, shopID)
	}
}
