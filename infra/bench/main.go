// Command bench measures the local runtime from outside, as its clients see it: the gateway against a bare WebSocket
// server, closed-loop echo and task round trips, group deliveries, and memory per idle connection. It builds and starts the runtime of this repository unless --url
// names one that runs, sends its load to loopback only, and stops by itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	url := flag.String("url", "", "the wss URL of a running gateway; empty starts one")
	seconds := flag.Int("seconds", 5, "seconds for each measurement, at most 60")
	conns := flag.Int("conns", 10, "connections of the closed loops, at most 200")
	idle := flag.Int("idle", 2000, "idle connections whose memory is measured, at most 20000")
	floor := flag.Bool("serve-floor", false, "only serve what the gateway is compared with")
	flag.Parse()
	if *floor {
		return serveFloor(ctx)
	}
	if *seconds < 1 || *seconds > 60 || *conns < 1 || *conns > 200 || *idle < 1 || *idle > 20_000 {
		return fmt.Errorf("a flag is out of its range; see --help")
	}
	d := time.Duration(*seconds) * time.Second
	if *url == "" {
		if err := overhead(ctx, *conns, *idle, d); err != nil {
			return err
		}
	}
	target, err := open(ctx, *url)
	if err != nil {
		return err
	}
	defer target.close()
	const task = "task (sendMessage -> ack -> pushed result)"
	for _, loop := range []struct {
		name  string
		conns int
		trip  func(*client, context.Context) error
	}{
		{"echo (sendMessage -> ack)", *conns, (*client).echo},
		{"enqueue (sendMessage -> ack, task beside)", *conns, (*client).enqueue},
		{task, 1, (*client).task},
		{task, 10, (*client).task},
		{task, 50, (*client).task},
	} {
		row, err := closedLoop(ctx, target.url, loop.conns, d, loop.trip)
		if err != nil {
			return fmt.Errorf("%s: %w", loop.name, err)
		}
		fmt.Printf("%-44s %3d connections %s\n", loop.name, loop.conns, row)
	}
	for _, members := range []int{10, 100, 1000} {
		row, err := fanOut(ctx, target.url, members, d)
		if err != nil {
			return fmt.Errorf("group of %d: %w", members, err)
		}
		fmt.Printf("%-44s %3s             %s\n", fmt.Sprintf("group of %d", members), "", row)
	}
	return target.idle(ctx, *idle)
}

// overhead compares the gateway, with the least function behind it, with a bare server: the same frames, from the same
// client, one after the other.
func overhead(ctx context.Context, conns, idle int, d time.Duration) error {
	var rates []float64
	for _, side := range []struct {
		name string
		open func(context.Context) (*target, error)
	}{
		{"floor: a bare WebSocket server", startFloor},
		{"gateway with a Lambda process behind it", func(ctx context.Context) (*target, error) {
			return start(ctx, "--template", "infra/bench/echo/template.yaml")
		}},
	} {
		t, err := side.open(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", side.name, err)
		}
		row, err := closedLoop(ctx, t.url, conns, d, (*client).frame)
		if err == nil && len(rates) == 1 {
			err = t.idle(ctx, idle)
		}
		t.close()
		if err != nil {
			return fmt.Errorf("%s: %w", side.name, err)
		}
		fmt.Printf("%-44s %3d connections %s\n", side.name, conns, row)
		rates = append(rates, row.rate())
	}
	fmt.Printf("%-44s %.2f of the floor\n", "gateway overhead", rates[1]/rates[0])
	return nil
}
