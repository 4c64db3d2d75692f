package lambdahost_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/disclone/disclone/infra/local/internal/lambdahost"
	"github.com/disclone/disclone/infra/local/internal/template"
)

func TestInvokeEchoesOnOneProcess(t *testing.T) {
	t.Parallel()
	var l log
	h := newHost(t, &lambdahost.Options{Observer: l.observe}, testFn())
	for _, payload := range []string{`{"a":1}`, `"x"`, `null`, `[1,2]`} {
		for _, name := range []string{"F", "stack-F", testFn().ARN} {
			got, functionError, err := h.Invoke(t.Context(), name, []byte(payload))
			if string(got) != payload || functionError != "" || err != nil {
				t.Errorf("Invoke(%s, %s) = %s, %q, %v", name, payload, got, functionError, err)
			}
		}
	}
	if p := call[process](t, h, `{"do":"pid"}`); p.N != 13 {
		t.Errorf("the process has seen %d invocations, want all 13", p.N)
	}
	outcomes, cold := l.outcomes()
	if !cold[0] || slices.Contains(cold[1:], true) || outcomes[0] != "ok" {
		t.Errorf("observer saw %v, cold %v", outcomes, cold)
	}
	if inv := l.invocations[0]; inv.Init <= 0 || inv.Duration <= 0 || inv.RequestID == "" || inv.Function != "F" {
		t.Errorf("observer saw %+v", inv)
	}
	if runtime.GOOS == "linux" && l.invocations[0].MemoryKB < 1000 {
		t.Errorf("MemoryKB = %d", l.invocations[0].MemoryKB)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ payload, kind, message string }{
		"returned error": {`{"do":"error"}`, "errorString", "boom"},
		"panic":          {`{"do":"panic"}`, "string", "all over"},
		"exit":           {`{"do":"exit"}`, "Runtime.ExitError", "Error: Runtime exited with error: exit status 3"},
		"timeout":        {`{"do":"sleep","arg":"1m"}`, "Sandbox.Timedout", "Error: Task timed out after 0.50 seconds"},
		"too large":      {`{"do":"big","size":6291556}`, "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, nil, testFn(func(f *template.Function) {
				f.MemoryMB = 1024
				if name == "timeout" {
					f.Timeout = 500 * time.Millisecond
				}
			}))
			before := call[process](t, h, `{"do":"pid"}`)
			got := fail(t, h, tt.payload)
			if got.ErrorType != tt.kind || !strings.HasSuffix(got.ErrorMessage, tt.message) && !strings.Contains(got.ErrorMessage, tt.message) {
				t.Errorf("got %+v", got)
			}
			// The next one is not harmed by it, and has a new process where the old one is gone.
			after := call[process](t, h, `{"do":"pid"}`)
			ended := name != "returned error" && name != "too large"
			if (after.Pid != before.Pid) != ended {
				t.Errorf("process %d, then %d", before.Pid, after.Pid)
			}
			if ended && alive(before.Pid) {
				t.Errorf("process %d still runs", before.Pid)
			}
		})
	}
}

func TestInitFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"exit": "Error: Runtime exited with error: exit status 7",
		"slow": "Error: Task timed out after 0.20 seconds",
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l log
			h := newHost(t, &lambdahost.Options{InitTimeout: 100 * time.Millisecond, Output: l.print}, testFn(func(f *template.Function) {
				f.Timeout, f.Env = 200*time.Millisecond, map[string]string{"INIT": name}
			}))
			for range 2 {
				if got := fail(t, h, `{}`); !strings.Contains(got.ErrorMessage, want) {
					t.Errorf("got %+v, want %s", got, want)
				}
			}
			if name == "exit" && !l.has("F - about to fail") {
				t.Errorf("printed: %q", l.lines)
			}
		})
	}
}

func TestErrorsOfTheCall(t *testing.T) {
	t.Parallel()
	h := newHost(t, nil, testFn())
	if _, _, err := h.Invoke(t.Context(), "G", nil); !errors.Is(err, lambdahost.ErrUnknownFunction) {
		t.Errorf("unknown function: %v", err)
	}
	if _, _, err := h.Invoke(t.Context(), "F", make([]byte, lambdahost.MaxPayload+1)); !errors.Is(err, lambdahost.ErrTooLarge) {
		t.Errorf("large payload: %v", err)
	}
	if err := h.Set(testFn(func(f *template.Function) { f.Runtime = "java21" }), artifact); !errors.Is(err, lambdahost.ErrUnsupported) {
		t.Errorf("java: %v", err)
	}
	if err := h.Set(testFn(), t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no bootstrap: %v", err)
	}
}

func TestEnvironmentIsLambdasOwn(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "/of/the/host")
	t.Setenv("SECRET_OF_THE_HOST", "1")
	h := newHost(t, &lambdahost.Options{
		Env:     map[string]string{"AWS_ENDPOINT_URL_SQS": "http://here", "WINS": "host"},
		Rewrite: func(v string) string { return strings.ReplaceAll(v, "amazonaws.com", "localhost") },
	}, testFn(func(f *template.Function) {
		f.Env = map[string]string{"URL": "https://x.amazonaws.com", "WINS": "template", "AWS_LAMBDA_RUNTIME_API": "nowhere"}
	}))
	got := map[string]string{}
	for _, v := range call[[]string](t, h, `{"do":"env"}`) {
		k, v, _ := strings.Cut(v, "=")
		got[k] = v
	}
	for _, changing := range []string{"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_LOG_STREAM_NAME", "_X_AMZN_TRACE_ID"} {
		if len(got[changing]) < 10 {
			t.Errorf("%s=%q", changing, got[changing])
		}
		delete(got, changing)
	}
	want := map[string]string{
		"_HANDLER": "bootstrap", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_LAMBDA_FUNCTION_NAME": "stack-F", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/stack-F",
		"AWS_ACCESS_KEY_ID": "ASIALOCALRUNTIME0000", "AWS_SECRET_ACCESS_KEY": "local", "AWS_SESSION_TOKEN": "local",
		"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime", "TZ": ":UTC", "LANG": "en_US.UTF-8",
		"PATH":                 "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH":      "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
		"AWS_ENDPOINT_URL_SQS": "http://here", "WINS": "host", "URL": "https://x.localhost",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestContextOfAnInvocation(t *testing.T) {
	t.Parallel()
	h := newHost(t, nil, testFn())
	got := call[struct {
		ID, ARN string
		Left    float64
	}](t, h, `{"do":"context"}`)
	if got.ARN != testFn().ARN || len(got.ID) != 36 || got.Left < 3 || got.Left > 5 {
		t.Errorf("got %+v", got)
	}
}

func TestOutputLineByLine(t *testing.T) {
	t.Parallel()
	var l log
	h := newHost(t, &lambdahost.Options{Output: l.print}, testFn())
	call[any](t, h, `{"do":"print","arg":"one\ntwo"}`)
	for _, want := range []string{"F id one", "F id two", "F id and to stderr"} {
		until(t, want, func() bool { return l.has(want) })
	}
}

func TestParallelInvocationsHaveAProcessEach(t *testing.T) {
	t.Parallel()
	h := newHost(t, &lambdahost.Options{Concurrency: 3}, testFn())
	pids := make([]int, 9)
	var wg sync.WaitGroup
	for i := range pids {
		wg.Go(func() { pids[i] = call[int](t, h, `{"do":"sleep","arg":"150ms"}`) })
	}
	wg.Wait()
	slices.Sort(pids)
	if n := len(slices.Compact(pids)); n != 3 {
		t.Errorf("9 slow invocations ran on %d processes, want the limit of 3", n)
	}
}

// TestBurstOfShortInvocationsStartsFewProcesses has more patience than any machine needs, so that it goes by the rule and
// not by the clock: within it, whoever waits gets the process that is there.
func TestBurstOfShortInvocationsStartsFewProcesses(t *testing.T) {
	t.Parallel()
	var l log
	h := newHost(t, &lambdahost.Options{Observer: l.observe, Concurrency: 50, Patience: time.Minute}, testFn())
	call[any](t, h, `{}`)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { call[any](t, h, `{}`) })
	}
	wg.Wait()
	_, cold := l.outcomes()
	started := 0
	for _, c := range cold {
		if c {
			started++
		}
	}
	if started != 1 {
		t.Errorf("%d processes were started for one invocation and a burst of 10 short ones, want 1", started)
	}
}

func TestReservedConcurrencyThrottles(t *testing.T) {
	t.Parallel()
	one := 1
	h := newHost(t, nil, testFn(func(f *template.Function) { f.Reserved = &one }))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for { // the probes below may hold the one place
			if _, _, err := h.Invoke(t.Context(), "F", []byte(`{"do":"sleep","arg":"300ms"}`)); err == nil || t.Context().Err() != nil {
				return
			}
		}
	}()
	var throttled interface{ Throttled() bool }
	until(t, "a throttled invocation", func() bool {
		_, _, err := h.Invoke(t.Context(), "F", []byte(`{}`))
		return errors.As(err, &throttled) && throttled.Throttled()
	})
	<-done
	call[any](t, h, `{}`)
}

func TestCancelledCallerLeavesTheFunctionRunning(t *testing.T) {
	t.Parallel()
	var l log
	h := newHost(t, &lambdahost.Options{Observer: l.observe, Concurrency: 1}, testFn())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := h.Invoke(ctx, "F", []byte(`{"do":"sleep","arg":"400ms"}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("err = %v", err)
	}
	waiting, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if _, _, err := h.Invoke(waiting, "F", []byte(`{}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("in line: err = %v", err)
	}
	call[any](t, h, `{}`)
	if outcomes, _ := l.outcomes(); !cmp.Equal(outcomes, []string{"ok", "ok"}) {
		t.Errorf("outcomes = %v", outcomes)
	}
}

func TestSwapLosesNoInvocation(t *testing.T) {
	t.Parallel()
	h := newHost(t, &lambdahost.Options{Concurrency: 2}, testFn())
	before := call[process](t, h, `{"do":"pid"}`)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if body, functionError, err := h.Invoke(t.Context(), "F", []byte(`{"do":"sleep","arg":"1ms"}`)); err != nil || functionError != "" {
					t.Errorf("Invoke = %s, %q, %v", body, functionError, err)
					return
				}
			}
		})
	}
	for range 5 {
		set(t, h, testFn())
		call[any](t, h, `{}`)
	}
	close(stop)
	wg.Wait()
	until(t, "the old process ends", func() bool { return !alive(before.Pid) })
}

func TestOldNameIsGoneAfterASwap(t *testing.T) {
	t.Parallel()
	h := newHost(t, nil, testFn())
	set(t, h, testFn(func(f *template.Function) { f.Name = "renamed" }))
	if _, _, err := h.Invoke(t.Context(), "stack-F", []byte(`{}`)); !errors.Is(err, lambdahost.ErrUnknownFunction) {
		t.Errorf("old name: %v", err)
	}
	if _, _, err := h.Invoke(t.Context(), "renamed", []byte(`{}`)); err != nil {
		t.Errorf("new name: %v", err)
	}
}

func TestProcessThatWasKilledIsReplaced(t *testing.T) {
	t.Parallel()
	h := newHost(t, nil, testFn())
	p := call[process](t, h, `{"do":"pid"}`)
	if err := syscall.Kill(p.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "its end", func() bool { return syscall.Kill(p.Pid, 0) != nil })
	if q := call[process](t, h, `{"do":"pid"}`); q.Pid == p.Pid || q.N != 1 {
		t.Errorf("process %+v, then %+v", p, q)
	}
}

func TestCloseLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	h := newHost(t, nil, testFn())
	pid := call[process](t, h, `{"do":"pid"}`).Pid
	child := call[int](t, h, `{"do":"child"}`)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { _, _, _ = h.Invoke(t.Context(), "F", []byte(`{"do":"sleep","arg":"1m"}`)) })
	}
	set(t, h, testFn()) // an old pool is still ending
	began := time.Now()
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("Close took %v", took)
	}
	until(t, "the end of the function and of what it started", func() bool { return !alive(pid) && !alive(child) })
	if _, _, err := h.Invoke(t.Context(), "F", nil); !errors.Is(err, lambdahost.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := h.Set(testFn(), artifact); !errors.Is(err, lambdahost.ErrClosed) {
		t.Errorf("Set after Close: %v", err)
	}
}

func TestIdleProcessIsFrozen(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	h := newHost(t, nil, testFn())
	pid := call[process](t, h, `{"do":"pid"}`).Pid
	call[any](t, h, `{"do":"tick"}`)
	until(t, "the process is stopped", func() bool { return state(pid) == "T" })
	a := call[int](t, h, `{"do":"ticks"}`)
	until(t, "the process is stopped again", func() bool { return state(pid) == "T" })
	b := call[int](t, h, `{"do":"ticks"}`)
	if fresh := call[process](t, h, `{"do":"pid"}`); fresh.Pid != pid {
		t.Errorf("process %d, then %d", pid, fresh.Pid)
	}
	if a == 0 || b < a {
		t.Errorf("ticks = %d, %d", a, b)
	}
	until(t, "the process is stopped a third time", func() bool { return state(pid) == "T" })
	began := time.Now()
	if err := h.Close(t.Context()); err != nil || time.Since(began) > time.Second || alive(pid) {
		t.Errorf("Close of a frozen process: %v after %v", err, time.Since(began))
	}
}

func TestIdleProcessEnds(t *testing.T) {
	t.Parallel()
	h := newHost(t, &lambdahost.Options{IdleTimeout: 100 * time.Millisecond}, testFn())
	p := call[process](t, h, `{"do":"pid"}`)
	until(t, "the process ends", func() bool { return !alive(p.Pid) })
	if q := call[process](t, h, `{"do":"pid"}`); q.Pid == p.Pid {
		t.Errorf("process %d again", q.Pid)
	}
}

func BenchmarkInvoke(b *testing.B) {
	for _, callers := range []int{1, 10} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) {
			h := newHost(b, nil, testFn())
			call[any](b, h, `{}`)
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for c := range callers {
				wg.Go(func() {
					for i := c; i < b.N; i += callers {
						if _, _, err := h.Invoke(context.Background(), "F", []byte(`{"a":1}`)); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
