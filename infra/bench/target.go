package main

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// target is the gateway under measurement. pid is 0 where somebody else started it.
type target struct {
	url   string
	pid   int
	close func()
}

func open(ctx context.Context, wsURL string) (*target, error) {
	if wsURL == "" {
		return start(ctx)
	}
	u, err := url.Parse(wsURL)
	if err != nil {
		return nil, err
	}
	if h := u.Hostname(); h != "127.0.0.1" && h != "localhost" && h != "::1" {
		return nil, fmt.Errorf("%s: load goes to this machine only", wsURL)
	}
	return &target{url: wsURL, close: func() {}}, nil
}

// startFloor starts this program as the bare server.
func startFloor(ctx context.Context) (*target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return await(exec.CommandContext(ctx, self, "-serve-floor"), func() {})
}

// start builds the runtime, starts it on free ports and waits for the line that says it is ready.
func start(ctx context.Context, args ...string) (*target, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(dir, "local")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", bin, "./infra/local")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build the runtime: %w", err)
	}
	args = append([]string{"--port", "0", "--quiet", "--build-dir", filepath.Join(dir, "build")}, args...)
	return await(exec.CommandContext(ctx, bin, args...), func() { _ = os.RemoveAll(dir) })
}

// await starts a server and waits for the line that says it is ready.
func await(cmd *exec.Cmd, cleanUp func()) (*target, error) {
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
	t := &target{pid: cmd.Process.Pid, close: sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		cleanUp()
	})}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, u, ok := strings.Cut(lines.Text(), "Ready: "); ok {
			t.url, _, _ = strings.Cut(u, " ")
			go func() {
				for lines.Scan() { // keep the pipe empty
				}
			}()
			return t, nil
		}
		fmt.Fprintln(os.Stderr, lines.Text())
	}
	t.close()
	return nil, fmt.Errorf("the runtime ended before it was ready")
}

// idle opens n connections, lets them be, and prints what they added to the runtime's memory.
func (t *target) idle(ctx context.Context, n int) error {
	if t.pid == 0 {
		return nil
	}
	before, err := residentKB(t.pid)
	if err != nil {
		return err
	}
	began := time.Now()
	clients, err := dialMany(ctx, t.url, n)
	defer closeAll(clients)
	if err != nil {
		return err
	}
	took := time.Since(began)
	after, err := residentKB(t.pid)
	if err != nil {
		return err
	}
	fmt.Printf("%-44s %d opened in %.1f s, %.1f KB each in the runtime\n", "idle connections", n, took.Seconds(), float64(after-before)/float64(n))
	return nil
}

func residentKB(pid int) (int, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return 0, fmt.Errorf("no VmRSS for process %d", pid)
}
