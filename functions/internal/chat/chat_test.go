package chat_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disclone/disclone/functions/internal/chat"
	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/stream"
	"github.com/disclone/disclone/pkg/task"
	"github.com/disclone/disclone/pkg/ws"
)

// world is the chat on memory backends: no AWS, no network.
type world struct {
	*testing.T
	chat  *chat.Chat
	mux   *ws.Mux
	cloud *channel.Memory
	queue *task.Memory
	tasks *task.Client
}

func newWorld(t *testing.T) *world {
	cloud, queue := channel.NewMemory(), task.NewMemory(nil)
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC) }
	tasks := task.NewClient(queue, &task.ClientOptions{Store: task.NewMemoryStore()})
	c := chat.New(channel.New(cloud, cloud, nil), tasks, stream.New(stream.NewMemory(), nil), &chat.Options{Now: now})
	return &world{T: t, chat: c, mux: c.Mux(), cloud: cloud, queue: queue, tasks: tasks}
}

func (w *world) worker() *task.Worker {
	return task.NewWorker(chat.Tasks(), w.chat, &task.WorkerOptions{Client: w.tasks})
}

func (w *world) connect(id string) {
	w.Helper()
	w.cloud.Open(id)
	if _, err := w.call("$connect", id, ""); err != nil {
		w.Fatal(err)
	}
}

func (w *world) call(route, id, body string) (map[string]any, error) {
	w.Helper()
	resp, err := w.mux.ServeWS(w.Context(), &ws.Request{RouteKey: route, ConnectionID: id, Body: []byte(body)})
	if err != nil || len(resp.Body) == 0 {
		return nil, err
	}
	var out map[string]any
	if err := json.Unmarshal(resp.Body, &out); err != nil {
		w.Fatal(err)
	}
	return out, nil
}

// receive takes the next event of a connection, which must be there already.
func (w *world) receive(id string) map[string]any {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
	defer cancel()
	data, err := w.cloud.Receive(ctx, id)
	if err != nil {
		w.Fatalf("%s receives nothing: %v", id, err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		w.Fatal(err)
	}
	return out
}

func TestMessageReachesTheGroupOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"ann=", "bob=", "eve="} {
		w.connect(id)
	}
	for _, id := range []string{"ann=", "bob="} {
		if _, err := w.call("joinGroup", id, `{"group":"general"}`); err != nil {
			t.Fatal(err)
		}
	}
	ack, err := w.call("sendMessage", "ann=", `{"id":7,"group":"general","name":"Ann","message":{"any":["json"]}}`)
	if err != nil || ack["event"] != "ack" || ack["id"] != 7.0 || ack["taskId"] != nil {
		t.Fatalf("ack %v, %v", ack, err)
	}
	for _, id := range []string{"ann=", "bob="} {
		ev := w.receive(id)
		if ev["event"] != "message" || ev["from"] != "ann=" || ev["name"] != "Ann" || ev["sentAt"] != "2026-01-02T03:04:05.006Z" {
			t.Errorf("%s got %v", id, ev)
		}
	}
	if n := len(w.cloud.Inbox("eve=")); n != 0 {
		t.Errorf("a stranger got %d events", n)
	}
	if n := len(w.queue.Sent()); n != 0 {
		t.Errorf("%d tasks were started", n)
	}
}

func TestOnlyMembersSend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("eve=")
	_, err := w.call("sendMessage", "eve=", `{"group":"general","message":"hi"}`)
	if ws.CodeOf(err) != ws.CodeForbidden {
		t.Errorf("error %v, want forbidden", err)
	}
}

// TestPersonalGroups: a client cannot join somebody's personal group by naming it.
func TestPersonalGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("ann=")
	w.connect("eve=")
	for _, group := range []string{"guest.ann=", "room.general"} {
		if _, err := w.call("joinGroup", "eve=", `{"group":"`+group+`"}`); err != nil {
			t.Fatal(err)
		}
	}
	members, _, err := w.cloud.Members(t.Context(), "guest.ann=", "", 10)
	if err != nil || len(members) != 1 || members[0].Channel != "ann=" {
		t.Errorf("members %v, %v", members, err)
	}
}

func TestDisconnectLeavesEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("ann=")
	if _, err := w.call("joinGroup", "ann=", `{"group":"general"}`); err != nil {
		t.Fatal(err)
	}
	if _, err := w.call("$disconnect", "ann=", ""); err != nil {
		t.Fatal(err)
	}
	for _, group := range []string{"room.general", "guest.ann="} {
		if members, _, _ := w.cloud.Members(t.Context(), group, "", 10); len(members) != 0 {
			t.Errorf("%s still has %v", group, members)
		}
	}
}

// TestTasks starts each task, and sees what is pushed.
func TestTasks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ frame, state, want string }{
		"default":       {`{"message":"two words"}`, "success", `{"characters":9,"lines":1,"words":2}`},
		"add":           {`{"task":"add","message":{"x":-2,"y":3}}`, "success", `1`},
		"bad countdown": {`{"task":"countdown","message":{"seconds":21}}`, "failure", `{"code":"failed","message":"seconds is 1 to 20"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.connect("ann=")
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); _ = w.queue.Run(ctx, w.worker()) }()
			defer func() { cancel(); <-ended }()
			ack, err := w.call("sendMessage", "ann=", tc.frame)
			if err != nil {
				t.Fatal(err)
			}
			ev := w.receive("ann=")
			got := ev["result"]
			if tc.state == "failure" {
				got = ev["error"]
			}
			data, _ := json.Marshal(got)
			if ev["taskId"] != ack["taskId"] || ev["state"] != tc.state || string(data) != tc.want {
				t.Errorf("ack %v, event %v", ack, ev)
			}
		})
	}
}

// TestReplyToTheGone: a result for somebody who left is no error, and drops the connection.
func TestReplyToTheGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("ann=")
	w.cloud.Kill("ann=")
	if err := w.chat.Reply(t.Context(), "channel:ann=", task.Event{TaskID: "1", State: task.StateSuccess}); err != nil {
		t.Error(err)
	}
	if members, _, _ := w.cloud.Members(t.Context(), "guest.ann=", "", 10); len(members) != 0 {
		t.Errorf("the connection is still known: %v", members)
	}
	if err := w.chat.Reply(t.Context(), "nowhere", task.Event{}); err == nil {
		t.Error("an address without a kind is taken")
	}
}

func TestNoneStartsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("ann=")
	ack, err := w.call("sendMessage", "ann=", `{"task":"none","message":"hello"}`)
	if err != nil || ack["taskId"] != nil || len(w.queue.Sent()) != 0 {
		t.Errorf("ack %v, %v; %d tasks", ack, err, len(w.queue.Sent()))
	}
}

// TestResume: a member gets what it has missed, in order; who has nothing gets the latest, and is told to begin anew.
func TestResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"ann=", "bob=", "eve="} {
		w.connect(id)
	}
	for _, id := range []string{"ann=", "bob="} {
		if _, err := w.call("joinGroup", id, `{"group":"general"}`); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []string{"one", "two", "two", "three"} { // the ack of "two" was lost, so it was sent again
		ack, err := w.call("sendMessage", "ann=", `{"group":"general","messageId":"`+m+`","message":"`+m+`"}`)
		if err != nil || ack["messageId"] != m {
			t.Fatal(ack, err)
		}
	}
	for frame, want := range map[string]string{
		`{"group":"general","after":0}`: "[1:one 2:two 4:three] to 4",
		`{"group":"general","after":1}`: "[2:two 4:three] to 4",
		`{"group":"general","after":4}`: "[] to 4",
		`{"group":"general","after":9}`: "[1:one 2:two 4:three] to 4 reset",
		`{"group":"general"}`:           "[1:one 2:two 4:three] to 4 reset",
	} {
		got, err := w.call("resume", "bob=", frame)
		if err != nil || showResumed(got) != want {
			t.Errorf("%s: %s, %v, want %s", frame, showResumed(got), err, want)
		}
	}
	if _, err := w.call("resume", "eve=", `{"group":"general","after":0}`); ws.CodeOf(err) != ws.CodeForbidden {
		t.Errorf("a stranger: %v, want forbidden", err)
	}
	seqs := []float64{}
	for range 4 { // bob was sent "two" twice, under the same number
		seqs = append(seqs, w.receive("bob=")["seq"].(float64))
	}
	if !slices.Equal(seqs, []float64{1, 2, 2, 4}) {
		t.Errorf("bob was sent %v", seqs)
	}
}

func showResumed(answer map[string]any) string {
	var entries []string
	list, _ := answer["entries"].([]any)
	for _, e := range list {
		entry, _ := e.(map[string]any)
		entries = append(entries, fmt.Sprintf("%v:%v", entry["seq"], entry["message"]))
	}
	text := fmt.Sprintf("[%s] to %v", strings.Join(entries, " "), answer["seq"])
	if answer["more"] == true {
		text += " more"
	}
	if answer["reset"] == true {
		text += " reset"
	}
	return text
}

// TestResumeFitsAFrame: an answer is cut where a frame ends, and says that there is more.
func TestResumeFitsAFrame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("ann=")
	if _, err := w.call("joinGroup", "ann=", `{"group":"g"}`); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if _, err := w.call("sendMessage", "ann=", fmt.Sprintf(`{"group":"g","message":"%d%s"}`, i, strings.Repeat("x", 20_000))); err != nil {
			t.Fatal(err)
		}
	}
	for after := 0.0; after < 4; {
		got, err := w.call("resume", "ann=", fmt.Sprintf(`{"group":"g","after":%v}`, after))
		entries, _ := got["entries"].([]any)
		if err != nil || len(entries) != 1 || got["seq"] != after+1 || (got["more"] == true) != (after < 3) {
			t.Fatalf("after %v: %d entries to %v, more %v, %v", after, len(entries), got["seq"], got["more"], err)
		}
		after++
	}
	latest, err := w.call("resume", "ann=", `{"group":"g"}`)
	if entries, _ := latest["entries"].([]any); err != nil || len(entries) != 1 || latest["seq"] != 4.0 {
		t.Errorf("latest: %d entries to %v, %v", len(entries), latest["seq"], err)
	}
}

// FuzzFrames: whatever a client sends, a consumer answers or gives a coded error; it never panics, and an error that
// shows its text is never an uncoded one.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{
		`{"action":"sendMessage","message":"hello"}`, `{"group":"a","message":1,"id":[]}`, `{"task":"add","message":{"x":1e99}}`,
		`{"group":"` + strings.Repeat("a", 200) + `"}`, `null`, `[]`, "\xff", `{"id":`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := newWorld(t)
		w.connect("ann=")
		for _, route := range []string{"sendMessage", "joinGroup", "leaveGroup", "resume", "$default"} {
			if _, err := w.call(route, "ann=", body); ws.CodeOf(err) == ws.CodeInternal && !errors.Is(err, context.Canceled) {
				t.Errorf("%s %q: %v", route, body, err)
			}
		}
	})
}
