package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

const (
	// placeLease is how long a place at a shop holds without renewal: what a killed process held is free again after it.
	placeLease = 15 * time.Second
	// placeRenew is how often a place is renewed while a call to the shop runs.
	placeRenew = 5 * time.Second
	// placeKeep is how long a process may use one place for call after call without going to Redis between them.
	placeKeep = 250 * time.Millisecond
	// placeIdle is how long a place that nobody uses is kept for the next call of the same process.
	placeIdle = 20 * time.Millisecond
	// waitMark is how long a waiting process is known as waiting; it asks again well within it.
	waitMark = 250 * time.Millisecond
	// gateTimeout is how long Redis may take to answer before the gate goes on without it.
	gateTimeout = 500 * time.Millisecond
	// gateBlind is how long the gate goes on without Redis before it asks again.
	gateBlind = 5 * time.Second
)

// takePlace takes a place, or marks the caller as waiting. Who is not waiting yet does not overtake those who are, so a
// night that calls without a pause does not keep others out.
//
//	KEYS[1] the places held:  token -> end of its lease, in ms
//	KEYS[2] those who wait:   token -> until when it is known as waiting, in ms
//	ARGV    token, how many places there are, length of the lease, length of a waiting mark (ms)
//	returns 1 when the place was taken, 0 when not
var takePlace = redis.NewScript(`
local t = redis.call("TIME")
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now)
redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", now)
local free = tonumber(ARGV[2]) - redis.call("ZCARD", KEYS[1])
local waits = redis.call("ZSCORE", KEYS[2], ARGV[1])
if free > 0 and (waits or free > redis.call("ZCARD", KEYS[2])) then
  redis.call("ZREM", KEYS[2], ARGV[1])
  redis.call("ZADD", KEYS[1], now + ARGV[3], ARGV[1])
  redis.call("PEXPIRE", KEYS[1], ARGV[3])
  return 1
end
redis.call("ZADD", KEYS[2], now + ARGV[4], ARGV[1])
redis.call("PEXPIRE", KEYS[2], ARGV[4])
return 0`)

// renewPlace moves the end of a place's lease, if it is still held.
//
//	KEYS[1] the places held; ARGV token, length of the lease (ms)
var renewPlace = redis.NewScript(`
local t = redis.call("TIME")
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call("ZADD", KEYS[1], "XX", now + ARGV[2], ARGV[1])
redis.call("PEXPIRE", KEYS[1], ARGV[2])
return 1`)

// Gate lets at most Places calls at a time through to each shop, over all processes that share the Redis. It is
// politeness, not correctness: while Redis does not answer, every process keeps to Places by itself and goes on.
type Gate struct {
	Client *Client
	Places int // for each shop, 2 when zero

	mu    sync.Mutex
	shops map[int64]*doorway
	blind time.Time      // until when Redis is not asked
	idle  sync.WaitGroup // places that are kept, or are being given back
}

// doorway is one shop's gate in this process. It exists while someone is in it.
type doorway struct {
	users int           // who holds a place or waits for one
	local chan struct{} // one element for each user that may go to Redis for a place
	idle  []*place      // held in Redis, used by nobody
}

// place is the right to one call at a time.
type place struct {
	token string // "" = taken without Redis
	since time.Time
	renew *time.Timer // renews the lease
	drop  *time.Timer // gives the place back when it was idle for long enough
	gone  bool        // given back: not to be renewed any more
}

// ShopGate is the gate of one shop.
type ShopGate struct {
	gate *Gate
	id   int64
}

// Shop is the gate of one shop.
func (g *Gate) Shop(id int64) *ShopGate { return &ShopGate{gate: g, id: id} }

// Acquire waits for a place at the shop. Whoever gets one calls release when the call to the shop has ended, once or
// more. The only errors are the context's.
func (s *ShopGate) Acquire(ctx context.Context) (release func(), err error) {
	g := s.gate
	d := g.enter(s.id)
	select {
	case d.local <- struct{}{}:
	case <-ctx.Done():
		g.leave(s.id, d)
		return nil, ctx.Err()
	}
	p := g.fromIdle(d)
	if p == nil {
		if p, err = g.take(ctx, s.id); err != nil {
			<-d.local
			g.leave(s.id, d)
			return nil, err
		}
	}
	return sync.OnceFunc(func() {
		g.giveBack(s.id, d, p)
		<-d.local
		g.leave(s.id, d)
	}), nil
}

func (g *Gate) places() int {
	if g.Places == 0 {
		return 2
	}
	return g.Places
}

func (g *Gate) enter(id int64) *doorway {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shops == nil {
		g.shops = map[int64]*doorway{}
	}
	d := g.shops[id]
	if d == nil {
		d = &doorway{local: make(chan struct{}, g.places())}
		g.shops[id] = d
	}
	d.users++
	return d
}

func (g *Gate) leave(id int64, d *doorway) {
	g.mu.Lock()
	defer g.mu.Unlock()
	d.users--
	g.forget(id, d)
}

// forget lets go of a shop that nobody is at. The caller holds the lock.
func (g *Gate) forget(id int64, d *doorway) {
	if d.users == 0 && len(d.idle) == 0 && g.shops[id] == d {
		delete(g.shops, id)
	}
}

// fromIdle is a place that this process still holds, or nil.
func (g *Gate) fromIdle(d *doorway) *place {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(d.idle) > 0 {
		p := d.idle[len(d.idle)-1]
		d.idle = d.idle[:len(d.idle)-1]
		if p.drop.Stop() {
			g.idle.Done()
			return p
		}
		// Its time was up this very moment: the one who drops it gives it back.
	}
	return nil
}

// take asks Redis for a place until it gets one.
func (g *Gate) take(ctx context.Context, id int64) (*place, error) {
	token := uuid.NewString()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if g.isBlind() {
			return &place{}, nil
		}
		got, err := g.run(ctx, takePlace, keys(id), token, g.places(), placeLease.Milliseconds(), waitMark.Milliseconds())
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			g.goBlind(err)
			return &place{}, nil
		case got == 1:
			p := &place{token: token, since: time.Now()}
			g.keep(id, p)
			return p, nil
		}
		// A little at random, so that those who wait do not ask in step.
		again := time.NewTimer(10*time.Millisecond + rand.N(30*time.Millisecond))
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
		}
	}
}

// keep renews a place until it is dropped.
func (g *Gate) keep(id int64, p *place) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p.renew = time.AfterFunc(placeRenew, func() {
		if !g.isBlind() {
			if _, err := g.run(context.Background(), renewPlace, keys(id)[:1], p.token, placeLease.Milliseconds()); err != nil {
				g.goBlind(err)
			}
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if !p.gone {
			p.renew.Reset(placeRenew)
		}
	})
}

// giveBack keeps a young place for this process' next call and gives back the others.
func (g *Gate) giveBack(id int64, d *doorway, p *place) {
	if p.token == "" {
		return
	}
	if time.Since(p.since) >= placeKeep {
		g.drop(id, p)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	d.idle = append(d.idle, p)
	g.idle.Add(1)
	p.drop = time.AfterFunc(placeIdle, func() {
		defer g.idle.Done()
		g.mu.Lock()
		d.idle = slices.DeleteFunc(d.idle, func(other *place) bool { return other == p })
		g.forget(id, d)
		g.mu.Unlock()
		g.drop(id, p)
	})
}

// Close gives back the places that are kept for a next call. A process that ends without it leaves others waiting until the
// leases end. Nobody may be in the gate.
func (g *Gate) Close() {
	type kept struct {
		shop  int64
		place *place
	}
	var left []kept
	g.mu.Lock()
	for id, d := range g.shops {
		for _, p := range d.idle {
			if p.drop.Stop() {
				left = append(left, kept{id, p})
			}
		}
		d.idle = nil
	}
	g.mu.Unlock()
	for _, k := range left {
		g.drop(k.shop, k.place)
		g.idle.Done()
	}
	g.idle.Wait()
}

// drop gives a place back to Redis. When that fails its lease ends by itself.
func (g *Gate) drop(id int64, p *place) {
	g.mu.Lock()
	p.gone = true
	p.renew.Stop()
	g.mu.Unlock()
	if g.isBlind() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), gateTimeout)
	defer cancel()
	if err := g.Client.rdb.ZRem(ctx, keys(id)[0], p.token).Err(); err != nil {
		g.goBlind(err)
	}
}

func (g *Gate) run(ctx context.Context, script *redis.Script, keys []string, args ...any) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, gateTimeout)
	defer cancel()
	return script.Run(ctx, g.Client.rdb, keys, args...).Int()
}

func (g *Gate) isBlind() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Now().Before(g.blind)
}

func (g *Gate) goBlind(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Now().After(g.blind) {
		g.Client.log.Warn("Redis does not answer: each process now limits its calls to a shop by itself", "error", err.Error())
	}
	g.blind = time.Now().Add(gateBlind)
}

// keys are the two keys of a shop, in one slot of a cluster.
func keys(id int64) []string {
	tag := "doorzet:gate:{" + strconv.FormatInt(id, 10) + "}:"
	return []string{tag + "held", tag + "waiting"}
}
