package lambdahost_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/disclone/disclone/infra/local/internal/lambdahost"
	"github.com/disclone/disclone/infra/local/internal/template"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// artifact is where TestMain builds the test function; every test and benchmark of this package reads it.
const artifact = "testdata/artifact"

func run(m *testing.M) int {
	defer os.RemoveAll(artifact)
	cmd := exec.Command("go", "build", "-o", filepath.Join(artifact, "bootstrap"), "./testdata/fn")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// testFn is a function called F.
func testFn(change ...func(*template.Function)) template.Function {
	fn := template.Function{
		ID: "F", Name: "stack-F", ARN: "arn:aws:lambda:us-east-1:123456789012:function:stack-F",
		Runtime: "provided.al2023", Handler: "bootstrap", Timeout: 5 * time.Second, MemoryMB: 128,
	}
	for _, f := range change {
		f(&fn)
	}
	return fn
}

func newHost(t testing.TB, opts *lambdahost.Options, fn template.Function) *lambdahost.Host {
	t.Helper()
	h := lambdahost.New(opts)
	t.Cleanup(func() { _ = h.Close(context.Background()) })
	set(t, h, fn)
	return h
}

func set(t testing.TB, h *lambdahost.Host, fn template.Function) {
	t.Helper()
	dir, err := filepath.Abs(artifact)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Set(fn, dir); err != nil {
		t.Fatal(err)
	}
}

// call invokes F, which must succeed, and decodes what it returned.
func call[T any](t testing.TB, h *lambdahost.Host, payload string) T {
	t.Helper()
	var v T
	body, functionError, err := h.Invoke(t.Context(), "F", []byte(payload))
	if err != nil || functionError != "" {
		t.Fatalf("Invoke(%s) = %s, %q, %v", payload, body, functionError, err)
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return v
}

type failed struct {
	ErrorType    string `json:"errorType"`
	ErrorMessage string `json:"errorMessage"`
}

// fail invokes F, which must fail.
func fail(t testing.TB, h *lambdahost.Host, payload string) failed {
	t.Helper()
	body, functionError, err := h.Invoke(t.Context(), "F", []byte(payload))
	if err != nil || functionError != "Unhandled" {
		t.Fatalf("Invoke(%s) = %s, %q, %v, want Unhandled", payload, body, functionError, err)
	}
	var v failed
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return v
}

type process struct{ Pid, N int }

func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// alive says whether a process runs; a zombie does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	return state(pid) != "Z"
}

// state is the letter that Linux has for the state of a process, "" where there is no /proc.
func state(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	letter, _, _ := strings.Cut(rest, " ")
	return letter
}

// log collects what functions print and what the observer saw.
type log struct {
	mu          sync.Mutex
	lines       []string
	invocations []lambdahost.Invocation
}

func (l *log) print(function, requestID, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := "-"
	if requestID != "" {
		id = "id"
	}
	l.lines = append(l.lines, function+" "+id+" "+line)
}

func (l *log) observe(_ context.Context, inv lambdahost.Invocation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.invocations = append(l.invocations, inv)
}

func (l *log) has(line string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, have := range l.lines {
		if have == line {
			return true
		}
	}
	return false
}

func (l *log) outcomes() (out []string, cold []bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, inv := range l.invocations {
		out, cold = append(out, inv.Outcome), append(cold, inv.Cold)
	}
	return out, cold
}
