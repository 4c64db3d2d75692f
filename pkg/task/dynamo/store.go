// Package dynamo keeps what is known of tasks in a DynamoDB table. It is a [task.Store], and nothing else.
//
// The table is the template's to make, not the code's: partition key pk (S), sort key sk (S), and expires (N, seconds since
// 1970) as its TTL attribute. An item is some JSON with a version:
//
//	pk           sk             ver, data (S, JSON), expires
//	TASK-ID      task           the task's record; and state, for those who look into the table
//	due          MILLIS#ID      a task that waits for its time
//	unique#KEY   unique         the id of the first call with the key
//	rate#TASK    rate           when the task's next run may begin
//
// What each method costs, for an item of up to 1 KB, and what it may do there:
//
//	Get      dynamodb:GetItem      1 read unit
//	Put      dynamodb:PutItem      1 write unit, also for a conflict
//	Delete   dynamodb:DeleteItem   1 write unit
//	Query    dynamodb:Query        1 read unit for 4 KB; of everything dynamodb:Scan, half a unit for 4 KB
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/disclone/disclone/pkg/task"
)

// Store is a [task.Store]. It is safe for concurrent use.
type Store struct {
	client *dynamodb.Client
	table  string
}

// New makes a store on a table. It makes no request.
func New(client *dynamodb.Client, table string) *Store { return &Store{client, table} }

type item = map[string]types.AttributeValue

func text(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func key(partition, sort string) item { return item{"pk": text(partition), "sk": text(sort)} }

// Get implements [task.Store] with a consistent read.
func (s *Store) Get(ctx context.Context, partition, sort string) (task.Item, bool, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: key(partition, sort), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return task.Item{}, false, fmt.Errorf("dynamo: get: %w", err)
	}
	if out.Item == nil {
		return task.Item{}, false, nil
	}
	it, err := decode(out.Item)
	return it, err == nil, err
}

// Put implements [task.Store].
func (s *Store) Put(ctx context.Context, it task.Item) (task.Item, error) {
	values := key(it.Partition, it.Sort)
	values["ver"], values["expires"], values["data"] = number(it.Version+1), number(it.Expires.Unix()), text(string(it.Data))
	if it.Label != "" {
		values["state"] = text(it.Label)
	}
	in := &dynamodb.PutItemInput{
		TableName: &s.table, Item: values, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if it.Version == 0 {
		in.ConditionExpression = aws.String("attribute_not_exists(pk)")
	} else {
		in.ConditionExpression, in.ExpressionAttributeValues = aws.String("ver = :v"), item{":v": number(it.Version)}
	}
	_, err := s.client.PutItem(ctx, in)
	var there *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		it.Version++
		return it, nil
	case !errors.As(err, &there):
		return task.Item{}, fmt.Errorf("dynamo: put: %w", err)
	case there.Item == nil: // it was deleted
		return task.Item{Partition: it.Partition, Sort: it.Sort}, task.ErrConflict
	}
	now, err := decode(there.Item)
	if err != nil {
		return task.Item{}, err
	}
	return now, task.ErrConflict
}

// Delete implements [task.Store].
func (s *Store) Delete(ctx context.Context, partition, sort string) error {
	if _, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: key(partition, sort)}); err != nil {
		return fmt.Errorf("dynamo: delete: %w", err)
	}
	return nil
}

// Query implements [task.Store]; a query of everything is a scan.
func (s *Store) Query(ctx context.Context, q task.Query) ([]task.Item, string, error) {
	if q.Partition == "" {
		out, err := s.client.Scan(ctx, &dynamodb.ScanInput{TableName: &s.table, Limit: aws.Int32(int32(q.Limit)), ExclusiveStartKey: begin(q.Next)})
		if err != nil {
			return nil, "", fmt.Errorf("dynamo: scan: %w", err)
		}
		return page(out.Items, out.LastEvaluatedKey)
	}
	in := &dynamodb.QueryInput{
		TableName: &s.table, Limit: aws.Int32(int32(q.Limit)), ConsistentRead: aws.Bool(true), ExclusiveStartKey: begin(q.Next),
		KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": text(q.Partition)},
	}
	switch {
	case q.From != "" && q.To != "":
		in.KeyConditionExpression = aws.String("pk = :p AND sk BETWEEN :from AND :to")
		in.ExpressionAttributeValues[":from"], in.ExpressionAttributeValues[":to"] = text(q.From), text(q.To)
	case q.From != "":
		in.KeyConditionExpression = aws.String("pk = :p AND sk >= :from")
		in.ExpressionAttributeValues[":from"] = text(q.From)
	case q.To != "":
		in.KeyConditionExpression = aws.String("pk = :p AND sk <= :to")
		in.ExpressionAttributeValues[":to"] = text(q.To)
	}
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return nil, "", fmt.Errorf("dynamo: query: %w", err)
	}
	return page(out.Items, out.LastEvaluatedKey)
}

// A page's end is its last key.
func begin(next string) item {
	if next == "" {
		return nil
	}
	partition, sort, _ := strings.Cut(next, "\n")
	return key(partition, sort)
}

func page(items []item, last item) ([]task.Item, string, error) {
	out := make([]task.Item, 0, len(items))
	for _, values := range items {
		it, err := decode(values)
		if err != nil {
			return nil, "", err
		}
		out = append(out, it)
	}
	if last == nil {
		return out, "", nil
	}
	return out, str(last["pk"]) + "\n" + str(last["sk"]), nil
}

func str(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func decode(values item) (task.Item, error) {
	it := task.Item{Partition: str(values["pk"]), Sort: str(values["sk"]), Data: []byte(str(values["data"]))}
	var err error
	if it.Version, err = integer(values["ver"]); err != nil {
		return task.Item{}, err
	}
	expires, err := integer(values["expires"])
	it.Expires = time.Unix(expires, 0)
	return it, err
}

func integer(v types.AttributeValue) (int64, error) {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0, errors.New("dynamo: an item is not as this package writes it")
	}
	return strconv.ParseInt(n.Value, 10, 64)
}
