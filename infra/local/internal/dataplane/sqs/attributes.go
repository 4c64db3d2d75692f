package sqs

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are a queue's attributes, as SetQueueAttributes names them.
type settings struct {
	raw        map[string]string
	visibility time.Duration
	delay      time.Duration
	wait       time.Duration
	retention  time.Duration
	maxSize    int
	fifo       bool
	byContent  bool
	byGroup    bool // the scope of deduplication
	deadARN    string
	maxReceive int
	allow      redriveAllow
}

// limits of the numeric attributes (SQS API Reference, SetQueueAttributes).
var numeric = map[string]struct{ min, max, initial int }{
	"VisibilityTimeout":             {0, 43200, 30},
	"DelaySeconds":                  {0, 900, 0},
	"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
	"MessageRetentionPeriod":        {60, 1209600, 345600},
	"MaximumMessageSize":            {1024, maxMessage, maxMessage},
}

// chosenOf are the attributes with a choice of values, the initial one first.
var chosenOf = map[string][]string{
	"SqsManagedSseEnabled":      {"true", "false"},
	"FifoQueue":                 {"false", "true"},
	"ContentBasedDeduplication": {"false", "true"},
	"DeduplicationScope":        {"queue", "messageGroup"},
	"FifoThroughputLimit":       {"perQueue", "perMessageGroupId"},
}

// fifoOnly are attributes that a standard queue does not have.
var fifoOnly = []string{"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"}

// free are attributes whose values are looked at elsewhere, or mean nothing here: encryption, and who may do what.
var free = []string{"RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "Policy"}

// readOnly are attributes that SQS sets.
var readOnly = []string{
	"QueueArn", "CreatedTimestamp", "LastModifiedTimestamp", "ApproximateNumberOfMessages",
	"ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
}

func newSettings(attrs map[string]string) (settings, error) {
	s := settings{raw: map[string]string{"SqsManagedSseEnabled": "true"}, fifo: attrs["FifoQueue"] == "true"}
	for name, limit := range numeric {
		s.raw[name] = strconv.Itoa(limit.initial)
	}
	if s.fifo {
		for _, name := range fifoOnly {
			s.raw[name] = chosenOf[name][0]
		}
		s.raw["FifoQueue"] = "true"
	}
	return s.merged(attrs)
}

// merged gives the settings with some attributes set; an empty policy or key is taken away.
func (s settings) merged(attrs map[string]string) (settings, error) {
	next := settings{raw: maps.Clone(s.raw), fifo: s.fifo}
	for name, value := range attrs {
		if err := next.check(name, value); err != nil {
			return s, err
		}
		next.raw[name] = value
		if value == "" {
			delete(next.raw, name)
		}
	}
	if attrs["KmsMasterKeyId"] != "" {
		if attrs["SqsManagedSseEnabled"] == "true" {
			return s, fail("InvalidAttributeName", "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
		}
		next.raw["SqsManagedSseEnabled"] = "false"
	}
	return next, next.parse()
}

// check looks at one attribute by itself.
func (s settings) check(name, value string) error {
	if !s.fifo && slices.Contains(fifoOnly, name) {
		return unknownAttribute(name)
	}
	if limit, ok := numeric[name]; ok {
		if n, err := strconv.Atoi(value); err != nil || n < limit.min || n > limit.max {
			return badValue(name)
		}
		return nil
	}
	if name == "FifoQueue" && value == "false" {
		return fail("InvalidAttributeValue", "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
	}
	if values, ok := chosenOf[name]; ok {
		if !slices.Contains(values, value) {
			return badValue(name)
		}
		return nil
	}
	if !slices.Contains(free, name) {
		return unknownAttribute(name)
	}
	return nil
}

func badValue(name string) error {
	return fail("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
}

// known says whether a queue can have an attribute of this name.
func known(name string) bool {
	_, isNumber := numeric[name]
	_, isChoice := chosenOf[name]
	return isNumber || isChoice || slices.Contains(free, name) || slices.Contains(readOnly, name)
}

func (s *settings) parse() error {
	number := func(name string) int { n, _ := strconv.Atoi(s.raw[name]); return n } // check has seen it
	seconds := func(name string) time.Duration { return time.Duration(number(name)) * time.Second }
	s.visibility, s.delay = seconds("VisibilityTimeout"), seconds("DelaySeconds")
	s.wait, s.retention = seconds("ReceiveMessageWaitTimeSeconds"), seconds("MessageRetentionPeriod")
	s.maxSize = number("MaximumMessageSize")
	s.byContent = s.raw["ContentBasedDeduplication"] == "true"
	s.byGroup = s.raw["DeduplicationScope"] == "messageGroup"
	if s.raw["FifoThroughputLimit"] == "perMessageGroupId" && !s.byGroup {
		return fail("InvalidAttributeValue", "The perMessageGroupId value of FifoThroughputLimit is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	if err := s.parseRedrive(); err != nil {
		return err
	}
	return s.parseAllow()
}

// parseRedrive reads the redrive policy. Whether its queue is there is the server's to say.
func (s *settings) parseRedrive() error {
	text, ok := s.raw["RedrivePolicy"]
	if !ok {
		return nil
	}
	bad := func(reason string) error {
		return invalid("Value %s for parameter RedrivePolicy is invalid. Reason: %s", text, reason)
	}
	var policy struct {
		DeadLetterTargetArn string `json:"deadLetterTargetArn"`
		MaxReceiveCount     any    `json:"maxReceiveCount"`
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(&policy); err != nil {
		return bad("Redrive policy is not a valid JSON map.")
	}
	switch n := json.Number(""); {
	case policy.DeadLetterTargetArn == "":
		return bad("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	case policy.MaxReceiveCount == nil:
		return bad("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	case !strings.HasPrefix(policy.DeadLetterTargetArn, "arn:"):
		return bad("Invalid value for deadLetterTargetArn.")
	default:
		if text, ok := policy.MaxReceiveCount.(string); ok {
			n = json.Number(text)
		} else {
			n, _ = policy.MaxReceiveCount.(json.Number)
		}
		count, err := strconv.Atoi(n.String())
		if err != nil || count < 1 || count > 1000 {
			return bad("Invalid value for maxReceiveCount: " + n.String() + ", valid values are from 1 to 1000 both inclusive.")
		}
		s.deadARN, s.maxReceive = policy.DeadLetterTargetArn, count
	}
	return nil
}
