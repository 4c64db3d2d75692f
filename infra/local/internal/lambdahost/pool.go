package lambdahost

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// errDrained means that the function was replaced; its caller asks the host again.
var errDrained = errors.New("lambdahost: function was replaced")

// pool is one version of a function: its processes and the invocations that wait for one.
type pool struct {
	opts      *Options
	fn        template.Function
	bootstrap string

	mu      sync.Mutex
	idle    []*environment // the most recently used last
	size    int            // processes that run or start
	running int            // invocations that run or wait
	waiters []chan *environment
	drained bool
	all     map[*environment]bool
	empty   chan struct{} // closed when drained and no invocation is left
}

func newPool(opts *Options, fn template.Function, bootstrap string) *pool {
	return &pool{opts: opts, fn: fn, bootstrap: bootstrap, all: map[*environment]bool{}, empty: make(chan struct{})}
}

// invoke gives the payload to a process that is free, or to a new one, or waits for one.
func (p *pool) invoke(ctx context.Context, payload []byte) ([]byte, string, error) {
	if err := p.enter(); err != nil {
		return nil, "", err
	}
	env, err := p.acquire(ctx)
	if err != nil {
		p.leave()
		return nil, "", err
	}
	inv := newInvocation(payload, p.fn)
	result := make(chan outcome, 1)
	go func() {
		defer p.leave()
		out := env.run(inv)
		p.release(env)
		if p.opts.Observer != nil {
			p.opts.Observer(ctx, out.Invocation)
		}
		result <- out
	}()
	select {
	case out := <-result:
		return out.response, out.functionError, nil
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
}

func (p *pool) enter() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drained {
		return errDrained
	}
	if p.fn.Reserved != nil && p.running >= *p.fn.Reserved {
		return &Throttled{Function: p.fn.ID}
	}
	p.running++
	return nil
}

func (p *pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if p.drained && p.running == 0 {
		close(p.empty)
	}
}

// acquire gives a process for one invocation. The most recently used comes first, so that few are kept warm.
func (p *pool) acquire(ctx context.Context) (*environment, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		env := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return env, nil
	}
	if p.size < p.opts.Concurrency {
		p.size++
		env := newEnvironment(p)
		p.all[env] = true
		p.mu.Unlock()
		return env, nil
	}
	turn := make(chan *environment, 1)
	p.waiters = append(p.waiters, turn)
	p.mu.Unlock()
	select {
	case env := <-turn:
		return env, nil
	case <-ctx.Done():
		p.giveUp(turn)
		return nil, ctx.Err()
	}
}

// giveUp takes a waiter out of the line; a process that it was just given goes on to the next.
func (p *pool) giveUp(turn chan *environment) {
	p.mu.Lock()
	for i, w := range p.waiters {
		if w == turn {
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
			p.mu.Unlock()
			return
		}
	}
	p.mu.Unlock()
	p.release(<-turn)
}

func (p *pool) release(env *environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiters) > 0 {
		turn := p.waiters[0]
		p.waiters = p.waiters[1:]
		turn <- env
		return
	}
	env.usedAt = time.Now()
	p.idle = append(p.idle, env)
	p.trim()
}

// trim ends the processes that nobody needed for a while.
func (p *pool) trim() {
	for len(p.idle) > 1 && time.Since(p.idle[0].usedAt) > idleTimeout {
		env := p.idle[0]
		p.idle = p.idle[1:]
		p.size--
		delete(p.all, env)
		go env.end()
	}
}

// drain lets the running invocations end, and then the processes.
func (p *pool) drain() {
	p.mu.Lock()
	p.drained = true
	if p.running == 0 {
		close(p.empty)
	}
	p.mu.Unlock()
	<-p.empty
	p.endAll()
}

// close ends the processes at once.
func (p *pool) close() {
	p.mu.Lock()
	p.drained = true
	p.mu.Unlock()
	p.endAll()
}

func (p *pool) endAll() {
	p.mu.Lock()
	envs := p.all
	p.all = map[*environment]bool{}
	p.mu.Unlock()
	var wg sync.WaitGroup
	for env := range envs {
		wg.Go(env.end)
	}
	wg.Wait()
}
