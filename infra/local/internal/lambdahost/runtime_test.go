package lambdahost_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/disclone/disclone/infra/local/internal/chaos"
	"github.com/disclone/disclone/infra/local/internal/lambdahost"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// interpreted makes a host with one function of an interpreted runtime, from the text of its module.
func interpreted(t *testing.T, runtime, file, code string, opts *lambdahost.Options) *lambdahost.Host {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	h := lambdahost.New(opts)
	t.Cleanup(func() { _ = h.Close(t.Context()) })
	fn := testFn(func(f *template.Function) {
		f.Runtime, f.Handler, f.MemoryMB = runtime, strings.TrimSuffix(file, filepath.Ext(file))+".handler", 512
	})
	if err := h.Set(fn, dir); err != nil {
		t.Fatal(err)
	}
	return h
}

const (
	commonJS = `let n = 0
exports.handler = async (event, context) => {
  n++
  if (event.do === 'error') throw new TypeError('boom')
  if (event.do === 'print') console.log('hello')
  if (event.do === 'exit') process.exit(3)
  if (event.do === 'reject') { Promise.reject(new Error('lost')); await new Promise(() => {}) }
  if (event.do === 'sleep') await new Promise(() => {})
  return { n, fn: context.functionName, left: context.getRemainingTimeInMillis() > 0, event, env: process.env.AWS_EXECUTION_ENV }
}`
	module = `import { basename } from 'node:path'
export const handler = (event, context, callback) => callback(null, { n: 1, fn: basename('/a/' + context.functionName), left: true, event, env: process.env.AWS_EXECUTION_ENV })`
	python = `import os, sys, logging
n = 0
def handler(event, context):
    global n
    n += 1
    if event.get("do") == "error":
        raise ValueError("boom")
    if event.get("do") == "print":
        print("hello")
    if event.get("do") == "exit":
        os._exit(3)
    if event.get("do") == "sleep":
        import time
        time.sleep(60)
    if event.get("do") == "set":
        return {1}
    return {"n": n, "fn": context.function_name, "left": context.get_remaining_time_in_millis() > 0, "event": event, "env": os.environ["AWS_EXECUTION_ENV"]}
`
)

// F1 to F5: the same promises hold for functions in JavaScript and Python, by their own runtimes' error names.
func TestInterpretedRuntimes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ runtime, file, code, errorType string }{
		"CommonJS": {"nodejs20.x", "index.js", commonJS, "TypeError"},
		"python":   {"python3.12", "app.py", python, "ValueError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l log
			h := interpreted(t, tc.runtime, tc.file, tc.code, &lambdahost.Options{Output: l.print})
			type result struct {
				N     int
				Fn    string
				Left  bool
				Event json.RawMessage
				Env   string
			}
			first := call[result](t, h, `{"a":"é"}`)
			if first.Fn != "stack-F" || !first.Left || first.Env != "AWS_Lambda_"+tc.runtime || first.N != 1 {
				t.Errorf("%+v", first)
			}
			if got := fail(t, h, `{"do":"error"}`); got.ErrorType != tc.errorType || got.ErrorMessage != "boom" {
				t.Errorf("error: %+v", got)
			}
			if again := call[result](t, h, `{"do":"print"}`); again.N != 3 {
				t.Errorf("an error ended the process: %+v", again)
			}
			until(t, "the line", func() bool { return l.has("F id hello") })
			if got := fail(t, h, `{"do":"exit"}`); got.ErrorType != "Runtime.ExitError" {
				t.Errorf("exit: %+v", got)
			}
			if again := call[result](t, h, `{}`); again.N != 1 {
				t.Errorf("no new process: %+v", again)
			}
		})
	}
}

func TestModuleWithACallback(t *testing.T) {
	t.Parallel()
	h := interpreted(t, "nodejs22.x", "index.mjs", module, nil)
	if got := call[struct{ Fn string }](t, h, `{}`); got.Fn != "stack-F" {
		t.Errorf("%+v", got)
	}
}

func TestUnhandledRejection(t *testing.T) {
	t.Parallel()
	h := interpreted(t, "nodejs20.x", "index.js", commonJS, nil)
	if got := fail(t, h, `{"do":"reject"}`); got.ErrorType != "Runtime.UnhandledPromiseRejection" {
		t.Errorf("%+v", got)
	}
}

// F8: what cannot be loaded says why, on each invocation.
func TestInterpretedInitErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ runtime, file, code, errorType string }{
		"node: no module":     {"nodejs20.x", "index.js", `require('nothing-of-this-name')`, "Runtime.ImportModuleError"},
		"node: no handler":    {"nodejs20.x", "index.js", `exports.other = 1`, "Runtime.HandlerNotFound"},
		"node: syntax":        {"nodejs20.x", "index.mjs", `export const handler = (`, "Runtime.UserCodeSyntaxError"},
		"python: no module":   {"python3.12", "app.py", `import nothing_of_this_name`, "Runtime.ImportModuleError"},
		"python: no handler":  {"python3.12", "app.py", `x = 1`, "Runtime.HandlerNotFound"},
		"python: not JSON":    {"python3.12", "app.py", "def handler(e, c): return {1}", "Runtime.MarshalError"},
		"python: init raises": {"python3.12", "app.py", `raise ValueError("x")`, "ValueError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := interpreted(t, tc.runtime, tc.file, tc.code, nil)
			if got := fail(t, h, `{}`); got.ErrorType != tc.errorType {
				t.Errorf("%+v, want %s", got, tc.errorType)
			}
		})
	}
}

// A function that takes more than its memory is killed, as Lambda kills it.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	if state(os.Getpid()) == "" {
		t.Skip("no /proc on this system")
	}
	var l log
	h := newHost(t, &lambdahost.Options{Output: l.print}, testFn(func(f *template.Function) { f.Timeout = 30 * time.Second }))
	got := fail(t, h, `{"do":"hold","size":200000000}`)
	if got.ErrorType != "Runtime.ExitError" || !strings.HasSuffix(got.ErrorMessage, "signal: killed") {
		t.Errorf("%+v", got)
	}
	call[process](t, h, `{"do":"pid"}`)
}

// J17: chaos kills processes in the middle and makes starts cold.
func TestChaosKillsAndCools(t *testing.T) {
	t.Parallel()
	with := func(fault chaos.Fault) *lambdahost.Options {
		c := chaos.New(1)
		if err := c.SetRate(string(fault), 1); err != nil {
			t.Fatal(err)
		}
		return &lambdahost.Options{Chaos: c}
	}
	cold := newHost(t, with(chaos.Cold), testFn())
	if a, b := call[process](t, cold, `{"do":"pid"}`), call[process](t, cold, `{"do":"pid"}`); a.Pid == b.Pid || b.N != 1 {
		t.Errorf("%+v, then %+v", a, b)
	}
	killed := newHost(t, with(chaos.Kill), testFn())
	if got := fail(t, killed, `{"do":"sleep","arg":"1m"}`); got.ErrorType != "Runtime.ExitError" {
		t.Errorf("%+v", got)
	}
}
