package task

import (
	"context"
	"encoding/json"
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
	if err != nil {
		return 0, fmt.Errorf("task: rate of %s: %w", name, err)
	}
	it.Partition, it.Sort = key, "rate"
	var wait time.Duration
	err = c.swap(ctx, it, func(it *Item) (bool, error) {
		var next struct{ At int64 } // ns since 1970: the first free place
		if len(it.Data) > 0 {
			if err := json.Unmarshal(it.Data, &next); err != nil {
				return false, err
			}
		}
		now := c.now()
		place := max(now.UnixNano(), next.At)
		if wait = time.Duration(place - now.UnixNano()); peek && wait > 0 {
			return false, nil
		}
		it.Data, it.Expires = fmt.Appendf(nil, `{"At":%d}`, place+int64(interval)), now.Add(c.retention)
		return true, nil
	})
	if err != nil {
		return 0, fmt.Errorf("task: rate of %s: %w", name, err)
	}
	return wait, nil
}
