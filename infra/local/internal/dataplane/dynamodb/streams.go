package dynamodb

import (
	"encoding/base64"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

const (
	retention    = 24 * time.Hour // of stream records (Developer Guide, "Change data capture for DynamoDB Streams")
	iteratorLife = 15 * time.Minute
	maxRecords   = 1000 // of one GetRecords call (API reference)
	shardID      = "shardId-00000000000000000001-00000001"
)

// stream is a table's stream. It has one shard.
type stream struct {
	arn, label, view string
	keys             keySchema
	table            string
	created          time.Time
	ended            bool
	first, last      int64 // sequence numbers of the shard: the first it could hold, and the last when it ended
	records          []record
}

// record is one change.
type record struct {
	seq      int64
	at       time.Time
	event    string
	old, now attr.Item
	expired  bool
	size     int
}

// streamView reads StreamSpecification: the view type, or "" for no stream.
func streamView(n *awsjson.Node) (string, error) {
	s := n.Get("StreamSpecification")
	if s.Is(awsjson.None) {
		return "", nil
	}
	enabled, err := flag(s, "StreamEnabled", false)
	if err != nil {
		return "", err
	}
	view, err := choice(s, "StreamViewType", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY")
	switch {
	case err != nil:
		return "", err
	case !has(s, "StreamEnabled"):
		return "", missing("streamSpecification.streamEnabled")
	case enabled && view == "":
		return "", invalid(badParameter + "StreamEnabled is true but StreamViewType is not specified")
	case !enabled && view != "":
		return "", invalid(badParameter + "StreamEnabled is false but StreamViewType is specified")
	}
	return view, nil
}

func (t *table) startStream(view string, now time.Time) {
	label := now.UTC().Format("2006-01-02T15:04:05.000")
	for _, s := range t.old {
		if s.label == label { // two streams of one table within a millisecond
			label = now.UTC().Add(time.Duration(len(t.old)) * time.Millisecond).Format("2006-01-02T15:04:05.000")
		}
	}
	t.stream = &stream{arn: t.arn + "/stream/" + label, label: label, view: view, keys: t.keys, table: t.name, created: now}
}

func (t *table) updateStream(n *awsjson.Node, now time.Time) error {
	if !has(n, "StreamSpecification") {
		return nil
	}
	view, err := streamView(n)
	switch {
	case err != nil:
		return err
	case view != "" && t.stream != nil:
		return coded("ResourceInUseException", "Table already has an enabled stream: TableName: "+t.name)
	case view == "" && t.stream == nil:
		return invalid("Table has no enabled stream: TableName: %s", t.name)
	case view != "":
		t.startStream(view, now)
	default:
		t.stream.ended = true
		t.old = append(t.old, t.stream)
		t.stream = nil
	}
	return nil
}

func (t *table) describeStream(o *out) {
	s := t.stream
	if s == nil {
		return
	}
	o.key("StreamSpecification")
	o.open('{')
	o.bool("StreamEnabled", true)
	o.str("StreamViewType", s.view)
	o.close('}')
	o.str("LatestStreamLabel", s.label)
	o.str("LatestStreamArn", s.arn)
}

// record adds a change to the table's stream. A write that changes nothing leaves no record.
func (db *DB) record(c *change, now time.Time) {
	s := c.table.stream
	r := record{at: now, old: c.old, now: c.now, expired: c.expired}
	switch {
	case c.old == nil:
		r.event = "INSERT"
	case c.now == nil:
		r.event = "REMOVE"
	case attr.EqualItems(c.old, c.now):
		return
	default:
		r.event = "MODIFY"
	}
	db.seq++
	r.seq = db.seq
	if s.first == 0 {
		s.first = r.seq
	}
	s.last = r.seq
	r.size = attr.Size(c.old) + attr.Size(c.now)
	s.records = append(s.records, r)
	s.trim(now)
}

// trim drops records that are too old to be read.
func (s *stream) trim(now time.Time) {
	n := sort.Search(len(s.records), func(i int) bool { return now.Sub(s.records[i].at) <= retention })
	s.records = s.records[n:]
}

func seqText(n int64) string { return fmt.Sprintf("%021d", n+100000000000) }

func (db *DB) streams(table string) []*stream {
	var out []*stream
	for _, name := range sortedKeys(db.tables) {
		t := db.tables[name]
		if table != "" && table != name {
			continue
		}
		out = append(out, t.old...)
		if t.stream != nil {
			out = append(out, t.stream)
		}
	}
	return out
}

func (db *DB) streamOf(arn string) (*stream, error) {
	for _, s := range db.streams("") {
		if s.arn == arn {
			return s, nil
		}
	}
	return nil, coded("ResourceNotFoundException", "Requested resource not found: Stream: "+arn+" not found")
}

func (db *DB) listStreams(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "ListStreams", "TableName", "Limit", "ExclusiveStartStreamArn"); err != nil {
		return nil, err
	}
	name, err := text(n, "TableName")
	if err != nil {
		return nil, err
	}
	limit, ok, err := integer(n, "Limit")
	if err != nil {
		return nil, err
	}
	if !ok {
		limit = 100
	}
	after, err := text(n, "ExclusiveStartStreamArn")
	if err != nil {
		return nil, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	list := db.streams(name)
	for i, s := range list {
		if s.arn == after {
			list = list[i+1:]
			break
		}
	}
	var o out
	o.open('{')
	if len(list) > int(limit) {
		list = list[:limit]
		o.str("LastEvaluatedStreamArn", list[limit-1].arn)
	}
	o.key("Streams")
	o.open('[')
	for _, s := range list {
		o.open('{')
		o.str("StreamArn", s.arn)
		o.str("StreamLabel", s.label)
		o.str("TableName", s.table)
		o.close('}')
	}
	o.close(']')
	o.close('}')
	return o.b, nil
}

func (db *DB) describeStream(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "DescribeStream", "StreamArn", "Limit", "ExclusiveStartShardId"); err != nil {
		return nil, err
	}
	arn, err := text(n, "StreamArn")
	if err != nil {
		return nil, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	s, err := db.streamOf(arn)
	if err != nil {
		return nil, err
	}
	var o out
	o.open('{')
	o.key("StreamDescription")
	o.open('{')
	o.str("StreamArn", s.arn)
	o.str("StreamLabel", s.label)
	o.str("StreamStatus", map[bool]string{false: "ENABLED", true: "DISABLED"}[s.ended])
	o.str("StreamViewType", s.view)
	o.str("TableName", s.table)
	o.time("CreationRequestDateTime", s.created)
	o.keySchema(s.keys)
	o.key("Shards")
	o.open('[')
	if n.Get("ExclusiveStartShardId").Str != shardID {
		o.open('{')
		o.str("ShardId", shardID)
		o.key("SequenceNumberRange")
		o.open('{')
		o.str("StartingSequenceNumber", seqText(s.first))
		if s.ended {
			o.str("EndingSequenceNumber", seqText(s.last))
		}
		o.close('}')
		o.close('}')
	}
	o.close(']')
	o.close('}')
	o.close('}')
	return o.b, nil
}

// iterator is a place in a stream: records with a sequence number greater than after come next.
func iterator(s *stream, after int64, now time.Time) string {
	text := fmt.Sprintf("%d|%d|%s", after, now.Add(iteratorLife).UnixMilli(), s.arn)
	return base64.StdEncoding.EncodeToString([]byte(text))
}

func (db *DB) getShardIterator(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "GetShardIterator", "StreamArn", "ShardId", "ShardIteratorType", "SequenceNumber"); err != nil {
		return nil, err
	}
	kind, err := choice(n, "ShardIteratorType", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON", "AFTER_SEQUENCE_NUMBER", "LATEST")
	if err != nil {
		return nil, err
	}
	if kind == "" {
		return nil, missing("shardIteratorType")
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	s, err := db.streamOf(n.Get("StreamArn").Str)
	if err != nil {
		return nil, err
	}
	if n.Get("ShardId").Str != shardID {
		return nil, coded("ResourceNotFoundException", "Requested resource not found: Shard does not exist")
	}
	after, err := position(n, s, kind)
	if err != nil {
		return nil, err
	}
	var o out
	o.open('{')
	o.str("ShardIterator", iterator(s, after, r.now))
	o.close('}')
	return o.b, nil
}

func position(n *awsjson.Node, s *stream, kind string) (int64, error) {
	switch kind {
	case "TRIM_HORIZON":
		return 0, nil
	case "LATEST":
		return s.last, nil
	}
	v, err := strconv.ParseInt(n.Get("SequenceNumber").Str, 10, 64)
	if err != nil {
		return 0, invalid("Invalid SequenceNumber: %s", n.Get("SequenceNumber").Str)
	}
	v -= 100000000000
	if kind == "AT_SEQUENCE_NUMBER" {
		v--
	}
	if len(s.records) > 0 && v < s.records[0].seq-1 {
		return 0, coded("TrimmedDataAccessException", "The operation attempted to read past the oldest stream record in a shard")
	}
	return v, nil
}

// place reads an iterator.
func (db *DB) place(text string, now time.Time) (*stream, int64, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	parts := strings.SplitN(string(raw), "|", 3)
	if err != nil || len(parts) != 3 {
		return nil, 0, invalid("Invalid ShardIterator")
	}
	after, err := strconv.ParseInt(parts[0], 10, 64)
	till, err2 := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || err2 != nil {
		return nil, 0, invalid("Invalid ShardIterator")
	}
	if now.UnixMilli() > till {
		return nil, 0, coded("ExpiredIteratorException", "Iterator expired: the iterator is older than 15 minutes")
	}
	s, err := db.streamOf(parts[2])
	return s, after, err
}

func (db *DB) getRecords(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "GetRecords", "ShardIterator", "Limit"); err != nil {
		return nil, err
	}
	limit, ok, err := integer(n, "Limit")
	switch {
	case err != nil:
		return nil, err
	case !ok:
		limit = maxRecords
	case limit < 1 || limit > maxRecords:
		return nil, constraint(itoa(int(limit)), "limit", "Member must have value between 1 and 1000")
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	s, after, err := db.place(n.Get("ShardIterator").Str, r.now)
	if err != nil {
		return nil, err
	}
	from := sort.Search(len(s.records), func(i int) bool { return s.records[i].seq > after })
	var o out
	o.open('{')
	o.key("Records")
	o.open('[')
	for size := 0; from < len(s.records) && limit > 0 && size < maxPage; from, limit = from+1, limit-1 {
		rec := &s.records[from]
		if r.now.Sub(rec.at) > retention {
			continue
		}
		s.describeRecord(&o, rec, db.opts.Region)
		after, size = rec.seq, size+rec.size
	}
	o.close(']')
	if !s.ended || from < len(s.records) {
		o.str("NextShardIterator", iterator(s, after, r.now))
	}
	o.close('}')
	return o.b, nil
}

func (s *stream) describeRecord(o *out, rec *record, region string) {
	o.open('{')
	o.str("awsRegion", region)
	o.str("eventID", fmt.Sprintf("%032x", rec.seq))
	o.str("eventName", rec.event)
	o.str("eventSource", "aws:dynamodb")
	o.str("eventVersion", "1.1")
	if rec.expired {
		o.key("userIdentity")
		o.b = append(o.b, `{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}`...)
	}
	o.key("dynamodb")
	o.open('{')
	o.int("ApproximateCreationDateTime", rec.at.Unix())
	it := rec.now
	if it == nil {
		it = rec.old
	}
	o.item("Keys", s.keys.keyOf(it))
	if rec.now != nil && (s.view == "NEW_IMAGE" || s.view == "NEW_AND_OLD_IMAGES") {
		o.item("NewImage", rec.now)
	}
	if rec.old != nil && (s.view == "OLD_IMAGE" || s.view == "NEW_AND_OLD_IMAGES") {
		o.item("OldImage", rec.old)
	}
	o.str("SequenceNumber", seqText(rec.seq))
	o.int("SizeBytes", int64(rec.size))
	o.str("StreamViewType", s.view)
	o.close('}')
	o.close('}')
}
