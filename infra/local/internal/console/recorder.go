package console

import (
	"strings"
	"sync"
	"time"
)

const (
	kept       = 500      // invocations
	maxShown   = 8 * 1024 // bytes of a payload, a response or the lines of an invocation
	maxPending = 1000     // invocations whose lines came before they ended
)

// Entry is one event that was served: by a function, or by the gateway alone.
type Entry struct {
	ID         string    `json:"id"` // the request id; "" where no function ran
	At         time.Time `json:"at"`
	Route      string    `json:"route"` // "" for what an event source, a schedule or the Invoke API has asked for
	Connection string    `json:"connection"`
	Function   string    `json:"function"`
	Status     int       `json:"status"` // what the gateway made of it; 0 without a route
	Outcome    string    `json:"outcome"`
	Error      string    `json:"error"`
	Cold       bool      `json:"cold"`
	Millis     float64   `json:"millis"`
	InitMillis float64   `json:"initMillis"`

	Payload  []byte `json:"-"`
	Response []byte `json:"-"`

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
	counts  Counts
	changed chan struct{} // has room for one
}

// Counts are how many events were served since the start.
type Counts struct {
	Routes    map[string]int `json:"routes"`
	Functions map[string]int `json:"functions"`
	Failures  map[string]int `json:"failures"` // of functions
	Sources   map[string]int `json:"sources"`  // invocations by event sources, by function
}

// NewRecorder makes an empty recorder.
func NewRecorder() *Recorder {
	return &Recorder{
		byID: map[string]int{}, pending: map[string][]byte{}, changed: make(chan struct{}, 1),
		counts: Counts{Routes: map[string]int{}, Functions: map[string]int{}, Failures: map[string]int{}, Sources: map[string]int{}},
	}
}

// Record adds an entry. What it keeps of the payload and the response is a copy of their beginnings.
func (r *Recorder) Record(e Entry) {
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
	r.mu.Unlock()
	r.notify()
}

// count is called with the lock held.
func (r *Recorder) count(e *Entry) {
	if e.Route != "" {
		r.counts.Routes[e.Route]++
	}
	if e.Function == "" {
		return
	}
	r.counts.Functions[e.Function]++
	if e.Outcome != "ok" {
		r.counts.Failures[e.Function]++
	}
	if e.Route == "" {
		r.counts.Sources[e.Function]++
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
	if len(r.pending) < maxPending {
		r.pending[requestID] = addLine(r.pending[requestID], line)
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

func (r *Recorder) notify() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// list gives the entries, the latest first, and a copy of the counts.
func (r *Recorder) list(limit int) ([]Entry, Counts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Entry
	for n := r.next - 1; n >= 0 && n > r.next-1-kept && len(out) < limit; n-- {
		out = append(out, r.ring[n%kept])
	}
	return out, Counts{copyOf(r.counts.Routes), copyOf(r.counts.Functions), copyOf(r.counts.Failures), copyOf(r.counts.Sources)}
}

func copyOf(m map[string]int) map[string]int {
	out := make(map[string]int, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
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
