package sqs

import (
	"maps"
	"unicode/utf8"
)

// Limits of tags (SQS Developer Guide, "Amazon SQS cost allocation tags", and AWS's limits of tags).
const (
	maxTags     = 50
	maxTagKey   = 128 // characters
	maxTagValue = 256
)

type tagIn struct {
	QueueUrl string
	Tags     map[string]string `wire:"Tags,Tag"`
}

func (s *Server) tagQueue(c *call, in tagIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	if len(in.Tags) == 0 {
		return empty{}, missing("Tags")
	}
	if err := checkTags(q.tags, in.Tags); err != nil {
		return empty{}, err
	}
	maps.Copy(q.tags, in.Tags)
	return empty{}, nil
}

// checkTags says whether a queue that has some tags may have more.
func checkTags(have, more map[string]string) error {
	total := len(have)
	for key, value := range more {
		if n := utf8.RuneCountInString(key); n < 1 || n > maxTagKey {
			return invalid("The tag key %q is not between 1 and %d characters long.", key, maxTagKey)
		}
		if utf8.RuneCountInString(value) > maxTagValue {
			return invalid("The value of the tag %q is longer than %d characters.", key, maxTagValue)
		}
		if _, ok := have[key]; !ok {
			total++
		}
	}
	if total > maxTags {
		return invalid("Too many tags: %d, and a queue may have %d.", total, maxTags)
	}
	return nil
}

type untagIn struct {
	QueueUrl string
	TagKeys  []string `wire:"TagKeys,TagKey"`
}

func (s *Server) untagQueue(c *call, in untagIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	if len(in.TagKeys) == 0 {
		return empty{}, missing("TagKeys")
	}
	for _, key := range in.TagKeys {
		delete(q.tags, key)
	}
	return empty{}, nil
}

type tagsOut struct {
	Tags map[string]string `wire:"Tags,Tag"`
}

func (s *Server) listTags(c *call, in queueURLIn) (tagsOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return tagsOut{}, err
	}
	return tagsOut{maps.Clone(q.tags)}, nil
}
