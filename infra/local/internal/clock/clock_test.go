package clock_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/disclone/disclone/infra/local/internal/clock"
)

func TestManualCallsInOrder(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := clock.NewManual(start)
	var calls []string
	at := func(name string) func() {
		return func() { calls = append(calls, name+" "+m.Now().Sub(start).String()) }
	}
	m.AfterFunc(2*time.Hour, at("late"))
	stopped := m.AfterFunc(time.Minute, at("stopped"))
	m.AfterFunc(time.Minute, func() { m.AfterFunc(time.Minute, at("chained")) })
	if !stopped.Stop() || stopped.Stop() {
		t.Error("Stop says once that it prevented the call")
	}
	m.Advance(3 * time.Hour)
	if diff := cmp.Diff([]string{"chained 2m0s", "late 2h0m0s"}, calls); diff != "" {
		t.Error(diff)
	}
	if got := m.Now().Sub(start); got != 3*time.Hour {
		t.Errorf("the clock stands at %v", got)
	}
}

func TestFastRunsAhead(t *testing.T) {
	c := clock.Fast(1e6)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	before := c.Now()
	if err := clock.Sleep(ctx, c, time.Hour); err != nil { // 3.6 ms
		t.Fatal(err)
	}
	if passed := c.Now().Sub(before); passed < time.Hour {
		t.Errorf("%v have passed, want an hour at least", passed)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	m := clock.NewManual(time.Now())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- clock.Sleep(ctx, m, time.Hour) }()
	if err := m.AwaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("%v, want context.Canceled", err)
	}
}
