// Package chaos decides which faults the local runtime injects, and when. Each kind of fault has a rate and a random
// sequence of its own from one seed: with the same seed the nth decision of a kind is the same, whatever the other kinds
// do, so a run repeats as far as its own concurrency does.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is a kind of fault.
type Fault string

// The kinds of faults. Their rates are probabilities from 0 to 1.
const (
	LoseDisconnect Fault = "lose-disconnect"   // $disconnect is not called: AWS calls it with best effort only
	Reorder        Fault = "reorder"           // a frame of a connection, in or out, waits while others pass
	Cut            Fault = "cut"               // a connection is closed with 1001 after one of its frames
	Post410        Fault = "post-410"          // a post finds the connection gone, though it is there
	Post429        Fault = "post-429"          // a post is throttled
	Post500        Fault = "post-500"          // a post fails, before anything was sent
	PostLost       Fault = "post-lost"         // a post fails after the frame was sent
	Kill           Fault = "kill"              // a function's process is killed in the middle of an invocation
	Cold           Fault = "cold"              // an invocation starts a new process
	DuplicateSQS   Fault = "duplicate-sqs"     // a batch is delivered again after it was handled
	DelaySQS       Fault = "delay-sqs"         // a batch waits before it is delivered
	ThrottleDB     Fault = "throttle-dynamodb" // a request to read or write items is throttled
	ThrottleSQS    Fault = "throttle-sqs"      // a request to send, receive, change or delete messages is throttled
)

// Faults gives all kinds in a fixed order.
func Faults() []Fault {
	return []Fault{LoseDisconnect, Reorder, Cut, Post410, Post429, Post500, PostLost, Kill, Cold, DuplicateSQS, DelaySQS, ThrottleDB, ThrottleSQS}
}

// longestWait is the longest wait of one reordered or delayed thing.
const longestWait = 50 * time.Millisecond

// ErrInvalid means that a fault or its rate is none.
var ErrInvalid = errors.New("chaos: invalid")

// Chaos decides. A nil Chaos injects nothing. It is safe for concurrent use.
type Chaos struct {
	seed   uint64
	active atomic.Bool // some rate is not 0: without one a decision costs nothing

	mu       sync.Mutex
	latency  time.Duration
	rates    map[Fault]float64
	sequence map[Fault]*rand.Rand
	injected map[Fault]int
}

// New makes a Chaos without faults.
func New(seed uint64) *Chaos {
	c := &Chaos{seed: seed, rates: map[Fault]float64{}, sequence: map[Fault]*rand.Rand{}, injected: map[Fault]int{}}
	for _, f := range Faults() {
		h := fnv.New64a()
		_, _ = h.Write([]byte(f)) // never fails
		c.sequence[f] = rand.New(rand.NewPCG(seed, h.Sum64()))
	}
	return c
}

// Parse reads "seed=1,latency=20ms,kill=0.01,post-410=0.05". Without a seed it takes one of its own.
func Parse(text string) (*Chaos, error) {
	seed := rand.Uint64N(1_000_000)
	values := map[string]string{}
	for field := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if !ok {
			return nil, fmt.Errorf("%w: %q: want name=value", ErrInvalid, field)
		}
		values[key] = value
	}
	if s, ok := values["seed"]; ok {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: seed %q: want a whole number", ErrInvalid, s)
		}
		seed = n
		delete(values, "seed")
	}
	c := New(seed)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if err := c.set(key, values[key]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Chaos) set(key, value string) error {
	if key == "latency" {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return fmt.Errorf("%w: latency %q: want a duration such as 20ms", ErrInvalid, value)
		}
		c.latency = d
		c.active.Store(c.active.Load() || d > 0)
		return nil
	}
	rate, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return fmt.Errorf("%w: %s=%q: want a rate from 0 to 1", ErrInvalid, key, value)
	}
	return c.SetRate(key, rate)
}

// SetRate sets the probability of a kind of fault.
func (c *Chaos) SetRate(name string, rate float64) error {
	if !slices.Contains(Faults(), Fault(name)) {
		return fmt.Errorf("%w: no fault %q; there are %v, latency and seed", ErrInvalid, name, Faults())
	}
	if !(rate >= 0 && rate <= 1) {
		return fmt.Errorf("%w: %s=%v: want a rate from 0 to 1", ErrInvalid, name, rate)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rates[Fault(name)] = rate
	c.active.Store(c.latency > 0)
	for _, r := range c.rates {
		if r > 0 {
			c.active.Store(true)
		}
	}
	return nil
}

// Rates gives the probability of every kind of fault.
func (c *Chaos) Rates() map[string]float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	rates := map[string]float64{}
	for _, f := range Faults() {
		rates[string(f)] = c.rates[f]
	}
	return rates
}

// Injected counts the faults that were injected, by kind.
func (c *Chaos) Injected() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := map[string]int{}
	for f, n := range c.injected {
		counts[string(f)] = n
	}
	return counts
}

// String gives what [Parse] makes the same Chaos from.
func (c *Chaos) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := fmt.Sprintf("seed=%d", c.seed)
	if c.latency > 0 {
		text += ",latency=" + c.latency.String()
	}
	for _, f := range Faults() {
		if c.rates[f] > 0 {
			text += fmt.Sprintf(",%s=%v", f, c.rates[f])
		}
	}
	return text
}

// Hit decides whether a fault is injected now.
func (c *Chaos) Hit(f Fault) bool {
	_, hit := c.decide(f)
	return hit
}

// Wait decides as [Chaos.Hit] does, and, if the fault is injected, waits for a while of its own, up to 50 ms, or until
// ctx ends.
func (c *Chaos) Wait(ctx context.Context, f Fault) bool {
	share, hit := c.decide(f)
	if hit {
		sleep(ctx, time.Duration(share*float64(longestWait)))
	}
	return hit
}

// After decides as [Chaos.Hit] does, and, if the fault is injected, says after which while, up to 50 ms.
func (c *Chaos) After(f Fault) (time.Duration, bool) {
	share, hit := c.decide(f)
	return time.Duration(share * float64(longestWait)), hit
}

// Hop waits for the latency that every hop has.
func (c *Chaos) Hop(ctx context.Context) {
	if c == nil || !c.active.Load() {
		return
	}
	c.mu.Lock()
	latency := c.latency
	c.mu.Unlock()
	if latency > 0 {
		sleep(ctx, latency)
	}
}

// decide makes one decision, and gives a second random number for how long or how much.
func (c *Chaos) decide(f Fault) (share float64, hit bool) {
	if c == nil || !c.active.Load() {
		return 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	rate := c.rates[f]
	if rate == 0 {
		return 0, false
	}
	hit = c.sequence[f].Float64() < rate
	share = c.sequence[f].Float64()
	if hit {
		c.injected[f]++
	}
	return share, hit
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
