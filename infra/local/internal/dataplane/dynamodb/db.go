// Package dynamodb is an embedded DynamoDB: it speaks the JSON 1.0 protocol of the real service to real AWS SDK clients,
// keeps its tables in memory, and answers as the service answers, with its error codes and texts.
//
// It is not a database to keep data in, and it does not check signatures. An operation, a parameter or an expression
// that it does not support is an error that names it; never a plausible wrong answer. Requests are carried out one
// after the other where they write, so transactions never conflict. Its packages attr and expr are next.
package dynamodb

import (
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
)

const (
	contentType = "application/x-amz-json-1.0"
	// maxBody is a little more than the 16 MB that DynamoDB takes in one request (Developer Guide, "Quotas").
	maxBody = 17 << 20
)

// Options are the settings of a [DB]. The zero value is good.
type Options struct {
	Region    string           // us-east-1 unless set
	AccountID string           // 000000000000 unless set
	Clock     func() time.Time // what TTL, streams and timestamps go by; time.Now unless set
	Log       *slog.Logger     // for faults of the emulator itself; discarded unless set
	Observer  func(Event)      // called after every request, from the request's goroutine; may be nil
}

// Event is one request as billing sees it.
type Event struct {
	Operation  string // PutItem, ...
	Table      string // the table; "" where there is none or more than one
	ReadUnits  float64
	WriteUnits float64
	Err        error // nil, or an *awsjson.Error
}

// DB is the service. It is an http.Handler, safe for concurrent use.
type DB struct {
	opts Options

	mu     sync.RWMutex // over all that follows
	tables map[string]*table
	tokens map[string]token // ClientRequestToken of TransactWriteItems
	seq    int64            // of stream records

	nextTTL atomic.Int64 // the earliest expiry of any item in unix seconds, 0 for none
}

// New makes an empty service. opts may be nil.
func New(opts *Options) *DB {
	db := &DB{tables: map[string]*table{}, tokens: map[string]token{}}
	if opts != nil {
		db.opts = *opts
	}
	if db.opts.Region == "" {
		db.opts.Region = "us-east-1"
	}
	if db.opts.AccountID == "" {
		db.opts.AccountID = "000000000000"
	}
	if db.opts.Clock == nil {
		db.opts.Clock = time.Now
	}
	if db.opts.Log == nil {
		db.opts.Log = slog.New(slog.DiscardHandler)
	}
	return db
}

// Close ends the service. Nothing is kept.
func (db *DB) Close() error { return nil }

// request is one call on its way through the service.
type request struct {
	op     string
	node   awsjson.Node
	now    time.Time
	costs  costs
	tables []string // as named in the request, for the observer
}

type handler func(db *DB, r *request) ([]byte, error)

// ServeHTTP answers one request, of DynamoDB or of DynamoDB Streams; a GET is told that the service is healthy.
func (db *DB) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	if hr.Method == http.MethodGet {
		// What load balancers and humans ask the real endpoint.
		_, _ = io.WriteString(w, "healthy: dynamodb."+db.opts.Region+".amazonaws.com ")
		return
	}
	r := &request{now: db.opts.Clock()}
	body, err := db.serve(hr, r)
	if db.opts.Observer != nil {
		db.opts.Observer(r.event(err))
	}
	if err != nil {
		awsjson.WriteError(w, contentType, db.fault(r.op, err))
		return
	}
	awsjson.Write(w, contentType, http.StatusOK, body)
}

func (r *request) event(err error) Event {
	e := Event{Operation: r.op, Err: err}
	if len(r.tables) == 1 {
		e.Table = r.tables[0]
	}
	for _, c := range r.costs {
		e.ReadUnits += c.read
		e.WriteUnits += c.written()
	}
	return e
}

func (db *DB) serve(hr *http.Request, r *request) ([]byte, error) {
	if hr.Method != http.MethodPost {
		return nil, coded("UnknownOperationException", "the embedded DynamoDB takes POST requests only")
	}
	service, op, err := awsjson.Target(hr)
	if err != nil {
		return nil, coded("UnknownOperationException", "")
	}
	r.op = op
	h, ok := operation(service, op)
	if !ok {
		return nil, coded("UnknownOperationException", "the embedded DynamoDB does not support "+service+"."+op)
	}
	text, err := readBody(hr)
	if err != nil {
		return nil, err
	}
	if r.node, err = awsjson.Parse(text); err != nil || !r.node.Is(awsjson.Object) {
		return nil, serialization("")
	}
	db.expire(r.now)
	return h(db, r)
}

func readBody(hr *http.Request) (string, error) {
	size := max(hr.ContentLength, 512)
	buf := make([]byte, 0, min(size+1, maxBody))
	body := io.LimitReader(hr.Body, maxBody+1)
	for {
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", serialization(err.Error())
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
	if len(buf) > maxBody {
		return "", coded("RequestEntityTooLarge", "the request is larger than 16 MB")
	}
	return string(buf), nil
}

// operation finds the handler of an operation.
func operation(service, op string) (handler, bool) {
	h, ok := operations()[service+"."+op]
	return h, ok
}

// operations is the table of all that is supported, built once.
var operations = sync.OnceValue(func() map[string]handler {
	all := map[string]handler{
		"CreateTable": (*DB).createTable, "DescribeTable": (*DB).describeTable, "ListTables": (*DB).listTables,
		"DeleteTable": (*DB).deleteTable, "UpdateTable": (*DB).updateTable,
		"PutItem": (*DB).putItem, "GetItem": (*DB).getItem, "UpdateItem": (*DB).updateItem, "DeleteItem": (*DB).deleteItem,
		"Query": (*DB).query, "Scan": (*DB).scan,
		"BatchGetItem": (*DB).batchGet, "BatchWriteItem": (*DB).batchWrite,
		"TransactGetItems": (*DB).transactGet, "TransactWriteItems": (*DB).transactWrite,
		"UpdateTimeToLive": (*DB).updateTTL, "DescribeTimeToLive": (*DB).describeTTL,
		"TagResource": (*DB).tagResource, "UntagResource": (*DB).untagResource, "ListTagsOfResource": (*DB).listTags,
		"DescribeLimits": (*DB).describeLimits, "DescribeEndpoints": (*DB).describeEndpoints,
	}
	streams := map[string]handler{
		"ListStreams": (*DB).listStreams, "DescribeStream": (*DB).describeStream,
		"GetShardIterator": (*DB).getShardIterator, "GetRecords": (*DB).getRecords,
	}
	out := make(map[string]handler, len(all)+len(streams))
	for op, h := range all {
		out["DynamoDB_20120810."+op] = h
	}
	for op, h := range streams {
		out["DynamoDBStreams_20120810."+op] = h
	}
	return out
})

// expire deletes the items whose time has come. The real service takes up to some days; the promise is the same.
func (db *DB) expire(now time.Time) {
	next := db.nextTTL.Load()
	if next == 0 || next > now.Unix() {
		return
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, t := range db.tables {
		db.expireTable(t, now)
	}
	db.scheduleTTL()
}

func (db *DB) expireTable(t *table, now time.Time) {
	for t.ttl != "" {
		due, ok := t.expiry.Min()
		if !ok || due.at > now.Unix() {
			return
		}
		// Times more than five years in the past are ignored (Developer Guide, "Using time to live").
		if due.at < now.AddDate(-5, 0, 0).Unix() {
			t.expiry.Delete(due)
			continue
		}
		db.commit(&change{table: t, key: due.key, old: t.at(due.key), expired: true}, now)
	}
}

// scheduleTTL notes when the next item expires.
func (db *DB) scheduleTTL() {
	next := int64(0)
	for _, t := range db.tables {
		if t.ttl == "" {
			continue
		}
		if due, ok := t.expiry.Min(); ok && (next == 0 || due.at < next) {
			next = due.at
		}
	}
	db.nextTTL.Store(next)
}
