package eventsource

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/disclone/disclone/infra/local/internal/template"
)

const (
	// streamPause is how long a stream rests when it has nothing new. Lambda polls four times a second.
	streamPause = 250 * time.Millisecond
	// maxRecords is the most records of one GetRecords.
	maxRecords = 1000
)

// stream is a mapping of a DynamoDB table's stream. Its shards are read in their order; each by one invocation at a time.
type stream struct {
	template.Mapping
	table   string
	region  string
	filters filters
}

// tableOfStream gives the table in arn:aws:dynamodb:{region}:{account}:table/{name}/stream/{label}.
func tableOfStream(arn string) (string, bool) {
	_, rest, ok := strings.Cut(arn, ":table/")
	table, _, of := strings.Cut(rest, "/stream")
	return table, ok && of && strings.Contains(arn, ":dynamodb:")
}

type streamRecord struct {
	raw      json.RawMessage
	sequence string
}

// follow reads the stream until ctx ends. What cannot be read is tried again.
func (p *Poller) follow(ctx context.Context, s stream) error {
	seen := map[string]bool{}
	first := true
	for ctx.Err() == nil {
		arn, shards, err := p.shards(ctx, s)
		if err != nil && ctx.Err() == nil {
			p.log.Warn("eventsource: describe the stream", "table", s.table, "error", err)
		}
		for _, shard := range shards {
			if seen[shard] {
				continue
			}
			seen[shard] = true
			start := "TRIM_HORIZON" // what a new shard has is all new
			if first {
				start = cmp.Or(s.StartingPos, "LATEST")
			}
			if err := p.readShard(ctx, s, arn, shard, start); err != nil && ctx.Err() == nil {
				p.log.Warn("eventsource: read the stream", "table", s.table, "error", err)
				delete(seen, shard)
			}
		}
		first = first && err != nil
		pause(ctx, streamPause)
	}
	return ctx.Err()
}

func (p *Poller) shards(ctx context.Context, s stream) (arn string, shards []string, err error) {
	var described struct {
		Table struct{ LatestStreamArn string }
	}
	if err := p.dynamodb(ctx, s, "DynamoDB_20120810.DescribeTable", map[string]any{"TableName": s.table}, &described); err != nil {
		return "", nil, err
	}
	arn = described.Table.LatestStreamArn
	if arn == "" {
		return "", nil, errors.New("the table has no stream")
	}
	var out struct {
		StreamDescription struct{ Shards []struct{ ShardID string } }
	}
	if err := p.dynamodb(ctx, s, "DynamoDBStreams_20120810.DescribeStream", map[string]any{"StreamArn": arn}, &out); err != nil {
		return "", nil, err
	}
	for _, shard := range out.StreamDescription.Shards {
		shards = append(shards, shard.ShardID)
	}
	return arn, shards, nil
}

// readShard reads a shard to its end, which an open one has not.
func (p *Poller) readShard(ctx context.Context, s stream, arn, shard, start string) error {
	var at struct{ ShardIterator string }
	in := map[string]any{"StreamArn": arn, "ShardId": shard, "ShardIteratorType": start}
	if err := p.dynamodb(ctx, s, "DynamoDBStreams_20120810.GetShardIterator", in, &at); err != nil {
		return err
	}
	for iterator := at.ShardIterator; iterator != "" && ctx.Err() == nil; {
		var out struct {
			Records           []json.RawMessage
			NextShardIterator string
		}
		in := map[string]any{"ShardIterator": iterator, "Limit": min(s.BatchSize, maxRecords)}
		if err := p.dynamodb(ctx, s, "DynamoDBStreams_20120810.GetRecords", in, &out); err != nil {
			return err
		}
		records, err := s.wanted(arn, out.Records)
		if err != nil {
			return err
		}
		p.deliverStream(ctx, s, records)
		if len(out.Records) == 0 {
			pause(ctx, streamPause)
		}
		iterator = out.NextShardIterator
	}
	return nil
}

// wanted gives the records that a filter matches, as the function sees them.
func (s stream) wanted(arn string, raw []json.RawMessage) ([]streamRecord, error) {
	var out []streamRecord
	for _, text := range raw {
		if !s.wants(text) {
			continue
		}
		var fields map[string]json.RawMessage
		var position struct {
			Dynamodb struct{ SequenceNumber string }
		}
		if err := errors.Join(json.Unmarshal(text, &fields), json.Unmarshal(text, &position)); err != nil {
			return nil, err
		}
		fields["eventSourceARN"], _ = json.Marshal(arn) // a text always encodes
		whole, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		out = append(out, streamRecord{whole, position.Dynamodb.SequenceNumber})
	}
	return out, nil
}

func (s stream) wants(record []byte) bool {
	for _, p := range s.filters {
		if p.MatchesJSON(record) {
			return true
		}
	}
	return len(s.filters) == 0
}

// deliverStream invokes the function until it has handled every record: a stream waits at a record that fails, as long
// as the record is kept. With partial failures it begins again at the first that failed.
func (p *Poller) deliverStream(ctx context.Context, s stream, records []streamRecord) {
	for len(records) > 0 && ctx.Err() == nil {
		raw := make([]json.RawMessage, len(records))
		for i, r := range records {
			raw[i] = r.raw
		}
		payload, err := json.Marshal(map[string]any{"Records": raw})
		if err != nil {
			p.log.Error("eventsource: encode", "table", s.table, "error", err)
			return
		}
		response, functionError, err := p.invoker.Invoke(withSource(context.WithoutCancel(ctx), s.ID), s.Function, payload)
		if err != nil && !throttled(err) {
			p.log.Error("eventsource: invoke", "function", s.Function, "error", err)
		}
		if err == nil && functionError == "" {
			records = records[s.handled(records, response):]
			if len(records) == 0 {
				return
			}
		}
		pause(ctx, backOff)
	}
}

// handled counts the records before the first that failed.
func (s stream) handled(records []streamRecord, response []byte) int {
	var out struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if !s.ReportFailures || len(response) == 0 {
		return len(records)
	}
	if err := json.Unmarshal(response, &out); err != nil {
		return 0
	}
	handled := len(records)
	for _, f := range out.BatchItemFailures {
		found := false
		for i, r := range records {
			if r.sequence == f.ItemIdentifier {
				found, handled = true, min(handled, i)
			}
		}
		if !found {
			return 0
		}
	}
	return handled
}

// dynamodb makes one request. The records of a stream go to functions in the very JSON that DynamoDB answers, so
// nothing is gained by decoding them.
func (p *Poller) dynamodb(ctx context.Context, s stream, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.opts.StreamsURL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", target)
	sum := sha256.Sum256(body)
	keys := aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"} // made up: nothing checks them
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "dynamodb", s.region, time.Now()); err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", target, resp.Status, answer)
	}
	return json.Unmarshal(answer, out)
}
