package lambdahost

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// environment is one execution environment: a process, started again after a crash or a timeout, and its own Runtime
// API. It runs one invocation at a time; its pool sees to that.
type environment struct {
	pool   *pool
	usedAt time.Time // guarded by the pool

	work chan *invocation // to the process, through its GET next

	mu      sync.Mutex
	proc    *process
	current *invocation
}

// process is one run of the bootstrap.
type process struct {
	cmd    *exec.Cmd
	ln     net.Listener
	exited chan struct{} // closed when it has ended and all it printed was read
	ready  chan struct{} // closed at its first GET next
	once   sync.Once
	initEr []byte // what it posted to init/error
}

// invocation is one event on its way through a process.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	timeout  time.Duration
	done     chan reply // has room for one
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

func newEnvironment(p *pool) *environment {
	return &environment{pool: p, work: make(chan *invocation)}
}

// run runs one invocation, starting the process if there is none.
func (e *environment) run(inv *invocation) outcome {
	out := outcome{Invocation: Invocation{Function: e.pool.fn.ID, RequestID: inv.id}}
	proc, cold, err := e.ensure()
	began := time.Now()
	if err == nil && cold {
		out.Cold = true
		err = e.awaitInit(proc)
		out.Init = time.Since(began)
		began = time.Now()
	}
	var r reply
	if err != nil {
		r = failure(inv.id, "Runtime.InitError", err.Error())
		if proc != nil {
			if proc.initEr != nil {
				r.body = proc.initEr
			}
			e.kill(proc)
		}
	} else {
		r = e.exchange(proc, inv)
	}
	out.Duration, out.Outcome, out.response = time.Since(began), r.outcome, r.body
	if r.failed {
		out.functionError = "Unhandled"
	}
	return out
}

// exchange hands the invocation to the process and waits for its reply, its end or the timeout.
func (e *environment) exchange(proc *process, inv *invocation) reply {
	inv.deadline = time.Now().Add(inv.timeout)
	timer := time.NewTimer(inv.timeout)
	defer timer.Stop()
	e.setCurrent(inv)
	defer e.setCurrent(nil)
	select {
	case e.work <- inv:
	case <-proc.exited:
		return e.exitReply(proc, inv)
	case <-timer.C:
		return e.timeoutReply(proc, inv)
	}
	select {
	case r := <-inv.done:
		return r
	case <-proc.exited:
		select {
		case r := <-inv.done: // a panic is reported, and then the process exits
			e.forget(proc)
			return r
		default:
			return e.exitReply(proc, inv)
		}
	case <-timer.C:
		return e.timeoutReply(proc, inv)
	}
}

func (e *environment) setCurrent(inv *invocation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current = inv
}

func (e *environment) requestID() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current == nil {
		return ""
	}
	return e.current.id
}

func (e *environment) exitReply(proc *process, inv *invocation) reply {
	e.forget(proc)
	reason := "Runtime exited without providing a reason"
	if state := proc.cmd.ProcessState; state != nil {
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
	proc = e.proc
	e.mu.Unlock()
	if proc != nil {
		select {
		case <-proc.exited: // between two invocations
		default:
			return proc, false, nil
		}
	}
	proc, err = e.start()
	if err != nil {
		return nil, true, err
	}
	e.mu.Lock()
	e.proc = proc
	e.mu.Unlock()
	return proc, true, nil
}

func (e *environment) awaitInit(proc *process) error {
	timer := time.NewTimer(initTimeout)
	defer timer.Stop()
	select {
	case <-proc.ready:
		return nil
	case <-proc.exited:
		return fmt.Errorf("the function ended before its first poll: %v", proc.cmd.ProcessState)
	case <-timer.C:
		return fmt.Errorf("init timed out after %v", initTimeout)
	}
}

func (e *environment) start() (*process, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("runtime API: %w", err)
	}
	proc := &process{ln: ln, exited: make(chan struct{}), ready: make(chan struct{})}
	proc.cmd = exec.Command(e.pool.bootstrap)
	proc.cmd.Dir = filepath.Dir(e.pool.bootstrap)
	proc.cmd.Env = variables(e.pool, ln.Addr().String())
	proc.cmd.SysProcAttr = childAttributes()
	stdout, outW := io.Pipe()
	proc.cmd.Stdout, proc.cmd.Stderr = outW, outW
	if err := proc.cmd.Start(); err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("start: %w", err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { e.copyLines(stdout) })
	go e.serve(proc)
	go func() {
		_ = proc.cmd.Wait() // its state says how it ended
		_ = outW.Close()
		reading.Wait()
		_ = ln.Close()
		close(proc.exited)
	}()
	return proc, nil
}

// copyLines gives what the function prints to the host's Output, line by line.
func (e *environment) copyLines(r io.Reader) {
	lines := bufio.NewReaderSize(r, 16*1024)
	for {
		line, err := lines.ReadString('\n')
		if line != "" && e.pool.opts.Output != nil {
			if line[len(line)-1] == '\n' {
				line = line[:len(line)-1]
			}
			e.pool.opts.Output(e.pool.fn.ID, e.requestID(), line)
		}
		if err != nil {
			return
		}
	}
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

// end asks the process to end, and makes it.
func (e *environment) end() {
	e.mu.Lock()
	proc := e.proc
	e.proc = nil
	e.mu.Unlock()
	if proc == nil {
		return
	}
	proc.signal(termSignal)
	select {
	case <-proc.exited:
	case <-time.After(shutdownTime):
		proc.signal(killSignal)
		<-proc.exited
	}
}
