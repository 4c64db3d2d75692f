package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw is a client that sends what it likes.
type raw struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (f *fixture) raw() *raw {
	f.t.Helper()
	return f.rawWith("")
}

// rawWith connects with further header lines.
func (f *fixture) rawWith(headers string) *raw {
	f.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "GET /prod HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+headers+"\r\n")
	r := &raw{f.t, conn, bufio.NewReader(conn)}
	resp, err := http.ReadResponse(r.in, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Sec-Websocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		f.t.Fatalf("handshake: %v, %v", resp, err)
	}
	return r
}

// frame makes a masked frame.
func frame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{1, 2, 3, 4}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i&3])
	}
	return b
}

func (r *raw) send(frames ...[]byte) {
	_, _ = r.conn.Write(bytes.Join(frames, nil)) // the gateway may have closed
}

// next reads a frame of the gateway.
func (r *raw) next() (first byte, payload []byte) {
	r.t.Helper()
	var h [2]byte
	if _, err := io.ReadFull(r.in, h[:]); err != nil {
		r.t.Fatal(err)
	}
	n := int(h[1])
	if n == 126 {
		var l [2]byte
		_, _ = io.ReadFull(r.in, l[:])
		n = int(binary.BigEndian.Uint16(l[:]))
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(r.in, payload); err != nil {
		r.t.Fatal(err)
	}
	return h[0], payload
}

// J10, A15 and RFC 6455: what closes a connection, and with which code.
func TestCloseCodes(t *testing.T) {
	t.Parallel()
	part := strings.Repeat("x", 32*1024)
	for name, tc := range map[string]struct {
		frames [][]byte
		code   int
	}{
		"binary":                 {[][]byte{frame(0x82, "x")}, 1003},
		"32 KB and 1":            {[][]byte{frame(0x81, part+"x")}, 1009},
		"128 KB and 1":           {[][]byte{frame(0x01, part), frame(0, part), frame(0, part), frame(0, part), frame(0x80, "x")}, 1009},
		"no mask":                {[][]byte{{0x81, 1, 'x'}}, 1002},
		"reserved bit":           {[][]byte{frame(0xC1, "x")}, 1002},
		"unknown opcode":         {[][]byte{frame(0x83, "x")}, 1002},
		"unknown control":        {[][]byte{frame(0x8B, "x")}, 1002},
		"long ping":              {[][]byte{frame(0x89, strings.Repeat("x", 126))}, 1002},
		"fragmented ping":        {[][]byte{frame(0x09, "x")}, 1002},
		"continuation alone":     {[][]byte{frame(0x80, "x")}, 1002},
		"message within another": {[][]byte{frame(0x01, "x"), frame(0x81, "y")}, 1002},
		"not UTF-8":              {[][]byte{frame(0x81, "\xff")}, 1007},
		"not UTF-8, split":       {[][]byte{frame(0x01, "\xc3"), frame(0x80, "x")}, 1007},
		"long form of a length":  {[][]byte{{0x81, 0x80 | 126, 0, 1, 0, 0, 0, 0, 'x'}}, 1002},
		"close of one byte":      {[][]byte{frame(0x88, "x")}, 1002},
		"close 1005":             {[][]byte{frame(0x88, "\x03\xed")}, 1002},
		"close 999":              {[][]byte{frame(0x88, "\x03\xe7")}, 1002},
		"close reason not UTF-8": {[][]byte{frame(0x88, "\x03\xe8\xff")}, 1007},
		"close 1000":             {[][]byte{frame(0x88, "\x03\xe8")}, 1000},
		"close 3000":             {[][]byte{frame(0x88, "\x0b\xb8bye")}, 3000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, map[string]function{"$default": returns(`{"statusCode":200}`), "$disconnect": returns(`{}`)}, nil)
			client := f.raw()
			client.send(tc.frames...)
			first, payload := client.next()
			if first != 0x88 || int(binary.BigEndian.Uint16(payload)) != tc.code {
				t.Fatalf("frame %#x %q, want a close with %d", first, payload, tc.code)
			}
			rc := strict(t, f.inv.event(t, "$disconnect", 1)).RequestContext
			if int(rc.DisconnectStatusCode) != tc.code {
				t.Errorf("$disconnect says %d", rc.DisconnectStatusCode)
			}
			if n := f.inv.count("$default"); n != 0 {
				t.Errorf("%d messages were delivered", n)
			}
		})
	}
}

// J10: exactly 128 KB in four frames is delivered, with a ping answered in its middle.
func TestLargestMessage(t *testing.T) {
	t.Parallel()
	f := start(t, map[string]function{"$default": returns(`{"statusCode":200}`)}, nil)
	client := f.raw()
	part := strings.Repeat("x", 32*1024)
	client.send(frame(0x01, part), frame(0, part), frame(0x89, "now"), frame(0, part), frame(0x80, part))
	if first, payload := client.next(); first != 0x8A || string(payload) != "now" {
		t.Errorf("frame %#x %q, want a pong", first, payload)
	}
	if got := strict(t, f.inv.event(t, "$default", 1)).Body; got != strings.Repeat(part, 4) {
		t.Errorf("%d bytes arrived", len(got))
	}
}

// A14: what $disconnect says of clients that leave without a code.
func TestDisconnectWithoutACode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		leave  func(*raw)
		code   int64
		reason string
	}{
		"empty close": {func(r *raw) { r.send(frame(0x88, "")) }, 1005, "Client-side close frame status not set"},
		"tab closed":  {func(r *raw) { r.send(frame(0x88, "\x03\xe9")) }, 1001, ""},
		"cut":         {func(r *raw) { _ = r.conn.Close() }, 1006, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, map[string]function{"$disconnect": returns(`{}`)}, nil)
			tc.leave(f.raw())
			rc := strict(t, f.inv.event(t, "$disconnect", 1)).RequestContext
			if rc.DisconnectStatusCode != tc.code || *rc.DisconnectReason != tc.reason {
				t.Errorf("%d %q", rc.DisconnectStatusCode, *rc.DisconnectReason)
			}
		})
	}
}

// A18: a ping is answered and does not keep a connection.
func TestPingDoesNotResetIdle(t *testing.T) {
	t.Parallel()
	f := start(t, nil, nil)
	client := f.raw()
	id := f.onlyID()
	before := lastActive(t, f, id)
	for range 50 { // so that it takes some milliseconds, which is what lastActiveAt counts in
		client.send(frame(0x89, "x"))
		if first, _ := client.next(); first != 0x8A {
			t.Fatalf("frame %#x", first)
		}
	}
	if after := lastActive(t, f, id); after != before {
		t.Errorf("lastActiveAt went from %s to %s", before, after)
	}
}

func lastActive(t *testing.T, f *fixture, id string) string {
	t.Helper()
	resp, err := http.Get(f.url + "/prod/@connections/" + id)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	_, last, ok := strings.Cut(string(body), `"lastActiveAt":`)
	if !ok {
		t.Fatalf("%s", body)
	}
	return last
}
