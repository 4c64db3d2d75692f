package lambdahost

import "time"

// freezeAfter is how long a process must have been unused before it is stopped. Lambda stops it at once; here that
// would cost two signals for every invocation under load, and nothing is gained while the next one is near.
const freezeAfter = 50 * time.Millisecond

// trimEvery is how often unused processes are looked for.
const trimEvery = 15 * time.Second

// unused is called when a process becomes idle: it sees to it that somebody looks again. It costs two atomic reads.
func (h *Host) unused() {
	if h.opts.FreezeAfter > 0 && h.freezing.CompareAndSwap(false, true) {
		time.AfterFunc(h.opts.FreezeAfter, h.freezeIdle)
	}
	if h.trimming.CompareAndSwap(false, true) {
		time.AfterFunc(min(trimEvery, h.opts.IdleTimeout), h.trimIdle)
	}
}

// freezeIdle stops the processes that were not used for a while.
func (h *Host) freezeIdle() {
	h.freezing.Store(false)
	again := false
	for _, p := range h.everyPool() {
		again = p.freeze() || again
	}
	if again && h.freezing.CompareAndSwap(false, true) {
		time.AfterFunc(h.opts.FreezeAfter, h.freezeIdle)
	}
}

// trimIdle ends the processes that nobody needed for long.
func (h *Host) trimIdle() {
	h.trimming.Store(false)
	again := false
	for _, p := range h.everyPool() {
		again = p.trim() || again
	}
	if again && h.trimming.CompareAndSwap(false, true) {
		time.AfterFunc(min(trimEvery, h.opts.IdleTimeout), h.trimIdle)
	}
}

// everyPool gives the pools, those that are ending included.
func (h *Host) everyPool() []*pool {
	h.mu.Lock()
	defer h.mu.Unlock()
	pools := make([]*pool, 0, len(h.live))
	for p := range h.live {
		pools = append(pools, p)
	}
	return pools
}

// freeze stops the idle processes that asked for work and got none for a while. It says whether some are left to stop.
func (p *pool) freeze() (left bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, env := range p.idle {
		if env.frozen {
			continue
		}
		if time.Since(env.usedAt) < p.host.opts.FreezeAfter || !env.stop() {
			left = true
			continue
		}
		env.frozen = true
	}
	return left
}

// stop stops the process if it waits for work. What ended needs no stop.
func (e *environment) stop() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.proc == nil || e.proc.ended() {
		return true
	}
	if !e.proc.polling.Load() {
		return false
	}
	e.proc.signal(stopSignal)
	return true
}

// thaw lets a stopped process go on. The pool is locked.
func (e *environment) thaw() {
	if !e.frozen {
		return
	}
	e.frozen = false
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.proc != nil {
		e.proc.signal(continueSignal)
	}
}
