package dynamo_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/channel/dynamo"
	"github.com/disclone/disclone/pkg/channel/layertest"
)

// The suite runs on the endpoint that DISCLONE_DYNAMODB_LOCAL names, for example AWS's DynamoDB Local. The suite on the
// embedded endpoint is among the tests of infra/local. With DISCLONE_REQUIRE_BACKENDS set, as in CI, a missing endpoint
// is a failure.
func TestStoreConforms(t *testing.T) {
	t.Parallel()
	endpoint := os.Getenv("DISCLONE_DYNAMODB_LOCAL")
	if endpoint == "" {
		if os.Getenv("DISCLONE_REQUIRE_BACKENDS") != "" {
			t.Fatal("DISCLONE_DYNAMODB_LOCAL is not set")
		}
		t.Skip("DISCLONE_DYNAMODB_LOCAL is not set: no DynamoDB to try the store on")
	}
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	table := createTable(t, client)
	layertest.Run(t, func(*testing.T) layertest.Env {
		memory := channel.NewMemory()
		return layertest.Env{
			Store:  dynamo.New(client, table, nil),
			Poster: memory,
			Open: func(testing.TB) string {
				name := rand.Text()[:15] + "="
				memory.Open(name)
				return name
			},
			Receive: memory.Receive,
			Kill:    func(_ testing.TB, name string) { memory.Kill(name) },
		}
	})
}

// createTable makes the table of the package's doc, under a name of its own.
func createTable(t *testing.T, client *dynamodb.Client) string {
	t.Helper()
	name := "layertest-" + rand.Text()
	key := func(attr string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &attr, KeyType: kind}
	}
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("group"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("channel"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{key("group", types.KeyTypeHash), key("channel", types.KeyTypeRange)},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String(dynamo.DefaultIndex),
			KeySchema:  []types.KeySchemaElement{key("channel", types.KeyTypeHash), key("group", types.KeyTypeRange)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	})
	must(t, err)
	t.Cleanup(func() {
		_, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name})
		if err != nil {
			t.Error(err)
		}
	})
	err = dynamodb.NewTableExistsWaiter(client).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
	must(t, err)
	return name
}
