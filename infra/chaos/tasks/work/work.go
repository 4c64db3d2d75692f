// Package work is what `make chaos-tasks` has done: tasks whose results tell whether they got the right input.
package work

import (
	"context"
	"errors"

	"github.com/disclone/disclone/pkg/task"
)

// The tasks. Flaky fails at its first attempt, Hopeless always and for good.
var (
	Double   = task.New("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	Sum      = task.New("sum", sum)
	Flaky    = task.New("flaky", flaky)
	Hopeless = task.New("hopeless", func(context.Context, int) (int, error) { return 0, task.Skip(errors.New("hopeless")) })
)

// Tasks gives the tasks to a worker.
func Tasks() *task.Mux { return task.NewMux(Double, Sum, Flaky, Hopeless) }

func sum(_ context.Context, ns []int) (int, error) {
	total := 0
	for _, n := range ns {
		total += n
	}
	return total, nil
}

func flaky(ctx context.Context, n int) (int, error) {
	if task.Attempt(ctx) == 1 {
		return 0, errors.New("the first attempt fails")
	}
	return n, nil
}
