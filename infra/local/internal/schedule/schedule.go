// Package schedule reads the schedule expressions of EventBridge, rate(...), cron(...) and at(...), and says when they
// are due (EventBridge User Guide, "Schedule types in EventBridge Scheduler").
package schedule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrInvalid means that a text is no schedule expression. Its text says why.
var ErrInvalid = errors.New("schedule: invalid")

// Schedule is an expression ready to be asked.
type Schedule interface {
	// Next gives the first due time after t, and no if there is none any more.
	Next(t time.Time) (time.Time, bool)
}

// Parse reads an expression. zone is where cron's and at's times are, UTC if nil. In a zone with daylight saving, a time
// of cron's that the clock skips is not due, and one that it shows twice is due once (EventBridge Scheduler User Guide). A rate
// begins at start.
func Parse(expression string, zone *time.Location, start time.Time) (Schedule, error) {
	if zone == nil {
		zone = time.UTC
	}
	kind, rest, _ := strings.Cut(strings.TrimSpace(expression), "(")
	inside, ok := strings.CutSuffix(rest, ")")
	if !ok {
		return nil, fmt.Errorf("%w: %q: want rate(...), cron(...) or at(...)", ErrInvalid, expression)
	}
	switch kind {
	case "rate":
		return parseRate(inside, start)
	case "at":
		at, err := time.ParseInLocation("2006-01-02T15:04:05", inside, zone)
		if err != nil {
			return nil, fmt.Errorf("%w: at(%s): want at(yyyy-mm-ddThh:mm:ss)", ErrInvalid, inside)
		}
		return once{at}, nil
	case "cron":
		return parseCron(inside, zone)
	}
	return nil, fmt.Errorf("%w: %q: want rate(...), cron(...) or at(...)", ErrInvalid, expression)
}

type once struct{ at time.Time }

func (o once) Next(t time.Time) (time.Time, bool) { return o.at, o.at.After(t) }

type rate struct {
	start time.Time
	every time.Duration
}

func (r rate) Next(t time.Time) (time.Time, bool) {
	n := t.Sub(r.start)/r.every + 1
	return r.start.Add(max(n, 1) * r.every), true
}

var units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

func parseRate(inside string, start time.Time) (Schedule, error) {
	count, unit, _ := strings.Cut(inside, " ")
	n, err := strconv.Atoi(count)
	single := strings.TrimSuffix(unit, "s")
	every, ok := units[single]
	if err != nil || n < 1 || !ok || (n > 1 && unit == single) || n > 100*365*24*60 {
		return nil, fmt.Errorf("%w: rate(%s): want rate(5 minutes), rate(1 hour) or rate(2 days)", ErrInvalid, inside)
	}
	return rate{start, time.Duration(n) * every}, nil
}
