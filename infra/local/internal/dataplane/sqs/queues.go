package sqs

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

type empty struct{}

type createQueueIn struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}

type queueURLOut struct{ QueueUrl string }

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (s *Server) createQueue(_ *http.Request, in createQueueIn) (queueURLOut, error) {
	fifo := in.Attributes["FifoQueue"] == "true"
	base, isFifo := strings.CutSuffix(in.QueueName, ".fifo")
	if !queueName.MatchString(base) || len(in.QueueName) > 80 || fifo != isFifo {
		return queueURLOut{}, invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length; the name of a FIFO queue, and no other, ends with .fifo")
	}
	set, err := newSettings(in.Attributes)
	if err != nil {
		return queueURLOut{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[in.QueueName]; q != nil {
		for name, value := range in.Attributes {
			if q.settings.raw[name] != value {
				return queueURLOut{}, &apiError{code: "QueueAlreadyExists", kind: "QueueNameExists",
					message: "A queue already exists with the same name and a different value for attribute " + name}
			}
		}
		return queueURLOut{q.url}, nil
	}
	url := s.opts.BaseURL + "/" + s.opts.AccountID + "/" + in.QueueName
	arn := "arn:aws:sqs:" + s.opts.Region + ":" + s.opts.AccountID + ":" + in.QueueName
	q := newQueue(in.QueueName, url, arn, set, s.opts.Clock)
	maps.Copy(q.tags, in.Tags)
	s.queues[in.QueueName] = q
	return queueURLOut{url}, nil
}

type queueNameIn struct {
	QueueName              string
	QueueOwnerAWSAccountId string
}

func (s *Server) getQueueURL(_ *http.Request, in queueNameIn) (queueURLOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueName)
	if err != nil {
		return queueURLOut{}, err
	}
	return queueURLOut{q.url}, nil
}

// queue finds a queue by its URL or name. The host of a URL does not matter.
func (s *Server) queue(url string) (*queue, error) {
	q := s.queues[url[strings.LastIndexByte(url, '/')+1:]]
	if q == nil {
		return nil, &apiError{code: "AWS.SimpleQueueService.NonExistentQueue", kind: "QueueDoesNotExist", message: "The specified queue does not exist."}
	}
	return q, nil
}

type listQueuesIn struct {
	QueueNamePrefix string
	MaxResults      int
	NextToken       string
}

type listQueuesOut struct {
	QueueUrls []string
	NextToken string `json:",omitempty"`
}

func (s *Server) listQueues(_ *http.Request, in listQueuesIn) (listQueuesOut, error) {
	limit := in.MaxResults
	if limit == 0 {
		limit = 1000
	}
	if limit < 1 || limit > 1000 {
		return listQueuesOut{}, invalid("MaxResults is 1 to 1000")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out listQueuesOut
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if !strings.HasPrefix(name, in.QueueNamePrefix) || name <= in.NextToken {
			continue
		}
		if len(out.QueueUrls) == limit {
			if in.MaxResults > 0 {
				last := out.QueueUrls[limit-1]
				out.NextToken = last[strings.LastIndexByte(last, '/')+1:]
			}
			break
		}
		out.QueueUrls = append(out.QueueUrls, s.queues[name].url)
	}
	return out, nil
}

type queueURLIn struct{ QueueUrl string }

func (s *Server) deleteQueue(_ *http.Request, in queueURLIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	delete(s.queues, q.name)
	q.wakeAll()
	return empty{}, nil
}

func (s *Server) purgeQueue(_ *http.Request, in queueURLIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	for _, m := range q.messages {
		q.remove(m)
	}
	return empty{}, nil
}

type getAttributesIn struct {
	QueueUrl       string
	AttributeNames []string
}

type attributesOut struct{ Attributes map[string]string }

func (s *Server) getQueueAttributes(_ *http.Request, in getAttributesIn) (attributesOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return attributesOut{}, err
	}
	all := q.attributes(s.opts.Clock.Now())
	if slices.Contains(in.AttributeNames, "All") {
		return attributesOut{all}, nil
	}
	out := map[string]string{}
	for _, name := range in.AttributeNames {
		if v, ok := all[name]; ok {
			out[name] = v
		} else if checkAttribute(name, "") != nil && numeric[name].max == 0 && name != "RedrivePolicy" && !strings.HasPrefix(name, "Fifo") && name != "ContentBasedDeduplication" {
			return attributesOut{}, &apiError{code: "InvalidAttributeName", message: "Unknown Attribute " + name + "."}
		}
	}
	return attributesOut{out}, nil
}

type setAttributesIn struct {
	QueueUrl   string
	Attributes map[string]string
}

func (s *Server) setQueueAttributes(_ *http.Request, in setAttributesIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	if v, ok := in.Attributes["FifoQueue"]; ok && (v == "true") != q.settings.fifo {
		return empty{}, &apiError{code: "InvalidAttributeName", message: "You can specify FifoQueue only when a queue is created."}
	}
	if err := q.settings.merge(in.Attributes); err != nil {
		return empty{}, err
	}
	q.modified = s.opts.Clock.Now()
	return empty{}, nil
}
