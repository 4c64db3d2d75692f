package chat

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/disclone/disclone/pkg/task"
	"github.com/disclone/disclone/pkg/ws"
)

// maxPart is the most bytes of a result in one answer, so that it fits one frame of 32 KB (API Gateway quota) even where
// each second character has to be escaped.
const maxPart = 14_000

// randomID is the length of a task's random id.
const randomID = 26

// GetTask gives the state of a task and its result, in parts if it is long. It is for whoever knows the task's id, which
// only the one who started it was told; of a task that answers to a group, for the group's members.
func (c *Chat) GetTask(ctx context.Context, r *ws.Request) (ws.Response, error) {
	in, err := decodeTaskID(r)
	if err != nil {
		return ws.Response{}, err
	}
	rec, err := c.visible(ctx, r, in)
	if err != nil {
		return ws.Response{}, coded(err)
	}
	return answerTask(in, rec, "task")
}

// RevokeTask asks for a task not to be run any further. Who may see the task may revoke it.
func (c *Chat) RevokeTask(ctx context.Context, r *ws.Request) (ws.Response, error) {
	in, err := decodeTaskID(r)
	if err != nil {
		return ws.Response{}, err
	}
	if _, err := c.visible(ctx, r, in); err != nil && !(errors.Is(err, task.ErrUnknownID) && unguessable(in.TaskID)) {
		return ws.Response{}, coded(err)
	}
	rec, err := c.tasks.Revoke(ctx, in.TaskID)
	if err != nil {
		return ws.Response{}, coded(err)
	}
	message := "revoked"
	if rec.State.Final() && rec.State != task.StateRevoked {
		message = "the task is done already"
	}
	return answerTask(in, rec, message)
}

// unguessable says whether an id has the form of those that SendMessage gives: a task that no worker has begun is not known,
// and is revoked by whoever was told its id.
func unguessable(id string) bool { return len(id) == randomID }

func (c *Chat) visible(ctx context.Context, r *ws.Request, in taskIDFrame) (task.Record, error) {
	rec, err := c.tasks.Get(ctx, in.TaskID)
	if err != nil {
		return rec, err
	}
	if room, ok := strings.CutPrefix(rec.ReplyTo, groupAddress("")); ok {
		return rec, c.onlyMembers(ctx, room, r.ConnectionID, "join the group before you ask for its tasks")
	}
	return rec, nil
}

func answerTask(in taskIDFrame, rec task.Record, message string) (ws.Response, error) {
	out := taskAnswer{Event: eventAck, ID: in.ID, Message: message, TaskID: in.TaskID, Task: rec.Task, State: rec.State, Step: rec.Step, Error: rec.Error}
	switch {
	case rec.State == task.StateProgress:
		out.Progress = rec.Result
	case len(rec.Result) <= maxPart && in.Offset == 0:
		out.Result = rec.Result
	default:
		out.Size, out.Offset = len(rec.Result), min(in.Offset, len(rec.Result))
		out.Part = part(string(rec.Result[out.Offset:]))
	}
	return ws.Reply(out)
}

// part is the beginning of a text, which ends with a whole character.
func part(s string) string {
	if len(s) <= maxPart {
		return s
	}
	end := maxPart
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
