package console

import (
	"maps"
	"strings"
	"sync"
	"time"
)

const (
	kept       = 500      // invocations
	maxShown   = 8 * 1024 // bytes of a payload, a response or the lines of an invocation
	maxPending = 1000     // invocations whose lines are kept while there is no entry of theirs
)

// Entry is one event that was served: by a function, or by the gateway alone.
type Entry struct {
	ID         string    `json:"id"` // the request id; "" where no function ran
	At         time.Time `json:"at"`
	API        string    `json:"api"`
	Route      string    `json:"route"`  // "" for what no client has asked for
	Source     string    `json:"source"` // the mapping or schedule; "" for the Invoke API, and with a route
	Connection string    `json:"connection"`
	Function   string    `json:"function"`
	Status     int       `json:"status"` // what the gateway made of it; 0 without a route
	Outcome    string    `json:"outcome"`
	Error      string    `json:"error"`
	Cold       bool      `json:"cold"`
	Millis     float64   `json:"millis"`
	InitMillis float64   `json:"initMillis"`

	Payload       []byte `json:"-"`
	Response      []byte `json:"-"`
	PayloadBytes  int    `json:"payloadBytes"` // Record sets them: it may keep fewer
	ResponseBytes int    `json:"responseBytes"`

	number int
	lines  []byte
}

// Recorder keeps the last 500 entries, and counts all. It is safe for concurrent use.
type Recorder struct {
	mu      sync.Mutex
	ring    [kept]Entry
	next    int // number of the next entry
	byID    map[string]int
	pending map[string][]byte // lines by request id
	arrived []string          // the ids of pending, the oldest first; some have left it
	counts  Counts
	pages   map[chan struct{}]bool
}

// Counts are how many events were served since the start.
type Counts struct {
	Routes    map[string]int `json:"routes"` // by API and route: "Api $connect"
	Functions map[string]int `json:"functions"`
	Failures  map[string]int `json:"failures"` // of functions
	Sources   map[string]int `json:"sources"`  // invocations by mapping or schedule
}

// NewRecorder makes an empty recorder.
func NewRecorder() *Recorder {
	return &Recorder{
		byID: map[string]int{}, pending: map[string][]byte{}, pages: map[chan struct{}]bool{},
		counts: Counts{Routes: map[string]int{}, Functions: map[string]int{}, Failures: map[string]int{}, Sources: map[string]int{}},
	}
}

// Record adds an entry. What it keeps of the payload and the response is a copy of their beginnings.
func (r *Recorder) Record(e Entry) {
	e.PayloadBytes, e.ResponseBytes = len(e.Payload), len(e.Response)
	e.Payload, e.Response = beginning(e.Payload), beginning(e.Response)
	r.mu.Lock()
	e.number = r.next
	e.lines = r.pending[e.ID]
	delete(r.pending, e.ID)
	slot := &r.ring[r.next%kept]
	delete(r.byID, slot.ID)
	*slot = e
	if e.ID != "" {
		r.byID[e.ID] = r.next
	}
	r.next++
	r.count(&e)
	r.notify()
	r.mu.Unlock()
}

// count is called with the lock held.
func (r *Recorder) count(e *Entry) {
	switch {
	case e.Route != "":
		r.counts.Routes[e.API+" "+e.Route]++
	case e.Source != "":
		r.counts.Sources[e.Source]++
	}
	if e.ID == "" {
		return
	}
	r.counts.Functions[e.Function]++
	if e.Outcome != "ok" {
		r.counts.Failures[e.Function]++
	}
}

// Line adds what a function has printed to its invocation.
func (r *Recorder) Line(requestID, line string) {
	if requestID == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n, ok := r.byID[requestID]; ok {
		slot := &r.ring[n%kept]
		slot.lines = addLine(slot.lines, line)
		return
	}
	if _, ok := r.pending[requestID]; !ok {
		r.arrived = append(r.arrived, requestID)
	}
	r.pending[requestID] = addLine(r.pending[requestID], line)
	if len(r.arrived) > maxPending {
		delete(r.pending, r.arrived[0])
		r.arrived = r.arrived[1:]
	}
}

func addLine(lines []byte, line string) []byte {
	if len(lines)+len(line) > maxShown {
		return lines
	}
	return append(append(lines, line...), '\n')
}

func beginning(data []byte) []byte {
	return append([]byte(nil), data[:min(len(data), maxShown)]...)
}

// open gives a signal for a page: there is one in it when something was recorded since the last.
func (r *Recorder) open() chan struct{} {
	page := make(chan struct{}, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pages[page] = true
	return page
}

func (r *Recorder) leave(page chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pages, page)
}

// notify is called with the lock held.
func (r *Recorder) notify() {
	for page := range r.pages {
		select {
		case page <- struct{}{}:
		default:
		}
	}
}

// list gives the entries, the latest first.
func (r *Recorder) list() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Entry, 0, min(r.next, kept))
	for n := r.next - 1; n >= 0 && n > r.next-1-kept; n-- {
		out = append(out, r.ring[n%kept])
	}
	return out
}

// counted gives a copy of the counts.
func (r *Recorder) counted() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counts
	return Counts{maps.Clone(c.Routes), maps.Clone(c.Functions), maps.Clone(c.Failures), maps.Clone(c.Sources)}
}

// find gives an entry with its lines, if it is still kept.
func (r *Recorder) find(id string) (e Entry, lines string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.byID[id]
	if !ok {
		return Entry{}, "", false
	}
	e = r.ring[n%kept]
	return e, strings.TrimSuffix(string(e.lines), "\n"), true
}
