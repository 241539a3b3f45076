package stack

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/woo/wootest"
)

// inFlight is how many questions about orders a worker can have out of which nothing is recorded yet: two calls at the same time
// and one page read ahead. After its death these may be asked again, and nothing else that was answered.
const inFlight = 3

// watched is a fake shop that keeps a log of what it was asked, and lets a test act in the middle of it.
type watched struct {
	fake   *wootest.Shop
	server *httptest.Server

	mu    sync.Mutex
	log   []*question
	ends  []int // how many questions had been asked when a process ended
	hook  func(*question, stage)
	conns map[net.Conn]bool
}

// stage is how far a question is.
type stage int

const (
	asked    stage = iota // it arrived
	made                  // its answer is made, and not sent
	answered              // its answer was sent
)

// question is one request to the shop.
type question struct {
	n     int // how many came before it
	at    time.Time
	url   string // without what signs it
	step  string // of the night, as far as the question tells; "" is none about orders
	ids   []string
	whole bool // whole orders, else only what a look needs
	ended bool // its answer was sent
}

// observe lets a fake shop answer at an address, and be at home there.
func observe(t *testing.T, fake *wootest.Shop) *watched {
	t.Helper()
	w := &watched{fake: fake, conns: map[net.Conn]bool{}}
	w.server = httptest.NewUnstartedServer(w)
	w.server.Config.ConnState = w.connState
	w.server.Start()
	t.Cleanup(w.server.Close)
	fake.Identify(wootest.Identity{Home: w.server.URL})
	return w
}

func (w *watched) connState(c net.Conn, state http.ConnState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch state {
	case http.StateNew:
		w.conns[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(w.conns, c)
	case http.StateActive, http.StateIdle:
	}
}

// ServeHTTP makes the whole answer before any of it is sent.
func (w *watched) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	q := w.note(r)
	w.tell(q, asked)
	answer := httptest.NewRecorder()
	w.fake.ServeHTTP(answer, r)
	w.tell(q, made)
	maps.Copy(to.Header(), answer.Header())
	to.WriteHeader(answer.Code)
	_, err := to.Write(answer.Body.Bytes())
	flushed := http.NewResponseController(to).Flush()
	if err == nil && flushed == nil && r.Context().Err() == nil {
		w.mu.Lock()
		q.ended = true
		w.mu.Unlock()
	}
	w.tell(q, answered)
}

func (w *watched) tell(q *question, s stage) {
	w.mu.Lock()
	hook := w.hook
	w.mu.Unlock()
	if hook != nil {
		hook(q, s)
	}
}

// on calls a hook at each stage of each question from now on; nil = no more. A hook that waits holds up the answer.
func (w *watched) on(hook func(*question, stage)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hook = hook
}

// hold holds up the made answer of the first question that fits, until release is called or the test ends. held is closed when there
// is one.
func (w *watched) hold(t *testing.T, fits func(*question) bool) (held <-chan struct{}, release func()) {
	t.Helper()
	there, gone := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.on(func(q *question, s stage) {
		if s != made || !fits(q) {
			return
		}
		mine := false
		once.Do(func() { mine = true })
		if mine {
			close(there)
			<-gone
		}
	})
	release = sync.OnceFunc(func() { close(gone) })
	t.Cleanup(release)
	return there, release
}

// note logs a question.
func (w *watched) note(r *http.Request) *question {
	query := r.URL.Query()
	for name := range query {
		if strings.HasPrefix(name, "oauth_") {
			query.Del(name)
		}
	}
	q := &question{at: time.Now(), url: r.URL.Path + "?" + query.Encode(), whole: !query.Has("_fields")}
	q.step, q.ids = stepOf(r.URL.Path, query)
	w.mu.Lock()
	defer w.mu.Unlock()
	q.n = len(w.log)
	w.log = append(w.log, q)
	return q
}

// stepOf tells of which step a question is, and which orders it names.
func stepOf(path string, query url.Values) (step string, ids []string) {
	_, rest, ok := strings.Cut(path, "/wc/v3/orders")
	trash := query.Get("status") == "trash"
	switch {
	case !ok:
		return "", nil
	case rest != "":
		return "single", []string{strings.Trim(rest, "/")}
	case query.Has("include"):
		return "remainder", strings.Split(query.Get("include"), ",")
	case trash:
		return "trash", nil
	case query.Has("status") && query.Get("status") != "any":
		return "bulk", nil
	case query.Has("_fields"):
		return "compare", nil
	}
	return "import", nil
}

// ended marks that a process ended. Every question that it had asked is in the log then, and none comes any more.
func (w *watched) ended(t *testing.T) {
	t.Helper()
	// Connections are taken in the order in which they came: once ours was, all of the dead one's were.
	once := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := once.Get(w.server.URL + "/_control/requests")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	await(t, "all connections to the shop are closed", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.conns) == 0
	})
	w.stands()
}

// stands is ended for a process that only stands still: it asks nothing any more either.
func (w *watched) stands() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends = append(w.ends, len(w.log))
}

// forget empties the log.
func (w *watched) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log, w.ends = nil, nil
}

// questions is the log, with how many questions there were of each step.
func (w *watched) questions() (log []question, counts map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts = map[string]int{}
	for _, q := range w.log {
		log = append(log, *q)
		counts[q.step]++
	}
	return log, counts
}

// unwritten is how many questions may be missing in a night's report: what was asked since the night was last saved before a process was
// killed. It is saved with each page, and at most once a second when it asks for orders one by one.
func (w *watched) unwritten(oneByOne bool) int {
	log, _ := w.questions()
	n := 0
	for _, end := range w.ends {
		since := max(0, end-inFlight-3) // besides what was in flight, whose shop it is
		for oneByOne && since > 0 && log[end-1].at.Sub(log[since-1].at) < 1500*time.Millisecond {
			since--
		}
		n += end - since
	}
	return n
}

// units are what a question asks for, so that asking again can be told: pages of lists by their addresses, orders by their ids, since
// who takes over puts other batches together.
func (q question) units() []string {
	switch {
	case q.step == "":
		return nil
	case len(q.ids) == 0 || q.step == "single":
		return []string{q.url}
	}
	form := "look at "
	if q.whole {
		form = "whole "
	}
	if strings.Contains(q.url, "status=trash") {
		form = "in the trash "
	}
	var units []string
	for _, id := range q.ids {
		units = append(units, form+id)
	}
	return units
}

// repeated lists what was asked again though it had been answered, but for what was in flight when a process ended. Orders that were
// found to have a chosen status are asked for once more, whole, before anything of them is recorded: these may also be looked at
// again by who took over, however many batches ago that was.
func (w *watched) repeated(found map[string]bool) []string {
	log, _ := w.questions()
	last := map[string]int{}
	var out []string
	for j, q := range log {
		for _, unit := range q.units() {
			i, before := last[unit]
			last[unit] = j
			id, isLook := strings.CutPrefix(unit, "look at ")
			switch {
			case !before, !log[i].ended, w.wasInFlight(log, i, j), isLook && found[id] && w.endedBetween(i, j):
			default:
				out = append(out, fmt.Sprintf("%s (question %d, and %d before; processes ended after %v)", unit, j, i, w.ends))
			}
		}
	}
	return out
}

func (w *watched) endedBetween(i, j int) bool {
	return slices.ContainsFunc(w.ends, func(end int) bool { return i < end && end <= j })
}

// wasInFlight tells whether question i was among the last ones about orders before a process ended, and j came after that.
func (w *watched) wasInFlight(log []question, i, j int) bool {
	return slices.ContainsFunc(w.ends, func(end int) bool {
		if i >= end || end > j {
			return false
		}
		since := 0
		for _, q := range log[i:end] {
			if q.step != "" {
				since++
			}
		}
		return since <= inFlight
	})
}
