package dynamodb_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb"
)

// TestMillion puts a million items of 200 bytes and looks at the memory, and at what a Query of 20 costs among them.
// It takes half a minute and runs where DISCLONE_MILLION is set.
func TestMillion(t *testing.T) {
	if os.Getenv("DISCLONE_MILLION") == "" {
		t.Skip("DISCLONE_MILLION is not set")
	}
	db := dynamodb.New(nil)
	srv := httptest.NewServer(db)
	defer srv.Close()
	post(t, srv.URL, "CreateTable", object{"TableName": "million", "BillingMode": "PAY_PER_REQUEST",
		"AttributeDefinitions": []any{object{"AttributeName": "p", "AttributeType": "S"}, object{"AttributeName": "s", "AttributeType": "N"}},
		"KeySchema":            []any{object{"AttributeName": "p", "KeyType": "HASH"}, object{"AttributeName": "s", "KeyType": "RANGE"}}})
	const all, few = 1_000_000, 1000
	text := strings.Repeat("x", 175)
	took := map[int]time.Duration{}
	for i := 0; i < all; i += 25 {
		var list []any
		for k := i; k < i+25; k++ {
			list = append(list, object{"PutRequest": object{"Item": object{"p": object{"S": fmt.Sprintf("part%04d", k%40)}, "s": object{"N": fmt.Sprint(k)}, "text": object{"S": text}}}})
		}
		if got := post(t, srv.URL, "BatchWriteItem", object{"RequestItems": object{"million": list}}); code(got) != "" {
			t.Fatal(got)
		}
		if n := i + 25; n == few || n == all {
			took[n] = queries(t, srv.URL)
		}
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("heap in use %d MB, from the system %d MB; 500 queries: %v among %d items, %v among %d", m.HeapInuse>>20, m.Sys>>20, took[few], few, took[all], all)
	if m.Sys > 1<<30 {
		t.Errorf("%d MB for a million items", m.Sys>>20)
	}
}

func queries(t *testing.T, url string) time.Duration {
	t.Helper()
	from := time.Now()
	for range 500 {
		post(t, url, "Query", object{"TableName": "million", "Limit": 20, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": object{":p": object{"S": "part0007"}}})
	}
	return time.Since(from)
}
