package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Rate limits how often a task begins, over all workers: Count times in Per, evenly. It needs a [Store], and costs a
// write for each task; it is for limits of up to some tens a second.
type Rate struct {
	Count int
	Per   time.Duration
}

// reserve gives a task the next free place of its rate, and says how long that is from now. With peek it takes the place
// only if it is now.
func (c *Client) reserve(ctx context.Context, name string, rate Rate, peek bool) (time.Duration, error) {
	interval := rate.Per / time.Duration(max(rate.Count, 1))
	key := "rate#" + name
	it, _, err := c.store.Get(ctx, key, "rate")
	for n := 0; err == nil && n < casTries; n++ {
		var next struct{ At int64 } // ns since 1970: the first free place
		if len(it.Data) > 0 {
			if err := json.Unmarshal(it.Data, &next); err != nil {
				return 0, fmt.Errorf("task: rate of %s: %w", name, err)
			}
		}
		now := c.now()
		place := max(now.UnixNano(), next.At)
		wait := time.Duration(place - now.UnixNano())
		if peek && wait > 0 {
			return wait, nil
		}
		next.At = place + int64(interval)
		data, _ := json.Marshal(next) // a number
		it, err = c.store.Put(ctx, Item{Partition: key, Sort: "rate", Version: it.Version, Expires: now.Add(c.retention), Data: data})
		if err == nil {
			return wait, nil
		}
		if errors.Is(err, ErrConflict) {
			err = sleep(ctx, jitter(n))
		}
	}
	if err == nil {
		err = ErrConflict
	}
	return 0, fmt.Errorf("task: rate of %s: %w", name, err)
}
