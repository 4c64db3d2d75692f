package main

import (
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/disclone/disclone/infra/local/internal/provision"
	"github.com/disclone/disclone/infra/local/internal/template"
	"github.com/disclone/disclone/pkg/stream"
	streamdynamo "github.com/disclone/disclone/pkg/stream/dynamo"
	"github.com/disclone/disclone/pkg/stream/streamtest"
)

// The library's conformance suites on servers that others have written: Amazon's DynamoDB Local, and ElasticMQ. `make
// test-references` starts them; without them there is nothing to test.

// references gives clients of the reference servers.
func references(t *testing.T) (*awsdynamodb.Client, *awssqs.Client, string) {
	t.Helper()
	db, queues := os.Getenv("DISCLONE_DYNAMODB_LOCAL"), os.Getenv("DISCLONE_ELASTICMQ")
	if db == "" || queues == "" {
		t.Skip("run by make test-references, which starts DynamoDB Local and ElasticMQ")
	}
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}
	return awsdynamodb.NewFromConfig(cfg, func(o *awsdynamodb.Options) { o.BaseEndpoint = &db }),
		awssqs.NewFromConfig(cfg, func(o *awssqs.Options) { o.BaseEndpoint = &queues }), queues
}

// ourTables makes the tables of template.yaml, if they are not there.
func ourTables(t *testing.T, client *awsdynamodb.Client) {
	t.Helper()
	app, err := template.Load("../../template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := provision.Tables(t.Context(), client, app.Tables); err != nil {
		t.Fatal(err)
	}
}

func TestReferenceTasks(t *testing.T) {
	tables, queues, url := references(t)
	ourTables(t, tables)
	taskSuite(t, tables, queues, url)
}

func TestReferenceStreams(t *testing.T) {
	tables, _, _ := references(t)
	ourTables(t, tables)
	streamtest.Run(t, func(*testing.T) stream.Store { return streamdynamo.New(tables, "StreamsTable") })
}
