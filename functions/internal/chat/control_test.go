package chat_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/disclone/disclone/pkg/task"
	"github.com/disclone/disclone/pkg/ws"
)

// start starts a task, and gives its id.
func (w *world) start(connection, frame string) string {
	w.Helper()
	ack, err := w.call("sendMessage", connection, frame)
	if err != nil {
		w.Fatal(err)
	}
	return ack["taskId"].(string)
}

func TestGetTask(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("ann=")
	id := w.start("ann=", `{"task":"add","message":{"x":2,"y":3}}`)
	if _, err := w.call("getTask", "ann=", `{"taskId":"`+id+`"}`); ws.CodeOf(err) != ws.CodeNotFound {
		t.Errorf("before a worker has begun it: %v", err)
	}
	if err := w.queue.Drain(t.Context(), w.worker()); err != nil {
		t.Fatal(err)
	}
	w.connect("ann2=") // after a reconnect
	got, err := w.call("getTask", "ann2=", `{"id":"g","taskId":"`+id+`"}`)
	if err != nil || got["state"] != "success" || got["result"] != 5.0 || got["id"] != "g" || got["task"] != "add" {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestGetTaskInParts fetches a result that is larger than a frame, with characters that must not be cut.
func TestGetTaskInParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("ann=")
	want := strings.Repeat("aä€\"", 20_000)
	large := task.New("large", func(context.Context, int) (string, error) { return want, nil })
	id, err := large.Enqueue(t.Context(), w.tasks, 1, &task.Options{ReplyTo: "channel:ann="})
	if err != nil {
		t.Fatal(err)
	}
	worker := task.NewWorker(task.NewMux(large), w.chat, &task.WorkerOptions{Client: w.tasks})
	if err := w.queue.Drain(t.Context(), worker); err != nil {
		t.Fatal(err)
	}
	if ev := w.receive("ann="); ev["size"] == nil || ev["result"] != nil {
		t.Errorf("event %v", ev)
	}
	var parts strings.Builder
	for {
		in, _ := json.Marshal(map[string]any{"taskId": id, "offset": parts.Len()})
		got, err := w.call("getTask", "ann=", string(in))
		if err != nil {
			t.Fatal(err)
		}
		part, _ := got["part"].(string)
		parts.WriteString(part)
		if frame, _ := json.Marshal(got); part == "" || len(frame) > 32<<10 {
			t.Fatalf("a frame of %d bytes with %d of the result", len(frame), len(part))
		}
		if parts.Len() == int(got["size"].(float64)) {
			break
		}
	}
	var got string
	if err := json.Unmarshal([]byte(parts.String()), &got); err != nil || got != want {
		t.Errorf("the parts make %d bytes, %v", len(got), err)
	}
}

func TestRevokeTask(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("ann=")
	id := w.start("ann=", `{"task":"countdown","message":{"seconds":20}}`)
	got, err := w.call("revokeTask", "ann=", `{"taskId":"`+id+`"}`)
	if err != nil || got["state"] != "revoked" {
		t.Fatalf("got %v, %v", got, err)
	}
	if err := w.queue.Drain(t.Context(), w.worker()); err != nil {
		t.Fatal(err)
	}
	if ev := w.receive("ann="); ev["state"] != "revoked" || ev["taskId"] != id {
		t.Errorf("event %v", ev)
	}
	done := w.start("ann=", `{"task":"add","message":{"x":2,"y":3}}`)
	if err := w.queue.Drain(t.Context(), w.worker()); err != nil {
		t.Fatal(err)
	}
	if got, err := w.call("revokeTask", "ann=", `{"taskId":"`+done+`"}`); err != nil || got["state"] != "success" {
		t.Errorf("a task that is done: %v, %v", got, err)
	}
	if _, err := w.call("revokeTask", "ann=", `{"taskId":"guessed"}`); ws.CodeOf(err) != ws.CodeNotFound {
		t.Errorf("a guessed id: %v", err)
	}
}

// TestGroupTasks: a task's result in a group is for its members, and for those who were away.
func TestGroupTasks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"ann=", "eve="} {
		w.connect(id)
	}
	if _, err := w.call("joinGroup", "ann=", `{"group":"g"}`); err != nil {
		t.Fatal(err)
	}
	id := w.start("ann=", `{"group":"g","task":"add","message":{"x":2,"y":3}}`)
	w.receive("ann=")
	if err := w.queue.Drain(t.Context(), w.worker()); err != nil {
		t.Fatal(err)
	}
	if ev := w.receive("ann="); ev["state"] != "success" || ev["seq"] != 2.0 || ev["group"] != "g" {
		t.Errorf("event %v", ev)
	}
	for _, route := range []string{"getTask", "revokeTask"} {
		if _, err := w.call(route, "eve=", `{"taskId":"`+id+`"}`); ws.CodeOf(err) != ws.CodeForbidden {
			t.Errorf("%s of a stranger: %v", route, err)
		}
	}
	got, err := w.call("resume", "ann=", `{"group":"g","after":1}`)
	entries, _ := got["entries"].([]any)
	if err != nil || len(entries) != 1 || entries[0].(map[string]any)["result"] != 5.0 {
		t.Errorf("resume: %v, %v", got, err)
	}
	if err := w.chat.Reply(t.Context(), "group:g", task.Event{TaskID: id, Task: "add", State: task.StateSuccess, Step: 1}); err != nil {
		t.Fatal(err)
	}
	if ev := w.receive("ann="); ev["seq"] != 2.0 || ev["result"] != 5.0 {
		t.Errorf("pushed a second time it is %v, want the same entry", ev)
	}
}

// TestATaskIsStartedOnce: a message that is sent again under the same id starts no second task.
func TestATaskIsStartedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("ann=")
	if _, err := w.call("joinGroup", "ann=", `{"group":"g"}`); err != nil {
		t.Fatal(err)
	}
	const frame = `{"group":"g","messageId":"m","task":"add","message":{"x":2,"y":3}}`
	id := w.start("ann=", frame)
	if again := w.start("ann=", frame); again != id {
		t.Errorf("sent again it is the task %s, not %s", again, id)
	}
	for range 2 {
		if ev := w.receive("ann="); ev["taskId"] != id || ev["task"] != "add" || ev["seq"] != 1.0 {
			t.Errorf("event %v", ev)
		}
	}
	if err := w.queue.Drain(t.Context(), w.worker()); err != nil {
		t.Fatal(err)
	}
	if n := len(w.cloud.Inbox("ann=")); n != 1 {
		t.Errorf("%d results, want one", n)
	}
	if _, err := w.call("sendMessage", "ann=", `{"group":"g","task":"add","message":"no numbers"}`); ws.CodeOf(err) != ws.CodeBadRequest {
		t.Errorf("a bad input: %v", err)
	}
	if n := len(w.cloud.Inbox("ann=")); n != 0 { // the result was taken above
		t.Error("a message with a bad input for its task was sent")
	}
}
