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
)

// connectionID is the form of ids. A request for one of another form is a bad request; for one that is not there, gone.
var connectionID = regexp.MustCompile(`^[A-Za-z0-9_=-]{1,128}$`)

func hexID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// serveConnections is the @connections API: POST sends, GET describes, DELETE closes.
func (g *Gateway) serveConnections(w http.ResponseWriter, r *http.Request, id string) {
	w.Header().Set("x-amzn-RequestId", newID())
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
		g.post(w, r, c)
	case http.MethodGet:
		c.describe(w)
	case http.MethodDelete:
		g.remove(c) // a post right after this finds it gone
		go c.close(closeNormal, "Connection Closed Normally")
		w.WriteHeader(http.StatusNoContent)
	default:
		forbidden(w)
	}
}

// gone is AWS's answer for a connection that is not there: the type in a header, and no body.
func gone(w http.ResponseWriter) {
	w.Header().Set("x-amzn-ErrorType", "GoneException")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusGone)
}

func (g *Gateway) post(w http.ResponseWriter, r *http.Request, c *connection) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxMessage+1))
	if err != nil {
		return // the caller is gone
	}
	if len(payload) > maxMessage {
		refuse(w, http.StatusRequestEntityTooLarge, "PayloadTooLargeException", "The data has exceeded the maximum size allowed.")
		return
	}
	frames := appendMessage(make([]byte, 0, len(payload)+64), payload)
	switch err := c.send(frames); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		refuse(w, http.StatusTooManyRequests, "LimitExceededException", "The client does not read.")
	case err != nil:
		gone(w)
	default:
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	}
}

func (c *connection) describe(w http.ResponseWriter) {
	const iso = "2006-01-02T15:04:05.000Z"
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // the caller is gone if this fails
		"connectedAt":  c.connectedAt.UTC().Format(iso),
		"identity":     identity{SourceIP: c.sourceIP, UserAgent: c.userAgent},
		"lastActiveAt": time.UnixMilli(c.active.Load()).UTC().Format(iso),
	})
}
