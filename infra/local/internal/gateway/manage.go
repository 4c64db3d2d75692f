package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"time"

	"github.com/disclone/disclone/infra/local/internal/chaos"
)

// connectionID is the form of ids. A request for one of another form is a bad request; for one that is not there, gone.
var connectionID = regexp.MustCompile(`^[A-Za-z0-9_=-]{1,128}$`)

func hexID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// serveConnections is the @connections API: POST sends, GET describes, DELETE closes.
func (g *Gateway) serveConnections(w http.ResponseWriter, r *http.Request, routing *routing, id string) {
	w.Header().Set("x-amzn-RequestId", newID())
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxMessage+1))
	if err != nil {
		return // the caller is gone
	}
	if err := g.checkSignature(r, payload); err != nil {
		g.opts.Log.Debug("gateway: refused", "connection", id, "action", manageAction, "reason", err)
		forbidden(w)
		return
	}
	g.opts.Chaos.Hop(r.Context())
	if !routing.throttles.callback(g.opts.Clock.Now()) {
		limited(w, "Rate exceeded")
		return
	}
	if !connectionID.MatchString(id) {
		refuse(w, http.StatusBadRequest, "BadRequestException", "Invalid connectionId: "+id)
		return
	}
	c := g.find(id)
	if c == nil {
		gone(w)
		return
	}
	switch r.Method {
	case http.MethodPost:
		g.post(w, r, c, payload)
	case http.MethodGet:
		c.describe(w)
	case http.MethodDelete:
		_ = g.Disconnect(id) // gone already is as good
		w.WriteHeader(http.StatusNoContent)
	default:
		forbidden(w)
	}
}

// limited is AWS's answer to a caller that is too fast, or whose client is too slow.
func limited(w http.ResponseWriter, message string) {
	refuse(w, http.StatusTooManyRequests, "LimitExceededException", message)
}

// gone is AWS's answer for a connection that is not there: the type in a header, and no body.
func gone(w http.ResponseWriter) {
	w.Header().Set("x-amzn-ErrorType", "GoneException")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusGone)
}

func (g *Gateway) post(w http.ResponseWriter, r *http.Request, c *connection, payload []byte) {
	if len(payload) > maxMessage {
		refuse(w, http.StatusRequestEntityTooLarge, "PayloadTooLargeException", "The data has exceeded the maximum size allowed.")
		return
	}
	faults := g.opts.Chaos
	switch {
	case faults.Hit(chaos.Post410):
		gone(w)
		return
	case faults.Hit(chaos.Post429):
		limited(w, "Rate exceeded")
		return
	case faults.Hit(chaos.Post500):
		failed(w)
		return
	}
	faults.Wait(r.Context(), chaos.Reorder)
	switch err := c.send(payload); {
	case errors.Is(err, errStalled), errors.Is(err, os.ErrDeadlineExceeded):
		limited(w, "The client does not read.")
	case err != nil:
		gone(w)
	case faults.Hit(chaos.PostLost):
		failed(w)
	default:
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	}
}

// ErrGone means that no connection of that id is open.
var ErrGone = errors.New("gateway: no such connection")

// Post sends data to a connection, as a post to @connections does. Its error is [ErrGone] for a connection that is not
// open.
func (g *Gateway) Post(id string, data []byte) error {
	c := g.find(id)
	if c == nil {
		return ErrGone
	}
	return c.send(data)
}

// Disconnect closes a connection, as a DELETE of @connections does. Its error is [ErrGone] for a connection that is not open.
func (g *Gateway) Disconnect(id string) error {
	c := g.find(id)
	if c == nil {
		return ErrGone
	}
	g.remove(c) // a post right after this finds it gone
	go c.close(closeNormal, "Connection Closed Normally")
	return nil
}

func failed(w http.ResponseWriter) {
	refuse(w, http.StatusInternalServerError, "InternalServerErrorException", internalServerError)
}

func (c *connection) describe(w http.ResponseWriter) {
	const iso = "2006-01-02T15:04:05.000Z"
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // the caller is gone if this fails
		"connectedAt":  c.connectedAt.UTC().Format(iso),
		"identity":     identity{c.userAgent, c.sourceIP, nil},
		"lastActiveAt": time.UnixMilli(c.active.Load()).UTC().Format(iso),
	})
}
