package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cron is cron(minutes hours day-of-month month day-of-week year).
type cron struct {
	zone                 *time.Location
	minutes, hours       set
	days, weekdays       daySet
	months, years        set
	anyDay, anyDayOfWeek bool // one of them is ?
}

// set is which values of a field are due.
type set map[int]bool

// daySet is the days of a month, or of the week, with what only makes sense in a certain month.
type daySet struct {
	set
	last    bool        // L
	offset  int         // L-3: so many days before the last
	nearest int         // 15W: the weekday nearest to it; 0 for none
	nth     map[int]int // 6#3: the third Friday, by weekday
	lastOf  map[int]bool
}

var (
	monthNames = strings.Split("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", " ")
	dayNames   = strings.Split("SUN MON TUE WED THU FRI SAT", " ")
)

const firstYear, lastYear = 1970, 2199

func parseCron(inside string, zone *time.Location) (Schedule, error) {
	fields := strings.Fields(strings.ToUpper(inside))
	if len(fields) != 6 {
		return nil, fmt.Errorf("%w: cron(%s): want six fields: minutes hours day-of-month month day-of-week year", ErrInvalid, inside)
	}
	c := cron{zone: zone, anyDay: fields[2] == "?", anyDayOfWeek: fields[4] == "?"}
	if c.anyDay == c.anyDayOfWeek {
		return nil, fmt.Errorf("%w: cron(%s): one of day-of-month and day-of-week is ?", ErrInvalid, inside)
	}
	var err error
	read := func(field string, low, high int, names []string) set {
		s, e := parseSet(field, low, high, names)
		if e != nil && err == nil {
			err = fmt.Errorf("%w: cron(%s): %w", ErrInvalid, inside, e)
		}
		return s
	}
	c.minutes, c.hours = read(fields[0], 0, 59, nil), read(fields[1], 0, 23, nil)
	c.months, c.years = read(fields[3], 1, 12, monthNames), read(fields[5], firstYear, lastYear, nil)
	if err != nil {
		return nil, err
	}
	if c.days, err = parseDays(fields[2]); err != nil {
		return nil, fmt.Errorf("%w: cron(%s): day-of-month: %w", ErrInvalid, inside, err)
	}
	if c.weekdays, err = parseWeekdays(fields[4]); err != nil {
		return nil, fmt.Errorf("%w: cron(%s): day-of-week: %w", ErrInvalid, inside, err)
	}
	return c, nil
}

// parseSet reads "*", "5", "1-5", "0/15", "MON-FRI", and lists of them.
func parseSet(field string, low, high int, names []string) (set, error) {
	s := set{}
	for part := range strings.SplitSeq(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("the step %q", stepText)
			}
			step = n
		}
		from, to, err := parseSpan(span, low, high, names, stepped)
		if err != nil {
			return nil, err
		}
		for n := from; n <= to; n += step {
			s[n] = true
		}
	}
	return s, nil
}

func parseSpan(span string, low, high int, names []string, open bool) (from, to int, err error) {
	if span == "*" {
		return low, high, nil
	}
	first, last, ranged := strings.Cut(span, "-")
	if from, err = parseValue(first, low, high, names); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		to, err = parseValue(last, low, high, names)
	case open:
		to = high
	default:
		to = from
	}
	if err == nil && to < from {
		err = fmt.Errorf("%q runs backwards", span)
	}
	return from, to, err
}

func parseValue(text string, low, high int, names []string) (int, error) {
	for i, name := range names {
		if text == name {
			return i + low, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q is not from %d to %d", text, low, high)
	}
	return n, nil
}

func parseDays(field string) (daySet, error) {
	var d daySet
	var err error
	switch {
	case field == "?":
		return d, nil
	case field == "L":
		d.last = true
	case strings.HasPrefix(field, "L-"):
		d.last = true
		d.offset, err = parseValue(field[2:], 1, 30, nil)
	case strings.HasSuffix(field, "W"):
		d.nearest, err = parseValue(strings.TrimSuffix(field, "W"), 1, 31, nil)
	default:
		d.set, err = parseSet(field, 1, 31, nil)
	}
	return d, err
}

// parseWeekdays reads days of the week, 1 for Sunday.
func parseWeekdays(field string) (daySet, error) {
	var d daySet
	day, nth, numbered := strings.Cut(field, "#")
	switch {
	case field == "?":
		return d, nil
	case numbered:
		n, err := parseValue(day, 1, 7, dayNames)
		if err != nil {
			return d, err
		}
		which, err := parseValue(nth, 1, 5, nil)
		d.nth = map[int]int{n: which}
		return d, err
	case field == "L":
		d.set = set{7: true}
		return d, nil
	case strings.HasSuffix(field, "L"):
		n, err := parseValue(strings.TrimSuffix(field, "L"), 1, 7, dayNames)
		d.lastOf = map[int]bool{n: true}
		return d, err
	}
	var err error
	d.set, err = parseSet(field, 1, 7, dayNames)
	return d, err
}

// Next looks through the days, and on a day that is due through its minutes.
func (c cron) Next(t time.Time) (time.Time, bool) {
	local := t.In(c.zone)
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, c.zone)
	for ; day.Year() <= lastYear; day = time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, c.zone) {
		if !c.years[day.Year()] || !c.months[int(day.Month())] {
			if day = c.skipMonth(day); day.Year() > lastYear {
				break
			}
			continue
		}
		if !c.dueOn(day) {
			continue
		}
		if at, ok := c.nextOn(day, t); ok {
			return at, true
		}
	}
	return time.Time{}, false
}

// skipMonth gives the last day of a month that is not due.
func (c cron) skipMonth(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, c.zone)
}

func (c cron) nextOn(day, after time.Time) (time.Time, bool) {
	for hour := range 24 {
		if !c.hours[hour] {
			continue
		}
		for minute := range 60 {
			if !c.minutes[minute] {
				continue
			}
			at := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, c.zone)
			if at.After(after) && at.Hour() == hour && at.Minute() == minute { // else the clock skips it
				return at, true
			}
		}
	}
	return time.Time{}, false
}

func (c cron) dueOn(day time.Time) bool {
	last := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, c.zone).Day()
	if !c.anyDay {
		d := c.days
		switch {
		case d.last:
			return day.Day() == last-d.offset
		case d.nearest > 0:
			return day.Day() == nearestWeekday(day, d.nearest, last)
		}
		return d.set[day.Day()]
	}
	w, number := c.weekdays, int(day.Weekday())+1
	switch {
	case w.nth != nil:
		return w.nth[number] == (day.Day()-1)/7+1
	case w.lastOf != nil:
		return w.lastOf[number] && day.Day() > last-7
	}
	return w.set[number]
}

// nearestWeekday gives the working day nearest to a day of the month, in the same month.
func nearestWeekday(month time.Time, day, last int) int {
	if day > last {
		return 0
	}
	switch time.Date(month.Year(), month.Month(), day, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == last {
			return day - 2
		}
		return day + 1
	}
	return day
}
