// Command worker is the Lambda that `make chaos-tasks` kills: pkg/task as an application uses it, with a table in the place
// of the clients.
package main

import (
	"context"
	"log/slog"
	"os"
	"strconv"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/disclone/disclone/infra/chaos/tasks/work"
	"github.com/disclone/disclone/pkg/task"
	"github.com/disclone/disclone/pkg/task/dynamo"
	tasksqs "github.com/disclone/disclone/pkg/task/sqs"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		panic(err)
	}
	db, queue, url := dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg), os.Getenv("TASK_QUEUE_URL")
	log := slog.New(slog.DiscardHandler)
	client := task.NewClient(tasksqs.New(queue, url), &task.ClientOptions{Store: dynamo.New(db, os.Getenv("TASK_TABLE_NAME"))})
	worker := task.NewWorker(work.Tasks(), events{db, os.Getenv("EVENT_TABLE_NAME")}, &task.WorkerOptions{
		Client: client, Log: log, MaxAttempts: 100, // a kill is an attempt, and nothing may fail by kills alone
	})
	lambda.Start(tasksqs.Lambda(worker, &tasksqs.Options{
		Client: queue, QueueURL: url, DeadLetterURL: os.Getenv("TASK_DEAD_LETTER_QUEUE_URL"), Log: log,
	}))
}

// events notes which final events of a task were pushed, and how often.
type events struct {
	db    *dynamodb.Client
	table string
}

func (e events) Reply(ctx context.Context, _ string, ev task.Event) error {
	if !ev.State.Final() {
		return nil
	}
	_, err := e.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &e.table, Key: map[string]types.AttributeValue{"task": &types.AttributeValueMemberS{Value: ev.TaskID}},
		UpdateExpression: aws.String("ADD steps :step, pushes :one"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":step": &types.AttributeValueMemberNS{Value: []string{strconv.FormatInt(ev.Step, 10)}},
			":one":  &types.AttributeValueMemberN{Value: "1"},
		},
	})
	return err
}
