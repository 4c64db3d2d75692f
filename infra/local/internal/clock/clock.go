// Package clock is the time that the local runtime waits by: the real one, one that runs faster, so that two hours last
// two minutes, or, in tests, one that stands still until it is moved.
//
// What the runtime waits for goes by it: idle and maximum connection times, visibility timeouts, delays, batching
// windows, expiry of items, schedules. What code needs to run does not: the timeouts of functions and integrations are
// real ones, since a function on this machine does not run faster.
package clock

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Clock tells and measures time. It is safe for concurrent use.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f in a goroutine of its own when d has passed.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is one call to come.
type Timer interface {
	// Stop prevents the call. It says whether it still could.
	Stop() bool
}

// Real is the machine's clock.
func Real() Clock { return realClock{} }

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

// Fast gives a clock that starts now and runs speed times as fast as the machine's. A speed of 1 or less is [Real].
func Fast(speed float64) Clock {
	if speed <= 1 {
		return Real()
	}
	return fast{start: time.Now(), speed: speed}
}

type fast struct {
	start time.Time
	speed float64
}

func (f fast) Now() time.Time {
	return f.start.Add(time.Duration(float64(time.Since(f.start)) * f.speed))
}

func (f fast) AfterFunc(d time.Duration, call func()) Timer {
	return time.AfterFunc(time.Duration(float64(d)/f.speed), call)
}

// Sleep waits until d has passed on the clock, or ctx has ended, and then gives ctx's error.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	done := make(chan struct{})
	timer := c.AfterFunc(d, func() { close(done) })
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Manual is a clock that stands still until [Manual.Advance] moves it. It is for tests.
type Manual struct {
	mu      sync.Mutex
	now     time.Time
	timers  []*manualTimer
	changed chan struct{} // closed and replaced when a timer is set
}

type manualTimer struct {
	clock *Manual
	at    time.Time
	call  func()
}

// NewManual gives a clock that stands at now.
func NewManual(now time.Time) *Manual { return &Manual{now: now, changed: make(chan struct{})} }

// Now gives the time that the clock stands at.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// AfterFunc calls f when Advance has moved the clock by d.
func (m *Manual) AfterFunc(d time.Duration, f func()) Timer {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &manualTimer{clock: m, at: m.now.Add(d), call: f}
	m.timers = append(m.timers, t)
	close(m.changed)
	m.changed = make(chan struct{})
	return t
}

func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	i := slices.Index(t.clock.timers, t)
	if i < 0 {
		return false
	}
	t.clock.timers = slices.Delete(t.clock.timers, i, i+1)
	return true
}

// Advance moves the clock by d, stopping at each timer on the way in the order of their times. The calls have returned
// when Advance returns.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	end := m.now.Add(d)
	m.mu.Unlock()
	for {
		t := m.take(end)
		if t == nil {
			return
		}
		t.call()
	}
}

// take moves the clock to the next timer up to end, or to end if there is none.
func (m *Manual) take(end time.Time) *manualTimer {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := -1
	for i, t := range m.timers {
		if !t.at.After(end) && (next < 0 || t.at.Before(m.timers[next].at)) {
			next = i
		}
	}
	if next < 0 {
		m.now = end
		return nil
	}
	t := m.timers[next]
	m.timers = slices.Delete(m.timers, next, next+1)
	if t.at.After(m.now) {
		m.now = t.at
	}
	return t
}

// AwaitTimers waits until at least n timers are set, or ctx has ended.
func (m *Manual) AwaitTimers(ctx context.Context, n int) error {
	for {
		m.mu.Lock()
		set, changed := len(m.timers), m.changed
		m.mu.Unlock()
		if set >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
