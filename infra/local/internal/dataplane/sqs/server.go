package sqs

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/disclone/disclone/infra/local/internal/clock"
	"github.com/disclone/disclone/infra/local/internal/dataplane/sqs/internal/wire"
)

const (
	maxRequest  = 8 << 20  // bytes of a request: a batch of 1 MiB, in base64 or escaped
	billedBytes = 64 << 10 // of a payload, which SQS bills as one request
)

// Event is what one request has used, as AWS bills it.
type Event struct {
	Operation string // SendMessage, ...
	Queue     string // the queue's name; "" where there is none
	Units     int    // requests billed: one for each 64 KB of payload, one at least
	Err       error  // what the client was told; nil if it was no error
}

// Options are the optional parts of a [Server]. The zero value is ready to use.
type Options struct {
	Region    string      // us-east-1 if empty
	AccountID string      // 123456789012 if empty
	BaseURL   string      // of queue URLs; http://localhost if empty
	Clock     clock.Clock // what timeouts and delays go by; the real clock if nil
	Observer  func(Event) // is told of each request that names an operation, concurrently; may be nil
}

// Server is the endpoint, an http.Handler. It is safe for concurrent use.
type Server struct {
	opts Options
	ops  map[string]operation

	mu      sync.Mutex
	queues  map[string]*queue    // by name
	deleted map[string]time.Time // when queues of these names were deleted
	moves   map[string][]*move   // by the name of the source, the latest last
}

// New makes an endpoint without queues.
func New(opts *Options) *Server {
	s := &Server{queues: map[string]*queue{}, deleted: map[string]time.Time{}, moves: map[string][]*move{}}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.Region == "" {
		s.opts.Region = "us-east-1"
	}
	if s.opts.AccountID == "" {
		s.opts.AccountID = "123456789012"
	}
	if s.opts.BaseURL == "" {
		s.opts.BaseURL = "http://localhost"
	}
	if s.opts.Clock == nil {
		s.opts.Clock = clock.Real()
	}
	s.ops = s.operations()
	return s
}

// operation is one operation, for both protocols.
type operation struct {
	in, out *wire.Shape
	run     func(c *call, read func(into any) error) (any, error)
}

// call is one request to an operation: what the operation must know of it, and what it notes for the meter.
type call struct {
	ctx   context.Context // of the request; it lives no longer
	queue string          // the queue that was found
	bytes int             // of payload
}

func (s *Server) operations() map[string]operation {
	return map[string]operation{
		"AddPermission":                serve(s.addPermission),
		"CancelMessageMoveTask":        serve(s.cancelMove),
		"ChangeMessageVisibility":      serve(s.changeVisibility),
		"ChangeMessageVisibilityBatch": serve(s.changeVisibilityBatch),
		"CreateQueue":                  serve(s.createQueue),
		"DeleteMessage":                serve(s.deleteMessage),
		"DeleteMessageBatch":           serve(s.deleteMessageBatch),
		"DeleteQueue":                  serve(s.deleteQueue),
		"GetQueueAttributes":           serve(s.getQueueAttributes),
		"GetQueueUrl":                  serve(s.getQueueURL),
		"ListDeadLetterSourceQueues":   serve(s.listSources),
		"ListMessageMoveTasks":         serve(s.listMoves),
		"ListQueueTags":                serve(s.listTags),
		"ListQueues":                   serve(s.listQueues),
		"PurgeQueue":                   serve(s.purgeQueue),
		"ReceiveMessage":               serve(s.receiveMessage),
		"RemovePermission":             serve(s.removePermission),
		"SendMessage":                  serve(s.sendMessage),
		"SendMessageBatch":             serve(s.sendMessageBatch),
		"SetQueueAttributes":           serve(s.setQueueAttributes),
		"StartMessageMoveTask":         serve(s.startMove),
		"TagQueue":                     serve(s.tagQueue),
		"UntagQueue":                   serve(s.untagQueue),
	}
}

func serve[In, Out any](op func(*call, In) (Out, error)) operation {
	run := func(c *call, read func(any) error) (any, error) {
		var in In
		if err := read(&in); err != nil {
			return nil, err
		}
		return op(c, in)
	}
	return operation{in: wire.Of[In](), out: wire.Of[Out](), run: run}
}

// codec is a protocol: it reads the name and the parameters of an operation, and writes what came of it.
type codec interface {
	read(r *http.Request, body []byte) (name string, params func(*wire.Shape, any) error, err error)
	write(w http.ResponseWriter, name string, out *wire.Shape, v any)
	fail(w http.ResponseWriter, err *apiError)
}

// ServeHTTP answers one request, in the protocol that it is in.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", requestID())
	var c codec = queryCodec{}
	if isJSON(r) {
		c = jsonCodec{}
	}
	name, out, v, err := s.handle(c, r)
	if err != nil {
		c.fail(w, asAPI(err))
		return
	}
	c.write(w, name, out, v)
}

func (s *Server) handle(c codec, r *http.Request) (string, *wire.Shape, any, error) {
	body, err := readAll(r)
	if err != nil {
		return "", nil, nil, err
	}
	name, params, err := c.read(r, body)
	if err != nil {
		return "", nil, nil, err
	}
	op, ok := s.ops[name]
	if !ok {
		return "", nil, nil, fail("UnknownOperationException", "The action %s is not valid for this endpoint.", name)
	}
	request := &call{ctx: r.Context()}
	v, err := op.run(request, func(into any) error { return params(op.in, into) })
	if s.opts.Observer != nil {
		units := max(1, (request.bytes+billedBytes-1)/billedBytes)
		s.opts.Observer(Event{Operation: name, Queue: request.queue, Units: units, Err: err})
	}
	return name, op.out, v, err
}

func readAll(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxRequest {
		return nil, fail("SerializationException", "the request is longer than %d bytes", maxRequest)
	}
	body := make([]byte, max(0, r.ContentLength))
	if r.ContentLength >= 0 {
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxRequest))
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return nil, fail("SerializationException", "the request is longer than %d bytes", maxRequest)
	}
	return body, err
}

// requestID has the form of the real ones, which are those of messages, too.
func requestID() string {
	const digits = "0123456789abcdef"
	var b [36]byte
	v := rand.Uint64() // an id, not a secret
	for i := range b {
		switch i {
		case 8, 13, 18, 23:
			b[i] = '-'
			continue
		case 19:
			v = rand.Uint64()
		}
		b[i] = digits[v&15]
		v >>= 4
	}
	b[14], b[19] = '4', digits[8|(v&3)]
	return string(b[:])
}
