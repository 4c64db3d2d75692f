package main

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTasksTool does what an operator does with a task that failed for good: `make tasks`.
func TestTasksTool(t *testing.T) {
	t.Parallel()
	sys, stop := startSystem(t, "--template", "../../template.yaml", "--build-dir", t.TempDir())
	t.Cleanup(func() { _ = stop() })
	p := sys.connect(t)
	p.send(`{"action":"sendMessage","task":"countdown","message":{"seconds":99}}`)
	failed := p.await(frame{"event": "task", "state": "failure", "task": "countdown"})
	id := failed["taskId"].(string)
	awaitTool(t, sys, id+".*countdown.*seconds is 1 to 20", "dead")
	awaitTool(t, sys, id+".*failure.*seconds is 1 to 20", "list", "failure")
	awaitTool(t, sys, `"state": "failure"`, "show", id)
	awaitTool(t, sys, `TaskDeadLetterQueue +1`, "queues")
	awaitTool(t, sys, "redriven: 1", "redrive", id)
	again := p.await(frame{"event": "task", "taskId": id, "state": "failure"})
	if again["step"].(float64) <= failed["step"].(float64) {
		t.Errorf("redriven, its event is %v after %v", again, failed)
	}
	awaitTool(t, sys, id, "dead")
	if out, err := tool(sys, "redrive", "nobody"); err == nil || !strings.Contains(out, "there is no dead task") {
		t.Errorf("redrive of nobody: %v\n%s", err, out)
	}
	p.send(`{"action":"sendMessage","task":"countdown","message":{"seconds":20}}`)
	running := p.await(frame{"event": "task", "state": "progress", "task": "countdown"})
	awaitTool(t, sys, `"revoking": true`, "revoke", running["taskId"].(string))
	p.await(frame{"event": "task", "taskId": running["taskId"], "state": "revoked"})
}

// awaitTool calls the tool until it prints something: what a task leaves is there a moment after its event.
func awaitTool(t *testing.T, sys *system, want string, args ...string) {
	t.Helper()
	pattern := regexp.MustCompile(want)
	var out string
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if out, err = tool(sys, args...); err == nil && pattern.MatchString(out) {
			return
		}
	}
	t.Fatalf("%v printed no %q: %v\n%s", args, want, err, out)
}

func tool(sys *system, args ...string) (string, error) {
	cmd := exec.Command("go", append([]string{"run", "../tasks"}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local")
	for _, export := range regexp.MustCompile(`export (AWS_ENDPOINT_URL_\w+=\S+)`).FindAllStringSubmatch(sys.log.String(), -1) {
		cmd.Env = append(cmd.Env, export[1])
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestScheduledTask: a schedule that calls twice for one time has its task run once.
func TestScheduledTask(t *testing.T) {
	t.Parallel()
	sys := sharedSystem(t)
	p := sys.connect(t)
	p.join("sums")
	schedule := func(due string) {
		t.Helper()
		body := `{"name":"sum","due":"` + due + `","task":"add","input":{"x":40,"y":2},"replyTo":"group:sums"}`
		resp, err := http.Post(sys.endpoint()+"/2015-03-31/functions/ScheduleFunction/invocations", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if answer, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(answer), `"taskId":"schedule:sum:`+due+`"`) {
			t.Fatalf("answer %s, %v", answer, err)
		}
	}
	schedule("2026-01-01T00:00:00Z")
	schedule("2026-01-01T00:00:00Z")
	p.await(frame{"event": "task", "task": "add", "result": 42.0, "taskId": "schedule:sum:2026-01-01T00:00:00Z"})
	schedule("2026-01-02T00:00:00Z")
	p.await(frame{"event": "task", "task": "add", "result": 42.0, "taskId": "schedule:sum:2026-01-02T00:00:00Z"})
	for _, f := range p.kept {
		if f["event"] == "task" && f["state"] == "success" && strings.HasPrefix(f["taskId"].(string), "schedule:") {
			t.Errorf("a result came twice: %v", f)
		}
	}
}
