package task

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MaxResult is the most bytes of a result that is stored: DynamoDB's quota of 400 KB for an item, less what else is in it.
const MaxResult = 350 * 1024

const (
	defaultRetention = 7 * 24 * time.Hour // longer than SQS keeps a message that may be delivered again
	casTries         = 50
	taskSort         = "task" // the sort key of a task's record, under its id
)

// Record is what is stored of a task. Its zero value is of a task that is not known.
type Record struct {
	ID        string          `json:"id"`
	Task      string          `json:"task"`
	Root      string          `json:"root,omitempty"` // of a step of a composed call: the call's id
	State     State           `json:"state"`
	Attempts  int             `json:"attempts,omitempty"` // that were begun
	Result    json.RawMessage `json:"result,omitempty"`   // of StateSuccess; of StateProgress what [Progress] was given
	Error     *Failure        `json:"error,omitempty"`    // what may be shown of the last error
	Reason    string          `json:"reason,omitempty"`   // the text of the last error, for operators only
	ReplyTo   string          `json:"replyTo,omitempty"`
	Revoking  bool            `json:"revoking,omitempty"` // it was asked to stop, and runs still
	UpdatedAt time.Time       `json:"updatedAt"`

	Step    int64  `json:"step,omitempty"`    // of the last event
	Run     int    `json:"run,omitempty"`     // how often it came back from the dead-letter queue
	Lease   int64  `json:"lease,omitempty"`   // ms since 1970: until then no other attempt begins
	Claim   string `json:"claim,omitempty"`   // of the attempt that has the lease
	Settled bool   `json:"settled,omitempty"` // its final state was pushed, and what follows from it was done
	Size    int    `json:"size,omitempty"`    // of a group: its members
	Done    []byte `json:"done,omitempty"`    // of a group: a bit for each member that succeeded
	Write   string `json:"write,omitempty"`   // of the last write

	version int64
}

// records keeps records in a store, or none if that is nil.
type records struct {
	store     Store
	now       func() time.Time
	retention time.Duration
}

func (r *records) get(ctx context.Context, id string) (Record, error) {
	it, ok, err := r.store.Get(ctx, id, taskSort)
	if err != nil {
		return Record{}, fmt.Errorf("task: read the record of %s: %w", id, err)
	}
	if !ok || !r.now().Before(it.Expires) {
		return Record{version: it.Version}, nil
	}
	return decodeRecord(it)
}

func decodeRecord(it Item) (Record, error) {
	rec := Record{}
	if err := json.Unmarshal(it.Data, &rec); err != nil {
		return Record{}, fmt.Errorf("task: the record of %s: %w", it.Partition, err)
	}
	rec.version = it.Version
	return rec, nil
}

// put writes a record over the version it was read at. After [ErrConflict] the record is the one that is there. A write
// whose answer got lost and that the SDK sent again is seen to be our own.
func (r *records) put(ctx context.Context, rec Record) (Record, error) {
	now := r.now()
	rec.UpdatedAt, rec.Write = now.UTC().Truncate(time.Millisecond), token()
	data, err := json.Marshal(rec)
	if err != nil {
		return Record{}, fmt.Errorf("task: encode the record of %s: %w", rec.ID, err)
	}
	it, err := r.store.Put(ctx, Item{
		Partition: rec.ID, Sort: taskSort, Version: rec.version, Expires: now.Add(r.retention).Truncate(time.Second), Data: data,
		Label: string(rec.State),
	})
	if err == nil {
		rec.version = it.Version
		return rec, nil
	}
	if !errors.Is(err, ErrConflict) {
		return Record{}, fmt.Errorf("task: write the record of %s: %w", rec.ID, err)
	}
	there := Record{version: it.Version}
	if it.Version > 0 && now.Before(it.Expires) {
		if there, err = decodeRecord(it); err != nil {
			return Record{}, err
		}
	}
	if there.Write == rec.Write {
		return there, nil
	}
	return there, ErrConflict
}

// change applies a function to a record until the write succeeds. The function gets the record as it stands, and says no if
// there is nothing to write; it may be called several times.
func (r *records) change(ctx context.Context, rec Record, f func(rec *Record) bool) (Record, error) {
	for n := range casTries {
		next := rec
		if !f(&next) {
			return next, nil
		}
		stored, err := r.put(ctx, next)
		if err == nil || !errors.Is(err, ErrConflict) {
			return stored, err
		}
		rec = stored
		if err := sleep(ctx, jitter(n)); err != nil {
			return Record{}, err
		}
	}
	return Record{}, fmt.Errorf("task: the record of %s: %w after %d tries", rec.ID, ErrConflict, casTries)
}

// swap applies a function to an item until the write succeeds, as [records.change] does. The item it begins with may be an
// older one than is there.
func (r *records) swap(ctx context.Context, it Item, f func(it *Item) (write bool, err error)) error {
	for n := range casTries {
		next := it
		if write, err := f(&next); err != nil || !write {
			return err
		}
		there, err := r.store.Put(ctx, next)
		if !errors.Is(err, ErrConflict) {
			return err
		}
		there.Partition, there.Sort = it.Partition, it.Sort
		it = there
		if err := sleep(ctx, jitter(n)); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w after %d tries", ErrConflict, casTries)
}

// token is a random text that nobody else has.
func token() string { return rand.Text()[:12] }

// done says whether a task needs no attempt for its run: it is in a final state, and was not redriven since.
func (rec Record) done(run int) bool { return rec.State.Final() && run <= rec.Run }

// held says whether somebody else than a token's owner has the lease.
func (rec Record) held(token string, now time.Time) bool {
	return rec.Lease > now.UnixMilli() && rec.Claim != token
}

// end ends an attempt without a result.
func (rec *Record) end(state State, f *Failure, reason string) {
	rec.State, rec.Error, rec.Reason, rec.Result, rec.Lease = state, f, reason, nil, 0
	rec.Step++
}

func (rec *Record) revoke(reason string) {
	rec.end(StateRevoked, &Failure{Code: codeRevoked, Message: "the task was revoked"}, reason)
}

func (rec *Record) expire() {
	rec.end(StateRevoked, &Failure{Code: codeExpired, Message: "the task expired before it began"}, "expired")
}

// event makes the event of a record's state, as it is pushed.
func (rec Record) event(maxEvent int) Event {
	ev := Event{
		TaskID: rec.ID, Task: rec.Task, Root: rec.Root, State: rec.State, Attempt: rec.Attempts, Step: rec.Step, Error: rec.Error,
	}
	if len(rec.Result) > maxEvent {
		ev.Size = len(rec.Result)
	} else {
		ev.Result = rec.Result
	}
	return ev
}
