package lambdahost

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/disclone/disclone/infra/local/internal/chaos"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// environment is one execution environment: a process, started again after a crash or a timeout, and its own Runtime
// API. It runs one invocation at a time; its pool sees to that.
type environment struct {
	pool   *pool
	usedAt time.Time // guarded by the pool
	frozen bool      // guarded by the pool

	mu      sync.Mutex
	proc    *process
	current *invocation // until the next one begins, so that what it printed last is still its own
	closed  bool
}

// invocation is one event on its way through a process.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	timeout  time.Duration
	done     chan reply // has room for one
	tail     *tail      // what it prints, if somebody wants that
}

// reply is what the process, or the host in its place, says of an invocation.
type reply struct {
	body    []byte
	failed  bool
	outcome string
}

type outcome struct {
	Invocation
	response      []byte
	functionError string
}

func newInvocation(payload []byte, fn template.Function) *invocation {
	return &invocation{id: newRequestID(), payload: payload, timeout: fn.Timeout, done: make(chan reply, 1)}
}

// newRequestID makes an id in the form of a UUID, as Lambda's are.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// run runs one invocation, starting the process if there is none.
func (e *environment) run(inv *invocation) outcome {
	out := outcome{Invocation: Invocation{Function: e.pool.fn.ID, RequestID: inv.id}}
	r, taken := e.attempt(inv, &out)
	if !taken { // the process ended by itself after the last invocation, so this one gets a new process
		r, _ = e.attempt(inv, &out)
	}
	out.Outcome, out.response = r.outcome, r.body
	out.Payload, out.Response = inv.payload, r.body
	if r.failed {
		out.functionError = "Unhandled"
	}
	return out
}

// attempt runs the invocation on the process or on a new one. It was not taken if an old process ended before it.
func (e *environment) attempt(inv *invocation, out *outcome) (r reply, taken bool) {
	began := time.Now()
	faults := e.pool.host.opts.Chaos
	if faults.Hit(chaos.Cold) {
		e.restart()
	}
	proc, cold, err := e.ensure()
	if err != nil {
		return failure(inv.id, "Runtime.InvalidEntrypoint", err.Error()), true
	}
	if wait, hit := faults.After(chaos.Kill); hit {
		victim := proc
		timer := time.AfterFunc(wait, func() { victim.signal(killSignal) })
		defer timer.Stop()
	}
	if cold {
		out.Cold = true
		var failed *reply
		if proc, failed = e.awaitInit(proc, inv); failed != nil {
			out.Init = time.Since(began)
			return *failed, true
		}
		out.Init = time.Since(began)
		began = time.Now()
	}
	r, taken = e.exchange(proc, inv)
	out.Duration = time.Since(began)
	out.MemoryKB = proc.memoryKB()
	return r, taken || cold
}

// exchange hands the invocation to the process and waits for its reply, its end or the timeout.
func (e *environment) exchange(proc *process, inv *invocation) (r reply, taken bool) {
	inv.deadline = time.Now().Add(inv.timeout)
	timer := time.NewTimer(inv.timeout)
	defer timer.Stop()
	e.setCurrent(inv)
	stop := proc.limitMemory(e.pool.fn.MemoryMB, e.print)
	defer stop()
	select {
	case proc.work <- inv:
	case <-proc.exited:
		return e.exitReply(proc, inv), false
	case <-timer.C:
		return e.timeoutReply(proc, inv), true
	}
	select {
	case r := <-inv.done:
		return r, true
	case <-proc.exited:
		select {
		case r := <-inv.done: // a panic is reported, and then the process exits
			e.forget(proc)
			return r, true
		default:
			return e.exitReply(proc, inv), true
		}
	case <-timer.C:
		return e.timeoutReply(proc, inv), true
	}
}

// awaitInit waits until the process asks for work. One that takes longer than the init phase may is started again, and
// then has the function's own timeout, as on Lambda.
func (e *environment) awaitInit(proc *process, inv *invocation) (*process, *reply) {
	if proc.await(e.pool.host.opts.InitTimeout) {
		return proc, nil
	}
	if !proc.ended() {
		e.kill(proc)
		again, _, err := e.ensure()
		if err != nil {
			r := failure(inv.id, "Runtime.InvalidEntrypoint", err.Error())
			return nil, &r
		}
		if proc = again; proc.await(inv.timeout) {
			return proc, nil
		}
	}
	r := e.initReply(proc, inv)
	return nil, &r
}

// initReply says why a process never asked for work: what it posted, its exit or the time it took.
func (e *environment) initReply(proc *process, inv *invocation) reply {
	if !proc.ended() {
		return e.timeoutReply(proc, inv)
	}
	if body := proc.initError.Load(); body != nil {
		e.forget(proc)
		return reply{body: *body, failed: true, outcome: "Runtime.InitError"}
	}
	return e.exitReply(proc, inv)
}

func (e *environment) setCurrent(inv *invocation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current = inv
}

// running gives the invocation with that id, if it is the current one.
func (e *environment) running(id string) *invocation {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current == nil || e.current.id != id {
		return nil
	}
	return e.current
}

// print takes one line that the function printed.
func (e *environment) print(line string) {
	e.mu.Lock()
	id := ""
	if e.current != nil {
		id = e.current.id
		e.current.tail.add(line)
	}
	e.mu.Unlock()
	if output := e.pool.host.opts.Output; output != nil {
		output(e.pool.fn.ID, id, line)
	}
}

func (e *environment) exitReply(proc *process, inv *invocation) reply {
	e.forget(proc)
	reason := "Runtime exited without providing a reason"
	if state := proc.cmd.ProcessState; state != nil && !state.Success() {
		reason = "Runtime exited with error: " + state.String()
	}
	return failure(inv.id, "Runtime.ExitError", reason)
}

func (e *environment) timeoutReply(proc *process, inv *invocation) reply {
	e.kill(proc)
	return failure(inv.id, "Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", inv.timeout.Seconds()))
}

// failure is the error object that AWS makes where the function could not.
func failure(id, kind, text string) reply {
	body, _ := json.Marshal(map[string]string{
		"errorType": kind, "errorMessage": fmt.Sprintf("RequestId: %s Error: %s", id, text),
	}) // strings always encode
	return reply{body: body, failed: true, outcome: kind}
}

// ensure gives the process, started now if need be.
func (e *environment) ensure() (proc *process, cold bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, false, ErrClosed
	}
	if e.proc != nil && !e.proc.ended() {
		return e.proc, false, nil
	}
	e.current = nil // what is printed from here on is of the init
	e.proc, err = startProcess(e)
	return e.proc, true, err
}

func (e *environment) forget(proc *process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.proc == proc {
		e.proc = nil
	}
}

// kill ends the process at once; the next invocation starts another.
func (e *environment) kill(proc *process) {
	e.forget(proc)
	proc.signal(killSignal)
	<-proc.exited
}

// restart makes the next invocation a cold start.
func (e *environment) restart() {
	e.mu.Lock()
	proc := e.proc
	e.mu.Unlock()
	if proc != nil {
		e.kill(proc)
	}
}

// end asks the process to end, and makes it. No other starts here.
func (e *environment) end() {
	e.mu.Lock()
	proc := e.proc
	e.proc, e.closed = nil, true
	e.mu.Unlock()
	if proc == nil {
		return
	}
	proc.signal(termSignal)
	proc.signal(continueSignal) // a frozen one cannot handle the other
	select {
	case <-proc.exited:
	case <-time.After(shutdownTime):
		proc.signal(killSignal)
		<-proc.exited
	}
}
