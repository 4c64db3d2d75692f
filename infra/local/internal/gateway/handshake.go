package gateway

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // RFC 6455, section 1.3

// isUpgrade says whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	return hasToken(r.Header, "Connection", "upgrade") && hasToken(r.Header, "Upgrade", "websocket")
}

func hasToken(h http.Header, name, token string) bool {
	for _, line := range h[name] {
		for field := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(field), token) {
				return true
			}
		}
	}
	return false
}

// checkHandshake holds RFC 6455, section 4.2.1. It gives the HTTP status of a refusal, 0 for none.
func checkHandshake(r *http.Request) int {
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-Websocket-Key"))
	switch {
	case !isUpgrade(r):
		return http.StatusUpgradeRequired
	case r.Method != http.MethodGet, !r.ProtoAtLeast(1, 1), err != nil || len(key) != 16:
		return http.StatusBadRequest
	case r.Header.Get("Sec-Websocket-Version") != "13":
		return http.StatusUpgradeRequired
	case len(r.RequestURI) > handshakeReadLimit:
		return http.StatusRequestURITooLong
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		return http.StatusBadRequest // what follows would be read as frames
	}
	return 0
}

// serveHandshake asks $connect whether the client may in, and upgrades the connection only then: until it has
// answered, the client waits.
func (g *Gateway) serveHandshake(w http.ResponseWriter, r *http.Request, routing *routing, stage string) {
	if status := checkHandshake(r); status != 0 {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Version", "13")
		w.Header().Set("Connection", "close") // nothing that follows on this connection is believed
		refuse(w, status, "BadRequestException", http.StatusText(status))
		return
	}
	c := newConnection(g, r, stage)
	if !routing.throttles.connect(stage, g.opts.Clock.Now()) {
		refuse(w, http.StatusTooManyRequests, "TooManyRequestsException", tooManyRequests)
		return
	}
	subprotocol := ""
	if route := routing.routes["$connect"]; route != nil {
		if refused := g.authorize(r, c, routing, route); refused != nil {
			g.opts.Log.Debug("gateway: refused", "connection", c.id, "status", refused.status, "reason", refused.detail)
			refuse(w, refused.status, "", refused.text)
			return
		}
		// A client that goes away while it waits does not stop the function: its $disconnect follows.
		out := g.call(context.WithoutCancel(r.Context()), c, route, c.connectEvent(r, routing))
		if out.status < 200 || out.status > 299 {
			refuse(w, out.status, "", http.StatusText(out.status))
			return
		}
		subprotocol = out.header("Sec-WebSocket-Protocol")
		if !isToken(subprotocol) {
			g.opts.Log.Warn("gateway: $connect answered a Sec-WebSocket-Protocol that is no token", "connection", c.id)
			refuse(w, http.StatusBadGateway, "", internalServerError)
			return
		}
	}
	c.compress = g.opts.Compress && offersDeflate(r.Header)
	g.upgrade(w, r, c, subprotocol)
}

// isToken says whether a text may stand as a subprotocol (RFC 9110, section 5.6.2): nothing in it can end the header.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return true
}

// upgrade answers 101 and starts to serve the connection.
func (g *Gateway) upgrade(w http.ResponseWriter, r *http.Request, c *connection, subprotocol string) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		g.opts.Log.Error("gateway: hijack", "error", err)
		refuse(w, http.StatusInternalServerError, "", "Internal server error")
		return
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + acceptGUID))
	answer := "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\n"
	if subprotocol != "" {
		answer += "Sec-WebSocket-Protocol: " + subprotocol + "\r\n"
	}
	if c.compress {
		answer += "Sec-WebSocket-Extensions: " + extension + "\r\n"
	}
	c.conn, c.early = conn, early(buffered.Reader)
	// Known before the client is: it may be posted to as soon as it has read the 101.
	if !g.add(c) {
		_ = conn.Close()
		return
	}
	_ = conn.SetDeadline(time.Time{})
	if _, err := write(conn, fmt.Appendf(nil, "%s\r\n", answer)); err != nil {
		c.end(closeAbnormal, "")
		return
	}
	c.touch()
	go c.serve() // a goroutine of its own, so that the server's buffers for this request can go
}

// early copies what the client sent together with its handshake.
func early(r *bufio.Reader) []byte {
	n := r.Buffered()
	if n == 0 {
		return nil
	}
	data, _ := r.Peek(n) // cannot fail for what is buffered
	return slices.Clone(data)
}

// write writes data, and says how much of it the client's side has taken.
func write(conn net.Conn, data []byte) (int, error) {
	if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return conn.Write(data)
}
