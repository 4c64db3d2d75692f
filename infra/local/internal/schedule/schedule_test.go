package schedule_test

import (
	"errors"
	"testing"
	"time"

	"github.com/disclone/disclone/infra/local/internal/schedule"
)

const form = "2006-01-02T15:04:05"

func TestNext(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		expression string
		zone       *time.Location
		after      string
		want       []string
	}{
		{"rate(5 minutes)", nil, "2026-01-01T00:07:00", []string{"2026-01-01T00:10:00", "2026-01-01T00:15:00"}},
		{"rate(1 hour)", nil, "2026-01-01T00:00:00", []string{"2026-01-01T01:00:00"}},
		{"rate(2 days)", nil, "2026-01-02T00:00:00", []string{"2026-01-03T00:00:00"}},
		{"at(2026-02-03T04:05:06)", nil, "2026-01-01T00:00:00", []string{"2026-02-03T04:05:06", ""}},
		{"cron(0 10 * * ? *)", nil, "2026-01-01T10:00:00", []string{"2026-01-02T10:00:00"}},
		{"cron(15 12 * * ? *)", nil, "2026-01-01T10:00:00", []string{"2026-01-01T12:15:00"}},
		{"cron(0/15 8-9 ? * MON-FRI *)", nil, "2026-01-02T09:40:00", []string{"2026-01-02T09:45:00", "2026-01-05T08:00:00"}},
		{"cron(0 0 L * ? *)", nil, "2026-02-01T00:00:00", []string{"2026-02-28T00:00:00", "2026-03-31T00:00:00"}},
		{"cron(0 0 L-1 * ? *)", nil, "2026-02-01T00:00:00", []string{"2026-02-27T00:00:00"}},
		{"cron(0 0 1W * ? *)", nil, "2026-07-31T12:00:00", []string{"2026-08-03T00:00:00", "2026-09-01T00:00:00"}},
		{"cron(0 0 ? * 6#3 *)", nil, "2026-01-01T00:00:00", []string{"2026-01-16T00:00:00", "2026-02-20T00:00:00"}},
		{"cron(0 0 ? * 6L *)", nil, "2026-01-01T00:00:00", []string{"2026-01-30T00:00:00"}},
		{"cron(0 0 29 FEB ? *)", nil, "2026-01-01T00:00:00", []string{"2028-02-29T00:00:00"}},
		{"cron(0 0 1 1 ? 2025)", nil, "2026-01-01T00:00:00", []string{""}},
		{"cron(0 9 * * ? *)", berlin, "2026-07-01T00:00:00", []string{"2026-07-01T07:00:00"}},
		// Skipped by the clock at the start of summer time: not due.
		{"cron(30 2 29 3 ? 2026)", berlin, "2026-03-28T12:00:00", []string{""}},
		{"cron(30 2 * * ? *)", berlin, "2026-03-28T00:00:00", []string{"2026-03-28T01:30:00", "2026-03-30T00:30:00"}},
		// Shown twice at its end: due once.
		{"cron(30 2 25 10 ? 2026)", berlin, "2026-10-24T12:00:00", []string{"2026-10-25T01:30:00", ""}},
	} {
		s, err := schedule.Parse(tc.expression, tc.zone, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Errorf("%s: %v", tc.expression, err)
			continue
		}
		at, _ := time.Parse(form, tc.after)
		for _, want := range tc.want {
			next, ok := s.Next(at)
			if got := next.UTC().Format(form); ok != (want != "") || (ok && got != want) {
				t.Errorf("%s after %s: %s %v, want %q", tc.expression, at.Format(form), got, ok, want)
			}
			at = next
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "rate(5)", "rate(5 minute)", "rate(0 minutes)", "rate(1 week)", "rate(x minutes)", "every minute", "cron(* * * * *)",
		"cron(0 0 1 * 1 *)", "cron(0 0 ? * ? *)", "cron(60 0 * * ? *)", "cron(0 24 * * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 ? * 8 *)",
		"cron(5-1 0 * * ? *)", "cron(0/0 0 * * ? *)", "at(yesterday)", "cron(0 0 ? * FRI#6 *)",
	} {
		if _, err := schedule.Parse(text, nil, time.Time{}); !errors.Is(err, schedule.ErrInvalid) {
			t.Errorf("%q: %v, want ErrInvalid", text, err)
		}
	}
}
