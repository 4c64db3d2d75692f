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

	"github.com/disclone/disclone/pkg/channel"
)

// The attributes of an item. "group" is a reserved word of DynamoDB's expressions, so every expression uses #names.
const (
	attrGroup   = "group"
	attrChannel = "channel"
	attrExpires = "expires"
)

// DefaultIndex is the name of the index by channel.
const DefaultIndex = "byChannel"

const (
	maxBatch    = 25 // items in one BatchWriteItem: DynamoDB's quota
	maxAttempts = 6  // at the items that one BatchWriteItem left over
	firstPause  = 25 * time.Millisecond
)

var errUnprocessed = errors.New("dynamo: DynamoDB left items unprocessed")

// Options are the optional parts of a [Store]. The zero value is ready to use.
type Options struct {
	Index string // the index by channel; DefaultIndex if empty
}

// Store is a [channel.Store] on one table. It has no state of its own and is safe for concurrent use. Its errors wrap
// those of the SDK, which has tried again what can be.
type Store struct {
	client *dynamodb.Client
	table  string
	index  string
}

// New makes a store. It makes no request.
func New(client *dynamodb.Client, table string, opts *Options) *Store {
	s := &Store{client: client, table: table, index: DefaultIndex}
	if opts != nil && opts.Index != "" {
		s.index = opts.Index
	}
	return s
}

// Add implements [channel.Store] with one PutItem. It keeps expires to the second, rounded up.
func (s *Store) Add(ctx context.Context, group, channel string, expires time.Time) error {
	item := key(group, channel)
	if !expires.IsZero() {
		item[attrExpires] = &types.AttributeValueMemberN{Value: strconv.FormatInt(ceilSeconds(expires), 10)}
	}
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: item})
	if err != nil {
		return fmt.Errorf("dynamo: put membership: %w", err)
	}
	return nil
}

// Remove implements [channel.Store] with one DeleteItem.
func (s *Store) Remove(ctx context.Context, group, channel string) error {
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: key(group, channel)})
	if err != nil {
		return fmt.Errorf("dynamo: delete membership: %w", err)
	}
	return nil
}

// Members implements [channel.Store] with one strongly consistent Query. A page ends at limit or at 1 MB.
func (s *Store) Members(ctx context.Context, group, from string, limit int) ([]channel.Member, string, error) {
	out, err := s.client.Query(ctx, s.membersQuery(group, from, limit))
	if err != nil {
		return nil, "", fmt.Errorf("dynamo: query members: %w", err)
	}
	members := make([]channel.Member, len(out.Items))
	for i, item := range out.Items {
		if members[i], err = decodeMember(item); err != nil {
			return nil, "", err
		}
	}
	if len(out.LastEvaluatedKey) == 0 {
		return members, "", nil
	}
	last, err := text(out.LastEvaluatedKey, attrChannel)
	return members, after(last), err
}

func (s *Store) membersQuery(group, from string, limit int) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		TableName:                 &s.table,
		KeyConditionExpression:    aws.String("#group = :group"),
		ProjectionExpression:      aws.String("#channel, #expires"),
		ExpressionAttributeNames:  map[string]string{"#group": attrGroup, "#channel": attrChannel, "#expires": attrExpires},
		ExpressionAttributeValues: map[string]types.AttributeValue{":group": str(group)},
		ConsistentRead:            aws.Bool(true),
		Limit:                     aws.Int32(int32(limit)),
	}
	if from != "" {
		in.KeyConditionExpression = aws.String("#group = :group AND #channel >= :from")
		in.ExpressionAttributeValues[":from"] = str(from)
	}
	return in
}

// after gives the least string that is greater than a channel's name and not greater than any longer name: names have
// no character as low as "!".
func after(name string) string { return name + "!" }

// RemoveAll implements [channel.Store] with a Query of the index, and a BatchWriteItem for each 25 memberships.
func (s *Store) RemoveAll(ctx context.Context, channel string) error {
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName:                 &s.table,
		IndexName:                 &s.index,
		KeyConditionExpression:    aws.String("#channel = :channel"),
		ProjectionExpression:      aws.String("#group, #channel"),
		ExpressionAttributeNames:  map[string]string{"#group": attrGroup, "#channel": attrChannel},
		ExpressionAttributeValues: map[string]types.AttributeValue{":channel": str(channel)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("dynamo: query groups: %w", err)
		}
		if err := s.deleteAll(ctx, page.Items); err != nil {
			return err
		}
	}
	return nil
}

// deleteAll deletes items by their keys.
func (s *Store) deleteAll(ctx context.Context, keys []map[string]types.AttributeValue) error {
	for len(keys) > 0 {
		n := min(len(keys), maxBatch)
		batch := make([]types.WriteRequest, n)
		for i, key := range keys[:n] {
			batch[i] = types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}}
		}
		if err := s.write(ctx, batch); err != nil {
			return fmt.Errorf("dynamo: delete memberships: %w", err)
		}
		keys = keys[n:]
	}
	return nil
}

// write does a batch, and again what DynamoDB left of it. The SDK does not: leaving items is no error to it.
func (s *Store) write(ctx context.Context, batch []types.WriteRequest) error {
	for attempt := range maxAttempts {
		out, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{s.table: batch},
		})
		if err != nil {
			return err
		}
		if batch = out.UnprocessedItems[s.table]; len(batch) == 0 {
			return nil
		}
		if err := pause(ctx, rand.N(firstPause<<attempt)); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: %d", errUnprocessed, len(batch))
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
