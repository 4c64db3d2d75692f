package sqs_test

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/disclone/disclone/pkg/task"
	"github.com/disclone/disclone/pkg/task/sqs"
)

// A worker function behind an event source mapping with ReportBatchItemFailures: this is its main.
func ExampleLambda() {
	add := task.New("add", func(_ context.Context, in struct{ X, Y int }) (int, error) { return in.X + in.Y, nil })

	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		panic(err)
	}
	worker := task.NewWorker(task.NewMux(add), nil, nil) // give it a task.Replier to push results
	lambda.Start(sqs.Lambda(worker, &sqs.Options{
		Client: awssqs.NewFromConfig(cfg), QueueURL: "https://sqs.us-east-1.amazonaws.com/123456789012/tasks",
	}))
}
