package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
)

// client is one connection; its methods are for one goroutine. What came while something else was awaited is kept: a
// task's result may overtake the ack.
type client struct {
	conn *websocket.Conn
	next int
	kept []event
}

// event is what the measurements look at in a frame of the server.
type event struct {
	Event, ID, TaskID, State, Code, Message string
}

// maxKept is how many events that nobody asked for a client keeps.
const maxKept = 100

func dial(ctx context.Context, url string) (*client, error) {
	conn, resp, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		if resp != nil {
			return nil, fmt.Errorf("dial: HTTP %d", resp.StatusCode)
		}
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	return &client{conn: conn}, nil
}

func dialMany(ctx context.Context, url string, n int) ([]*client, error) {
	var mu sync.Mutex
	var clients []*client
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for range n {
		g.Go(func() error {
			c, err := dial(ctx, url)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			clients = append(clients, c)
			return nil
		})
	}
	err := g.Wait()
	return clients, err
}

func closeAll(clients []*client) {
	var g errgroup.Group
	g.SetLimit(16)
	for _, c := range clients {
		g.Go(c.conn.CloseNow)
	}
	_ = g.Wait()
}

func (c *client) send(ctx context.Context, format string, args ...any) error {
	return c.conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, format, args...))
}

// await reads until an event is the wanted one, and fails at an error frame.
func (c *client) await(ctx context.Context, wanted func(event) bool) (event, error) {
	if i := slices.IndexFunc(c.kept, wanted); i >= 0 {
		e := c.kept[i]
		c.kept = slices.Delete(c.kept, i, i+1)
		return e, nil
	}
	for {
		_, data, err := c.conn.Read(ctx)
		if err != nil {
			return event{}, err
		}
		var ev struct {
			Event, TaskID, State, Code string
			ID, Message                json.RawMessage
		}
		if err := json.Unmarshal(data, &ev); err != nil {
			return event{}, fmt.Errorf("frame %q: %w", data, err)
		}
		if ev.Event == "error" || ev.Event == "" {
			return event{}, fmt.Errorf("the server says %s", data)
		}
		id, _ := strconv.Unquote(string(ev.ID))
		text, _ := strconv.Unquote(string(ev.Message))
		e := event{Event: ev.Event, ID: id, TaskID: ev.TaskID, State: ev.State, Message: text}
		if wanted(e) {
			return e, nil
		}
		c.kept = append(c.kept[max(0, len(c.kept)-maxKept):], e)
	}
}

// echo sends a message that starts no task, and waits for its ack.
func (c *client) echo(ctx context.Context) error {
	_, err := c.request(ctx, `{"action":"sendMessage","id":"%s","task":"none","message":"hello"}`)
	return err
}

// enqueue sends a message and waits for its ack. The task that the message starts runs beside, on the same cores.
func (c *client) enqueue(ctx context.Context) error {
	_, err := c.request(ctx, `{"action":"sendMessage","id":"%s","message":"hello"}`)
	return err
}

// task sends a message and waits for the result that is pushed later.
func (c *client) task(ctx context.Context) error {
	ack, err := c.request(ctx, `{"action":"sendMessage","id":"%s","task":"add","message":{"x":2,"y":3}}`)
	if err != nil {
		return err
	}
	_, err = c.await(ctx, func(e event) bool { return e.Event == "task" && e.TaskID == ack.TaskID && e.State == "success" })
	return err
}

func (c *client) request(ctx context.Context, frame string) (event, error) {
	c.next++
	id := strconv.Itoa(c.next)
	if err := c.send(ctx, frame, id); err != nil {
		return event{}, err
	}
	return c.await(ctx, func(e event) bool { return e.Event == "ack" && e.ID == id })
}
