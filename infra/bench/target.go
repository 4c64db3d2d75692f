package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/disclone/disclone/infra/internal/proc"
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
	p, err := proc.Await(exec.CommandContext(ctx, self, "-serve-floor"), func() {})
	return of(p), err
}

func start(ctx context.Context, args ...string) (*target, error) {
	p, err := proc.Start(ctx, args...)
	return of(p), err
}

func of(p *proc.Process) *target {
	if p == nil {
		return nil
	}
	return &target{url: p.URL, pid: p.PID, close: p.Close}
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
