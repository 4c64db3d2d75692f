package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/disclone/disclone/pkg/task"
)

// ScheduleOptions are the optional parts of [Schedule]. The zero value is ready to use.
type ScheduleOptions struct {
	Log *slog.Logger // slog.Default() if nil
}

// Schedule makes the handler of a function behind schedules of EventBridge Scheduler, for lambda.Start. The Input of a
// schedule is a task.Scheduled whose due is "<aws.scheduler.scheduled-time>"; one with {"sweep":true} sweeps the tasks
// whose delay is longer than SQS can keep, and has to come once a minute. Scheduler may invoke it more than once for one
// time; the task runs once. Time zone and daylight saving are the schedule's: what falls into a skipped hour does not run,
// and an hour that comes twice runs once (EventBridge Scheduler User Guide).
func Schedule(c *task.Client, mux *task.Mux, opts *ScheduleOptions) *Scheduler {
	s := &Scheduler{client: c, mux: mux, log: slog.Default()}
	if opts != nil && opts.Log != nil {
		s.log = opts.Log
	}
	return s
}

// Scheduler is the handler that [Schedule] makes. It is safe for concurrent use.
type Scheduler struct {
	client *task.Client
	mux    *task.Mux
	log    *slog.Logger
}

// Invoke implements lambda.Handler. An error makes Scheduler try again.
func (s *Scheduler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in struct {
		task.Scheduled
		Sweep bool `json:"sweep"`
	}
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, fmt.Errorf("sqs: decode the schedule's input: %w", err)
	}
	if in.Sweep {
		sent, err := s.client.Sweep(ctx)
		s.log.Info("schedule: sweep", "sent", sent)
		return fmt.Appendf(nil, `{"sent":%d}`, sent), err
	}
	id, err := s.client.Schedule(ctx, s.mux, in.Scheduled)
	if err != nil {
		return nil, fmt.Errorf("sqs: the schedule %q: %w", in.Name, err)
	}
	return json.Marshal(map[string]string{"taskId": id})
}
