package lambdahost

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// errDrained means that the function was replaced; its caller asks the host again.
var errDrained = errors.New("lambdahost: function was replaced")

// defaultPatience is the Patience of [Options] if there is none: a start costs some milliseconds of both cores, and most
// functions are done sooner.
const defaultPatience = 2 * time.Millisecond

// pool is one version of a function: its processes and the invocations that wait for one.
type pool struct {
	host    *Host
	fn      template.Function
	program program

	mu      sync.Mutex
	idle    []*environment // the most recently used last
	running int            // invocations that run or wait
	waiters []chan *environment
	drained bool
	closed  bool
	all     map[*environment]bool // idle or not
	empty   chan struct{}         // closed when drained and no invocation is left
	once    sync.Once
}

func newPool(h *Host, fn template.Function, program program) *pool {
	return &pool{host: h, fn: fn, program: program, all: map[*environment]bool{}, empty: make(chan struct{})}
}

// invoke gives the payload to a process that is free, or to a new one, or waits for one.
func (p *pool) invoke(ctx context.Context, inv *invocation) ([]byte, string, error) {
	if err := p.enter(); err != nil {
		return nil, "", err
	}
	env, err := p.acquire(ctx)
	if err != nil {
		p.leave()
		return nil, "", err
	}
	result := make(chan outcome, 1)
	go func() {
		out := env.run(inv)
		p.release(env)
		if p.host.opts.Observer != nil {
			p.host.opts.Observer(ctx, out.Invocation)
		}
		p.leave() // before the caller knows: its next invocation must find the place free
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
	if p.closed {
		return ErrClosed
	}
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
	p.checkEmpty()
}

func (p *pool) checkEmpty() {
	if p.drained && p.running == 0 {
		p.once.Do(func() { close(p.empty) })
	}
}

// acquire gives a process for one invocation. The most recently used comes first, so that few are kept warm.
func (p *pool) acquire(ctx context.Context) (*environment, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		env := p.idle[n-1]
		p.idle = p.idle[:n-1]
		env.thaw()
		p.mu.Unlock()
		return env, nil
	}
	if len(p.all) == 0 {
		env := p.add()
		p.mu.Unlock()
		return env, nil
	}
	turn := make(chan *environment, 1)
	p.waiters = append(p.waiters, turn)
	p.mu.Unlock()
	return p.await(ctx, turn)
}

// await waits for a process in line, and starts one more when that takes long.
func (p *pool) await(ctx context.Context, turn chan *environment) (*environment, error) {
	timer := time.NewTimer(p.host.opts.Patience)
	defer timer.Stop()
	for {
		select {
		case env := <-turn:
			return env, nil
		case <-timer.C:
			if env := p.grow(turn); env != nil {
				return env, nil
			}
		case <-ctx.Done():
			p.giveUp(turn)
			return nil, ctx.Err()
		}
	}
}

// add makes one more environment. The pool is locked.
func (p *pool) add() *environment {
	env := &environment{pool: p, closed: p.closed}
	p.all[env] = true
	return env
}

// grow makes one more environment for a waiter, unless it has just got one or there are enough.
func (p *pool) grow(turn chan *environment) *environment {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.all) >= p.host.opts.Concurrency || !p.unqueue(turn) {
		return nil
	}
	return p.add()
}

// unqueue takes a waiter out of the line, if it is still there. The pool is locked.
func (p *pool) unqueue(turn chan *environment) bool {
	i := slices.Index(p.waiters, turn)
	if i < 0 {
		return false
	}
	p.waiters = slices.Delete(p.waiters, i, i+1)
	return true
}

// giveUp takes a waiter out of the line; a process that it was just given goes on to the next.
func (p *pool) giveUp(turn chan *environment) {
	p.mu.Lock()
	waiting := p.unqueue(turn)
	p.mu.Unlock()
	if !waiting {
		p.release(<-turn)
	}
}

func (p *pool) release(env *environment) {
	p.mu.Lock()
	if len(p.waiters) > 0 {
		turn := p.waiters[0]
		p.waiters = slices.Delete(p.waiters, 0, 1)
		turn <- env
		p.mu.Unlock()
		return
	}
	env.usedAt = time.Now()
	p.idle = append(p.idle, env)
	p.mu.Unlock()
	p.host.unused()
}

// trim ends the processes that nobody needed for a while. It says whether some are left.
func (p *pool) trim() (left bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && len(p.idle) > 0 && time.Since(p.idle[0].usedAt) >= p.host.opts.IdleTimeout {
		env := p.idle[0]
		p.idle = slices.Delete(p.idle, 0, 1)
		delete(p.all, env)
		p.host.ending.Go(env.end)
	}
	return !p.closed && len(p.idle) > 0
}

// drain lets the running invocations end, and then the processes.
func (p *pool) drain() {
	p.mu.Lock()
	p.drained = true
	p.checkEmpty()
	p.mu.Unlock()
	<-p.empty
	p.endAll()
}

// close ends the processes at once; what they ran fails.
func (p *pool) close() {
	p.mu.Lock()
	p.drained, p.closed = true, true
	p.checkEmpty()
	p.mu.Unlock()
	p.endAll()
	<-p.empty
}

func (p *pool) endAll() {
	p.mu.Lock()
	envs := p.all
	p.all, p.idle = map[*environment]bool{}, nil
	p.mu.Unlock()
	var wg sync.WaitGroup
	for env := range envs {
		wg.Go(env.end)
	}
	wg.Wait()
}
