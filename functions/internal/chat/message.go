package chat

import (
	"bytes"
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
	replyTo := channelAddress(r.ConnectionID)
	if in.Group != "" {
		if out.MessageID, out.Seq, err = c.post(ctx, r.ConnectionID, in); err != nil {
			return ws.Response{}, coded(err)
		}
		replyTo = groupAddress(in.Group)
	} else if in.Task == "" {
		in.Task = Analyze.Name()
	}
	if in.Task == noTask {
		in.Task = ""
	}
	if in.Task != "" {
		if out.TaskID, err = c.start(ctx, in, replyTo); err != nil {
			return ws.Response{}, coded(err)
		}
	}
	return ws.Reply(out)
}

// post appends a message to the log of its group and sends it to the members, the sender among them. Only a member may. A
// message with an id that is in the log already is sent again, as it stands there: its sender saw no answer, and whoever
// has it drops it by its number.
func (c *Chat) post(ctx context.Context, from string, in messageFrame) (id string, seq int64, err error) {
	if err := c.onlyMembers(ctx, in.Group, from, "join the group before you send to it"); err != nil {
		return "", 0, err
	}
	id = in.MessageID
	if id == "" {
		id = rand.Text()
	}
	data, err := json.Marshal(messageEvent{
		Event: eventMessage, Group: in.Group, MessageID: id, From: from, Name: in.Name,
		Message: in.Message, SentAt: c.now().UTC().Format("2006-01-02T15:04:05.000Z"),
	})
	if err != nil {
		return "", 0, fmt.Errorf("chat: encode message: %w", err)
	}
	entry, _, err := c.history.Append(ctx, roomGroup(in.Group), id, data)
	if err != nil {
		return "", 0, err
	}
	payload, err := numbered(entry)
	if err != nil {
		return "", 0, err
	}
	_, err = c.layer.GroupSend(ctx, roomGroup(in.Group), payload, nil)
	return id, entry.Seq, err
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

func (c *Chat) start(ctx context.Context, in messageFrame, replyTo string) (string, error) {
	start, ok := c.starters[in.Task]
	if !ok {
		return "", ws.Errorf(ws.CodeNotFound, "unknown task; it is one of analyze, add, countdown")
	}
	return start(ctx, c.tasks, in.Message, &task.Options{ReplyTo: replyTo})
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
