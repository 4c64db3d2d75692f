// Command chaos proves that messages are exactly once and in order for the client: clients of pkg/realtime send and receive
// through the local runtime while it injects faults of every kind that concerns messages. At the end every client must have
// every message of its groups once, all in the same order, and each sender's in the order it was sent. It ends with one
// line, and exits with 1 unless lost, duplicated and out-of-order are 0.
//
// It is a program and no test, since it takes as long as it is asked to; `make test` runs a short one. That it can fail was
// seen with three mutations: pkg/stream giving a page beyond a young hole (out of order), pkg/realtime not dropping what it
// has (duplicated), pkg/realtime asking only once, when it joins (lost).
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/disclone/disclone/infra/internal/proc"
	"github.com/disclone/disclone/pkg/realtime"
)

// faults are the rates while the clients send. Nothing is left out that concerns a message on its way.
const faults = "lose-disconnect=0.5,reorder=0.1,cut=0.01,post-410=0.005,post-429=0.02,post-500=0.02,post-lost=0.02,kill=0.005"

// settle is how long the clients have to get what is missing, once no more faults come.
const settle = 60 * time.Second

func main() { proc.Main("chaos", run) }

func run(ctx context.Context) (bool, error) {
	duration := flag.Duration("duration", 30*time.Second, "how long the clients send, at most an hour")
	seed := flag.Uint64("seed", 1, "of the faults")
	clients := flag.Int("clients", 12, "clients, at most 200")
	groups := flag.Int("groups", 3, "groups; each client is in all of them, at most 20")
	rate := flag.Float64("rate", 20, "messages a second that a client tries to send, at most 1000")
	flag.Parse()
	if *duration > time.Hour || *clients < 1 || *clients > 200 || *groups < 1 || *groups > 20 || *rate <= 0 || *rate > 1000 {
		return false, fmt.Errorf("a flag is out of its range; see --help")
	}
	runtime, err := proc.Start(ctx, "--speed", fmt.Sprint(speed(*duration)), "--chaos", fmt.Sprintf("seed=%d,%s", *seed, faults))
	if err != nil {
		return false, err
	}
	defer runtime.Close()
	w := &world{runtime: runtime, acked: map[string]map[string]bool{}}
	for i := range *clients {
		w.add(i, *groups)
	}
	defer w.close()
	if err := w.join(ctx, *groups); err != nil {
		return false, err
	}
	w.send(ctx, *duration, *rate, *groups)
	injected, err := w.calm(ctx)
	if err != nil {
		return false, err
	}
	w.settle(ctx)
	return w.judge(injected), nil
}

// speed is how fast waits pass. At 360 the two hours of a connection last 20 s, and the ten idle minutes 1.7 s. A long run is
// slower: memberships expire by the fast clock, a day after the functions' own, and the run must end before that day.
func speed(duration time.Duration) int {
	const day = 24 * time.Hour
	return int(min(360, day/(duration+2*settle)))
}

// world is all clients and what they have seen.
type world struct {
	runtime *proc.Process
	clients []*member
	sent    atomic.Int64

	mu    sync.Mutex
	acked map[string]map[string]bool // texts by group
}

// member is a client with what it has seen.
type member struct {
	*realtime.Client
	name string

	mu     sync.Mutex
	seen   map[string][]realtime.Message // by group
	resets int
}

func group(n int) string { return fmt.Sprintf("chaos-%d", n) }

func (w *world) add(i, groups int) {
	m := &member{name: fmt.Sprintf("c%d", i), seen: map[string][]realtime.Message{}}
	m.Client = realtime.Dial(w.runtime.URL, &realtime.Options{
		AckTimeout: 2 * time.Second, MinDelay: 50 * time.Millisecond, MaxDelay: time.Second, KeepAlive: time.Second,
		OnMessage: func(msg realtime.Message) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.seen[msg.Group] = append(m.seen[msg.Group], msg)
		},
		OnReset: func(string) { m.mu.Lock(); m.resets++; m.mu.Unlock() },
	})
	w.clients = append(w.clients, m)
}

func (w *world) close() {
	for _, m := range w.clients {
		m.Close()
	}
}

func (w *world) join(ctx context.Context, groups int) error {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	for _, m := range w.clients {
		for n := range groups {
			if err := m.Join(ctx, group(n)); err != nil {
				return fmt.Errorf("join: %w", err)
			}
		}
	}
	return nil
}

// send has every client send until the time is up. Each sends one message after the other, so its own have an order.
func (w *world) send(ctx context.Context, duration time.Duration, rate float64, groups int) {
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	var wg sync.WaitGroup
	for _, m := range w.clients {
		wg.Go(func() {
			tick := time.NewTicker(time.Duration(float64(time.Second) / rate))
			defer tick.Stop()
			for n := 0; ctx.Err() == nil; n++ {
				w.say(ctx, m, group(rand.IntN(groups)), fmt.Sprintf("%s %06d", m.name, n))
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	wg.Wait()
}

func (w *world) say(ctx context.Context, m *member, to, text string) {
	w.sent.Add(1)
	if _, err := m.Send(ctx, to, text); err != nil {
		return // the time was up: it may be there or not
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.acked[to] == nil {
		w.acked[to] = map[string]bool{}
	}
	w.acked[to][text] = true
}

// calm ends the faults, and gives how many there were by kind.
func (w *world) calm(ctx context.Context) (map[string]int, error) {
	for field := range strings.SplitSeq(faults, ",") {
		name, _, _ := strings.Cut(field, "=")
		if err := w.runtime.Call(ctx, http.MethodPut, "chaos/"+name, `{"rate":0}`, nil); err != nil {
			return nil, err
		}
	}
	return w.runtime.Injected(ctx)
}

// settle waits until every client has seen what was acknowledged, or the time for it is up.
func (w *world) settle(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ends := time.Now().Add(settle); time.Now().Before(ends) && ctx.Err() == nil; <-tick.C {
		if lost, _, _ := w.count(); lost == 0 && w.even() {
			return
		}
	}
}

// even says whether all clients have seen as much of each group: messages without an ack are there for all or for none.
func (w *world) even() bool {
	for name := range w.acked {
		for _, m := range w.clients {
			if len(m.of(name)) != len(w.clients[0].of(name)) {
				return false
			}
		}
	}
	return true
}

func (m *member) of(group string) []realtime.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.seen[group])
}

// count compares what the clients have seen with what was acknowledged, and with each other.
func (w *world) count() (lost, duplicated, disordered int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, acked := range w.acked {
		first := w.clients[0].of(name)
		for _, m := range w.clients {
			seen := m.of(name)
			times := map[string]int{}
			for i, msg := range seen {
				var text string
				_ = json.Unmarshal(msg.Message, &text) // what is none is nobody's message
				times[text]++
				if i > 0 && msg.Seq <= seen[i-1].Seq || i < len(first) && msg.ID != first[i].ID {
					disordered++
				}
			}
			disordered += ownDisorder(seen)
			for text := range acked {
				switch n := times[text]; {
				case n == 0:
					lost++
				case n > 1:
					duplicated += n - 1
				}
			}
		}
	}
	return lost, duplicated, disordered
}

// ownDisorder counts the messages that stand before an earlier one of the same sender.
func ownDisorder(seen []realtime.Message) (n int) {
	last := map[string]string{}
	for _, msg := range seen {
		var text string
		_ = json.Unmarshal(msg.Message, &text)
		sender, number, _ := strings.Cut(text, " ")
		if number <= last[sender] {
			n++
		}
		last[sender] = number
	}
	return n
}

func (w *world) judge(injected map[string]int) bool {
	total := 0
	for _, kind := range slices.Sorted(maps.Keys(injected)) {
		fmt.Printf("%-16s %d\n", kind, injected[kind])
		total += injected[kind]
	}
	deliveries, resets := 0, 0
	for _, m := range w.clients {
		m.mu.Lock()
		for _, seen := range m.seen {
			deliveries += len(seen)
		}
		resets += m.resets
		m.mu.Unlock()
	}
	lost, duplicated, disordered := w.count()
	if !w.even() {
		lost++ // somebody has a message without an ack that others have not
	}
	fmt.Printf("clients %d, deliveries %d, resets %d\n", len(w.clients), deliveries, resets)
	fmt.Printf("messages %d faults %d lost %d duplicated %d out-of-order %d\n", w.sent.Load(), total, lost, duplicated, disordered)
	return lost == 0 && duplicated == 0 && disordered == 0 && resets == 0 && total > 0
}
