package sqs

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// rest is how long a queue's name rests after DeleteQueue, and how long a queue rests after PurgeQueue.
const rest = 60 * time.Second

type empty struct{}

type createQueueIn struct {
	QueueName  string
	Attributes map[string]string `wire:"Attributes,Attribute"`
	Tags       map[string]string `wire:"tags,Tag"`
}

type queueURLOut struct{ QueueUrl string }

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (s *Server) createQueue(c *call, in createQueueIn) (queueURLOut, error) {
	if in.QueueName == "" {
		return queueURLOut{}, missing("QueueName")
	}
	fifo := in.Attributes["FifoQueue"] == "true"
	base, isFifo := strings.CutSuffix(in.QueueName, ".fifo")
	if !queueName.MatchString(base) || len(in.QueueName) > 80 || fifo != isFifo {
		return queueURLOut{}, invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length; the name of a FIFO queue, and no other, ends with .fifo")
	}
	set, err := newSettings(in.Attributes)
	if err != nil {
		return queueURLOut{}, err
	}
	if err := checkTags(nil, in.Tags); err != nil {
		return queueURLOut{}, err
	}
	c.queue = in.QueueName
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[in.QueueName]; q != nil {
		return queueURLOut{q.url}, q.same(in.Attributes)
	}
	return s.create(in, set)
}

func (s *Server) create(in createQueueIn, set settings) (queueURLOut, error) {
	if at, ok := s.deleted[in.QueueName]; ok && s.opts.Clock.Now().Sub(at) < rest {
		return queueURLOut{}, fail("QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	url := s.opts.BaseURL + "/" + s.opts.AccountID + "/" + in.QueueName
	arn := "arn:aws:sqs:" + s.opts.Region + ":" + s.opts.AccountID + ":" + in.QueueName
	if err := s.checkRedrive(arn, set); err != nil {
		return queueURLOut{}, err
	}
	q := newQueue(in.QueueName, url, arn, set, s.opts.Clock)
	maps.Copy(q.tags, in.Tags)
	s.queues[in.QueueName] = q
	delete(s.deleted, in.QueueName)
	return queueURLOut{url}, nil
}

// same says whether a queue has these attributes, so that creating it again is no error.
func (q *queue) same(attrs map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		if q.settings.raw[name] != attrs[name] {
			return fail("QueueNameExists", "A queue already exists with the same name and a different value for attribute %s", name)
		}
	}
	return nil
}

type queueNameIn struct {
	QueueName              string
	QueueOwnerAWSAccountId string
}

func (s *Server) getQueueURL(c *call, in queueNameIn) (queueURLOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.QueueName == "" {
		return queueURLOut{}, missing("QueueName")
	}
	if owner := in.QueueOwnerAWSAccountId; owner != "" && owner != s.opts.AccountID {
		return queueURLOut{}, noQueue()
	}
	q, err := s.queue(c, in.QueueName)
	if err != nil {
		return queueURLOut{}, err
	}
	return queueURLOut{q.url}, nil
}

func noQueue() error { return fail("QueueDoesNotExist", "The specified queue does not exist.") }

// queue finds a queue by its URL or name, and notes it for the meter. The host of a URL does not matter.
func (s *Server) queue(c *call, url string) (*queue, error) {
	if url == "" {
		return nil, missing("QueueUrl")
	}
	q := s.queues[url[strings.LastIndexByte(url, '/')+1:]]
	if q == nil {
		return nil, noQueue()
	}
	c.queue = q.name
	return q, nil
}

type listQueuesIn struct {
	QueueNamePrefix string
	MaxResults      *int
	NextToken       string
}

type listQueuesOut struct {
	QueueUrls []string `wire:"QueueUrls,QueueUrl"`
	NextToken string
}

func (s *Server) listQueues(_ *call, in listQueuesIn) (listQueuesOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if strings.HasPrefix(name, in.QueueNamePrefix) {
			names = append(names, name)
		}
	}
	urls, token, err := s.page(names, in.MaxResults, in.NextToken)
	return listQueuesOut{urls, token}, err
}

type queueURLIn struct{ QueueUrl string }

func (s *Server) deleteQueue(c *call, in queueURLIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	delete(s.queues, q.name)
	delete(s.moves, q.name)
	s.deleted[q.name] = s.opts.Clock.Now()
	q.wakeAll()
	return empty{}, nil
}

func (s *Server) purgeQueue(c *call, in queueURLIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	now := s.opts.Clock.Now()
	if !q.purged.IsZero() && now.Sub(q.purged) < rest {
		return empty{}, fail("PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	for _, m := range q.messages {
		q.remove(m)
	}
	q.purged = now
	return empty{}, nil
}

type getAttributesIn struct {
	QueueUrl       string
	AttributeNames []string `wire:"AttributeNames,AttributeName"`
}

type attributesOut struct {
	Attributes map[string]string `wire:"Attributes,Attribute"`
}

func (s *Server) getQueueAttributes(c *call, in getAttributesIn) (attributesOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil || len(in.AttributeNames) == 0 {
		return attributesOut{}, err
	}
	all := q.attributes(s.opts.Clock.Now())
	out := map[string]string{}
	for _, name := range in.AttributeNames {
		v, ok := all[name]
		switch {
		case name == "All":
			maps.Copy(out, all)
		case ok:
			out[name] = v
		case !known(name):
			return attributesOut{}, unknownAttribute(name)
		}
	}
	return attributesOut{out}, nil
}

type setAttributesIn struct {
	QueueUrl   string
	Attributes map[string]string `wire:"Attributes,Attribute"`
}

func (s *Server) setQueueAttributes(c *call, in setAttributesIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	if len(in.Attributes) == 0 {
		return empty{}, missing("Attribute.Name")
	}
	next, err := q.settings.merged(in.Attributes)
	if err != nil {
		return empty{}, err
	}
	if _, ok := in.Attributes["RedrivePolicy"]; ok {
		if err := s.checkRedrive(q.arn, next); err != nil {
			return empty{}, err
		}
	}
	q.settings, q.modified = next, s.opts.Clock.Now()
	if _, ok := in.Attributes["DelaySeconds"]; ok && next.fifo {
		q.redelay()
	}
	return empty{}, nil
}
