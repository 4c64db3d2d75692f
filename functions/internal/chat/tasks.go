package chat

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/disclone/disclone/pkg/task"
	"github.com/disclone/disclone/pkg/ws"
)

// The background tasks. Each is a plain typed function; what it returns is pushed to whoever asked.
var (
	Analyze   = task.New("analyze", analyze)
	Add       = task.New("add", add)
	Countdown = task.New("countdown", countdown)
)

// Tasks gives the tasks to a worker.
func Tasks() *task.Mux { return task.NewMux(Analyze, Add, Countdown) }

// Analysis is the result of [Analyze].
type Analysis struct {
	Characters int `json:"characters"`
	Words      int `json:"words"`
	Lines      int `json:"lines"`
}

func analyze(_ context.Context, text string) (Analysis, error) {
	return Analysis{
		Characters: utf8.RuneCountInString(text),
		Words:      len(strings.Fields(text)),
		Lines:      strings.Count(text, "\n") + 1,
	}, nil
}

// AddInput is what [Add] adds up.
type AddInput struct {
	X int `json:"x"`
	Y int `json:"y"`
}

func add(_ context.Context, in AddInput) (int, error) { return in.X + in.Y, nil }

// CountdownInput says how long a [Countdown] is: 1 to 20 seconds, so that it ends before the worker's timeout.
type CountdownInput struct {
	Seconds int `json:"seconds"`
}

// CountdownProgress is what a [Countdown] pushes on its way.
type CountdownProgress struct {
	Left int `json:"left"`
}

const maxCountdown = 20

// countdown is a task that takes its time and says how far it is.
func countdown(ctx context.Context, in CountdownInput) (string, error) {
	if in.Seconds < 1 || in.Seconds > maxCountdown {
		return "", task.Skip(task.Public("seconds is 1 to 20"))
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for left := in.Seconds; left > 0; left-- {
		task.Progress(ctx, CountdownProgress{Left: left})
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return "liftoff", nil
}

// A starter looks at the input that a client sent, and gives what starts the task with it.
type starter func(input json.RawMessage) (start, error)

// start enqueues a task.
type start func(ctx context.Context, c *task.Client, opts *task.Options) (string, error)

// starters gives the tasks that a client may start, by name.
func starters() map[string]starter {
	return map[string]starter{
		Analyze.Name():   starterOf(Analyze),
		Add.Name():       starterOf(Add),
		Countdown.Name(): starterOf(Countdown),
	}
}

// starterOf decodes the input at once, so that a client with a wrong one is told now rather than by a failed task.
func starterOf[In, Out any](t *task.Task[In, Out]) starter {
	return func(input json.RawMessage) (start, error) {
		var in In
		if err := json.Unmarshal(input, &in); err != nil {
			return nil, ws.Wrap(ws.CodeBadRequest, err, "the message is no input for the task %s", t.Name())
		}
		return func(ctx context.Context, c *task.Client, opts *task.Options) (string, error) {
			return t.Enqueue(ctx, c, in, opts)
		}, nil
	}
}

func taskFrame(ev task.Event) taskEvent {
	frame := taskEvent{
		Event: eventTask, TaskID: ev.TaskID, Task: ev.Task, Root: ev.Root, State: ev.State, Attempt: ev.Attempt, Step: ev.Step, Size: ev.Size, Error: ev.Error,
	}
	if ev.State == task.StateProgress {
		frame.Progress = ev.Result
	} else {
		frame.Result = ev.Result
	}
	return frame
}
