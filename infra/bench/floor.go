package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/coder/websocket"
)

// serveFloor is the floor that the gateway is compared with: a bare WebSocket server that answers each frame itself. It
// runs in a process of its own, as the runtime does, and prints its URL.
func serveFloor(ctx context.Context) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for {
			kind, data, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, data) != nil {
				return
			}
		}
	})}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Fprintf(os.Stdout, "Ready: ws://%s/\n", ln.Addr())
	return server.Serve(ln)
}

// frame sends a frame and waits for one.
func (c *client) frame(ctx context.Context) error {
	if err := c.send(ctx, `{"action":"x","message":"hello"}`); err != nil {
		return err
	}
	_, _, err := c.conn.Read(ctx)
	return err
}
