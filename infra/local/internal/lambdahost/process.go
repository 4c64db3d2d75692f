package lambdahost

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// longestLine is the most bytes of a printed line that are given on as one; the rest of it follows as further lines.
	longestLine = 64 * 1024
	// outputGrace is how long the output of a process that has ended is still read, when something that it started
	// keeps it open.
	outputGrace = 200 * time.Millisecond
	// memoryEvery is how often the memory of a process is read at most: a read costs about as much as an invocation.
	memoryEvery = time.Second
)

// process is one run of the bootstrap, with its own listener of the Runtime API.
type process struct {
	cmd       *exec.Cmd
	ln        net.Listener
	work      chan *invocation // to its GET next
	exited    chan struct{}    // closed when it has ended and all it printed was read
	ready     chan struct{}    // closed at its first GET next
	once      sync.Once
	polling   atomic.Bool // it waits in GET next
	initError atomic.Pointer[[]byte]

	mu     sync.Mutex // guards reaped: after it the process id may be another's
	reaped bool

	memory   int // kilobytes; used by one invocation at a time
	memoryAt time.Time
}

// startProcess starts the bootstrap of an environment.
func startProcess(e *environment) (*process, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("runtime API: %w", err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("output: %w", err), ln.Close())
	}
	program := e.pool.program
	cmd := exec.Command(program.args[0], program.args[1:]...)
	cmd.Dir = program.dir
	cmd.Env = variables(e.pool, ln.Addr().String())
	cmd.SysProcAttr = childAttributes()
	cmd.Stdout, cmd.Stderr = in, in
	err = cmd.Start()
	_ = in.Close() // the process has its own
	if err != nil {
		_, _ = ln.Close(), out.Close()
		return nil, fmt.Errorf("start: %w", err)
	}
	proc := &process{cmd: cmd, ln: ln, work: make(chan *invocation), exited: make(chan struct{}), ready: make(chan struct{})}
	go e.serve(proc)
	go proc.reap(out, e.print)
	return proc, nil
}

// reap reads what the process prints, waits for its end, and ends what it started.
func (p *process) reap(out *os.File, printed func(string)) {
	read := make(chan struct{})
	go func() {
		defer close(read)
		copyLines(out, printed)
	}()
	_ = p.cmd.Wait() // its state says how it ended
	p.signal(killSignal)
	p.mu.Lock()
	p.reaped = true
	p.mu.Unlock()
	_ = out.SetReadDeadline(time.Now().Add(outputGrace)) // a pipe has one
	<-read
	_, _ = out.Close(), p.ln.Close()
	close(p.exited)
}

// signal signals the process and what it started. One that has ended is left alone.
func (p *process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		signalGroup(p.cmd.Process.Pid, sig)
	}
}

// await waits until the process asks for work; it says no if it ended or took longer.
func (p *process) await(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ready:
		return true
	case <-p.exited:
	case <-timer.C:
	}
	return false
}

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// memoryKB gives the most memory that the process has had, 0 where the system does not say.
func (p *process) memoryKB() int {
	if p.ended() {
		return p.memory
	}
	if now := time.Now(); now.Sub(p.memoryAt) > memoryEvery {
		p.memoryAt = now
		p.memory = max(p.memory, peakMemory(p.cmd.Process.Pid))
	}
	return p.memory
}

func peakMemory(pid int) int { return statusKB(pid, "VmHWM:") }

// statusKB reads a value of /proc/{pid}/status in kilobytes, 0 where there is none.
func statusKB(pid int, name string) int {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte(name))
	value, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
	kb, err := strconv.Atoi(string(value))
	if err != nil {
		return 0
	}
	return kb
}

// memoryWatch is how often the memory of a process is compared with its limit while it runs an invocation.
const memoryWatch = 100 * time.Millisecond

// limitMemory kills the process when it takes more memory than its function has, until stop is called. What comes and
// goes between two looks is not seen.
func (p *process) limitMemory(limitMB int, print func(line string)) (stop func()) {
	if limitMB <= 0 {
		return func() {}
	}
	var mu sync.Mutex
	var timer *time.Timer
	stopped := false
	look := func() {
		mu.Lock()
		defer mu.Unlock()
		if stopped || p.ended() {
			return
		}
		if kb := statusKB(p.cmd.Process.Pid, "VmRSS:"); kb > limitMB*1024 {
			print(fmt.Sprintf("killed: it takes %d MB, and its MemorySize is %d MB", kb/1024, limitMB))
			p.signal(killSignal)
			return
		}
		timer.Reset(memoryWatch)
	}
	mu.Lock()
	timer = time.AfterFunc(memoryWatch, look)
	mu.Unlock()
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}

// copyLines gives on what the function prints, line by line.
func copyLines(r io.Reader, printed func(string)) {
	lines := bufio.NewReaderSize(r, longestLine)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			printed(string(bytes.TrimSuffix(line, []byte("\n"))))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}
