package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// row is one measurement.
type row struct {
	trips   int
	took    time.Duration
	p50     time.Duration
	p99     time.Duration
	perTrip int // deliveries in a trip; 0 where there is nothing but the trip
}

func (r row) String() string {
	s := fmt.Sprintf("%8.0f/s  p50 %6.2f ms  p99 %6.2f ms", r.rate(), ms(r.p50), ms(r.p99))
	if r.perTrip > 0 {
		s += fmt.Sprintf("  %.0f deliveries/s", float64(r.trips*r.perTrip)/r.took.Seconds())
	}
	return s
}

func (r row) rate() float64 { return float64(r.trips) / r.took.Seconds() }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func summary(trips []time.Duration, took time.Duration) (row, error) {
	if len(trips) == 0 {
		return row{}, errors.New("nothing came back in time")
	}
	slices.Sort(trips)
	return row{trips: len(trips), took: took, p50: trips[len(trips)/2], p99: trips[len(trips)*99/100]}, nil
}

// closedLoop has n connections each repeat a round trip for d, one at a time. The first second does not count.
func closedLoop(ctx context.Context, url string, n int, d time.Duration, trip func(*client, context.Context) error) (row, error) {
	clients, err := dialMany(ctx, url, n)
	defer closeAll(clients)
	if err != nil {
		return row{}, err
	}
	began := time.Now().Add(time.Second)
	ends := began.Add(d)
	var mu sync.Mutex
	var trips []time.Duration
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range clients {
		g.Go(func() error {
			mine, err := repeat(ctx, began, ends, func() error { return trip(c, ctx) })
			mu.Lock()
			defer mu.Unlock()
			trips = append(trips, mine...)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return row{}, err
	}
	return summary(trips, d)
}

// repeat times a trip again and again until ends, and gives the times of those that started after began.
func repeat(ctx context.Context, began, ends time.Time, trip func() error) ([]time.Duration, error) {
	var trips []time.Duration
	for ctx.Err() == nil {
		at := time.Now()
		if at.After(ends) {
			return trips, nil
		}
		if err := trip(); err != nil {
			return nil, err
		}
		if at.After(began) {
			trips = append(trips, time.Since(at))
		}
	}
	return trips, ctx.Err()
}

// fanOut has one member send to a group, wait until every member has the message, and send again.
func fanOut(ctx context.Context, url string, members int, d time.Duration) (row, error) {
	clients, err := dialMany(ctx, url, members)
	defer closeAll(clients)
	if err != nil {
		return row{}, err
	}
	group := fmt.Sprintf("bench-%d", members)
	for _, c := range clients {
		if _, err := c.request(ctx, `{"action":"joinGroup","id":"%s","group":"`+group+`"}`); err != nil {
			return row{}, err
		}
	}
	// One goroutine reads each connection for the whole measurement and reports every message it sees.
	seen := make(chan error, members)
	readers, stop := context.WithCancel(ctx)
	defer stop()
	for _, c := range clients {
		go c.reportMessages(readers, seen)
	}
	began := time.Now().Add(time.Second)
	n := 0
	trips, err := repeat(ctx, began, began.Add(d), func() error {
		n++
		if err := clients[0].send(ctx, `{"action":"sendMessage","group":"%s","message":"%d"}`, group, n); err != nil {
			return err
		}
		return collect(ctx, seen, members)
	})
	if err != nil {
		return row{}, err
	}
	r, err := summary(trips, d)
	r.perTrip = members
	return r, err
}

func (c *client) reportMessages(ctx context.Context, seen chan<- error) {
	for ctx.Err() == nil {
		_, err := c.await(ctx, func(e event) bool { return e.Event == "message" })
		select {
		case seen <- err:
		case <-ctx.Done():
		}
		if err != nil {
			return
		}
	}
}

func collect(ctx context.Context, seen <-chan error, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for range n {
		select {
		case err := <-seen:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return errors.New("a member did not get the message within 30 s")
		}
	}
	return nil
}
