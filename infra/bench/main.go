// Command bench measures the local runtime from outside, as its clients see it: closed-loop echo and task round trips,
// group deliveries, and memory per idle connection. It builds and starts the runtime of this repository unless --url
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
	flag.Parse()
	if *seconds < 1 || *seconds > 60 || *conns < 1 || *conns > 200 || *idle < 1 || *idle > 20_000 {
		return fmt.Errorf("a flag is out of its range; see --help")
	}
	target, err := open(ctx, *url)
	if err != nil {
		return err
	}
	defer target.close()
	d := time.Duration(*seconds) * time.Second
	for _, loop := range []struct {
		name string
		trip func(*client, context.Context) error
	}{
		{"echo (sendMessage -> ack)", (*client).echo},
		{"enqueue (sendMessage -> ack, task beside)", (*client).enqueue},
		{"task (sendMessage -> ack -> pushed result)", (*client).task},
	} {
		row, err := closedLoop(ctx, target.url, *conns, d, loop.trip)
		if err != nil {
			return fmt.Errorf("%s: %w", loop.name, err)
		}
		fmt.Printf("%-44s %3d connections %s\n", loop.name, *conns, row)
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
