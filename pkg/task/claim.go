package task

import (
	"context"
	"fmt"
	"time"
)

// stepsPerAttempt keeps the events of one attempt apart from those of the next, whatever became of the first one's worker.
const stepsPerAttempt = 1000

// claim begins an attempt: until its lease ends no other begins. If the record it gives is final there is nothing to run,
// and perhaps something to settle, which the lease is for as well. Its error is errBusy while another attempt has the lease.
func (j *job) claim(ctx context.Context) (Record, error) {
	if !j.stored() {
		return j.unstored(), nil
	}
	token := token()
	now := j.client.now()
	lease := now.Add(j.opts.Lease)
	if deadline, ok := ctx.Deadline(); ok {
		lease = now.Add(time.Until(deadline))
	}
	rec := Record{}
	if j.Tracked {
		rec = Record{ID: j.ID, Task: j.Task, Root: j.Root, State: StatePending, version: 1} // as track wrote it
	}
	revoked, err := j.rootRevoked(ctx)
	if err != nil {
		return Record{}, err
	}
	rec, err = j.client.change(ctx, rec, func(rec *Record) bool {
		done := rec.done(j.Run)
		if done && rec.Settled || rec.held(token, now) {
			return false
		}
		if !done {
			rec.Revoking = rec.Revoking || revoked
			j.attempt(rec, now)
		}
		rec.Lease, rec.Claim = lease.UnixMilli(), token
		return true
	})
	if err == nil && rec.Claim != token && !(rec.done(j.Run) && rec.Settled) {
		err = errBusy
	}
	return rec, err
}

// unstored is the record of a task that nothing is stored of.
func (j *job) unstored() Record {
	rec := Record{ID: j.ID, Task: j.Task, Root: j.Root, ReplyTo: j.ReplyTo, State: StateStarted, Attempts: j.receives}
	if j.late(j.client.now()) {
		rec.expire()
	}
	return rec
}

// attempt makes a record the record of one more attempt, or of a task that must not have one.
func (j *job) attempt(rec *Record, now time.Time) {
	rec.ID, rec.Task, rec.Root, rec.ReplyTo = j.ID, j.Task, j.Root, j.ReplyTo
	if rec.Attempts > 0 || rec.Step > 0 {
		rec.Step = (rec.Step/stepsPerAttempt + 1) * stepsPerAttempt
	}
	if back := j.Run > rec.Run || j.receives == 1 && rec.Attempts >= j.limit(); back { // from the dead-letter queue
		rec.Run, rec.Attempts = j.Run, 0
	}
	rec.Settled, rec.Result, rec.Error, rec.Lease, rec.Size, rec.Done = false, nil, nil, 0, 0, nil
	switch {
	case rec.Revoking:
		rec.revoke("revoked")
	case rec.Attempts == 0 && j.late(now):
		rec.expire()
	case rec.Attempts >= j.limit():
		rec.end(StateFailure, &Failure{Code: codeDied, Message: internalError}, fmt.Sprintf("the worker died in each of %d attempts; the last error it reported: %q", rec.Attempts, rec.Reason))
	default:
		rec.State = StateStarted
		rec.Attempts++
	}
}

func (j *job) late(now time.Time) bool { return j.Expires != nil && now.After(*j.Expires) }

// rootRevoked says whether the composed call that this is a later step of was revoked.
func (j *job) rootRevoked(ctx context.Context) (bool, error) {
	if j.Root == "" || j.Root == j.ID {
		return false, nil
	}
	root, err := j.client.get(ctx, j.Root)
	return root.Revoking, err
}
