package dynamodb_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func key(p, v string) item { return item{"p": s(p), "s": n(v)} }

func TestCancellationReasonsStandByTheirItems(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	things(t, c)
	put(t, c, item{"p": s("a"), "s": n("1"), "v": s("old")})
	_, err := c.TransactWriteItems(t.Context(), &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("things"), Item: key("b", "1")}},
		{ConditionCheck: &types.ConditionCheck{TableName: aws.String("things"), Key: key("a", "1"), ConditionExpression: aws.String("attribute_not_exists(p)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}},
	}})
	refused(t, err, "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]")
	var e *types.TransactionCanceledException
	if !errors.As(err, &e) || len(e.CancellationReasons) != 2 {
		t.Fatalf("%v", err)
	}
	if r := e.CancellationReasons[1]; *r.Code != "ConditionalCheckFailed" || *r.Message != "The conditional request failed" || r.Item["v"].(*str).Value != "old" {
		t.Errorf("reason: %+v", r)
	}
	if count(t, c) != 1 {
		t.Error("a cancelled transaction wrote something")
	}
}

func TestTransactionTokens(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	things(t, c)
	add := func(v string) error {
		_, err := c.TransactWriteItems(t.Context(), &ddb.TransactWriteItemsInput{ClientRequestToken: aws.String("once"), TransactItems: []types.TransactWriteItem{
			{Update: &types.Update{TableName: aws.String("things"), Key: key("a", "1"), UpdateExpression: aws.String("ADD x :v"), ExpressionAttributeValues: item{":v": n(v)}}},
		}})
		return err
	}
	for range 3 {
		if err := add("1"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.GetItem(t.Context(), &ddb.GetItemInput{TableName: aws.String("things"), Key: key("a", "1")})
	if err != nil || got.Item["x"].(*num).Value != "1" {
		t.Errorf("%v %v", got.Item, err)
	}
	var mismatch *types.IdempotentParameterMismatchException
	if err := add("2"); !errors.As(err, &mismatch) {
		t.Errorf("another transaction under the same token: %v", err)
	}
}

// TestNothingIsLost has clients in parallel add to a counter, race for a condition, and move amounts between accounts.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	things(t, c)
	const clients, rounds, accounts = 8, 40, 4
	for i := range accounts {
		put(t, c, item{"p": s("account"), "s": n(strconv.Itoa(i)), "amount": n("1000")})
	}
	var wins sync.Map
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for i := range rounds {
				if _, err := c.UpdateItem(t.Context(), &ddb.UpdateItemInput{TableName: aws.String("things"), Key: key("counter", "1"),
					UpdateExpression: aws.String("ADD x :one"), ExpressionAttributeValues: item{":one": n("1")}}); err != nil {
					t.Error(err)
				}
				_, err := c.PutItem(t.Context(), &ddb.PutItemInput{TableName: aws.String("things"), Item: key("race", strconv.Itoa(i)),
					ConditionExpression: aws.String("attribute_not_exists(p)")})
				if err == nil {
					if other, taken := wins.LoadOrStore(i, client); taken {
						t.Errorf("race %d won by %v and %d", i, other, client)
					}
				}
				move(t, c, (client+i)%accounts, (client+i+1)%accounts)
			}
		})
	}
	wg.Wait()
	got, err := c.GetItem(t.Context(), &ddb.GetItemInput{TableName: aws.String("things"), Key: key("counter", "1"), ConsistentRead: aws.Bool(true)})
	if err != nil || got.Item["x"].(*num).Value != fmt.Sprint(clients*rounds) {
		t.Errorf("counter: %v %v", got.Item, err)
	}
	sum := 0
	for i := range accounts {
		got, err := c.GetItem(t.Context(), &ddb.GetItemInput{TableName: aws.String("things"), Key: key("account", strconv.Itoa(i))})
		if err != nil {
			t.Fatal(err)
		}
		v, _ := strconv.Atoi(got.Item["amount"].(*num).Value)
		sum += v
	}
	if sum != 1000*accounts {
		t.Errorf("the accounts hold %d", sum)
	}
	won := 0
	wins.Range(func(any, any) bool { won++; return true })
	if won != rounds {
		t.Errorf("%d races won, of %d", won, rounds)
	}
}

func move(t *testing.T, c *ddb.Client, from, to int) {
	t.Helper()
	add := func(account int, v string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{TableName: aws.String("things"), Key: key("account", strconv.Itoa(account)),
			UpdateExpression: aws.String("SET amount = amount + :v"), ExpressionAttributeValues: item{":v": n(v)}}}
	}
	if _, err := c.TransactWriteItems(t.Context(), &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{add(from, "-1"), add(to, "1")}}); err != nil {
		t.Error(err)
	}
}
