package lambdahost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/disclone/disclone/infra/local/internal/chaos"
	"github.com/disclone/disclone/infra/local/internal/template"
)

const (
	// MaxPayload is the most bytes of a synchronous invocation's payload, in and out (Lambda quota of 6 MB, as its
	// emulator has it).
	MaxPayload = 6_291_556
	// DefaultConcurrency is how many processes of one function run at a time unless Options say otherwise. More of them
	// than this on a laptop's few cores only wait for each other.
	DefaultConcurrency = 8
	// initTimeout is how long a process has until its first poll (Lambda: 10 s for the init phase).
	initTimeout = 10 * time.Second
	// idleTimeout is how long an unused process is kept.
	idleTimeout = 5 * time.Minute
)

var (
	// ErrUnknownFunction means that no function has that name.
	ErrUnknownFunction = errors.New("lambdahost: unknown function")
	// ErrTooLarge means that a payload has more than MaxPayload bytes.
	ErrTooLarge = errors.New("lambdahost: payload too large")
	// ErrUnsupported means that a function's runtime is not one that runs here.
	ErrUnsupported = errors.New("lambdahost: unsupported runtime")
	// ErrClosed means that the host has ended.
	ErrClosed = errors.New("lambdahost: closed")
)

// Throttled is the error of an invocation over the function's reserved concurrency.
type Throttled struct{ Function string }

func (e *Throttled) Error() string {
	return fmt.Sprintf("lambdahost: %s: reserved concurrency is used up", e.Function)
}

// Throttled says that trying again later helps.
func (e *Throttled) Throttled() bool { return true }

// Invocation is one invocation that has ended, as an observer sees it.
type Invocation struct {
	Function  string // logical id
	RequestID string
	Cold      bool          // it had to start the process
	Init      time.Duration // of a cold start
	Duration  time.Duration // without the init
	Outcome   string        // "ok", "error", or AWS's error type such as Runtime.ExitError or Sandbox.Timedout
	MemoryKB  int           // the most the process has had, read at most once a second; 0 where the system does not say
	// Payload and Response must not be changed.
	Payload, Response []byte
}

// Options are the optional parts of a [Host]. The zero value is ready to use.
type Options struct {
	Region    string // us-east-1 if empty
	AccountID string // 123456789012 if empty
	// Env is set for every function, and wins over the template's.
	Env map[string]string
	// Rewrite changes each value that the template sets; nil leaves them.
	Rewrite func(value string) string
	// Concurrency is how many processes of one function run at a time; DefaultConcurrency if 0. Further invocations
	// wait for their turn.
	Concurrency int
	// Patience is how long an invocation waits for one of the running processes before it starts another; 2 ms if 0.
	Patience time.Duration
	// FreezeAfter is how long a process must be unused before it is stopped (SIGSTOP) until its next invocation, as
	// Lambda freezes an environment. 50 ms if 0; negative never stops any.
	FreezeAfter time.Duration
	// InitTimeout is how long a process has until its first poll; 10 s, which is Lambda's, if 0.
	InitTimeout time.Duration
	// IdleTimeout is how long an unused process is kept; 5 minutes if 0.
	IdleTimeout time.Duration
	// Chaos kills processes and makes starts cold; nil does neither.
	Chaos *chaos.Chaos
	// Output gets each line that a function prints. It may be called concurrently.
	Output func(function, requestID, line string)
	// Observer is told of each invocation that has ended. ctx is that of Invoke. It may be called concurrently.
	Observer func(ctx context.Context, inv Invocation)
}

// Host runs functions. It is safe for concurrent use.
type Host struct {
	opts Options

	freezing, trimming atomic.Bool // a timer is set

	mu     sync.Mutex
	pools  map[string]*pool // by logical id, by name and by ARN
	live   map[*pool]bool   // those, and the replaced ones that are ending
	closed bool
	ending sync.WaitGroup // pools and processes that are ending
}

// New makes a host without functions.
func New(opts *Options) *Host {
	h := &Host{pools: map[string]*pool{}, live: map[*pool]bool{}}
	if opts != nil {
		h.opts = *opts
	}
	h.opts.Region = cmp.Or(h.opts.Region, "us-east-1")
	h.opts.AccountID = cmp.Or(h.opts.AccountID, "123456789012")
	h.opts.Patience = cmp.Or(h.opts.Patience, defaultPatience)
	h.opts.FreezeAfter = cmp.Or(h.opts.FreezeAfter, freezeAfter)
	h.opts.InitTimeout = cmp.Or(h.opts.InitTimeout, initTimeout)
	h.opts.IdleTimeout = cmp.Or(h.opts.IdleTimeout, idleTimeout)
	if h.opts.Concurrency < 1 {
		h.opts.Concurrency = DefaultConcurrency
	}
	return h
}

// Set defines a function, or replaces it: new invocations use the new artifact, running ones end on the old one. The
// artifact is a directory: with the executable `bootstrap` for a provided.* runtime, with the handler's module for
// nodejs* and python*, which run on this machine's node and python3. Its error is [ErrUnsupported] for other runtimes.
func (h *Host) Set(fn template.Function, artifact string) error {
	program, err := programOf(fn, artifact)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	if before := h.pools[fn.ID]; before != nil {
		h.retire(before)
	}
	p := newPool(h, fn, program)
	h.live[p] = true
	for _, name := range []string{fn.ID, fn.Name, fn.ARN} {
		if name != "" {
			h.pools[name] = p
		}
	}
	return nil
}

// retire lets a pool end, which nothing finds from now on. The host is locked.
func (h *Host) retire(p *pool) {
	maps.DeleteFunc(h.pools, func(_ string, other *pool) bool { return other == p })
	h.ending.Go(func() {
		p.drain()
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.live, p)
	})
}

// Invoke runs a function, named by its logical id, its name or its ARN, and waits for its result.
//
// functionError is "" or "Unhandled"; then response is AWS's error object {"errorMessage","errorType"}: of a returned
// error, a panic, an exit or a timeout. err is a fault of the call: [ErrUnknownFunction], [ErrTooLarge], [*Throttled],
// or ctx's. When ctx ends, Invoke returns, and the function runs on to its end, as it does on AWS.
func (h *Host) Invoke(ctx context.Context, function string, payload []byte) (response []byte, functionError string, err error) {
	return h.invoke(ctx, function, payload, nil)
}

// invoke is Invoke that also keeps the end of what the function prints, if logs is not nil.
func (h *Host) invoke(ctx context.Context, function string, payload []byte, logs *tail) ([]byte, string, error) {
	if len(payload) > MaxPayload {
		return nil, "", fmt.Errorf("%w: %d bytes to %s", ErrTooLarge, len(payload), function)
	}
	for {
		p, err := h.pool(function)
		if err != nil {
			return nil, "", err
		}
		inv := newInvocation(payload, p.fn)
		inv.tail = logs
		response, functionError, err := p.invoke(ctx, inv)
		if !errors.Is(err, errDrained) {
			return response, functionError, err
		}
	}
}

func (h *Host) pool(function string) (*pool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	p := h.pools[function]
	if p == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknownFunction, function)
	}
	return p, nil
}

// Close ends all processes: SIGTERM, and SIGKILL for what is left after two seconds (Lambda's shutdown
// phase). When it returns nothing runs, and what ran has failed.
func (h *Host) Close(context.Context) error {
	h.mu.Lock()
	h.closed = true
	pools := slices.Collect(maps.Keys(h.live))
	for _, p := range pools {
		h.ending.Go(p.close)
	}
	h.mu.Unlock()
	h.ending.Wait()
	return nil
}
