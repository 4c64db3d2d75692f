package sqs

import (
	"encoding/json"
	"strconv"
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
	deadARN    string
	maxReceive int
}

// limits of the numeric attributes (SQS API Reference, SetQueueAttributes).
var numeric = map[string]struct{ min, max, initial int }{
	"VisibilityTimeout":             {0, 43200, 30},
	"DelaySeconds":                  {0, 900, 0},
	"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
	"MessageRetentionPeriod":        {60, 1209600, 345600},
	"MaximumMessageSize":            {1024, maxMessage, maxMessage},
}

// accepted are attributes that are kept and mean nothing here: encryption, and who may do what.
var accepted = map[string]bool{
	"SqsManagedSseEnabled": true, "KmsMasterKeyId": true, "KmsDataKeyReusePeriodSeconds": true, "Policy": true,
}

func newSettings(attrs map[string]string) (settings, error) {
	s := settings{raw: map[string]string{}}
	for name, limit := range numeric {
		s.raw[name] = strconv.Itoa(limit.initial)
	}
	s.raw["SqsManagedSseEnabled"] = "true"
	return s, s.merge(attrs)
}

// merge sets attributes, all or none.
func (s *settings) merge(attrs map[string]string) error {
	next := settings{raw: map[string]string{}}
	for k, v := range s.raw {
		next.raw[k] = v
	}
	for name, value := range attrs {
		if err := checkAttribute(name, value); err != nil {
			return err
		}
		next.raw[name] = value
	}
	if err := next.parse(); err != nil {
		return err
	}
	*s = next
	return nil
}

func checkAttribute(name, value string) error {
	if limit, ok := numeric[name]; ok {
		if n, err := strconv.Atoi(value); err != nil || n < limit.min || n > limit.max {
			return &apiError{code: "InvalidAttributeValue", message: "Invalid value for the parameter " + name + "."}
		}
		return nil
	}
	switch name {
	case "FifoQueue", "ContentBasedDeduplication", "SqsManagedSseEnabled":
		if value != "true" && value != "false" {
			return &apiError{code: "InvalidAttributeValue", message: "Invalid value for the parameter " + name + "."}
		}
		return nil
	case "RedrivePolicy":
		return nil
	case "DeduplicationScope":
		return unsupportedUnless(name, value, "queue")
	case "FifoThroughputLimit":
		return unsupportedUnless(name, value, "perQueue")
	}
	if accepted[name] {
		return nil
	}
	return &apiError{code: "InvalidAttributeName", message: "Unknown Attribute " + name + "."}
}

func unsupportedUnless(name, value, only string) error {
	if value == only {
		return nil
	}
	return &apiError{code: "UnsupportedOperation", message: "the embedded SQS supports " + name + " " + only + " only"}
}

func (s *settings) parse() error {
	number := func(name string) int { n, _ := strconv.Atoi(s.raw[name]); return n } // checkAttribute has seen it
	seconds := func(name string) time.Duration { return time.Duration(number(name)) * time.Second }
	s.visibility, s.delay = seconds("VisibilityTimeout"), seconds("DelaySeconds")
	s.wait, s.retention = seconds("ReceiveMessageWaitTimeSeconds"), seconds("MessageRetentionPeriod")
	s.maxSize = number("MaximumMessageSize")
	s.fifo = s.raw["FifoQueue"] == "true"
	s.byContent = s.raw["ContentBasedDeduplication"] == "true"
	if s.raw["RedrivePolicy"] == "" {
		delete(s.raw, "RedrivePolicy")
		return nil
	}
	return s.parseRedrive()
}

func (s *settings) parseRedrive() error {
	var policy struct {
		DeadLetterTargetArn string      `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.Number `json:"maxReceiveCount"`
	}
	err := json.Unmarshal([]byte(s.raw["RedrivePolicy"]), &policy)
	n, convErr := strconv.Atoi(policy.MaxReceiveCount.String())
	if err != nil || convErr != nil || n < 1 || n > 1000 || policy.DeadLetterTargetArn == "" {
		return invalid("Value %s for parameter RedrivePolicy is invalid. Reason: want deadLetterTargetArn and a maxReceiveCount of 1 to 1000.", s.raw["RedrivePolicy"])
	}
	s.deadARN, s.maxReceive = policy.DeadLetterTargetArn, n
	return nil
}
