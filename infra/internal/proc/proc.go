// Package proc starts the local runtime for the programs that measure and try it from outside.
package proc

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a server that has said that it is ready.
type Process struct {
	URL     string // ws://host:port/stage
	Console string // http://host:port/_console/, of the runtime
	PID     int
	Close   func() // ends it and waits for its end
}

// Start builds the runtime of the repository in the working directory and starts it on free ports.
func Start(ctx context.Context, args ...string) (*Process, error) {
	dir, err := os.MkdirTemp("", "runtime")
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(dir, "local")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", bin, "./infra/local")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, errors.Join(fmt.Errorf("build the runtime: %w", err), os.RemoveAll(dir))
	}
	args = append([]string{"--port", "0", "--quiet", "--build-dir", filepath.Join(dir, "build")}, args...)
	return Await(exec.CommandContext(ctx, bin, args...), func() { _ = os.RemoveAll(dir) })
}

// Main is the main function of a program that finds out whether something holds. It ends the program with 1 if it does not,
// or if that cannot be found out. An interrupt ends ctx.
func Main(name string, run func(ctx context.Context) (ok bool, err error)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
	}
	if !ok || err != nil {
		stop()
		os.Exit(1)
	}
}

// Call calls the console's API, and decodes the answer if into is not nil.
func (p *Process) Call(ctx context.Context, method, path, body string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, p.Console+"api/"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Console", "1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s, %w", path, resp.Status, data, err)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(data, into)
}

// Injected gives how many faults there were so far, by kind.
func (p *Process) Injected(ctx context.Context) (map[string]int, error) {
	var state struct {
		Chaos struct{ Injected map[string]int }
	}
	err := p.Call(ctx, http.MethodGet, "state", "", &state)
	return state.Chaos.Injected, err
}

// Await starts a server and waits for the line that says it is ready. cleanUp runs after its end.
func Await(cmd *exec.Cmd, cleanUp func()) (*Process, error) {
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{PID: cmd.Process.Pid, Close: sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		cleanUp()
	})}
	lines := bufio.NewScanner(out)
	var said []string
	for lines.Scan() {
		line := lines.Text()
		said = append(said, line)
		if url, ok := strings.CutPrefix(line, "Console: "); ok {
			p.Console = url
		}
		if url, ok := strings.CutPrefix(line, "Ready: "); ok {
			p.URL, _, _ = strings.Cut(url, " ")
			go func() {
				for lines.Scan() { // keep the pipe empty
				}
			}()
			return p, nil
		}
	}
	p.Close()
	return nil, fmt.Errorf("the server ended before it was ready:\n%s", strings.Join(said, "\n"))
}
