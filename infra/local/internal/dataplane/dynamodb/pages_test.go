package dynamodb_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb"
)

// TestIndexPagesMissNothing pages through indexes in which many items have the same key.
func TestIndexPagesMissNothing(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	things(t, c)
	const items = 60
	for i := range items {
		put(t, c, item{"p": s("p" + strconv.Itoa(i%3)), "s": n(strconv.Itoa(i / 3)), "g": s("g" + strconv.Itoa(i%2))})
		put(t, c, item{"p": s("sparse"), "s": n(strconv.Itoa(i))})
	}
	for _, q := range []struct {
		index, cond string
		hash        types.AttributeValue
		want        int
	}{{"gix", "g = :v", s("g0"), items / 2}, {"gix", "g = :v", s("g1"), items / 2}, {"lix", "p = :v", s("p1"), items / 3}, {"lix", "p = :v", s("sparse"), 0}} {
		for _, forward := range []bool{true, false} {
			for limit := int32(1); limit < 8; limit += 3 {
				seen := map[string]bool{}
				in := &ddb.QueryInput{TableName: aws.String("things"), IndexName: aws.String(q.index), KeyConditionExpression: aws.String(q.cond),
					ExpressionAttributeValues: item{":v": q.hash}, Limit: aws.Int32(limit), ScanIndexForward: aws.Bool(forward)}
				for pages := ddb.NewQueryPaginator(c, in); pages.HasMorePages(); {
					p, err := pages.NextPage(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if p.LastEvaluatedKey != nil && len(p.LastEvaluatedKey) != 3 {
						t.Fatalf("the key to go on from: %v", p.LastEvaluatedKey)
					}
					for _, it := range p.Items {
						id := it["p"].(*str).Value + "/" + it["s"].(*num).Value
						if seen[id] {
							t.Errorf("%s %v limit %d: %s twice", q.index, forward, limit, id)
						}
						seen[id] = true
					}
				}
				if len(seen) != q.want {
					t.Errorf("%s %v limit %d: %d items, want %d", q.index, forward, limit, len(seen), q.want)
				}
			}
		}
	}
}

// TestOneMegabyteBeforeTheFilter wants pages of 1 MB of items looked at, whatever the filter leaves of them.
func TestOneMegabyteBeforeTheFilter(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	things(t, c)
	for i := range 12 {
		put(t, c, item{"p": s("big"), "s": n(strconv.Itoa(i)), "v": s(strings.Repeat("x", 128<<10))})
	}
	got, err := c.Query(t.Context(), &ddb.QueryInput{TableName: aws.String("things"), KeyConditionExpression: aws.String("p = :p"),
		FilterExpression: aws.String("attribute_exists(nothing)"), ExpressionAttributeValues: item{":p": s("big")}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
	if err != nil {
		t.Fatal(err)
	}
	if got.Count != 0 || got.ScannedCount != 8 || got.LastEvaluatedKey["s"].(*num).Value != "7" || *got.ConsumedCapacity.CapacityUnits != 128.5 {
		t.Errorf("count %d, scanned %d, last %v, units %v", got.Count, got.ScannedCount, got.LastEvaluatedKey, *got.ConsumedCapacity.CapacityUnits)
	}
}

func TestBatchGetStopsAt16Megabytes(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	things(t, c)
	var keys []map[string]types.AttributeValue
	for i := range 50 {
		put(t, c, item{"p": s("big"), "s": n(strconv.Itoa(i)), "v": s(strings.Repeat("x", 390<<10))})
		keys = append(keys, key("big", strconv.Itoa(i)))
	}
	seen := map[string]bool{}
	request := map[string]types.KeysAndAttributes{"things": {Keys: keys, ProjectionExpression: aws.String("#s"), ExpressionAttributeNames: map[string]string{"#s": "s"}}}
	for calls := 0; len(request) > 0; calls++ {
		if calls == 3 {
			t.Fatal("too many calls")
		}
		got, err := c.BatchGetItem(t.Context(), &ddb.BatchGetItemInput{RequestItems: request})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range got.Responses["things"] {
			seen[it["s"].(*num).Value] = true
		}
		if calls == 0 && len(got.UnprocessedKeys["things"].Keys) != 8 {
			t.Errorf("%d keys left", len(got.UnprocessedKeys["things"].Keys))
		}
		request = got.UnprocessedKeys
	}
	if len(seen) != 50 {
		t.Errorf("%d items", len(seen))
	}
}

func TestObserverIsToldWhatItCosts(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var events []string
	c := start(t, &dynamodb.Options{Observer: func(e dynamodb.Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, fmt.Sprintf("%s %s %v %v %v", e.Operation, e.Table, e.ReadUnits, e.WriteUnits, e.Err != nil))
	}})
	things(t, c)
	put(t, c, item{"p": s("a"), "s": n("1"), "g": s("g")})
	_, _ = c.GetItem(t.Context(), &ddb.GetItemInput{TableName: aws.String("things"), Key: key("a", "1")})
	_, _ = c.TransactWriteItems(t.Context(), &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Delete: &types.Delete{TableName: aws.String("things"), Key: key("a", "1")}}}})
	_, _ = c.GetItem(t.Context(), &ddb.GetItemInput{TableName: aws.String("none"), Key: key("a", "1")})
	mu.Lock()
	defer mu.Unlock()
	want := []string{"CreateTable things 0 0 false", "PutItem things 0 3 false", "GetItem things 0.5 0 false", "TransactWriteItems things 0 6 false", "GetItem none 0 0 true"}
	if strings.Join(events, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(events, "\n"))
	}
}
