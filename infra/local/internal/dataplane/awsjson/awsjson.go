// Package awsjson is the AWS JSON 1.0 and 1.1 wire protocol as a server sees it: the operation named in the
// X-Amz-Target header, a strict reader of request bodies, and replies with the headers that SDKs check.
//
// It knows no service. The embedded services are its users; read package dynamodb next.
package awsjson

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
)

// ErrTarget says that a request names no operation of the service asked for.
var ErrTarget = errors.New("awsjson: no operation in X-Amz-Target")

// Error is a fault as it crosses the wire. The zero Status is 400.
type Error struct {
	Type    string // the whole shape name, such as com.amazonaws.dynamodb.v20120810#ResourceNotFoundException
	Message string
	Status  int    // HTTP status; 0 is 400
	Extra   []byte // further JSON members, without braces or a leading comma; may be nil
}

// Error gives the code and the message.
func (e *Error) Error() string { return e.Code() + ": " + e.Message }

// Code is the error code: the part of Type after the number sign.
func (e *Error) Code() string {
	if i := strings.LastIndexByte(e.Type, '#'); i >= 0 {
		return e.Type[i+1:]
	}
	return e.Type
}

// Target splits the X-Amz-Target header, DynamoDB_20120810.PutItem, into service and operation.
// It returns [ErrTarget] when the header has no such form.
func Target(r *http.Request) (service, operation string, err error) {
	service, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !ok || service == "" || operation == "" {
		return "", "", ErrTarget
	}
	return service, operation, nil
}

// Write sends a JSON body with a request id, unless the header has one already, and its CRC-32 checksum, which SDKs
// verify. contentType is application/x-amz-json-1.0 or -1.1.
func Write(w http.ResponseWriter, contentType string, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if h.Get("X-Amzn-Requestid") == "" {
		h.Set("X-Amzn-Requestid", requestID())
	}
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left gets nothing, and there is nobody to tell
}

// WriteError sends err. An error that is no *Error becomes an InternalServerError with status 500.
func WriteError(w http.ResponseWriter, contentType string, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Type: "InternalServerError", Message: fmt.Sprint(err), Status: http.StatusInternalServerError}
	}
	body := append([]byte(`{"__type":`), AppendString(nil, e.Type)...)
	body = append(append(body, `,"message":`...), AppendString(nil, e.Message)...)
	if len(e.Extra) > 0 {
		body = append(append(body, ','), e.Extra...)
	}
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	Write(w, contentType, status, append(body, '}'))
}

// requestID has the form of the real one: 52 upper-case letters and digits.
func requestID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	var b [52]byte
	for i := 0; i < len(b); i += 4 {
		v := rand.Uint32() // an id, not a secret
		b[i], b[i+1], b[i+2], b[i+3] = letters[v&31], letters[v>>5&31], letters[v>>10&31], letters[v>>15&31]
	}
	return string(b[:])
}
