// Package console is the page of the local runtime: the template as a picture, live invocations, connections, queues,
// tables and the switches of chaos. It shows any application, and knows none.
package console

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/disclone/disclone/infra/local/internal/gateway"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// Path is where the console is on its host. Everything of it is below.
const Path = "/_console/"

const (
	maxBody     = 128 * 1024             // bytes of a request: a message to post
	updateEvery = 250 * time.Millisecond // between two updates of a page at the earliest
	idleUpdate  = 2 * time.Second        // and at the latest: queues and connections change without an invocation
)

//go:embed assets
var assets embed.FS

// API is one API with its gateway.
type API struct {
	ID      string
	URL     string // of its WebSocket endpoint, without the stage
	Gateway *gateway.Gateway
}

// Chaos injects faults, each with a probability.
type Chaos interface {
	Rates() map[string]float64
	Injected() map[string]int
	SetRate(name string, rate float64) error
}

// Deps are what the console shows. Chaos may be nil.
type Deps struct {
	App      func() *template.App
	APIs     func() []API
	Recorder *Recorder
	DynamoDB *dynamodb.Client
	SQS      *sqs.Client
	Chaos    Chaos
}

// Console is an http.Handler below [Path]. It is safe for concurrent use.
type Console struct {
	deps   Deps
	mux    *http.ServeMux
	stores stores
}

// New makes a console.
func New(deps Deps) *Console {
	c := &Console{deps: deps, mux: http.NewServeMux()}
	files, _ := fs.Sub(assets, "assets") // the directory is embedded
	c.mux.Handle("GET "+Path, http.StripPrefix(Path, http.FileServerFS(files)))
	api := Path + "api/"
	c.mux.HandleFunc("GET "+api+"live", c.live)
	c.mux.HandleFunc("GET "+api+"state", answer(c.state))
	c.mux.HandleFunc("GET "+api+"invocations", answer(c.invocations))
	c.mux.HandleFunc("GET "+api+"invocations/{id}", answer(c.invocation))
	c.mux.HandleFunc("GET "+api+"tables/{name}", answer(c.items))
	c.mux.HandleFunc("GET "+api+"queues/{name}", answer(c.messages))
	c.mux.HandleFunc("POST "+api+"queues/{name}/redrive", answer(c.redrive))
	c.mux.HandleFunc("POST "+api+"connections/{id}", answer(c.post))
	c.mux.HandleFunc("DELETE "+api+"connections/{id}", answer(c.close))
	c.mux.HandleFunc("PUT "+api+"chaos/{name}", answer(c.setRate))
	return c
}

// ServeHTTP serves the page and its API to its own page only, and to tools. What another page in the same browser sends
// is refused: by the name in Host (DNS rebinding), by Origin, and, where it changes something, for want of a header that
// such a page cannot set.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case !localHost(r.Host):
		http.Error(w, "the console answers to localhost and addresses only", http.StatusForbidden)
	case !sameOrigin(r):
		http.Error(w, "the console answers to its own page only", http.StatusForbidden)
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Header.Get("X-Console") != "1":
		http.Error(w, "a change needs the header X-Console: 1", http.StatusForbidden)
	default:
		c.mux.ServeHTTP(w, r)
	}
}

// localHost says whether a Host is an address or localhost: a name of somebody else's is not.
func localHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return name == "localhost" || net.ParseIP(strings.Trim(name, "[]")) != nil
}

// sameOrigin says whether a request is of the console's own page. Tools send no Origin.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin == "" || origin == "http://"+r.Host
}

// Errors of the API, and the status each becomes.
var (
	errNotFound = errors.New("not found; it may be gone")
	errBad      = errors.New("bad request")
)

// answer makes a handler of a function that gives what is answered as JSON.
func answer(f func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v, err := f(r)
		status := http.StatusOK
		switch {
		case errors.Is(err, errNotFound):
			status = http.StatusNotFound
		case errors.Is(err, errBad):
			status = http.StatusBadRequest
		case err != nil:
			status = http.StatusBadGateway
		}
		if err != nil {
			v = map[string]string{"error": err.Error()}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v) // the page is gone if this fails
	}
}

// live sends the state as server-sent events, whenever it has changed, four times a second at most.
func (c *Console) live(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	changed := c.deps.Recorder.open()
	defer c.deps.Recorder.leave(changed)
	for {
		state, err := c.state(r)
		if err != nil {
			return
		}
		data, err := json.Marshal(state)
		if err != nil {
			return
		}
		if _, err := io.WriteString(w, "data: "+string(data)+"\n\n"); err != nil {
			return
		}
		if out.Flush() != nil || !await(r.Context(), changed) {
			return
		}
	}
}

// await waits for the next moment to look. It says no if the page is gone.
func await(ctx context.Context, changed <-chan struct{}) bool {
	rest := time.NewTimer(updateEvery)
	defer rest.Stop()
	late := time.NewTimer(idleUpdate)
	defer late.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
		return false
	}
	select {
	case <-changed:
	case <-late.C:
	case <-ctx.Done():
		return false
	}
	return true
}
