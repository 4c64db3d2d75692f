package sqs

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/disclone/disclone/infra/local/internal/clock"
)

// maxRequest is the most bytes of a request: a batch of 1 MiB, in base64 or escaped JSON.
const maxRequest = 8 << 20

// Options are the optional parts of a [Server]. The zero value is ready to use.
type Options struct {
	Region    string      // us-east-1 if empty
	AccountID string      // 123456789012 if empty
	BaseURL   string      // of queue URLs; http://localhost if empty
	Clock     clock.Clock // what timeouts and delays go by; the real clock if nil
}

// Server is the endpoint, an http.Handler. It is safe for concurrent use.
type Server struct {
	opts Options
	ops  map[string]func(r *http.Request, body []byte) (any, error)

	mu     sync.Mutex
	queues map[string]*queue // by name
}

// New makes an endpoint without queues.
func New(opts *Options) *Server {
	s := &Server{queues: map[string]*queue{}}
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

func (s *Server) operations() map[string]func(*http.Request, []byte) (any, error) {
	return map[string]func(*http.Request, []byte) (any, error){
		"CreateQueue":                  serve(s.createQueue),
		"GetQueueUrl":                  serve(s.getQueueURL),
		"ListQueues":                   serve(s.listQueues),
		"DeleteQueue":                  serve(s.deleteQueue),
		"PurgeQueue":                   serve(s.purgeQueue),
		"GetQueueAttributes":           serve(s.getQueueAttributes),
		"SetQueueAttributes":           serve(s.setQueueAttributes),
		"SendMessage":                  serve(s.sendMessage),
		"SendMessageBatch":             serve(s.sendMessageBatch),
		"ReceiveMessage":               serve(s.receiveMessage),
		"DeleteMessage":                serve(s.deleteMessage),
		"DeleteMessageBatch":           serve(s.deleteMessageBatch),
		"ChangeMessageVisibility":      serve(s.changeVisibility),
		"ChangeMessageVisibilityBatch": serve(s.changeVisibilityBatch),
	}
}

// serve decodes a request strictly: a parameter that is not known is refused by name.
func serve[In, Out any](op func(*http.Request, In) (Out, error)) func(*http.Request, []byte) (any, error) {
	return func(r *http.Request, body []byte) (any, error) {
		var in In
		dec := json.NewDecoder(strings.NewReader(string(body)))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&in); err != nil {
			return nil, decodeError(err)
		}
		return op(r, in)
	}
}

func decodeError(err error) error {
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return &apiError{code: "UnsupportedOperation", message: "the parameter " + field + " is not supported by the embedded SQS"}
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return &apiError{code: "SerializationException", message: fmt.Sprintf("%s can not be converted to %s", wrong.Value, wrong.Field), plain: true}
	}
	return &apiError{code: "SerializationException", message: "the request is not valid JSON", plain: true}
}

// ServeHTTP answers one request of the JSON protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-amzn-RequestId", requestID())
	out, err := s.handle(r)
	if err != nil {
		writeError(w, err)
		return
	}
	data, err := json.Marshal(out)
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_, _ = w.Write(data) // the client is gone if this fails
}

func (s *Server) handle(r *http.Request) (any, error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	if !ok {
		return nil, &apiError{code: "UnsupportedOperation", message: "the embedded SQS speaks the JSON protocol (X-Amz-Target: AmazonSQS.*) only"}
	}
	op, ok := s.ops[name]
	if !ok {
		return nil, &apiError{code: "UnsupportedOperation", message: "the operation " + name + " is not supported by the embedded SQS"}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return nil, err
	}
	return op(r, body)
}

// apiError is an error of SQS: the code of the query protocol, by which the SDKs also type the JSON protocol's errors.
type apiError struct {
	code    string // for example AWS.SimpleQueueService.NonExistentQueue
	kind    string // the JSON protocol's name if it is another, for example QueueDoesNotExist
	message string
	plain   bool // of the protocol, not of SQS
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func (e *apiError) name() string {
	if e.kind != "" {
		return e.kind
	}
	return e.code
}

func writeError(w http.ResponseWriter, err error) {
	var e *apiError
	status := http.StatusBadRequest
	if !errors.As(err, &e) {
		e, status = &apiError{code: "InternalFailure", message: "internal failure"}, http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	kind := "com.amazonaws.sqs#" + e.name()
	if e.plain {
		kind = "com.amazon.coral.service#" + e.code
	} else {
		w.Header().Set("x-amzn-query-error", e.code+";Sender")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": kind, "message": e.message}) // the client is gone if this fails
}

func invalid(format string, args ...any) error {
	return &apiError{code: "InvalidParameterValue", kind: "InvalidParameterValueException", message: fmt.Sprintf(format, args...)}
}

func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
