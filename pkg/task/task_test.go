package task_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/disclone/disclone/pkg/task"
	"github.com/disclone/disclone/pkg/task/tasktest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	tasktest.Run(t, func(t *testing.T) tasktest.Env {
		q := task.NewMemory(nil)
		return tasktest.Env{
			Queue: q,
			Store: task.NewMemoryStore(),
			Serve: func(t *testing.T, w *task.Worker) {
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() { defer close(ended); _ = q.Run(ctx, w) }()
				t.Cleanup(func() { cancel(); <-ended })
			},
			Dead: func(ctx context.Context, n int) ([]task.Message, error) {
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for len(q.Dead()) < n {
					select {
					case <-tick.C:
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}
				return q.Dead(), nil
			},
			Redrive: func(context.Context, task.Message) error { q.Redrive(); return nil },
		}
	})
}

func TestBadNamesPanic(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "a b", "ä", strings.Repeat("x", 65)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New(%q) does not panic", name)
				}
			}()
			task.New(name, func(context.Context, int) (int, error) { return 0, nil })
		}()
	}
}

// TestSoftDeadline runs a task that never ends by itself: its context ends before the worker's own time is up, and the
// failure can still be reported.
func TestSoftDeadline(t *testing.T) {
	t.Parallel()
	forever := task.New("forever", func(ctx context.Context, _ int) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	q := task.NewMemory(nil)
	if _, err := forever.Enqueue(ctx, task.NewClient(q, nil), 1, nil); err != nil {
		t.Fatal(err)
	}
	body, err := q.Sent()[0].Encode()
	if err != nil {
		t.Fatal(err)
	}
	out := task.NewWorker(task.NewMux(forever), nil, &task.WorkerOptions{Log: slog.New(slog.DiscardHandler)}).Handle(ctx, body, 1)
	if !errors.Is(out.Err, context.DeadlineExceeded) || ctx.Err() != nil {
		t.Errorf("outcome %+v, the worker's context: %v", out, ctx.Err())
	}
}

func TestDecodeMessage(t *testing.T) {
	t.Parallel()
	for body, ok := range map[string]bool{
		`{"v":1,"id":"a","task":"add","input":1}`:                  true,
		`{"v":2,"id":"a","task":"add","input":1}`:                  false,
		`{"v":1,"task":"add","input":1}`:                           false,
		`{"v":1,"id":"a","task":"a b","input":1}`:                  false,
		`{"v":1,"id":"a","task":"add","input":1,"maxAttempts":-1}`: false,
		`hello`: false,
	} {
		if _, err := task.DecodeMessage([]byte(body)); (err == nil) != ok || (!ok && !errors.Is(err, task.ErrBadMessage)) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// FuzzDecodeMessage: what is decoded encodes to something that is decoded to the same.
func FuzzDecodeMessage(f *testing.F) {
	f.Add([]byte(`{"v":1,"id":"a","task":"add","input":{"x":1},"replyTo":"channel:x=","headers":{"a":"b"}}`))
	f.Add([]byte(`{"v":1,"id":"","task":"add"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := task.DecodeMessage(data)
		if err != nil {
			return
		}
		body, err := m.Encode()
		if err != nil {
			t.Fatalf("%+v does not encode: %v", m, err)
		}
		again, err := task.DecodeMessage(body)
		if err != nil || again.ID != m.ID || again.Task != m.Task || again.ReplyTo != m.ReplyTo {
			t.Fatalf("%+v became %+v: %v", m, again, err)
		}
	})
}

type printer struct{ done chan struct{} }

func (p printer) Reply(_ context.Context, to string, ev task.Event) error {
	fmt.Printf("to %s: %s %s %s\n", to, ev.Task, ev.State, ev.Result)
	close(p.done)
	return nil
}

// Declare a task, enqueue it, and have its result pushed to whoever asked.
func Example() {
	type AddInput struct{ X, Y int }
	add := task.New("add", func(_ context.Context, in AddInput) (int, error) { return in.X + in.Y, nil })

	queue := task.NewMemory(nil) // pkg/task/sqs has the one on AWS
	client := task.NewClient(queue, nil)
	replies := printer{make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = queue.Run(ctx, task.NewWorker(task.NewMux(add), replies, nil)) }()

	if _, err := add.Enqueue(ctx, client, AddInput{2, 3}, &task.Options{ReplyTo: "channel:abc="}); err != nil {
		fmt.Println(err)
	}
	<-replies.done
	// Output: to channel:abc=: add success 5
}

// Compose calls: the types must fit, or it does not compile.
func ExampleThen() {
	count := task.New("count", func(_ context.Context, text string) (int, error) { return len(strings.Fields(text)), nil })
	sum := task.New("sum", func(_ context.Context, counts []int) (int, error) {
		total := 0
		for _, n := range counts {
			total += n
		}
		return total, nil
	})
	queue := task.NewMemory(nil)
	client := task.NewClient(queue, &task.ClientOptions{Store: task.NewMemoryStore()})
	worker := task.NewWorker(task.NewMux(count, sum), nil, &task.WorkerOptions{Client: client})
	ctx := context.Background()

	chord := task.Then(task.Group(count.Call("one two"), count.Call("three four five")), sum)
	id, err := chord.Enqueue(ctx, client, nil)
	if err != nil {
		fmt.Println(err)
	}
	if err := queue.Drain(ctx, worker); err != nil { // on AWS the worker is a Lambda behind a queue
		fmt.Println(err)
	}
	rec, err := client.Get(ctx, id)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(sum.Result(rec))
	// Output: 5 <nil>
}
