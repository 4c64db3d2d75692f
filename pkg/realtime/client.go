// Package realtime is a client of the chat's protocol (docs/protocol.md) for programs and tests: it reconnects by itself,
// is in its groups again, and gives each group's messages once and in order, whatever becomes of connections and frames. A
// message is sent again under the same id until it is acknowledged, so it is in its group once.
package realtime

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Message is an entry of a group's log: a message, or the final state of a task that answers to the group.
type Message struct {
	Group   string          `json:"group"`
	Seq     int64           `json:"seq"`       // its number in the group
	ID      string          `json:"messageId"` // what its sender chose
	From    string          `json:"from"`      // a connection id
	Name    string          `json:"name"`
	Message json.RawMessage `json:"message"`
	SentAt  time.Time       `json:"sentAt"`

	// Of a task's final state, which has a number in the group too; its other fields are empty.
	TaskID string          `json:"taskId"`
	Task   string          `json:"task"`
	State  string          `json:"state"`
	Result json.RawMessage `json:"result"`
}

// Error is a refusal of the server.
type Error struct{ Code, Message string }

func (e *Error) Error() string { return "realtime: " + e.Code + ": " + e.Message }

var (
	// ErrClosed means that the client was closed.
	ErrClosed = errors.New("realtime: closed")

	errNoAnswer = errors.New("realtime: no answer")
)

// Options are the optional parts of a [Client]. The zero value is ready to use.
type Options struct {
	// OnMessage gets each message of the joined groups, one call at a time, once and in the group's order. It must not call
	// the client.
	OnMessage func(Message)
	// OnReset is told that what came before of a group is no longer kept by the server; its latest messages follow. It is
	// called like OnMessage.
	OnReset    func(group string)
	HTTPClient *http.Client  // for the handshake; http.DefaultClient if nil
	AckTimeout time.Duration // until an answer is given up; 10 s if 0
	MinDelay   time.Duration // between two attempts to connect, on average, at first; 500 ms if 0
	MaxDelay   time.Duration // and at most; 15 s if 0
	KeepAlive  time.Duration // groups are joined and asked again so often; 8 minutes if 0
	Patience   time.Duration // how long a missing message may still be on its way before it is asked for; 150 ms if 0
}

// Client is one connection that comes back. It is safe for concurrent use.
type Client struct {
	url    string
	opts   Options
	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup

	deliver sync.Mutex // held while messages are given to OnMessage, in their order

	mu      sync.Mutex
	conn    *websocket.Conn // nil while there is none
	online  chan struct{}   // closed while there is one
	nextID  int
	pending map[string]chan answer
	groups  map[string]*group
}

// group is a group that the client is in, or wants to be.
type group struct {
	name   string
	order  order
	joined chan struct{} // closed after the first join
	once   sync.Once
	// Guarded by the client's mu:
	joining bool // a join is under way
	asking  bool // a resume is under way or about to be
	again   bool // another was wanted meanwhile
}

// answer is an ack or an error frame.
type answer struct {
	Event     string          `json:"event"`
	ID        string          `json:"id"`
	Code      string          `json:"code"`
	Text      json.RawMessage `json:"message"`
	MessageID string          `json:"messageId"`
	Seq       int64           `json:"seq"`
	Entries   []Message       `json:"entries"`
	More      bool            `json:"more"`
	Reset     bool            `json:"reset"`
}

// Dial starts a client of a wss URL. It connects, and connects again, until Close.
func Dial(url string, opts *Options) *Client {
	c := &Client{url: url, online: make(chan struct{}), pending: map[string]chan answer{}, groups: map[string]*group{}}
	if opts != nil {
		c.opts = *opts
	}
	c.opts.AckTimeout = cmp.Or(c.opts.AckTimeout, 10*time.Second)
	c.opts.MinDelay = cmp.Or(c.opts.MinDelay, 500*time.Millisecond)
	c.opts.MaxDelay = cmp.Or(c.opts.MaxDelay, 15*time.Second)
	c.opts.KeepAlive = cmp.Or(c.opts.KeepAlive, 8*time.Minute)
	c.opts.Patience = cmp.Or(c.opts.Patience, 150*time.Millisecond)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.ended.Go(c.run)
	return c
}

// Close ends the client. When it returns nothing is called any more.
func (c *Client) Close() {
	c.cancel()
	c.ended.Wait()
}

// Join joins a group, now and after each reconnect. It waits until the client is in it for the first time.
func (c *Client) Join(ctx context.Context, name string) error {
	c.mu.Lock()
	g := c.groups[name]
	if g == nil {
		g = &group{name: name, joined: make(chan struct{})}
		c.groups[name] = g
		c.background(func() { c.rejoin(g) })
	}
	c.mu.Unlock()
	return c.wait(ctx, g.joined)
}

// background runs f until the client ends.
func (c *Client) background(f func()) { c.ended.Go(f) }

func (c *Client) wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return ErrClosed
	}
}

// Send sends a message to a group that the client has joined, again and again under one id until it is acknowledged, and
// gives its number. It fails with an [*Error] where the server refuses it for good, and when ctx ends: then the message may
// or may not be in the group.
func (c *Client) Send(ctx context.Context, name string, message any) (int64, error) {
	id := rand.Text()
	for try := 0; ; try++ {
		got, err := c.request(ctx, map[string]any{"action": "sendMessage", "group": name, "messageId": id, "message": message})
		if err == nil {
			return got.Seq, nil
		}
		var refused *Error
		if errors.As(err, &refused) && refused.Code == "forbidden" {
			c.joinAgain(name) // the server took us for gone
		} else if errors.As(err, &refused) && !temporary(refused.Code) {
			return 0, err
		}
		if err := c.pause(ctx, try); err != nil {
			return 0, err
		}
	}
}

func temporary(code string) bool {
	switch code {
	case "throttled", "unavailable", "internal", "conflict":
		return true
	}
	return false
}

// pause waits with full jitter.
func (c *Client) pause(ctx context.Context, try int) error {
	timer := time.NewTimer(mathrand.N(min(c.opts.MinDelay<<min(try, 10), c.opts.MaxDelay)) + time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return ErrClosed
	}
}

// run connects and reads until the client is closed.
func (c *Client) run() {
	for try := 0; c.ctx.Err() == nil; try++ {
		conn, resp, err := websocket.Dial(c.ctx, c.url, &websocket.DialOptions{HTTPClient: c.opts.HTTPClient})
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		if err == nil {
			conn.SetReadLimit(1 << 20)
			began := time.Now()
			c.serve(conn)
			if time.Since(began) > c.opts.MinDelay {
				try = 0
			}
		}
		if c.pause(c.ctx, try) != nil {
			return
		}
	}
}

// serve reads one connection to its end.
func (c *Client) serve(conn *websocket.Conn) {
	c.mu.Lock()
	c.conn = conn
	close(c.online)
	for _, g := range c.groups {
		c.background(func() { c.rejoin(g) })
	}
	c.mu.Unlock()
	over := make(chan struct{})
	defer close(over)
	c.background(func() { c.keepAlive(over) })
	for {
		_, data, err := conn.Read(c.ctx)
		if err != nil {
			break
		}
		c.receive(data)
	}
	_ = conn.CloseNow()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn, c.online = nil, make(chan struct{})
	for id, waiting := range c.pending {
		close(waiting)
		delete(c.pending, id)
	}
}

// keepAlive joins all groups again, now and then, until the connection is over: that is traffic, it mends a membership that
// the server has dropped, and it asks for what was lost without a trace.
func (c *Client) keepAlive(over <-chan struct{}) {
	tick := time.NewTicker(c.opts.KeepAlive)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-over:
			return
		}
		c.mu.Lock()
		for _, g := range c.groups {
			c.background(func() { c.rejoin(g) })
		}
		c.mu.Unlock()
	}
}

func (c *Client) joinAgain(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.groups[name]; g != nil {
		c.background(func() { c.rejoin(g) })
	}
}

// rejoin joins a group and asks for what is missing of it, unless that is under way.
func (c *Client) rejoin(g *group) {
	c.mu.Lock()
	busy := g.joining
	g.joining = true
	c.mu.Unlock()
	if busy {
		return
	}
	if c.joinNow(g) {
		g.once.Do(func() { close(g.joined) })
		c.resume(g, 0)
	}
}

// joinNow asks until the server has said so, over as many connections as it takes. It says no if the client was closed.
func (c *Client) joinNow(g *group) (joined bool) {
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		g.joining = false
	}()
	for try := 0; ; try++ {
		_, err := c.request(c.ctx, map[string]any{"action": "joinGroup", "group": g.name})
		if err == nil {
			return true
		}
		if c.pause(c.ctx, try) != nil {
			return false
		}
	}
}

func (c *Client) isOnline() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn != nil
}

// resume asks for what is missing of a group until nothing is.
func (c *Client) resume(g *group, after time.Duration) {
	c.mu.Lock()
	if g.asking {
		g.again = true
		c.mu.Unlock()
		return
	}
	g.asking = true
	c.mu.Unlock()
	c.background(func() {
		timer := time.NewTimer(after)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.ctx.Done():
			return
		}
		again := c.ask(g)
		c.mu.Lock()
		again = again || g.again
		g.asking, g.again = false, false
		c.mu.Unlock()
		if again {
			c.resume(g, c.opts.Patience)
		}
	})
}

// ask asks once, and says whether to ask again.
func (c *Client) ask(g *group) (again bool) {
	frame := map[string]any{"action": "resume", "group": g.name}
	c.deliver.Lock()
	known, before := g.order.known, g.order.last
	c.deliver.Unlock()
	if known {
		frame["after"] = before
	}
	got, err := c.request(c.ctx, frame)
	var refused *Error
	switch {
	case errors.As(err, &refused) && refused.Code == "forbidden":
		c.joinAgain(g.name)
		return false
	case err != nil:
		return c.ctx.Err() == nil && c.isOnline() // else the next connection asks
	}
	c.deliver.Lock()
	defer c.deliver.Unlock()
	if got.Reset && known && c.opts.OnReset != nil {
		c.opts.OnReset(g.name)
	}
	c.give(g.order.resumed(&got))
	return got.More || g.order.gap()
}

// give gives messages to the reader. deliver is held.
func (c *Client) give(messages []Message) {
	if c.opts.OnMessage == nil {
		return
	}
	for _, m := range messages {
		c.opts.OnMessage(m)
	}
}

// receive takes one frame. What it does not know it ignores.
func (c *Client) receive(data []byte) {
	var kind struct{ Event, Group string }
	if json.Unmarshal(data, &kind) != nil {
		return
	}
	switch kind.Event {
	case "message", "task":
		var m Message
		if json.Unmarshal(data, &m) == nil && m.Seq > 0 { // a task's states on the way have no number
			c.live(m)
		}
	case "ack", "error":
		var a answer
		if json.Unmarshal(data, &a) == nil {
			c.settle(a)
		}
	}
}

func (c *Client) live(m Message) {
	c.mu.Lock()
	g := c.groups[m.Group]
	c.mu.Unlock()
	if g == nil {
		return
	}
	c.deliver.Lock()
	c.give(g.order.take(m))
	gap := g.order.gap()
	c.deliver.Unlock()
	if gap {
		c.resume(g, c.opts.Patience)
	}
}

func (c *Client) settle(a answer) {
	c.mu.Lock()
	waiting := c.pending[a.ID]
	delete(c.pending, a.ID)
	c.mu.Unlock()
	if waiting != nil {
		waiting <- a
	}
}

// request sends a frame as soon as there is a connection, and waits for its answer: an [*Error], or errNoAnswer where the
// connection ended or the time was up before one came.
func (c *Client) request(ctx context.Context, frame map[string]any) (answer, error) {
	conn, id, waiting, err := c.begin(ctx)
	if err != nil {
		return answer{}, err
	}
	frame["id"] = id
	data, err := json.Marshal(frame)
	if err != nil {
		c.forget(id)
		return answer{}, fmt.Errorf("realtime: encode: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.AckTimeout)
	defer cancel()
	if err := conn.Write(ctx, websocket.MessageText, data); err != nil {
		c.forget(id)
		return answer{}, errNoAnswer
	}
	select {
	case got, ok := <-waiting:
		switch {
		case !ok:
			return answer{}, errNoAnswer
		case got.Event == "error":
			return answer{}, &Error{got.Code, string(got.Text)}
		}
		return got, nil
	case <-ctx.Done():
	case <-c.ctx.Done():
	}
	c.forget(id)
	return answer{}, errNoAnswer
}

func (c *Client) begin(ctx context.Context) (conn *websocket.Conn, id string, waiting chan answer, err error) {
	for {
		c.mu.Lock()
		if c.conn != nil {
			c.nextID++
			id = strconv.Itoa(c.nextID)
			waiting = make(chan answer, 1)
			c.pending[id] = waiting
			conn = c.conn
			c.mu.Unlock()
			return conn, id, waiting, nil
		}
		online := c.online
		c.mu.Unlock()
		if err := c.wait(ctx, online); err != nil {
			return nil, "", nil, err
		}
	}
}

func (c *Client) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
}
