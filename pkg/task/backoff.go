package task

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff gives a random time up to base, doubled with each attempt and at most limit: exponential back-off with full jitter.
func backoff(attempt int, base, limit time.Duration) time.Duration {
	ceiling := limit
	if shift := attempt - 1; shift < 30 && base<<shift < limit {
		ceiling = base << max(shift, 0)
	}
	return time.Duration(rand.Int64N(int64(ceiling) + 1))
}

// jitter is the pause before a write is tried again after others' writes.
func jitter(n int) time.Duration { return backoff(n+1, 2*time.Millisecond, 100*time.Millisecond) }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
