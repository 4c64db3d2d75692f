// Package dynamo keeps streams in a DynamoDB table. It is a [stream.Store], and nothing else.
//
// The table is the template's to make, not the code's: partition key stream (S), sort key seq (N), and expires (N,
// seconds since 1970) as its TTL attribute. An item is an entry, a claim of an id, or the counter of a stream; each kind is
// in a partition of its own:
//
//	e#NAME      seq   id, at (ms since 1970), data (B), expires
//	i#NAME#ID   0     at the number of the id's entry, expires
//	n#NAME      0     next
//
// What each method costs, for an entry of up to 1 KB, and what it may do there:
//
//	Next    dynamodb:UpdateItem                       1 write unit
//	Put     dynamodb:PutItem                          4 write units (a transaction of two items), 1 for a hole
//	Find    dynamodb:GetItem                          2 read units
//	Range   dynamodb:Query                            1 read unit for 4 KB of entries
//
// The counter is one item, and DynamoDB takes about a thousand writes a second to one: so many entries a second a stream
// can take.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/disclone/disclone/pkg/stream"
)

const (
	conflictTries = 8
	conflictPause = 20 * time.Millisecond // on average before the second try, growing
)

// Store is a [stream.Store]. It is safe for concurrent use.
type Store struct {
	client *dynamodb.Client
	table  string
}

// New makes a store on a table.
func New(client *dynamodb.Client, table string) *Store { return &Store{client, table} }

type item = map[string]types.AttributeValue

func text(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func key(partition string, seq int64) item {
	return item{"stream": text(partition), "seq": number(seq)}
}

func entries(name string) string   { return "e#" + name }
func claim(name, id string) string { return "i#" + name + "#" + id }
func counter(name string) string   { return "n#" + name }

// Next takes the next number.
func (s *Store) Next(ctx context.Context, name string) (int64, error) {
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: key(counter(name), 0), UpdateExpression: aws.String("ADD #n :one"),
		ExpressionAttributeNames: map[string]string{"#n": "next"}, ExpressionAttributeValues: item{":one": number(1)},
		ReturnValues: types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, fmt.Errorf("dynamo: next number: %w", err)
	}
	return integer(out.Attributes, "next")
}

// Put writes an entry and the claim of its id in one transaction; a hole has no id and needs none.
func (s *Store) Put(ctx context.Context, name string, e stream.Entry, expires time.Time) error {
	entry := key(entries(name), e.Seq)
	entry["at"], entry["expires"] = number(e.At.UnixMilli()), number(expires.Unix())
	if e.ID == "" {
		_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: entry, ConditionExpression: aws.String(isNew)})
		var there *types.ConditionalCheckFailedException
		if errors.As(err, &there) {
			return stream.ErrTaken
		}
		return err
	}
	entry["id"] = text(e.ID)
	if len(e.Data) > 0 {
		entry["data"] = &types.AttributeValueMemberB{Value: e.Data}
	}
	claimed := key(claim(name, e.ID), 0)
	claimed["at"], claimed["expires"] = number(e.Seq), number(expires.Unix())
	return s.transact(ctx, s.put(claimed), s.put(entry))
}

const isNew = "attribute_not_exists(seq)"

func (s *Store) put(it item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: &s.table, Item: it, ConditionExpression: aws.String(isNew)}}
}

// transact writes a claim and an entry. A conflict with another transaction is tried again after a random pause.
func (s *Store) transact(ctx context.Context, claim, entry types.TransactWriteItem) error {
	var err error
	for try := range conflictTries {
		_, err = s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{claim, entry}})
		var canceled *types.TransactionCanceledException
		if err == nil || !errors.As(err, &canceled) || len(canceled.CancellationReasons) != 2 {
			return err
		}
		switch {
		case failed(canceled.CancellationReasons[0]):
			return stream.ErrDuplicate
		case failed(canceled.CancellationReasons[1]):
			return stream.ErrTaken
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
	return err
}

func failed(r types.CancellationReason) bool { return aws.ToString(r.Code) == "ConditionalCheckFailed" }

func pause(ctx context.Context, try int) error {
	timer := time.NewTimer(rand.N(2 * conflictPause << min(try, 5)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Find gives the entry of an id.
func (s *Store) Find(ctx context.Context, name, id string) (stream.Entry, bool, error) {
	claimed, err := s.get(ctx, key(claim(name, id), 0))
	if err != nil || claimed == nil {
		return stream.Entry{}, false, err
	}
	seq, err := integer(claimed, "at")
	if err != nil {
		return stream.Entry{}, false, err
	}
	it, err := s.get(ctx, key(entries(name), seq))
	if err != nil || it == nil {
		return stream.Entry{}, false, err
	}
	e, err := decode(it)
	return e, err == nil, err
}

func (s *Store) get(ctx context.Context, k item) (item, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: k, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("dynamo: get: %w", err)
	}
	return out.Item, nil
}

// Range gives entries, by one Query where 1 MB holds them.
func (s *Store) Range(ctx context.Context, name string, q stream.Query) ([]stream.Entry, error) {
	in := &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(!q.Latest), Limit: aws.Int32(int32(q.Limit)),
		KeyConditionExpression:    aws.String("#s = :s AND seq > :after"),
		ExpressionAttributeNames:  map[string]string{"#s": "stream"},
		ExpressionAttributeValues: item{":s": text(entries(name)), ":after": number(q.After)},
	}
	if q.Before > 0 {
		in.KeyConditionExpression = aws.String("#s = :s AND seq BETWEEN :after AND :before")
		in.ExpressionAttributeValues[":after"] = number(q.After + 1)
		in.ExpressionAttributeValues[":before"] = number(q.Before - 1)
	}
	if q.Before > 0 && q.Before-1 < q.After+1 {
		return nil, nil // BETWEEN wants its bounds in order
	}
	var found []stream.Entry
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("dynamo: query: %w", err)
		}
		for _, it := range out.Items {
			e, err := decode(it)
			if err != nil {
				return nil, err
			}
			found = append(found, e)
		}
		if len(out.LastEvaluatedKey) == 0 || len(found) >= q.Limit {
			return found, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func decode(it item) (stream.Entry, error) {
	seq, err := integer(it, "seq")
	if err != nil {
		return stream.Entry{}, err
	}
	at, err := integer(it, "at")
	if err != nil {
		return stream.Entry{}, err
	}
	e := stream.Entry{Seq: seq, At: time.UnixMilli(at)}
	if id, ok := it["id"].(*types.AttributeValueMemberS); ok {
		e.ID = id.Value
	}
	if data, ok := it["data"].(*types.AttributeValueMemberB); ok {
		e.Data = data.Value
	}
	return e, nil
}

func integer(it item, name string) (int64, error) {
	n, ok := it[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0, fmt.Errorf("dynamo: an item without the number %q", name)
	}
	return strconv.ParseInt(n.Value, 10, 64)
}
