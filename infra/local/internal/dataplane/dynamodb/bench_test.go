package dynamodb_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// bench runs a benchmark on the embedded service, and on the DynamoDB Local that DISCLONE_DYNAMODB_LOCAL names, if any.
func bench(b *testing.B, run func(*testing.B, *ddb.Client)) {
	b.Helper()
	b.Run("embedded", func(b *testing.B) {
		c := start(b, nil)
		things(b, c)
		run(b, c)
	})
	if reference := os.Getenv("DISCLONE_DYNAMODB_LOCAL"); reference != "" {
		b.Run("DynamoDBLocal", func(b *testing.B) {
			post(b, reference, "DeleteTable", object{"TableName": "things"})
			c := sdk(reference)
			things(b, c)
			run(b, c)
		})
	}
}

// parallel runs call from 8 clients at once.
func parallel(b *testing.B, call func(i int64) error) {
	b.Helper()
	var n atomic.Int64
	b.SetParallelism((8 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := call(n.Add(1)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

func row(p string, i int64) item {
	return item{"p": s(p), "s": n(fmt.Sprint(i)), "text": s(strings.Repeat("x", 150)), "count": n("1")}
}

func BenchmarkPutItem(b *testing.B) {
	bench(b, func(b *testing.B, c *ddb.Client) {
		parallel(b, func(i int64) error {
			_, err := c.PutItem(b.Context(), &ddb.PutItemInput{TableName: aws.String("things"), Item: row("a", i)})
			return err
		})
	})
}

func BenchmarkGetItem(b *testing.B) {
	bench(b, func(b *testing.B, c *ddb.Client) {
		put(b, c, row("a", 1))
		parallel(b, func(int64) error {
			_, err := c.GetItem(b.Context(), &ddb.GetItemInput{TableName: aws.String("things"), Key: item{"p": s("a"), "s": n("1")}})
			return err
		})
	})
}

func BenchmarkUpdateItemAdd(b *testing.B) {
	bench(b, func(b *testing.B, c *ddb.Client) {
		parallel(b, func(int64) error {
			_, err := c.UpdateItem(b.Context(), &ddb.UpdateItemInput{TableName: aws.String("things"), Key: item{"p": s("a"), "s": n("1")},
				UpdateExpression: aws.String("ADD hits :one"), ExpressionAttributeValues: item{":one": n("1")}})
			return err
		})
	})
}

func BenchmarkQuery20(b *testing.B) {
	bench(b, func(b *testing.B, c *ddb.Client) {
		for i := range int64(1000) {
			put(b, c, row("a", i))
		}
		parallel(b, func(i int64) error {
			_, err := c.Query(b.Context(), &ddb.QueryInput{TableName: aws.String("things"), Limit: aws.Int32(20),
				KeyConditionExpression: aws.String("p = :p AND s >= :s"), ExpressionAttributeValues: item{":p": s("a"), ":s": n(fmt.Sprint(i % 900))}})
			return err
		})
	})
}

func BenchmarkTransactWrite2(b *testing.B) {
	bench(b, func(b *testing.B, c *ddb.Client) {
		parallel(b, func(i int64) error {
			_, err := c.TransactWriteItems(b.Context(), &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: &types.Put{TableName: aws.String("things"), Item: row("a", i)}},
				{Put: &types.Put{TableName: aws.String("things"), Item: row("b", i)}},
			}})
			return err
		})
	})
}
