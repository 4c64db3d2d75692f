package chat

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/stream"
	"github.com/disclone/disclone/pkg/task"
	"github.com/disclone/disclone/pkg/ws"
)

// SendMessage posts a message to a group, or starts a background task, or both. It answers at once; the task's result
// follows as an event of its own, to the group if there is one, else to the sender.
func (c *Chat) SendMessage(ctx context.Context, r *ws.Request) (ws.Response, error) {
	in, err := decodeMessage(r)
	if err != nil {
		return ws.Response{}, err
	}
	out := ack{Event: eventAck, ID: in.ID, Message: "Your request was received!", Group: in.Group}
	start, err := c.starter(&in)
	if err != nil {
		return ws.Response{}, err
	}
	replyTo := channelAddress(r.ConnectionID)
	if start != nil {
		out.TaskID = rand.Text()
	}
	if in.Group != "" {
		if err := c.post(ctx, r.ConnectionID, in, &out); err != nil {
			return ws.Response{}, coded(err)
		}
		replyTo = groupAddress(in.Group)
	}
	if start != nil && out.TaskID != "" {
		if _, err := start(ctx, c.tasks, &task.Options{ID: out.TaskID, ReplyTo: replyTo}); err != nil {
			return ws.Response{}, coded(err)
		}
	}
	return ws.Reply(out)
}

// starter gives what starts a message's task, with the input looked at, before anything is done; nil if it starts none.
func (c *Chat) starter(in *messageFrame) (start, error) {
	if in.Task == "" && in.Group == "" {
		in.Task = Analyze.Name()
	}
	if in.Task == noTask {
		in.Task = ""
	}
	if in.Task == "" {
		return nil, nil
	}
	of, ok := c.starters[in.Task]
	if !ok {
		return nil, ws.Errorf(ws.CodeNotFound, "unknown task; it is one of analyze, add, countdown")
	}
	return of(in.Message)
}

// post appends a message to the log of its group and sends it to the members, the sender among them. Only a member may. A
// message with an id that is in the log already is sent again, as it stands there: its sender saw no answer, and whoever
// has it drops it by its number. Its task is then the first one's, too, so it is started once.
func (c *Chat) post(ctx context.Context, from string, in messageFrame, out *ack) error {
	if err := c.onlyMembers(ctx, in.Group, from, "join the group before you send to it"); err != nil {
		return err
	}
	out.MessageID = cmp.Or(in.MessageID, rand.Text())
	event := messageEvent{
		Event: eventMessage, Group: in.Group, MessageID: out.MessageID, From: from, Name: in.Name,
		Message: in.Message, SentAt: c.now().UTC().Format("2006-01-02T15:04:05.000Z"), Task: in.Task, TaskID: out.TaskID,
	}
	data, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("chat: encode message: %w", err)
	}
	entry, isNew, err := c.history.Append(ctx, roomGroup(in.Group), out.MessageID, data)
	if err != nil {
		return err
	}
	if !isNew {
		if err := json.Unmarshal(entry.Data, &event); err != nil {
			return fmt.Errorf("chat: decode entry %d: %w", entry.Seq, err)
		}
	}
	out.Seq, out.TaskID = entry.Seq, event.TaskID
	payload, err := numbered(entry)
	if err != nil {
		return err
	}
	_, err = c.layer.GroupSend(ctx, roomGroup(in.Group), payload, nil)
	return err
}

// numbered is an entry of the log as its readers see it: with its number as the last field.
func numbered(e stream.Entry) (json.RawMessage, error) {
	if len(e.Data) < 3 || e.Data[0] != '{' || e.Data[len(e.Data)-1] != '}' {
		return nil, fmt.Errorf("chat: entry %d is no object", e.Seq)
	}
	return fmt.Appendf(bytes.Clone(e.Data[:len(e.Data)-1]), `,"seq":%d}`, e.Seq), nil
}

func (c *Chat) onlyMembers(ctx context.Context, group, connection, otherwise string) error {
	member, err := c.layer.Has(ctx, roomGroup(group), connection)
	if err == nil && !member {
		err = ws.Errorf(ws.CodeForbidden, "%s", otherwise)
	}
	return err
}

// An address says where a task's result goes.
func channelAddress(connection string) string { return "channel:" + connection }
func groupAddress(room string) string         { return "group:" + room }

// Reply pushes a change of a task's state to whoever asked for it. It implements [task.Replier]. A connection that is
// gone has nobody to tell, so that is no error: the connection is dropped.
func (c *Chat) Reply(ctx context.Context, to string, ev task.Event) error {
	kind, name, _ := strings.Cut(to, ":")
	frame := taskFrame(ev)
	switch kind {
	case "channel":
		return c.replyChannel(ctx, name, frame)
	case "group":
		frame.Group = name
		return c.replyGroup(ctx, name, frame)
	}
	return fmt.Errorf("chat: reply to %q: the address has no kind", to)
}

func (c *Chat) replyChannel(ctx context.Context, connection string, frame taskEvent) error {
	payload, err := json.Marshal(frame)
	if err != nil {
		return fmt.Errorf("chat: encode task event: %w", err)
	}
	err = c.layer.Send(ctx, connection, payload)
	if errors.Is(err, channel.ErrGone) {
		return nil
	}
	return err
}

// replyGroup sends an event to a group. A final state is an entry of the group's log, under an id of its own: it is in it
// once, however often it is pushed, and whoever was away gets it with resume.
func (c *Chat) replyGroup(ctx context.Context, room string, frame taskEvent) error {
	payload, err := json.Marshal(frame)
	if err != nil {
		return fmt.Errorf("chat: encode task event: %w", err)
	}
	if frame.State.Final() {
		entry, _, err := c.history.Append(ctx, roomGroup(room), fmt.Sprintf("task:%s:%d", frame.TaskID, frame.Step), payload)
		if err != nil {
			return err
		}
		if payload, err = numbered(entry); err != nil {
			return err
		}
	}
	_, err = c.layer.GroupSend(ctx, roomGroup(room), payload, nil)
	return err
}
