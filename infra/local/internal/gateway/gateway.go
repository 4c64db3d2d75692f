package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/disclone/disclone/infra/local/internal/chaos"
	"github.com/disclone/disclone/infra/local/internal/clock"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// The quotas of API Gateway for WebSocket APIs; none can be raised but the first two of them here, by Options.
const (
	maxFrame           = 32 * 1024
	maxMessage         = 128 * 1024
	defaultIdle        = 10 * time.Minute
	defaultDuration    = 2 * time.Hour
	writeTimeout       = 200 * time.Millisecond // that a post waits for a client that does not read
	maxFramesUnderWay  = 100                    // of one connection; more of them wait in the socket
	disconnectTimeout  = 29 * time.Second
	handshakeReadLimit = 4096 // bytes of a URL (API Gateway quota)
)

// ErrUnsupported means that the API asks for something that is not emulated.
var ErrUnsupported = errors.New("gateway: unsupported")

// Invoker runs a function, named by its logical id. functionError is "" or "Unhandled", and then response is AWS's error
// object; err is a fault of the call. It may be called concurrently.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (response []byte, functionError string, err error)
}

// Request is one event that was served, as an observer sees it.
type Request struct {
	Route        string
	Connection   string
	Function     string // "" where no function was invoked
	Status       int    // the function's statusCode, or the gateway's own
	Error        string // what went wrong, for the log; "" if nothing did
	Duration     time.Duration
	RequestBytes int
}

// Options are the optional parts of a [Gateway]. The zero value is ready to use.
type Options struct {
	Region      string        // us-east-1 if empty
	AccountID   string        // 123456789012 if empty
	DomainName  string        // what requestContext.domainName says: host:port; AWS's form if empty
	IdleTimeout time.Duration // 10 minutes if 0
	MaxDuration time.Duration // 2 hours if 0
	APIKeys     []string      // what x-api-key may be on a route with ApiKeyRequired
	// AccessKeys are the secret access keys, by their ids, that AWS_IAM authorization and CheckSignatures take.
	AccessKeys map[string]string
	// CheckSignatures asks for a valid signature of every request to @connections.
	CheckSignatures bool
	Compress        bool         // agree to permessage-deflate with clients that offer it
	Quota           *Quota       // what the account may; nil throttles nothing
	Clock           clock.Clock  // what idle and maximum times go by; the real clock if nil
	Chaos           *chaos.Chaos // injects faults; nil injects none
	Static          http.Handler // serves plain requests outside the stages; nil refuses them
	Log             *slog.Logger // slog.Default() if nil
	// Observer is told of each event that was served. ctx is what the function was invoked with. It may be called
	// concurrently.
	Observer func(ctx context.Context, r Request)
	// Trace makes the context of an invocation, before it begins; nil takes the request's.
	Trace func(ctx context.Context, route, connection string) context.Context
}

// Gateway serves one API: an http.Handler. It is safe for concurrent use.
type Gateway struct {
	opts    Options
	invoker Invoker
	client  *http.Client // of HTTP_PROXY integrations
	routes  atomic.Pointer[routing]

	mu          sync.Mutex
	connections map[string]*connection
	closing     bool
	live        sync.WaitGroup // connections, until their $disconnect has returned
}

// New makes a gateway. It fails with [ErrUnsupported] for an API that it cannot serve.
func New(api *template.API, inv Invoker, opts *Options) (*Gateway, error) {
	g := &Gateway{invoker: inv, client: newProxyClient(), connections: map[string]*connection{}}
	if opts != nil {
		g.opts = *opts
	}
	g.defaults(api)
	return g, g.Update(api)
}

// newProxyClient makes the client of HTTP integrations. It follows no redirects, as API Gateway does not.
func newProxyClient() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (g *Gateway) defaults(api *template.API) {
	o := &g.opts
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.AccountID == "" {
		o.AccountID = "123456789012"
	}
	if o.DomainName == "" {
		o.DomainName = fmt.Sprintf("%s.execute-api.%s.amazonaws.com", api.APIID, o.Region)
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = defaultIdle
	}
	if o.MaxDuration <= 0 {
		o.MaxDuration = defaultDuration
	}
	if o.Clock == nil {
		o.Clock = clock.Real()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Trace == nil {
		o.Trace = func(ctx context.Context, _, _ string) context.Context { return ctx }
	}
}

// Update replaces the routes. Connections stay.
func (g *Gateway) Update(api *template.API) error {
	r, err := newRouting(api, g.opts.Quota)
	if err != nil {
		return err
	}
	g.routes.Store(r)
	return nil
}

// ServeHTTP serves the handshake at /{stage}, @connections at /{stage}/@connections/{id}, and Static elsewhere.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stage, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	routing := g.routes.Load()
	switch {
	case strings.HasPrefix(rest, "@connections/"):
		if !routing.stages[stage] {
			forbidden(w)
			return
		}
		g.serveConnections(w, r, routing, strings.TrimPrefix(rest, "@connections/"))
	case routing.stages[stage] && rest == "":
		g.serveHandshake(w, r, routing, stage)
	case g.opts.Static != nil && !isUpgrade(r):
		g.opts.Static.ServeHTTP(w, r)
	default:
		forbidden(w)
	}
}

// forbidden is what AWS answers for a stage or path that does not exist.
func forbidden(w http.ResponseWriter) {
	refuse(w, http.StatusForbidden, "ForbiddenException", "Forbidden")
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	if kind != "" {
		w.Header().Set("x-amzn-ErrorType", kind)
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":%q}`, message)
}

// Connection is an open connection, as an observer sees it.
type Connection struct {
	ID           string    `json:"id"`
	Stage        string    `json:"stage"`
	SourceIP     string    `json:"sourceIp"`
	UserAgent    string    `json:"userAgent"`
	ConnectedAt  time.Time `json:"connectedAt"`
	LastActiveAt time.Time `json:"lastActiveAt"`
}

// Connections gives the open connections, the oldest first.
func (g *Gateway) Connections() []Connection {
	g.mu.Lock()
	defer g.mu.Unlock()
	open := make([]Connection, 0, len(g.connections))
	for _, c := range g.connections {
		open = append(open, Connection{
			ID: c.id, Stage: c.stage, SourceIP: c.sourceIP, UserAgent: c.userAgent,
			ConnectedAt: c.connectedAt, LastActiveAt: time.UnixMilli(c.active.Load()),
		})
	}
	slices.SortFunc(open, func(a, b Connection) int { return a.ConnectedAt.Compare(b.ConnectedAt) })
	return open
}

// Shutdown closes every connection with 1001, as AWS does before maintenance, and waits for their $disconnect.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.mu.Lock()
	g.closing = true
	open := make([]*connection, 0, len(g.connections))
	for _, c := range g.connections {
		open = append(open, c)
	}
	g.mu.Unlock()
	for _, c := range open {
		go c.close(closeGoingAway, "Going away")
	}
	done := make(chan struct{})
	go func() { g.live.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("gateway: %d connections' $disconnect did not end in time: %w", len(open), ctx.Err())
	}
}

// add makes a connection known, so that it can be posted to.
func (g *Gateway) add(c *connection) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing {
		return false
	}
	g.connections[c.id] = c
	g.live.Add(1)
	return true
}

func (g *Gateway) remove(c *connection) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.connections, c.id)
}

func (g *Gateway) find(id string) *connection {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.connections[id]
}
