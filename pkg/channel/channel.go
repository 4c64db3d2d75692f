package channel

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

const (
	// MaxPayload is the most bytes of one payload: API Gateway's quota of 128 KB for a message.
	MaxPayload = 128 * 1024
	// MaxName is the most characters in the name of a channel or a group. Django Channels allows 99.
	MaxName = 128
)

// The errors that callers tell apart, with [errors.Is].
var (
	// ErrGone means that the connection is closed, or never was. The layer has dropped it.
	ErrGone = errors.New("channel: gone")
	// ErrThrottled means that the platform takes no more at the moment: the account's request rate is used up, or the
	// client reads too slowly. The layer has tried again for as long as its options allow.
	ErrThrottled = errors.New("channel: throttled")
	// ErrTooLarge means that the payload has more than MaxPayload bytes.
	ErrTooLarge = errors.New("channel: payload too large")
	// ErrNotText means that the payload is not UTF-8. API Gateway sends text frames only.
	ErrNotText = errors.New("channel: payload is not UTF-8 text")
	// ErrBadName means that a name is empty, longer than MaxName, or has a character that is not an ASCII letter, a
	// digit or one of - _ . =
	ErrBadName = errors.New("channel: bad name")
)

// Member is one channel of a group.
type Member struct {
	Channel string
	Expires time.Time // the membership is over from then on; the zero time is never
}

// Store keeps memberships. Its methods may be called concurrently. The layer passes valid names only, filters what is
// expired, and wraps errors; a store returns its own, and ctx's if that ended.
type Store interface {
	// Add puts a channel into a group until expires, rounded up to the store's precision. If it is in the group
	// already, only expires changes. When Add has returned, Members sees it.
	Add(ctx context.Context, group, channel string, expires time.Time) error
	// Remove takes a channel out of a group. Not being in it is no error.
	Remove(ctx context.Context, group, channel string) error
	// RemoveAll takes a channel out of every group. Being in none is no error. It may miss a membership that was added
	// a moment ago.
	RemoveAll(ctx context.Context, channel string) error
	// Members gives a page of a group: at most limit members, in the order of their names' bytes, from the first name
	// that is not less than from. next is the from of the following page, and "" after the last; a page may have fewer
	// members than limit, even none, and still have a next. Expired members may be among them. A group that nobody is
	// in has no members; it is no error.
	Members(ctx context.Context, group, from string, limit int) (members []Member, next string, err error)
}

// Poster delivers to one channel. It may be called concurrently.
type Poster interface {
	// Post delivers a payload, once or not at all: it must not try again by itself after the payload may have gone
	// out. It must not keep or change the payload. The errors ErrGone, ErrThrottled and ErrTooLarge, also wrapped,
	// mean something to the layer; any other is a failure of this post only.
	Post(ctx context.Context, channel string, payload []byte) error
}

// PosterFunc is a function as a [Poster].
type PosterFunc func(ctx context.Context, channel string, payload []byte) error

// Post calls f.
func (f PosterFunc) Post(ctx context.Context, channel string, payload []byte) error {
	return f(ctx, channel, payload)
}

// CheckName gives an error that is [ErrBadName] if name cannot be the name of a channel or a group.
func CheckName(name string) error {
	if name == "" || len(name) > MaxName {
		return fmt.Errorf("%w: %d characters, must be 1 to %d", ErrBadName, len(name), MaxName)
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return fmt.Errorf("%w: %q has a character that is not allowed", ErrBadName, name)
		}
	}
	return nil
}

func nameByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '_' || c == '.' || c == '='
}

func checkNames(names ...string) error {
	for _, name := range names {
		if err := CheckName(name); err != nil {
			return err
		}
	}
	return nil
}

func checkPayload(payload []byte) error {
	switch {
	case len(payload) > MaxPayload:
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(payload), MaxPayload)
	case !utf8.Valid(payload):
		return ErrNotText
	}
	return nil
}
