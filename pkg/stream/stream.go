// Package stream is a durable, ordered log for each name: what was appended is read again in the same order by everybody,
// with sequence numbers that count 1, 2, 3 and so on. It makes messages exactly once and in order for a client on a
// transport that promises neither: the client keeps the number up to which it has everything, drops what it has, and asks
// for what it misses.
//
// Appending is idempotent by an id that the client chooses, so that it can try again after an answer that it never saw.
//
// A number is taken before its entry is written. A writer that dies in between leaves a hole; a reader that comes to a
// hole which the next entry's age says is no longer being written fills it, so that no late writer can, and goes on. A
// young hole ends the page instead: what comes after it is given once it is filled, so nothing is ever read out of order.
//
// The log is not a queue and pushes nothing; package channel delivers.
package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// MaxData is the most bytes of an entry's data: with the rest of the entry well under DynamoDB's 400 KB an item, and
	// more than a WebSocket frame holds.
	MaxData = 64 * 1024
	// MaxName is the most bytes of a stream's name and of an id.
	MaxName = 256
	// MaxPage is the most entries of a page.
	MaxPage = 500

	defaultRetention = 30 * 24 * time.Hour
	defaultGrace     = 2 * time.Second
	maxTries         = 10 // numbers that one append takes before it gives up
	maxFill          = 16 // holes that one read fills
)

var (
	// ErrTooLarge means that an entry has more than MaxData bytes.
	ErrTooLarge = errors.New("stream: entry too large")
	// ErrBadName means that a stream's name or an id is empty or longer than MaxName bytes.
	ErrBadName = errors.New("stream: bad name")
	// ErrContended means that readers took each number that an append had before it could write: the store is very slow.
	ErrContended = errors.New("stream: contended")
	// ErrTaken is a store's answer to the number of an entry that is there.
	ErrTaken = errors.New("stream: number taken")
	// ErrDuplicate is a store's answer to an id that was appended before.
	ErrDuplicate = errors.New("stream: id taken")
)

// Entry is one entry of a stream.
type Entry struct {
	Seq  int64     // from 1
	ID   string    // what the appender chose; "" for a hole that was filled
	At   time.Time // when it was appended, by the appender's clock, in milliseconds
	Data []byte
}

// hole says whether the entry only fills a hole.
func (e Entry) hole() bool { return e.ID == "" }

// Query selects entries of a stream: those with After < Seq, and Seq < Before unless Before is 0.
type Query struct {
	After, Before int64
	Limit         int
	Latest        bool // the last ones rather than the first; they come in descending order
}

// Store keeps entries. package stream/dynamo has one for DynamoDB; [NewMemory] makes another. It is safe for concurrent
// use. Its reads see every write that was acknowledged before.
type Store interface {
	// Next takes the next number of a stream. No number is given twice.
	Next(ctx context.Context, stream string) (int64, error)
	// Put writes an entry and remembers its id, both or neither, until expires. Its error is [ErrTaken] for a number that
	// is there and [ErrDuplicate] for an id that is remembered. An entry without an id has none to remember.
	Put(ctx context.Context, stream string, e Entry, expires time.Time) error
	// Find gives the entry of an id, and no if there is none.
	Find(ctx context.Context, stream, id string) (Entry, bool, error)
	// Range gives entries, holes that were filled included.
	Range(ctx context.Context, stream string, q Query) ([]Entry, error)
}

// Options are the optional parts of a [Log]. The zero value is ready to use.
type Options struct {
	Retention time.Duration    // how long entries are kept; 30 days if 0
	Grace     time.Duration    // how long a number may be taken before its entry is there; 2 s if 0
	Now       func() time.Time // the clock; time.Now if nil
}

// Log is all streams of a store. It is safe for concurrent use.
type Log struct {
	store Store
	opts  Options
}

// New makes a log over a store.
func New(store Store, opts *Options) *Log {
	l := &Log{store: store}
	if opts != nil {
		l.opts = *opts
	}
	l.opts.Retention = cmp.Or(l.opts.Retention, defaultRetention)
	l.opts.Grace = cmp.Or(l.opts.Grace, defaultGrace)
	if l.opts.Now == nil {
		l.opts.Now = time.Now
	}
	return l
}

// Append appends data under an id. For an id that was appended before it gives that entry, and says that it is not new;
// its data is the first's. Of several that append the same id at the same time one wins. Its errors are [ErrTooLarge],
// [ErrBadName], [ErrContended] and the store's.
func (l *Log) Append(ctx context.Context, stream, id string, data []byte) (e Entry, isNew bool, err error) {
	if err := check(stream, id); err != nil {
		return Entry{}, false, err
	}
	if len(data) > MaxData {
		return Entry{}, false, fmt.Errorf("%w: %d bytes, more than %d", ErrTooLarge, len(data), MaxData)
	}
	for range maxTries {
		seq, err := l.store.Next(ctx, stream)
		if err != nil {
			return Entry{}, false, fmt.Errorf("stream: append to %s: %w", stream, err)
		}
		now := l.opts.Now().Truncate(time.Millisecond)
		e := Entry{Seq: seq, ID: id, At: now, Data: data}
		err = l.store.Put(ctx, stream, e, now.Add(l.opts.Retention))
		switch {
		case err == nil:
			return e, true, nil
		case errors.Is(err, ErrTaken): // a reader filled it: we were too slow
			continue
		case errors.Is(err, ErrDuplicate):
			return l.duplicate(ctx, stream, e)
		}
		return Entry{}, false, fmt.Errorf("stream: append to %s: %w", stream, err)
	}
	return Entry{}, false, fmt.Errorf("%w: %s", ErrContended, stream)
}

// duplicate gives the entry that was appended under the id before. The number that was taken for nothing is filled, so
// that no reader has to wait for it.
func (l *Log) duplicate(ctx context.Context, stream string, e Entry) (Entry, bool, error) {
	if err := l.fill(ctx, stream, e.Seq); err != nil {
		return Entry{}, false, err
	}
	before, ok, err := l.store.Find(ctx, stream, e.ID)
	if err == nil && !ok {
		err = errors.New("its id is taken and its entry is gone")
	}
	if err != nil {
		return Entry{}, false, fmt.Errorf("stream: append to %s: %w", stream, err)
	}
	return before, false, nil
}

// fill makes a number that nobody wrote one that nobody can write.
func (l *Log) fill(ctx context.Context, stream string, seq int64) error {
	now := l.opts.Now().Truncate(time.Millisecond)
	err := l.store.Put(ctx, stream, Entry{Seq: seq, At: now}, now.Add(l.opts.Retention))
	if err != nil && !errors.Is(err, ErrTaken) { // its writer was faster: as good
		return fmt.Errorf("stream: fill %d of %s: %w", seq, stream, err)
	}
	return nil
}

func check(names ...string) error {
	for _, name := range names {
		if name == "" || len(name) > MaxName {
			return fmt.Errorf("%w: %d bytes; want 1 to %d", ErrBadName, len(name), MaxName)
		}
	}
	return nil
}

// Page is a part of a stream, in order.
type Page struct {
	Entries []Entry
	// Seq is the number up to which the page says everything: it may be beyond the last entry, where holes follow. It is
	// what the next Since goes on from.
	Seq int64
	// Lost says that there was more after the number that was asked for, and that it is no longer kept: whoever has the
	// stream up to that number must begin anew, with Latest.
	Lost bool
	// More says that the stream goes on, or will in a moment.
	More bool

	first int64 // the number of the first entry or hole that was read
}

// Since gives at most limit entries after a number, 0 for the beginning. limit is 1 to MaxPage. It asks for the entry of
// that number too: while that is there, nothing after it has expired.
func (l *Log) Since(ctx context.Context, stream string, after int64, limit int) (Page, error) {
	if err := check(stream); err != nil {
		return Page{}, err
	}
	limit = clamp(limit)
	if after <= 0 {
		return l.read(ctx, stream, Query{Limit: limit})
	}
	page, err := l.read(ctx, stream, Query{After: after - 1, Limit: limit + 1})
	if err != nil || page.first != after {
		return Page{Seq: after, Lost: err == nil}, err
	}
	if len(page.Entries) > 0 && page.Entries[0].Seq == after {
		page.Entries = page.Entries[1:]
	}
	return page, nil
}

// Latest gives the last entries of a stream, at most limit, oldest first.
func (l *Log) Latest(ctx context.Context, stream string, limit int) (Page, error) {
	return l.Before(ctx, stream, 0, limit)
}

// Before gives the last entries before a number, at most limit, oldest first. Before 0 are the latest.
func (l *Log) Before(ctx context.Context, stream string, before int64, limit int) (Page, error) {
	if err := check(stream); err != nil {
		return Page{}, err
	}
	limit = clamp(limit)
	last, err := l.store.Range(ctx, stream, Query{Before: before, Limit: limit, Latest: true})
	if err != nil {
		return Page{}, fmt.Errorf("stream: read %s: %w", stream, err)
	}
	if len(last) == 0 {
		return Page{}, nil
	}
	first := last[len(last)-1].Seq
	page, err := l.read(ctx, stream, Query{After: first - 1, Before: before, Limit: limit})
	page.More = page.More && before == 0
	return page, err
}

func clamp(limit int) int { return min(max(limit, 1), MaxPage) }

// read reads in ascending order, filling old holes on the way.
func (l *Log) read(ctx context.Context, stream string, q Query) (Page, error) {
	for range maxTries {
		entries, err := l.store.Range(ctx, stream, q)
		if err != nil {
			return Page{}, fmt.Errorf("stream: read %s: %w", stream, err)
		}
		page, filled, err := l.page(ctx, stream, q, entries)
		if err != nil {
			return Page{}, err
		}
		if !filled {
			return page, nil
		}
	}
	return Page{Seq: q.After, More: true}, nil // its writers keep coming at the last moment; the next read sees more
}

// page makes a page of what was read. It says whether it had to fill a hole, whose writer may have been faster: then the
// read begins again.
func (l *Log) page(ctx context.Context, stream string, q Query, entries []Entry) (p Page, filled bool, err error) {
	p.Seq = q.After
	for _, e := range entries {
		if p.first == 0 {
			p.first = e.Seq
		}
		missing := e.Seq - p.Seq - 1
		switch {
		case missing == 0:
		case l.opts.Now().Sub(e.At) < l.opts.Grace: // its writers may be on their way
			p.More = true
			return p, false, nil
		case missing > maxFill: // the beginning has expired, or the store has lost a part
			p.Lost = p.Seq > q.After
		default:
			for seq := p.Seq + 1; seq < e.Seq; seq++ {
				if err := l.fill(ctx, stream, seq); err != nil {
					return p, false, err
				}
			}
			return p, true, nil
		}
		p.Seq = e.Seq
		if !e.hole() {
			p.Entries = append(p.Entries, e)
		}
	}
	p.More = len(entries) == q.Limit
	return p, false, nil
}
