package task

import (
	"errors"
	"time"
)

type skipError struct{ err error }

func (e *skipError) Error() string { return e.err.Error() }
func (e *skipError) Unwrap() error { return e.err }

// Skip marks an error as final: the task is not tried again.
func Skip(err error) error {
	if err == nil {
		return nil
	}
	return &skipError{err: err}
}

type retryError struct {
	after time.Duration
	err   error
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// RetryIn says when the task should be tried again, if it has an attempt left.
func RetryIn(after time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &retryError{after: after, err: err}
}

type publicError struct{ message string }

func (e *publicError) Error() string { return e.message }

// Public makes an error whose text may be shown to whoever asked for the task. The text of any other error goes to the
// log only.
func Public(message string) error { return &publicError{message: message} }

const (
	codeFailed    = "failed"   // with a message of [Public]
	codeInternal  = "internal" // anything else
	codeRevoked   = "revoked"
	codeExpired   = "expired"
	codeUpstream  = "upstream" // a step before it failed
	codeDied      = "died"     // its worker died in each attempt
	internalError = "the task failed"
)

var (
	errBusy    = errors.New("task: another attempt runs")
	errLimited = errors.New("task: over its rate")
	errLost    = errors.New("task: the attempt took longer than its lease, and another one has begun")
)

// publicOf gives what the one who asked may see of an error.
func publicOf(err error) *Failure {
	var p *publicError
	if errors.As(err, &p) {
		return &Failure{Code: codeFailed, Message: p.message}
	}
	return &Failure{Code: codeInternal, Message: internalError}
}

func isSkip(err error) bool {
	var s *skipError
	return errors.As(err, &s)
}
