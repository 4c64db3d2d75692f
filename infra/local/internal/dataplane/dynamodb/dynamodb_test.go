package dynamodb_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb"
)

type (
	item = map[string]types.AttributeValue
	str  = types.AttributeValueMemberS
	num  = types.AttributeValueMemberN
)

func s(v string) types.AttributeValue { return &str{Value: v} }
func n(v string) types.AttributeValue { return &num{Value: v} }

// sdk is a client of the endpoint at url.
func sdk(url string) *ddb.Client {
	return ddb.New(ddb.Options{
		BaseEndpoint: aws.String(url), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

// start serves an empty DB and gives a client for it.
func start(tb testing.TB, opts *dynamodb.Options) *ddb.Client {
	tb.Helper()
	db := dynamodb.New(opts)
	srv := httptest.NewServer(db)
	tb.Cleanup(func() { srv.Close(); _ = db.Close() })
	return sdk(srv.URL)
}

// things is a table with a string partition key p, a number sort key s, a KEYS_ONLY global index gix on (g, s) and a
// local index lix on (p, g).
func things(tb testing.TB, c *ddb.Client) {
	tb.Helper()
	_, err := c.CreateTable(tb.Context(), &ddb.CreateTableInput{
		TableName: aws.String("things"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("p"), AttributeType: "S"}, {AttributeName: aws.String("s"), AttributeType: "N"},
			{AttributeName: aws.String("g"), AttributeType: "S"},
		},
		KeySchema: schema("p", "s"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("gix"), KeySchema: schema("g", "s"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{{
			IndexName: aws.String("lix"), KeySchema: schema("p", "g"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}},
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func schema(hash, sort string) []types.KeySchemaElement {
	out := []types.KeySchemaElement{{AttributeName: aws.String(hash), KeyType: types.KeyTypeHash}}
	if sort != "" {
		out = append(out, types.KeySchemaElement{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange})
	}
	return out
}

func put(tb testing.TB, c *ddb.Client, it item) {
	tb.Helper()
	if _, err := c.PutItem(tb.Context(), &ddb.PutItemInput{TableName: aws.String("things"), Item: it}); err != nil {
		tb.Fatal(err)
	}
}

// refused checks the code and the text of a service error.
func refused(tb testing.TB, err error, code, message string) {
	tb.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) {
		tb.Fatalf("got error %v, want %s: %s", err, code, message)
	}
	if e.ErrorCode() != code || e.ErrorMessage() != message {
		tb.Errorf("got  %s: %s\nwant %s: %s", e.ErrorCode(), e.ErrorMessage(), code, message)
	}
}

func TestTableLifecycle(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	things(t, c)
	ctx := t.Context()
	d, err := c.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: aws.String("things")})
	if err != nil {
		t.Fatal(err)
	}
	if d.Table.TableStatus != types.TableStatusActive || len(d.Table.GlobalSecondaryIndexes) != 1 || len(d.Table.LocalSecondaryIndexes) != 1 {
		t.Errorf("description: %+v", d.Table)
	}
	_, err = c.CreateTable(ctx, &ddb.CreateTableInput{
		TableName: aws.String("things"), BillingMode: types.BillingModePayPerRequest, KeySchema: schema("p", ""),
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("p"), AttributeType: "S"}},
	})
	refused(t, err, "ResourceInUseException", "Table already exists: things")
	if l, err := c.ListTables(ctx, nil); err != nil || len(l.TableNames) != 1 {
		t.Errorf("list: %v %v", l, err)
	}
	if _, err := c.DeleteTable(ctx, &ddb.DeleteTableInput{TableName: aws.String("things")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: aws.String("things")})
	refused(t, err, "ResourceNotFoundException", "Requested resource not found: Table: things not found")
	_, err = c.GetItem(ctx, &ddb.GetItemInput{TableName: aws.String("things"), Key: item{"p": s("a"), "s": n("1")}})
	refused(t, err, "ResourceNotFoundException", "Requested resource not found")
}

func TestNumericSortOrderAndPages(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	things(t, c)
	for _, v := range []string{"10", "9", "-1", "-10", "0", "1e2", "0.5", "-0.5", "1.0001", "123456789012345678901234567890"} {
		put(t, c, item{"p": s("a"), "s": n(v)})
	}
	want := []string{"-10", "-1", "-0.5", "0", "0.5", "1.0001", "9", "10", "100", "123456789012345678901234567890"}
	for _, forward := range []bool{true, false} {
		var got []string
		in := &ddb.QueryInput{
			TableName: aws.String("things"), KeyConditionExpression: aws.String("p = :p"), Limit: aws.Int32(3), ScanIndexForward: &forward,
			ExpressionAttributeValues: item{":p": s("a")},
		}
		for pages := ddb.NewQueryPaginator(c, in); pages.HasMorePages(); {
			p, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range p.Items {
				got = append(got, it["s"].(*num).Value)
			}
		}
		for i, v := range got {
			w := want[i]
			if !forward {
				w = want[len(want)-1-i]
			}
			if v != w {
				t.Fatalf("forward %v: got %v", forward, got)
			}
		}
		if len(got) != len(want) {
			t.Errorf("got %d items", len(got))
		}
	}
}

func TestTTLGoesByTheClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := make(chan time.Time, 1)
	clock <- now
	c := start(t, &dynamodb.Options{Clock: func() time.Time { v := <-clock; clock <- v; return v }})
	things(t, c)
	put(t, c, item{"p": s("before"), "s": n("1"), "x": n("1767225700")})
	if _, err := c.UpdateTimeToLive(t.Context(), &ddb.UpdateTimeToLiveInput{TableName: aws.String("things"),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("x"), Enabled: aws.Bool(true)}}); err != nil {
		t.Fatal(err)
	}
	put(t, c, item{"p": s("after"), "s": n("1"), "x": n("1767225650")})
	put(t, c, item{"p": s("text"), "s": n("1"), "x": s("1767225650")})
	put(t, c, item{"p": s("ancient"), "s": n("1"), "x": n("1")})
	for _, step := range []struct {
		after time.Duration
		left  int32
	}{{0, 4}, {49 * time.Second, 4}, {50 * time.Second, 3}, {time.Hour, 2}} {
		<-clock
		clock <- now.Add(step.after)
		if got := count(t, c); got != step.left {
			t.Errorf("after %v: %d items left, want %d", step.after, got, step.left)
		}
	}
}

func count(tb testing.TB, c *ddb.Client) int32 {
	tb.Helper()
	out, err := c.Scan(context.Background(), &ddb.ScanInput{TableName: aws.String("things")})
	if err != nil {
		tb.Fatal(err)
	}
	return out.Count
}
