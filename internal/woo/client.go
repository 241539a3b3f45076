package woo

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Kinds of requests, as Client.Counter is told them.
const (
	KindList   = "list"   // a page of orders
	KindSingle = "single" // one order
	KindOther  = "other"
)

// Gate lets only so many calls through to a shop at a time. Acquire waits for a place; release gives it back.
type Gate interface {
	Acquire(ctx context.Context) (release func(), err error)
}

// Client asks one shop. Make one per shop with plain assignment; URL, Key and Secret are needed, the rest may be zero.
// It may be used by several goroutines at once.
type Client struct {
	URL    string // where the shop is called; a path in it is kept
	Key    doorzet.Secret
	Secret doorzet.Secret

	// Auth is the way in that LearnedAuth told an earlier client of this shop, "" when none is known: then it is found
	// out with the first call.
	Auth string

	// Pace is what LearnedPace told an earlier client of this shop; zero when nothing is known.
	Pace doorzet.Pace

	// Large is shared by all clients of a process; nil is one of its own.
	Large *Large

	// Closer is the command that looks closer at this shop, to be named where an answer says too little; "" names none.
	Closer string

	Gate      Gate              // nil lets everything through
	Counter   func(kind string) // called for each request that is sent; must be safe for concurrent use
	HTTP      *http.Client      // nil is NewHTTPClient(false)
	UserAgent string            // a stable name with a contact address, which owners can put on an allow-list

	Now   func() time.Time                                 // nil is time.Now
	Pause func(ctx context.Context, d time.Duration) error // waits between calls; nil really waits

	once  sync.Once
	http  *http.Client
	large *Large

	mu     sync.Mutex
	learnt learnt
	way    way    // how the shop lets us in; zero when not known
	home   string // what the shop calls itself, once asked
	served bool   // the routes are where we ask for them
	shut   bool   // every way in was refused: the next refusal is not explored again
	checks bool   // this is the closer look
}

// How long the shop may take for one question, from the call to the last byte. What it says of itself is small and made without
// reading orders: a shop that needs longer for that is in trouble, and a night that begins with it should know soon. A hundred
// whole orders take a weak host half a minute, and few hosts let PHP run for more than a minute.
const (
	shortTime = 15 * time.Second
	longTime  = 60 * time.Second
)

// call is one question to the shop.
type call struct {
	method string // "" is GET
	path   string // below /wp-json: "/wc/v3/orders"
	query  url.Values
	kind   string
	within time.Duration // how long the shop may take; 0 is shortTime
	public bool          // needs no key, so none is sent
	once   bool          // there is a smaller question, so this one is not repeated when the shop fails at it
	large  bool          // the caller calls answer.free when it is done with the answer
}

func (c call) time() time.Duration { return cmp.Or(c.within, shortTime) }

func (c call) verb() string {
	if c.method == "" {
		return http.MethodGet
	}
	return c.method
}

// LearnedAuth is the way in that worked last ("basic", "query", "oauth1", with "+home" when the shop's home address is
// signed instead of the called one, with "+rest-route" for a shop with plain permalinks), to be stored and given to the
// next client as Auth. It is "" while nothing worked.
func (c *Client) LearnedAuth() string {
	c.init()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.way.String()
}

// init takes the fields as they stand at the first call.
func (c *Client) init() {
	c.once.Do(func() {
		c.way = parseWay(c.Auth)
		base := c.HTTP
		if base == nil {
			base = NewHTTPClient(false)
		}
		own := *base
		own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		c.http = &own
		if c.large = c.Large; c.large == nil {
			c.large = NewLarge()
		}
		c.learnt = paceFrom(c.Pace, c.now())
	})
}

func (c *Client) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func (c *Client) base() string { return strings.TrimRight(strings.TrimSpace(c.URL), "/") }

func (c *Client) key() string    { return strings.TrimSpace(c.Key.Reveal()) }
func (c *Client) secret() string { return strings.TrimSpace(c.Secret.Reveal()) }

func (c *Client) count(kind string) {
	if c.Counter == nil {
		return
	}
	if kind == "" {
		kind = KindOther
	}
	c.Counter(kind)
}

func (c *Client) acquire(ctx context.Context) (func(), error) {
	if c.Gate == nil {
		return func() {}, nil
	}
	return c.Gate.Acquire(ctx)
}
