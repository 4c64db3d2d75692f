package ws

import (
	"errors"
	"fmt"
	"net/http"
)

// Code says what kind of error it was, for the client's program. A code that is not among the ones below is shown to
// the client too, and has status 500.
type Code string

// The codes, each with the HTTP status that it becomes. On $connect this is the status the handshake is refused with.
const (
	CodeBadRequest      Code = "bad_request"     // 400: the message is wrong; sending it again does not help
	CodeTooLarge        Code = "too_large"       // 413: the message is over a limit
	CodeUnauthenticated Code = "unauthenticated" // 401: who is it?
	CodeForbidden       Code = "forbidden"       // 403: not allowed
	CodeNotFound        Code = "not_found"       // 404: what the message names does not exist
	CodeUnknownAction   Code = "unknown_action"  // 400: no route has this action
	CodeThrottled       Code = "throttled"       // 429: too much; try again later
	CodeConflict        Code = "conflict"        // 409: somebody else was first
	CodeUnavailable     Code = "unavailable"     // 503: a part is down; try again later
	CodeInternal        Code = "internal"        // 500: a fault of the server; its text is in the log only
)

// internalMessage is what a client sees of an error that has no code.
const internalMessage = "internal error"

// Status gives the HTTP status of a code; 500 for one that is not in the set.
func (c Code) Status() int {
	switch c {
	case CodeBadRequest, CodeUnknownAction:
		return http.StatusBadRequest
	case CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case CodeUnauthenticated:
		return http.StatusUnauthorized
	case CodeForbidden:
		return http.StatusForbidden
	case CodeNotFound:
		return http.StatusNotFound
	case CodeThrottled:
		return http.StatusTooManyRequests
	case CodeConflict:
		return http.StatusConflict
	case CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Error is the one error that a client sees: its Code and its Message, word for word. What it wraps goes to the log
// only.
type Error struct {
	Code    Code
	Message string
	err     error
}

// Errorf makes an [*Error]. The client sees the formatted text, so it must be safe to show: no text of other errors.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an [*Error] around err. The client sees the formatted text only; err is for the log and for [errors.Is].
func Wrap(code Code, err error, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), err: err}
}

// Error gives the code, the message and the cause, for logs.
func (e *Error) Error() string {
	if e.err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap gives the cause; nil if there is none.
func (e *Error) Unwrap() error { return e.err }

// CodeOf gives the code of the first [Error] in err's chain, "" for nil, and [CodeInternal] for an error without one.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return public(err).Code
}

// public gives what a client may see of an error.
func public(err error) *Error {
	var e *Error
	if errors.As(err, &e) && e.Code != CodeInternal {
		return e
	}
	return &Error{Code: CodeInternal, Message: internalMessage, err: err}
}
