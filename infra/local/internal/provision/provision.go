// Package provision creates the tables and queues that a template declares, through the AWS SDK, so that it works on the
// embedded endpoints and on LocalStack alike. It creates what is missing and changes nothing that is there. It is for
// local runs; a deployment is CloudFormation's.
package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// Tables creates the tables that do not exist yet.
func Tables(ctx context.Context, client *dynamodb.Client, tables []template.Table) error {
	for _, t := range tables {
		if err := table(ctx, client, t); err != nil {
			return fmt.Errorf("provision: %s: table %s: %w", t.Pos, t.ID, err)
		}
	}
	return nil
}

func table(ctx context.Context, client *dynamodb.Client, t template.Table) error {
	_, err := client.CreateTable(ctx, createTable(t))
	var exists *ddb.ResourceInUseException
	if errors.As(err, &exists) {
		return nil
	}
	if err != nil || t.TTL == "" {
		return err
	}
	_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               &t.Name,
		TimeToLiveSpecification: &ddb.TimeToLiveSpecification{AttributeName: &t.TTL, Enabled: aws.Bool(true)},
	})
	return err
}

func createTable(t template.Table) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{TableName: &t.Name, KeySchema: keySchema(t.Key), BillingMode: ddb.BillingModePayPerRequest}
	for name, kind := range t.Attributes {
		in.AttributeDefinitions = append(in.AttributeDefinitions, ddb.AttributeDefinition{
			AttributeName: &name, AttributeType: ddb.ScalarAttributeType(kind),
		})
	}
	for _, ix := range t.Indexes {
		projection := &ddb.Projection{ProjectionType: ddb.ProjectionType(ix.Projection), NonKeyAttributes: ix.NonKey}
		if ix.Local {
			in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, ddb.LocalSecondaryIndex{
				IndexName: &ix.Name, KeySchema: keySchema(ix.Key), Projection: projection,
			})
			continue
		}
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, ddb.GlobalSecondaryIndex{
			IndexName: &ix.Name, KeySchema: keySchema(ix.Key), Projection: projection,
		})
	}
	if t.StreamView != "" {
		in.StreamSpecification = &ddb.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: ddb.StreamViewType(t.StreamView)}
	}
	return in
}

func keySchema(parts []template.KeyPart) []ddb.KeySchemaElement {
	var schema []ddb.KeySchemaElement
	for _, p := range parts {
		schema = append(schema, ddb.KeySchemaElement{AttributeName: &p.Attribute, KeyType: ddb.KeyType(p.Type)})
	}
	return schema
}

// Queues creates the queues that do not exist yet, dead-letter queues before those that redrive to them.
func Queues(ctx context.Context, client *sqs.Client, queues []template.Queue) error {
	queues = slices.Clone(queues)
	slices.SortStableFunc(queues, func(a, b template.Queue) int {
		return strings.Compare(a.Attributes["RedrivePolicy"], b.Attributes["RedrivePolicy"])
	})
	for _, q := range queues {
		in := &sqs.CreateQueueInput{QueueName: &q.Name, Attributes: q.Attributes}
		if _, err := client.CreateQueue(ctx, in); err != nil {
			return fmt.Errorf("provision: %s: queue %s: %w", q.Pos, q.ID, err)
		}
	}
	return nil
}
