// Package chat is the application: connections, rooms and the background tasks that messages start. It knows the
// library's portable types ([channel.Layer], [task.Client]) and no AWS SDK; functions/internal/boot puts the backends
// under them. The frames it reads and sends are described in docs/protocol.md.
package chat

import (
	"context"
	"errors"
	"time"

	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/stream"
	"github.com/disclone/disclone/pkg/task"
	"github.com/disclone/disclone/pkg/ws"
)

// Chat holds the consumers, one method for each route. It has no state of its own and is safe for concurrent use.
type Chat struct {
	layer   *channel.Layer
	tasks   *task.Client
	history *stream.Log
	now     func() time.Time

	starters map[string]starter // by task; never changed
}

// Options are the optional parts of a [Chat]. The zero value is ready to use.
type Options struct {
	Now func() time.Time // the clock; time.Now if nil
}

// New makes a chat over a layer, a client for its tasks, and the log of its groups' messages.
func New(layer *channel.Layer, tasks *task.Client, history *stream.Log, opts *Options) *Chat {
	c := &Chat{layer: layer, tasks: tasks, history: history, now: time.Now, starters: starters()}
	if opts != nil && opts.Now != nil {
		c.now = opts.Now
	}
	return c
}

// Mux gives all routes in one handler, for whoever wants to serve them from one function, and for tests.
func (c *Chat) Mux() *ws.Mux {
	mux := ws.NewMux()
	mux.HandleFunc("$connect", c.Connect)
	mux.HandleFunc("$disconnect", c.Disconnect)
	mux.HandleFunc("$default", c.Default)
	mux.HandleFunc("sendMessage", c.SendMessage)
	mux.HandleFunc("joinGroup", c.JoinGroup)
	mux.HandleFunc("leaveGroup", c.LeaveGroup)
	mux.HandleFunc("resume", c.Resume)
	mux.HandleFunc("getTask", c.GetTask)
	mux.HandleFunc("revokeTask", c.RevokeTask)
	return mux
}

// Connect stores the connection id, as the only member of its guest's personal group.
func (c *Chat) Connect(ctx context.Context, r *ws.Request) (ws.Response, error) {
	return ws.Response{}, c.layer.GroupAdd(ctx, guestGroup(r.ConnectionID), r.ConnectionID)
}

// Disconnect takes the connection out of every group. API Gateway calls it at best effort; what it misses is dropped
// by the first post that finds the connection gone, or expires.
func (c *Chat) Disconnect(ctx context.Context, r *ws.Request) (ws.Response, error) {
	return ws.Response{}, c.layer.Drop(ctx, r.ConnectionID)
}

// Default answers what no route matches with an error frame.
func (c *Chat) Default(_ context.Context, r *ws.Request) (ws.Response, error) {
	var in envelope
	if err := ws.Decode(r.Body, &in); err != nil {
		return ws.Response{}, err
	}
	if in.Action == "" {
		return ws.Response{}, ws.Errorf(ws.CodeBadRequest, `the field "action" is missing; it is one of %s`, actions)
	}
	return ws.Response{}, ws.Errorf(ws.CodeUnknownAction, "unknown action; it is one of %s", actions)
}

// JoinGroup adds the connection to a group. Joining twice is joining once.
func (c *Chat) JoinGroup(ctx context.Context, r *ws.Request) (ws.Response, error) {
	in, err := decodeGroup(r)
	if err != nil {
		return ws.Response{}, err
	}
	if err := c.layer.GroupAdd(ctx, roomGroup(in.Group), r.ConnectionID); err != nil {
		return ws.Response{}, coded(err)
	}
	return ws.Reply(ack{Event: eventAck, ID: in.ID, Message: "joined", Group: in.Group})
}

// LeaveGroup takes the connection out of a group. Leaving a group that one is not in is no error.
func (c *Chat) LeaveGroup(ctx context.Context, r *ws.Request) (ws.Response, error) {
	in, err := decodeGroup(r)
	if err != nil {
		return ws.Response{}, err
	}
	if err := c.layer.GroupDiscard(ctx, roomGroup(in.Group), r.ConnectionID); err != nil {
		return ws.Response{}, coded(err)
	}
	return ws.Reply(ack{Event: eventAck, ID: in.ID, Message: "left", Group: in.Group})
}

// A room's group and a guest's group never have the same name, so no client can join somebody's personal group.
func roomGroup(room string) string        { return "room." + room }
func guestGroup(connection string) string { return "guest." + connection }

// coded gives the library's errors the code that a client understands. What it does not know stays uncoded, and
// reaches the client as "internal".
func coded(err error) error {
	switch {
	case errors.Is(err, channel.ErrBadName):
		return ws.Errorf(ws.CodeBadRequest, "a group's name has 1 to %d ASCII letters, digits and - _ . =", maxGroup)
	case errors.Is(err, channel.ErrTooLarge), errors.Is(err, task.ErrTooLarge), errors.Is(err, stream.ErrTooLarge):
		return ws.Errorf(ws.CodeTooLarge, "the message is too large")
	case errors.Is(err, channel.ErrThrottled), errors.Is(err, stream.ErrContended):
		return ws.Errorf(ws.CodeThrottled, "too many messages at the moment; try again later")
	case errors.Is(err, task.ErrUnknownID):
		return ws.Errorf(ws.CodeNotFound, "there is no such task, or no worker has begun it")
	}
	return err
}
