package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

// patience is how long a test waits for what must come; it is never waited for in full.
const patience = 60 * time.Second

// system is this repository's real template, running with its real binaries.
type system struct {
	url  string // ws://...
	page string // http://...
	log  *logBuffer
}

// theSystem is started once for all tests of this package that only talk to it.
var theSystem struct {
	once sync.Once
	sys  *system
	stop func() error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if theSystem.stop != nil {
		if err := theSystem.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "the runtime ended with:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func sharedSystem(t *testing.T) *system {
	t.Helper()
	theSystem.once.Do(func() {
		dir, err := os.MkdirTemp("", "e2e")
		if err != nil {
			t.Fatal(err)
		}
		sys, stop := startSystem(t, "--template", "../../template.yaml", "--build-dir", dir,
			"--parameter-overrides", "TaskTimeout=4 TaskVisibilityTimeout=4")
		theSystem.sys = sys
		theSystem.stop = func() error { defer os.RemoveAll(dir); return stop() }
	})
	if theSystem.sys == nil {
		t.Fatal("the system did not start")
	}
	return theSystem.sys
}

// startSystem runs the command as main does, waits until it is ready, and gives a function that ends it.
func startSystem(t *testing.T, args ...string) (*system, func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := &logBuffer{}
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, append([]string{"--port", "0"}, args...), log) }()
	stop := sync.OnceValue(func() error { cancel(); return <-ended })
	ready := regexp.MustCompile(`Ready: (wss?://\S+)`)
	if !log.wait(func(s string) bool { return ready.MatchString(s) }, ended) {
		t.Fatalf("the runtime is not ready: %v\n%s", stop(), log)
	}
	url := ready.FindStringSubmatch(log.String())[1]
	page := "http" + strings.TrimPrefix(url[:strings.LastIndex(url, "/")], "ws")
	return &system{url: url, page: page, log: log}, stop
}

// endpoint is the URL of the runtime's own endpoints: Lambda's, the meter, the console.
func (s *system) endpoint() string {
	return regexp.MustCompile(`export AWS_ENDPOINT_URL_LAMBDA=(\S+)`).FindStringSubmatch(s.log.String())[1]
}

// logBuffer collects what the runtime prints.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// wait waits until what was printed satisfies ok. It gives up when the runtime ended or patience did.
func (b *logBuffer) wait(ok func(string) bool, ended chan error) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * patience); time.Now().Before(deadline); {
		if ok(b.String()) {
			return true
		}
		select {
		case err := <-ended:
			_, _ = fmt.Fprintf(b, "\nended: %v\n", err)
			ended <- err // for whoever ends it
			return false
		case <-tick.C:
		}
	}
	return false
}

// person is one client. What came while something else was awaited is kept: a task's result may overtake the ack.
type person struct {
	t    *testing.T
	conn *websocket.Conn
	kept []frame
}

func (s *system) connect(t *testing.T) *person {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, s.url, nil)
	if err != nil {
		t.Fatalf("connect: %v\n%s", err, s.log)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &person{t: t, conn: conn}
}

func (p *person) send(frame string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	if err := p.conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		p.t.Fatalf("send %s: %v", frame, err)
	}
}

// frame is a decoded frame of the server.
type frame map[string]any

func (p *person) read() frame {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	_, data, err := p.conn.Read(ctx)
	if err != nil {
		p.t.Fatalf("read: %v", err)
	}
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		p.t.Fatalf("frame %q: %v", data, err)
	}
	return f
}

// await reads until a frame has these fields.
func (p *person) await(fields frame) frame {
	p.t.Helper()
	for i, f := range p.kept {
		if hasFields(f, fields) {
			p.kept = slices.Delete(p.kept, i, i+1)
			return f
		}
	}
	for {
		f := p.read()
		if hasFields(f, fields) {
			return f
		}
		if f["event"] == "error" {
			p.t.Fatalf("waiting for %v, got %v", fields, f)
		}
		p.kept = append(p.kept, f)
	}
}

func hasFields(f, fields frame) bool {
	for k, v := range fields {
		if !cmp.Equal(f[k], v) {
			return false
		}
	}
	return true
}

func (p *person) join(group string) {
	p.t.Helper()
	p.send(fmt.Sprintf(`{"action":"joinGroup","id":"join","group":%q}`, group))
	p.await(frame{"event": "ack", "id": "join", "message": "joined", "group": group})
}

// TestStory is the seed's story: an ack at once, and later, by itself, the result of the task that the message started.
func TestStory(t *testing.T) {
	t.Parallel()
	p := sharedSystem(t).connect(t)
	p.send(`{"action":"sendMessage","message":"hello"}`)
	ack := p.await(frame{"event": "ack", "message": "Your request was received!"})
	result := p.await(frame{"event": "task", "taskId": ack["taskId"], "state": "success"})
	want := map[string]any{"characters": 5.0, "words": 1.0, "lines": 1.0}
	if diff := cmp.Diff(want, result["result"]); diff != "" {
		t.Error(diff)
	}
}

// TestTwoClientsChat has two people chat, and a third die without a close frame: nobody else notices, and the third is
// dropped.
func TestTwoClientsChat(t *testing.T) {
	t.Parallel()
	sys := sharedSystem(t)
	ann, bob, carl := sys.connect(t), sys.connect(t), sys.connect(t)
	for _, p := range []*person{ann, bob, carl} {
		p.join("story")
	}
	ann.send(`{"action":"sendMessage","group":"story","name":"Ann","message":"hi Bob"}`)
	bob.await(frame{"event": "message", "group": "story", "name": "Ann", "message": "hi Bob"})
	carl.await(frame{"event": "message", "message": "hi Bob"})

	_ = carl.conn.CloseNow()

	bob.send(`{"action":"sendMessage","group":"story","name":"Bob","message":"hi Ann"}`)
	ann.await(frame{"event": "message", "name": "Bob", "message": "hi Ann"})

	ann.send(`{"action":"leaveGroup","id":"bye","group":"story"}`)
	ann.await(frame{"event": "ack", "id": "bye", "message": "left"})
	ann.send(`{"action":"sendMessage","id":"late","group":"story","message":"still here?"}`)
	if f := ann.read(); f["event"] != "error" || f["code"] != "forbidden" || f["id"] != "late" {
		t.Errorf("somebody who left may still send: %v", f)
	}
}

// TestTaskResultGoesToTheGroup starts a task from a group: every member sees its result.
func TestTaskResultGoesToTheGroup(t *testing.T) {
	t.Parallel()
	sys := sharedSystem(t)
	ann, bob := sys.connect(t), sys.connect(t)
	ann.join("sums")
	bob.join("sums")
	ann.send(`{"action":"sendMessage","group":"sums","task":"add","message":{"x":20,"y":22}}`)
	for _, p := range []*person{ann, bob} {
		p.await(frame{"event": "task", "group": "sums", "task": "add", "state": "success", "result": 42.0})
	}
}

// TestKilledWorker kills the worker in the middle of a task. The message comes back, and so does the result.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	p := sharedSystem(t).connect(t)
	p.send(`{"action":"sendMessage","task":"countdown","message":{"seconds":2}}`)
	ack := p.await(frame{"event": "ack"})
	p.await(frame{"event": "task", "taskId": ack["taskId"], "state": "progress"})
	if n := killFunction(t, "WorkerFunction"); n == 0 {
		t.Fatal("no worker process to kill")
	}
	p.await(frame{"event": "task", "taskId": ack["taskId"], "state": "success", "result": "liftoff"})
}

// killFunction kills the processes of a function that this process started.
func killFunction(t *testing.T, name string) int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range stats {
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		if env, err := os.ReadFile(path); err == nil && parentOf(pid) == os.Getpid() &&
			bytes.Contains(env, []byte("AWS_LAMBDA_FUNCTION_NAME="+name+"\x00")) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	return n
}

func parentOf(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "PPid:"); ok {
			ppid, _ := strconv.Atoi(strings.TrimSpace(rest))
			return ppid
		}
	}
	return 0
}

// TestBadFrames sends what a client should not, and sees a coded error each time, with its own request id.
func TestBadFrames(t *testing.T) {
	t.Parallel()
	sys := sharedSystem(t)
	long := strings.Repeat("x", 30_000)
	for name, tc := range map[string]struct {
		send string
		want frame
	}{
		"not JSON":         {`hello`, frame{"code": "bad_request"}},
		"no action":        {`{"id":1}`, frame{"code": "bad_request", "id": 1.0}},
		"unknown action":   {`{"action":"dance","id":"a"}`, frame{"code": "unknown_action", "id": "a"}},
		"a system route":   {`{"action":"$connect","id":"b"}`, frame{"code": "unknown_action", "id": "b"}},
		"no message":       {`{"action":"sendMessage","id":"c"}`, frame{"code": "bad_request", "id": "c"}},
		"wrong type":       {`{"action":"sendMessage","id":"d","group":7,"message":"x"}`, frame{"code": "bad_request", "id": "d"}},
		"too large":        {`{"action":"sendMessage","id":"e","message":"` + long + `"}`, frame{"code": "too_large", "id": "e"}},
		"bad group name":   {`{"action":"joinGroup","id":"f","group":"a b"}`, frame{"code": "bad_request", "id": "f"}},
		"no group":         {`{"action":"leaveGroup","id":"g"}`, frame{"code": "bad_request", "id": "g"}},
		"unknown task":     {`{"action":"sendMessage","id":"h","task":"rm","message":1}`, frame{"code": "not_found", "id": "h"}},
		"wrong task input": {`{"action":"sendMessage","id":"i","task":"add","message":"two"}`, frame{"code": "bad_request", "id": "i"}},
		"not a member":     {`{"action":"sendMessage","id":"j","group":"strangers","message":"x"}`, frame{"code": "forbidden", "id": "j"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := sys.connect(t)
			p.send(tc.send)
			tc.want["event"] = "error"
			got := p.read()
			if !hasFields(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if text, _ := got["message"].(string); text == "" || strings.Contains(text, "json:") || strings.Contains(text, "Unmarshal") {
				t.Errorf("message %q: want plain words for a person", text)
			}
		})
	}
}

// TestOversizeAndBinaryClose sends frames that API Gateway closes a connection for.
func TestOversizeAndBinaryClose(t *testing.T) {
	t.Parallel()
	sys := sharedSystem(t)
	for name, tc := range map[string]struct {
		kind websocket.MessageType
		size int
		want websocket.StatusCode
	}{
		"frame over 32 KB": {websocket.MessageText, 32*1024 + 1, websocket.StatusMessageTooBig},
		"binary":           {websocket.MessageBinary, 1, websocket.StatusUnsupportedData},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := sys.connect(t)
			if err := p.conn.Write(t.Context(), tc.kind, bytes.Repeat([]byte("x"), tc.size)); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, _, err := p.conn.Read(ctx)
			if got := websocket.CloseStatus(err); got != tc.want {
				t.Errorf("closed with %v (%v), want %v", got, err, tc.want)
			}
		})
	}
}
