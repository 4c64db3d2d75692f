package chat

import (
	"context"
	"encoding/json"

	"github.com/disclone/disclone/pkg/stream"
	"github.com/disclone/disclone/pkg/ws"
)

const (
	maxEntries = 100    // of one answer to resume
	maxAnswer  = 28_000 // bytes of its entries, so that the answer fits one frame of 32 KB (API Gateway quota); one may be more
)

// Resume gives a member what it has missed of a group: what follows the number up to which it has everything, or the
// latest messages if it has none, or if what it asks for is no longer kept.
func (c *Chat) Resume(ctx context.Context, r *ws.Request) (ws.Response, error) {
	in, err := decodeResume(r)
	if err != nil {
		return ws.Response{}, err
	}
	if err := c.onlyMembers(ctx, in.Group, r.ConnectionID, "join the group before you resume it"); err != nil {
		return ws.Response{}, coded(err)
	}
	page, err := c.missed(ctx, in)
	if err != nil {
		return ws.Response{}, coded(err)
	}
	out := resumed{
		Event: eventAck, ID: in.ID, Message: "resumed", Group: in.Group, Entries: []json.RawMessage{},
		Seq: page.Seq, More: page.More, Reset: page.Lost || in.After == nil,
	}
	return reply(out, page.Entries)
}

func (c *Chat) missed(ctx context.Context, in resumeFrame) (stream.Page, error) {
	if in.After != nil {
		page, err := c.history.Since(ctx, roomGroup(in.Group), *in.After, maxEntries)
		if err != nil || !page.Lost {
			return page, err
		}
	}
	page, err := c.history.Latest(ctx, roomGroup(in.Group), maxEntries)
	page.Lost = true
	return page, err
}

// reply puts in as many entries as a frame holds: the first after a number, the last of the latest.
func reply(out resumed, entries []stream.Entry) (ws.Response, error) {
	size := 0
	for i := range entries {
		e := entries[i]
		if out.Reset {
			e = entries[len(entries)-1-i]
		}
		data, err := numbered(e)
		if err != nil {
			return ws.Response{}, err
		}
		if size += len(data); size > maxAnswer && i > 0 {
			if !out.Reset {
				out.More, out.Seq = true, e.Seq-1
			}
			break
		}
		if out.Reset {
			out.Entries = append([]json.RawMessage{data}, out.Entries...)
		} else {
			out.Entries = append(out.Entries, data)
		}
	}
	return ws.Reply(out)
}
