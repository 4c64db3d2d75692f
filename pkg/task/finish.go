package task

import (
	"context"
	"errors"
	"fmt"
)

// finish writes what became of an attempt, and has what follows from it done. The write comes first: whoever gets the
// message again after it does not run the task, but only does what follows.
func (j *job) finish(ctx context.Context, rec Record, result []byte, failed error) Outcome {
	claim := rec.Claim
	decide := func(rec *Record) bool {
		if rec.Claim != claim || rec.State.Final() {
			return false
		}
		j.decide(rec, result, failed)
		return true
	}
	var err error
	if j.stored() {
		rec, err = j.client.change(ctx, rec, decide)
	} else {
		decide(&rec)
	}
	switch {
	case err != nil:
		return j.again(errors.Join(failed, err))
	case rec.Claim != claim:
		return j.again(errLost)
	case rec.State == StateRetry:
		if err := j.reply(ctx, rec); err != nil {
			j.opts.Log.Warn("task: push", "id", j.ID, "state", rec.State, "error", err)
		}
		return j.retry(rec, failed)
	}
	return j.settle(ctx, rec)
}

// decide gives a record the state that an attempt ends in.
func (j *job) decide(rec *Record, result []byte, failed error) {
	lease := rec.Lease
	switch {
	case failed == nil:
		rec.State, rec.Result, rec.Error, rec.Reason = StateSuccess, result, nil, ""
		rec.Step++
	case rec.Revoking || errors.Is(failed, ErrRevoked):
		rec.revoke(failed.Error())
	case isSkip(failed) || rec.Attempts >= j.limit():
		rec.end(StateFailure, publicOf(failed), failed.Error())
	default:
		rec.end(StateRetry, publicOf(failed), failed.Error())
	}
	rec.Reason = shorten(rec.Reason)
	rec.Settled = rec.State.Final() && !j.followed(*rec)
	if rec.Lease = 0; rec.State.Final() && !rec.Settled {
		rec.Lease = lease // until it is settled
	}
}

// followed says whether anything follows from a final state.
func (j *job) followed(rec Record) bool {
	return j.replier != nil && j.ReplyTo != "" || j.Next != nil || rec.State != StateSuccess && j.OnError != nil
}

const maxReason = 1000 // bytes of an error's text that are kept

func shorten(s string) string { return s[:min(len(s), maxReason)] }

func (j *job) retry(rec Record, failed error) Outcome {
	out := Outcome{Err: failed, RetryAfter: backoff(rec.Attempts, j.opts.Backoff, j.opts.MaxBackoff)}
	var when *retryError
	if errors.As(failed, &when) {
		out.RetryAfter = when.after
	}
	return out
}

// settle does what follows from a final state, and notes that it was done: the next step is enqueued, the event is pushed.
// All of it may be done a second time after a crash: the next step has the same id then, and the event the same Step.
func (j *job) settle(ctx context.Context, rec Record) Outcome {
	if err := j.followUp(ctx, rec); err != nil {
		if !j.stored() && rec.State == StateFailure {
			return j.dead(rec)
		}
		return j.again(errors.Join(err, j.release(ctx, rec)))
	}
	if rec.State == StateFailure {
		return j.dead(rec)
	}
	return Outcome{}
}

func (j *job) followUp(ctx context.Context, rec Record) error {
	if rec.Settled {
		return nil
	}
	if err := j.follow(ctx, rec); err != nil {
		return err
	}
	if err := j.reply(ctx, rec); err != nil {
		return err
	}
	return j.settled(ctx, rec)
}

// release gives the lease back, so that the next delivery need not wait for its end.
func (j *job) release(ctx context.Context, rec Record) error {
	if !j.stored() {
		return nil
	}
	_, err := j.client.change(ctx, rec, func(cur *Record) bool {
		held := cur.Claim == rec.Claim && cur.Lease > 0
		cur.Lease = 0
		return held
	})
	return err
}

func (j *job) dead(rec Record) Outcome {
	return Outcome{Err: fmt.Errorf("task: %s failed: %s", rec.Task, rec.Reason), Dead: true}
}

func (j *job) settled(ctx context.Context, rec Record) error {
	if !j.stored() {
		return nil
	}
	_, err := j.client.change(ctx, rec, func(rec *Record) bool {
		if rec.Settled || !rec.State.Final() {
			return false
		}
		rec.Settled, rec.Lease = true, 0
		return true
	})
	return err
}

// reply pushes the event of a record's state.
func (w *Worker) reply(ctx context.Context, rec Record) error {
	if w.replier == nil || rec.ReplyTo == "" {
		return nil
	}
	if err := w.replier.Reply(ctx, rec.ReplyTo, rec.event(w.opts.MaxEvent)); err != nil {
		return fmt.Errorf("task: reply of %s: %w", rec.Task, err)
	}
	return nil
}
