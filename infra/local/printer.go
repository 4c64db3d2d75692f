package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/disclone/disclone/infra/local/internal/console"
	"github.com/disclone/disclone/infra/local/internal/eventsource"
	"github.com/disclone/disclone/infra/local/internal/gateway"
	"github.com/disclone/disclone/infra/local/internal/lambdahost"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// printer writes the runtime's log for a person: one line for each invocation, the function's own lines under it. It
// is safe for concurrent use. It writes through a buffer, so that a busy gateway does not wait for a terminal.
type printer struct {
	recorder *console.Recorder // what the console shows of the same events

	mu    sync.Mutex
	out   *bufio.Writer
	quiet bool
	done  chan struct{}
	once  sync.Once
	wg    sync.WaitGroup
}

// flushEvery is how late a line may appear.
const flushEvery = 50 * time.Millisecond

func newPrinter(out io.Writer, quiet bool) *printer {
	p := &printer{recorder: console.NewRecorder(), out: bufio.NewWriterSize(out, 64*1024), quiet: quiet, done: make(chan struct{})}
	p.wg.Go(p.flushLoop)
	return p
}

func (p *printer) flushLoop() {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.flush()
		case <-p.done:
			p.flush()
			return
		}
	}
}

func (p *printer) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.out.Flush() // nobody is there to tell
}

// Close writes what is left. Nothing may be printed after it.
func (p *printer) Close() {
	p.once.Do(func() { close(p.done) })
	p.wg.Wait()
}

func (p *printer) printf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// stamped prints a line with the time before it.
func (p *printer) stamped(format string, args ...any) {
	p.printf(time.Now().Format("15:04:05.000 ")+format, args...)
}

// span is one event on its way through the gateway: the function's host fills in what only it knows.
type span struct {
	mu    sync.Mutex
	inv   lambdahost.Invocation
	ended bool // the gateway has answered; an invocation may still run
	route string
}

type spanKey struct{}

// trace begins a span.
func (p *printer) trace(ctx context.Context, route, _ string) context.Context {
	return context.WithValue(ctx, spanKey{}, &span{route: route})
}

// invocation takes what the host says of an invocation. Without a span it was the event source's, and is a line by itself.
func (p *printer) invocation(ctx context.Context, inv lambdahost.Invocation) {
	if s, ok := ctx.Value(spanKey{}).(*span); ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inv = inv
		if s.ended {
			p.recorder.Record(invoked(s.route+", after its timeout", &inv))
		}
		return
	}
	p.recorder.Record(invoked(eventsource.Source(ctx), &inv))
	if !p.quiet {
		p.stamped("%-14s %-18s %8s  %-12s %s  %s", "event source", "", duration(inv.Duration), start(inv), inv.Outcome, inv.Function)
	}
}

// requestOf gives the observer of an API's gateway.
func (p *printer) requestOf(api string) func(context.Context, gateway.Request) {
	return func(ctx context.Context, r gateway.Request) { p.request(ctx, api, r) }
}

// request prints the line of an event that the gateway served.
func (p *printer) request(ctx context.Context, api string, r gateway.Request) {
	var inv lambdahost.Invocation
	if s, ok := ctx.Value(spanKey{}).(*span); ok {
		s.mu.Lock()
		inv, s.ended = s.inv, true
		s.mu.Unlock()
	}
	p.recorder.Record(requested(api, &r, &inv))
	if p.quiet && r.Error == "" {
		return
	}
	line := fmt.Sprintf("%-14s %-18s %8s  %-12s %d  %s", r.Route, r.Connection, duration(r.Duration), start(inv), r.Status, r.Function)
	if r.Error != "" {
		line += "  " + r.Error
	}
	p.stamped("%s", line)
}

// start says whether an invocation had to start its process, and how long that took.
func start(inv lambdahost.Invocation) string {
	switch {
	case inv.Function == "":
		return "-"
	case inv.Cold:
		return "cold " + duration(inv.Init)
	}
	return "warm"
}

func duration(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", milliseconds(d))
}

// functionOutput prints what a function printed, under its invocations.
func (p *printer) functionOutput(function, requestID, line string) {
	p.recorder.Line(requestID, line)
	p.printf("             | %s: %s", function, line)
}

// ready prints what a person needs to know next.
func (p *printer) ready(sockets []string, page, console string, env map[string]string) {
	p.printf("")
	for _, name := range slices.Sorted(maps.Keys(env)) {
		p.printf("export %s=%s", name, env[name])
	}
	p.printf("export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local")
	p.printf("")
	if page != "" {
		p.printf("Open:  %s", page)
	}
	p.printf("Console: %s", console)
	for _, url := range sockets {
		p.printf("Ready: %s", url)
	}
	p.flush()
}

// notices prints what the reader says of the template, mistakes last.
func (p *printer) notices(notices []template.Notice) {
	for _, section := range []struct {
		severity template.Severity
		title    string
	}{
		{template.NotEmulated, "Not emulated:"}, {template.Warning, "Warnings:"}, {template.Mistake, "Mistakes, which AWS would refuse:"},
	} {
		first := true
		for _, n := range notices {
			if n.Severity != section.severity {
				continue
			}
			if first {
				p.printf("%s", section.title)
				first = false
			}
			p.printf("  %s", n)
		}
	}
}
