package dynamodb_test

import (
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb"
)

func TestStreamTellsEveryChangeInOrder(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(dynamodb.New(nil))
	t.Cleanup(srv.Close)
	c, ctx := sdk(srv.URL), t.Context()
	things(t, c)
	if _, err := c.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: aws.String("things"),
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages}}); err != nil {
		t.Fatal(err)
	}
	put(t, c, item{"p": s("a"), "s": n("1"), "v": s("one")})
	put(t, c, item{"p": s("a"), "s": n("1"), "v": s("one")}) // changes nothing
	put(t, c, item{"p": s("a"), "s": n("1"), "v": s("two")})
	if _, err := c.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: aws.String("things"), Key: key("a", "1")}); err != nil {
		t.Fatal(err)
	}
	call := func(op string, body object) object {
		got := postTo(t, srv.URL, "DynamoDBStreams_20120810."+op, body)
		if code(got) != "" {
			t.Fatalf("%s: %v", op, got)
		}
		return got
	}
	streams := call("ListStreams", object{"TableName": "things"})["Streams"].([]any)
	arn := streams[0].(object)["StreamArn"]
	d := call("DescribeStream", object{"StreamArn": arn})["StreamDescription"].(object)
	shard := d["Shards"].([]any)[0].(object)["ShardId"]
	next := call("GetShardIterator", object{"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"})["ShardIterator"]
	var got []any
	for len(got) < 3 {
		page := call("GetRecords", object{"ShardIterator": next, "Limit": 2})
		if len(page["Records"].([]any)) == 0 {
			t.Fatalf("no more after %d records", len(got))
		}
		got, next = append(got, page["Records"].([]any)...), page["NextShardIterator"]
	}
	last := ""
	for i, want := range []struct{ event, old, now string }{{"INSERT", "", "one"}, {"MODIFY", "one", "two"}, {"REMOVE", "two", ""}} {
		r := got[i].(object)
		change := r["dynamodb"].(object)
		if r["eventName"] != want.event || image(change, "OldImage") != want.old || image(change, "NewImage") != want.now || len(change["Keys"].(object)) != 2 {
			t.Errorf("record %d: %v", i, r)
		}
		if seq := change["SequenceNumber"].(string); seq <= last {
			t.Errorf("sequence numbers do not grow: %s, %s", last, seq)
		} else {
			last = seq
		}
	}
}

func image(change object, which string) string {
	it, _ := change[which].(object)
	v, _ := it["v"].(object)
	text, _ := v["S"].(string)
	return text
}

func TestIndexAddedLaterIsFilled(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	things(t, c)
	put(t, c, item{"p": s("a"), "s": n("1"), "h": n("7")})
	put(t, c, item{"p": s("b"), "s": n("1"), "h": s("of another type")})
	put(t, c, item{"p": s("c"), "s": n("1")})
	ctx := t.Context()
	update := func(in *types.GlobalSecondaryIndexUpdate) error {
		_, err := c.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: aws.String("things"), GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{*in},
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("h"), AttributeType: "N"}}})
		return err
	}
	if err := update(&types.GlobalSecondaryIndexUpdate{Create: &types.CreateGlobalSecondaryIndexAction{IndexName: aws.String("later"), KeySchema: schema("h", ""),
		Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}}); err != nil {
		t.Fatal(err)
	}
	q := &ddb.QueryInput{TableName: aws.String("things"), IndexName: aws.String("later"), KeyConditionExpression: aws.String("h = :h"), ExpressionAttributeValues: item{":h": n("7.0")}}
	got, err := c.Query(ctx, q)
	if err != nil || got.Count != 1 || got.Items[0]["p"].(*str).Value != "a" {
		t.Errorf("%v %v", got, err)
	}
	if err := update(&types.GlobalSecondaryIndexUpdate{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: aws.String("later")}}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Query(ctx, q)
	refused(t, err, "ValidationException", "The table does not have the specified index: later")
}

func TestSegmentsShareTheTable(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	things(t, c)
	const items, segments = 200, 4
	for i := range int64(items) {
		put(t, c, item{"p": s(string(rune('a'+i%26)) + string(rune('a'+i/26))), "s": n("1")})
	}
	seen := map[string]int{}
	for segment := range int32(segments) {
		in := &ddb.ScanInput{TableName: aws.String("things"), Segment: aws.Int32(segment), TotalSegments: aws.Int32(segments), Limit: aws.Int32(7)}
		here := 0
		for pages := ddb.NewScanPaginator(c, in); pages.HasMorePages(); {
			p, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range p.Items {
				seen[it["p"].(*str).Value]++
				here++
			}
		}
		if here < items/segments/3 {
			t.Errorf("segment %d has only %d items", segment, here)
		}
	}
	if len(seen) != items {
		t.Errorf("%d items seen, of %d", len(seen), items)
	}
	for p, times := range seen {
		if times != 1 {
			t.Errorf("%s seen %d times", p, times)
		}
	}
}
