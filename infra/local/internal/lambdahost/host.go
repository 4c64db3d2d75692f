package lambdahost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

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
	Outcome   string        // "ok", or AWS's error type such as Runtime.ExitError or Sandbox.Timedout
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
	// Output gets each line that a function prints. It may be called concurrently.
	Output func(function, requestID, line string)
	// Observer is told of each invocation that has ended. ctx is that of Invoke. It may be called concurrently.
	Observer func(ctx context.Context, inv Invocation)
}

// Host runs functions. It is safe for concurrent use.
type Host struct {
	opts Options

	mu     sync.Mutex
	pools  map[string]*pool // by logical id and by name
	closed bool
	old    sync.WaitGroup // pools that are ending
}

// New makes a host without functions.
func New(opts *Options) *Host {
	h := &Host{pools: map[string]*pool{}}
	if opts != nil {
		h.opts = *opts
	}
	if h.opts.Region == "" {
		h.opts.Region = "us-east-1"
	}
	if h.opts.AccountID == "" {
		h.opts.AccountID = "123456789012"
	}
	if h.opts.Concurrency < 1 {
		h.opts.Concurrency = DefaultConcurrency
	}
	return h
}

// Set defines a function, or replaces it: new invocations use the new artifact, running ones end on the old one. The
// artifact is a directory with the executable `bootstrap`, which provided.* runtimes ask for.
func (h *Host) Set(fn template.Function, artifact string) error {
	bootstrap := filepath.Join(artifact, "bootstrap")
	info, err := os.Stat(bootstrap)
	if err != nil {
		return fmt.Errorf("lambdahost: %s: %w", fn.ID, err)
	}
	if info.Mode()&0o111 == 0 {
		return fmt.Errorf("lambdahost: %s: %s is not executable", fn.ID, bootstrap)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	if before := h.pools[fn.ID]; before != nil {
		h.old.Go(before.drain)
	}
	p := newPool(&h.opts, fn, bootstrap)
	h.pools[fn.ID], h.pools[fn.Name] = p, p
	if fn.ARN != "" {
		h.pools[fn.ARN] = p
	}
	return nil
}

// Invoke runs a function, named by its logical id, its name or its ARN, and waits for its result.
//
// functionError is "" or "Unhandled"; then response is AWS's error object {"errorMessage","errorType"}: of a returned
// error, a panic, an exit or a timeout. err is a fault of the call: [ErrUnknownFunction], [ErrTooLarge], [*Throttled],
// or ctx's. When ctx ends, Invoke returns, and the function runs on to its end, as it does on AWS.
func (h *Host) Invoke(ctx context.Context, function string, payload []byte) (response []byte, functionError string, err error) {
	if len(payload) > MaxPayload {
		return nil, "", fmt.Errorf("%w: %d bytes to %s", ErrTooLarge, len(payload), function)
	}
	for {
		p, err := h.pool(function)
		if err != nil {
			return nil, "", err
		}
		response, functionError, err = p.invoke(ctx, payload)
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

// Close ends all processes: SIGTERM, and SIGKILL for what is left after two seconds (Lambda's shutdown phase).
func (h *Host) Close(context.Context) error {
	h.mu.Lock()
	h.closed = true
	pools := map[*pool]bool{}
	for _, p := range h.pools {
		pools[p] = true
	}
	h.mu.Unlock()
	for p := range pools {
		h.old.Go(p.close)
	}
	h.old.Wait()
	return nil
}
