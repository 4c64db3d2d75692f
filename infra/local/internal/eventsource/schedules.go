package eventsource

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/disclone/disclone/infra/local/internal/clock"
	"github.com/disclone/disclone/infra/local/internal/schedule"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// scheduledTries is how often a scheduled invocation is tried: it is asynchronous, so once and two retries (Lambda
// Developer Guide). The retries follow at once here.
const scheduledTries = 3

// due is a schedule with the times of its expression.
type due struct {
	template.Schedule
	times  schedule.Schedule
	region string
	acct   string
}

func (p *Poller) addSchedules(app *template.App) error {
	for _, s := range app.Schedules {
		if !s.Enabled {
			continue
		}
		zone := time.UTC
		if s.TimeZone != "" {
			z, err := time.LoadLocation(s.TimeZone)
			if err != nil {
				return fmt.Errorf("%w: %s: %s: the time zone %q is not known", ErrUnsupported, s.Pos, s.ID, s.TimeZone)
			}
			zone = z
		}
		times, err := schedule.Parse(s.Expression, zone, p.opts.Clock.Now())
		if err != nil {
			return fmt.Errorf("%w: %s: %s: %w", ErrUnsupported, s.Pos, s.ID, err)
		}
		p.schedules = append(p.schedules, due{Schedule: s, times: times, region: app.Region, acct: app.AccountID})
	}
	return nil
}

// keepTime invokes a schedule's function at each of its times, once.
func (p *Poller) keepTime(ctx context.Context, d due) error {
	at := p.opts.Clock.Now()
	for {
		next, ok := d.times.Next(at)
		if !ok {
			<-ctx.Done()
			return ctx.Err()
		}
		if err := clock.Sleep(ctx, p.opts.Clock, next.Sub(p.opts.Clock.Now())); err != nil {
			return err
		}
		at = next
		go p.runScheduled(withSource(context.WithoutCancel(ctx), d.ID), d, next)
	}
}

// attributes are what EventBridge Scheduler puts in the place of its context attributes in an input (Scheduler User Guide).
func (d due) attributes(at time.Time) *strings.Replacer {
	return strings.NewReplacer(
		"<aws.scheduler.scheduled-time>", at.UTC().Format(time.RFC3339),
		"<aws.scheduler.schedule-arn>", "arn:aws:scheduler:"+d.region+":"+d.acct+":schedule/default/"+d.ID,
		"<aws.scheduler.execution-id>", rand.Text(),
		"<aws.scheduler.attempt-number>", "1",
	)
}

func (p *Poller) runScheduled(ctx context.Context, d due, at time.Time) {
	payload := []byte(d.Input)
	if d.Input == "" {
		payload = d.event(at)
	} else if d.V2 {
		payload = []byte(d.attributes(at).Replace(d.Input))
	}
	for range scheduledTries {
		_, functionError, err := p.invoker.Invoke(ctx, d.Function, payload)
		for throttled(err) {
			pause(ctx, backOff)
			_, functionError, err = p.invoker.Invoke(ctx, d.Function, payload)
		}
		if err != nil {
			p.log.Error("eventsource: invoke", "function", d.Function, "schedule", d.ID, "error", err)
			return
		}
		if functionError == "" {
			return
		}
	}
	p.log.Error("eventsource: a scheduled invocation failed for the last time", "function", d.Function, "schedule", d.ID)
}

// event is what a schedule without an Input sends: as a rule of EventBridge, or as its Scheduler, says it.
func (d due) event(at time.Time) []byte {
	source, arn, detail := "aws.events", "arn:aws:events:"+d.region+":"+d.acct+":rule/"+d.ID, any(map[string]any{})
	if d.V2 {
		source, arn, detail = "aws.scheduler", "arn:aws:scheduler:"+d.region+":"+d.acct+":schedule/default/"+d.ID, "{}"
	}
	payload, _ := json.Marshal(map[string]any{ // texts always encode
		"version": "0", "id": rand.Text(), "detail-type": "Scheduled Event", "source": source, "account": d.acct,
		"time": at.UTC().Format(time.RFC3339), "region": d.region, "resources": []string{arn}, "detail": detail,
	})
	return payload
}
