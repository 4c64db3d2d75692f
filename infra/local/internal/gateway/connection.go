package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/disclone/disclone/infra/local/internal/chaos"
	"github.com/disclone/disclone/infra/local/internal/clock"
)

// connection is one WebSocket. One goroutine reads it; each message runs in its own.
type connection struct {
	g           *Gateway
	id          string
	stage       string
	sourceIP    string
	userAgent   string
	connectedAt time.Time

	authorizer json.RawMessage // what the authorizer said of the client; nil without one
	signer     *signer         // of the handshake; nil without AWS_IAM
	compress   bool            // permessage-deflate was agreed on

	conn   net.Conn
	early  []byte       // read together with the handshake
	active atomic.Int64 // Unix ms of the last traffic in either direction

	write    sync.Mutex // held for the writing of one message
	closing  bool       // a close frame was sent; guarded by write
	stalled  bool       // the rest of a message waits for the client to read; guarded by write
	timer    clock.Timer
	slots    chan struct{} // one for each message under way
	onceOver sync.Once
}

// newID makes an id of the gateway's form: 15 characters of base64url and "=".
func newID() string {
	var b [11]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.URLEncoding.EncodeToString(b[:])[:15] + "="
}

func newConnection(g *Gateway, r *http.Request, stage string) *connection {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return &connection{g: g, id: newID(), stage: stage, sourceIP: host, userAgent: r.UserAgent(),
		connectedAt: g.opts.Clock.Now(), slots: make(chan struct{}, maxFramesUnderWay)}
}

func (c *connection) touch() { c.active.Store(c.g.opts.Clock.Now().UnixMilli()) }

// serve reads the connection until it ends.
func (c *connection) serve() {
	c.watch()
	code, reason := c.read()
	c.end(code, reason)
}

// watch ends the connection when it is idle for too long, or too old. Its timer runs again as long as there is traffic.
func (c *connection) watch() {
	c.write.Lock()
	defer c.write.Unlock()
	c.timer = c.g.opts.Clock.AfterFunc(c.left(), func() {
		if c.left() > 0 {
			c.watch()
			return
		}
		c.close(closeGoingAway, "Going away")
	})
}

// left is how long the connection may still live without traffic.
func (c *connection) left() time.Duration {
	idle := time.UnixMilli(c.active.Load()).Add(c.g.opts.IdleTimeout)
	end := c.connectedAt.Add(c.g.opts.MaxDuration)
	if end.Before(idle) {
		idle = end
	}
	return idle.Sub(c.g.opts.Clock.Now())
}

// readBuffer is small, since every idle connection holds one.
const readBuffer = 512 // bytes

// read reads messages until the connection ends, and says with which code.
func (c *connection) read() (code int, reason string) {
	in := io.Reader(c.conn)
	if len(c.early) > 0 {
		in = io.MultiReader(bytes.NewReader(c.early), c.conn)
		c.early = nil
	}
	// One read of the socket for a small frame; a large payload goes past the buffer.
	r := &messageReader{in: bufio.NewReaderSize(in, readBuffer), control: c.control, compress: c.compress}
	for {
		message, err := r.next()
		if err != nil {
			return c.readFailed(err)
		}
		c.touch()
		c.dispatch(message)
	}
}

// readFailed turns the end of reading into a close code, and sends it if it is the gateway that closes.
func (c *connection) readFailed(err error) (int, string) {
	var byClient *clientClose
	if errors.As(err, &byClient) {
		c.sendClose(answerTo(byClient.code), byClient.reason)
		return byClient.code, byClient.reason
	}
	var closed *closeError
	if errors.As(err, &closed) {
		c.sendClose(closed.code, closed.reason)
		c.drain()
		return closed.code, closed.reason
	}
	return closeAbnormal, "" // the client is gone without a close frame
}

// answerTo is the code that a client's close is answered with: its own, where one may be sent.
func answerTo(code int) int {
	if code == closeNoStatus {
		return closeNormal
	}
	return code
}

// drainTime is how long the gateway reads on after it has closed, so that the client sees the close frame and not a
// reset for what it had still sent.
const drainTime = 250 * time.Millisecond

func (c *connection) drain() {
	_ = c.conn.SetReadDeadline(time.Now().Add(drainTime))
	_, _ = io.Copy(io.Discard, io.LimitReader(c.conn, 4*maxMessage))
}

// control handles a control frame. A close frame is answered and ends the reading.
func (c *connection) control(opcode byte, payload []byte) error {
	switch opcode {
	case opPing:
		// Whether a ping keeps a connection on AWS is not documented: here it does not, so nobody comes to rely on it.
		if err := c.transmit(appendFrame(nil, 0x80|opPong, payload)); !errors.Is(err, errStalled) {
			return err
		}
	case opClose:
		code, reason, err := parseClose(payload)
		if err != nil {
			return err
		}
		return &clientClose{code, reason}
	}
	return nil
}

// dispatch runs a message's route in a goroutine of its own: nothing keeps two messages of a connection in order. A
// client that sends faster than its functions answer waits.
func (c *connection) dispatch(message []byte) {
	c.slots <- struct{}{}
	go func() {
		defer func() { <-c.slots }()
		c.g.opts.Chaos.Wait(context.Background(), chaos.Reorder)
		c.g.serveMessage(c, message)
		if c.g.opts.Chaos.Hit(chaos.Cut) {
			c.close(closeGoingAway, "Going away")
		}
	}()
}

// errStalled means that the client does not read: nothing of the message was sent, and the connection stays.
var errStalled = errors.New("gateway: the client does not read")

// send sends a text message, and counts as traffic.
func (c *connection) send(payload []byte) error {
	first := byte(opText)
	if c.compress {
		payload, first = deflate(payload), opText|compressed
	}
	err := c.transmit(appendMessage(make([]byte, 0, len(payload)+64), first, payload))
	if err == nil {
		c.touch()
	}
	return err
}

// transmit writes frames. Where the client takes only a part of them, the rest follows as soon as it reads on, and
// until then there is errStalled for whatever comes next.
func (c *connection) transmit(frames []byte) error {
	c.write.Lock()
	defer c.write.Unlock()
	switch {
	case c.closing:
		return net.ErrClosed
	case c.stalled:
		return errStalled
	}
	n, err := write(c.conn, frames)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if _, secure := c.conn.(*tls.Conn); secure {
		_ = c.conn.Close() // a TLS connection whose write timed out is of no use (crypto/tls)
		return err
	}
	if n == 0 {
		return errStalled
	}
	c.stalled = true
	_ = c.conn.SetWriteDeadline(time.Time{}) // the write that follows fails if this does
	go c.finish(frames[n:])
	return nil
}

// finish writes the rest of a message, however long the client takes.
func (c *connection) finish(rest []byte) {
	_, _ = c.conn.Write(rest) // the reader sees it if the client is gone
	c.write.Lock()
	defer c.write.Unlock()
	c.stalled = false
}

// sendClose sends a close frame, once.
func (c *connection) sendClose(code int, reason string) {
	c.write.Lock()
	defer c.write.Unlock()
	if c.closing {
		return
	}
	c.closing = true
	if !c.stalled { // else the frame would stand in the middle of another
		_, _ = write(c.conn, appendClose(nil, code, reason)) // the client may be gone
	}
}

// close closes the connection from this side.
func (c *connection) close(code int, reason string) {
	c.sendClose(code, reason)
	c.end(code, reason)
}

// end forgets the connection and calls $disconnect, once, whoever closed it.
func (c *connection) end(code int, reason string) {
	c.onceOver.Do(func() {
		defer c.g.live.Done()
		c.g.remove(c)
		c.write.Lock()
		if c.timer != nil {
			c.timer.Stop()
		}
		c.closing = true
		c.write.Unlock()
		_ = c.conn.Close()
		c.g.disconnected(c, code, reason)
	})
}

// clientClose is the client's close frame.
type clientClose struct {
	code   int
	reason string
}

func (e *clientClose) Error() string { return "closed by the client" }

// messageReader puts frames together to messages. control is called for the control frames between them.
type messageReader struct {
	in       io.Reader
	control  func(opcode byte, payload []byte) error
	compress bool // permessage-deflate was agreed on
	header   [14]byte
}

// next gives the next text message. Its errors are [*closeError] where the client must be told.
func (r *messageReader) next() ([]byte, error) {
	var message []byte
	started, packed, checked := false, false, 0
	for {
		h, err := readHeader(r.in, &r.header)
		if err != nil {
			return nil, err
		}
		if err := checkSequence(h, started, r.compress, len(message)); err != nil {
			return nil, err
		}
		payload := make([]byte, h.length)
		if _, err := io.ReadFull(r.in, payload); err != nil {
			return nil, err
		}
		unmask(payload, h.mask)
		if h.opcode >= opClose {
			if err := r.control(h.opcode, payload); err != nil {
				return nil, err
			}
			continue
		}
		if !started {
			message, started, packed = payload, true, h.compressed
		} else {
			message = append(message, payload...)
		}
		if h.final && packed {
			return unpack(message)
		}
		if !packed {
			if checked, err = checkText(message, checked, h.final); err != nil {
				return nil, err
			}
		}
		if h.final {
			return message, nil
		}
	}
}

func unpack(message []byte) ([]byte, error) {
	text, err := inflate(message)
	if err == nil {
		_, err = checkText(text, 0, true)
	}
	return text, err
}

// checkText says whether the message is UTF-8 so far, from the place up to which that is known; a character may still be
// unfinished unless the message is.
func checkText(message []byte, from int, final bool) (int, error) {
	rest := message[from:]
	if utf8.Valid(rest) {
		return len(message), nil
	}
	for n := 1; n < utf8.UTFMax && n <= len(rest) && !final; n++ {
		if whole := len(rest) - n; utf8.RuneStart(rest[whole]) {
			if !utf8.FullRune(rest[whole:]) && utf8.Valid(rest[:whole]) {
				return from + whole, nil
			}
			break
		}
	}
	return 0, &closeError{closeInvalidPayload, "the message is not UTF-8"}
}

// checkSequence holds the rules for the frames of one message, and API Gateway's limits.
func checkSequence(h frameHeader, started, compress bool, size int) error {
	switch {
	case h.compressed && (!compress || started || h.opcode >= opClose):
		return protocolError("reserved bits are set")
	case h.opcode >= opClose:
		return nil
	case h.opcode == opBinary:
		return &closeError{closeUnsupportedData, "Binary frames are not supported"}
	case started && h.opcode != opContinuation:
		return protocolError("a new message begins within another")
	case !started && h.opcode == opContinuation:
		return protocolError("a continuation of nothing")
	case size+int(h.length) > maxMessage:
		return &closeError{closeTooLarge, "Message is too large"}
	}
	return nil
}

// disconnected calls the $disconnect route. Nobody sees its result.
func (g *Gateway) disconnected(c *connection, code int, reason string) {
	routing := g.routes.Load()
	route := routing.routes["$disconnect"]
	if route == nil || g.opts.Chaos.Hit(chaos.LoseDisconnect) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), disconnectTimeout)
	defer cancel()
	g.call(ctx, c, route, c.disconnectEvent(routing, code, reason))
}

// serveMessage runs a message's route and sends what the sender is to see.
func (g *Gateway) serveMessage(c *connection, message []byte) {
	routing := g.routes.Load()
	route := routing.pick(message)
	requestID := newID()
	if route == nil {
		g.observe(context.Background(), Request{Route: "-", Connection: c.id, Status: http.StatusForbidden, Error: "no route"})
		_ = c.send(errorFrame("Forbidden", c.id, requestID)) // the client may be gone
		return
	}
	if !routing.throttles.event(c.stage, route.Key, g.opts.Clock.Now()) {
		g.observe(context.Background(), Request{Route: route.Key, Connection: c.id, Status: http.StatusTooManyRequests, Error: "throttled"})
		_ = c.send(errorFrame(tooManyRequests, c.id, requestID))
		return
	}
	out := g.call(context.Background(), c, route, c.messageEvent(routing, route, message, requestID))
	switch {
	case out.fault != "":
		_ = c.send(errorFrame(out.fault, c.id, requestID))
	case route.RouteResponse && len(out.body) > 0:
		_ = c.send(out.body)
	}
}
