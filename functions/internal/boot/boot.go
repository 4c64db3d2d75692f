// Package boot is the composition root of every function: it reads the environment once, makes the AWS clients and puts
// them under the chat. Nothing else reads the environment, and nothing in here knows where it runs: the SDK finds its
// endpoints by itself (AWS_ENDPOINT_URL_*).
package boot

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/disclone/disclone/functions/internal/chat"
	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/channel/apigw"
	"github.com/disclone/disclone/pkg/channel/dynamo"
	"github.com/disclone/disclone/pkg/stream"
	streamdynamo "github.com/disclone/disclone/pkg/stream/dynamo"
	"github.com/disclone/disclone/pkg/task"
	taskdynamo "github.com/disclone/disclone/pkg/task/dynamo"
	tasksqs "github.com/disclone/disclone/pkg/task/sqs"
	"github.com/disclone/disclone/pkg/ws"
)

// parallelPosts is how many posts to @connections a function has under way at a time.
const parallelPosts = 64

// Handler is what [Start] serves: the invocation's payload in, its result out.
type Handler = lambda.Handler

// App is everything a function may need, wired.
type App struct {
	Chat *chat.Chat

	log   *slog.Logger
	env   environment
	sqs   *sqs.Client
	tasks *task.Client
}

// Start builds the app and serves the handler that pick chooses until the environment ends. What fails here fails the
// function's init, and Lambda reports it.
func Start(pick func(*App) Handler) {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	app, err := newApp(context.Background(), log)
	if err != nil {
		log.Error("boot", "error", err)
		os.Exit(1)
	}
	lambda.Start(pick(app))
}

// Route serves one consumer.
func (a *App) Route(h ws.HandlerFunc) Handler { return ws.Lambda(h, &ws.Options{Log: a.log}) }

// Worker serves the task queue.
func (a *App) Worker() Handler {
	worker := task.NewWorker(chat.Tasks(), a.Chat, &task.WorkerOptions{Client: a.tasks, Log: a.log, MaxAttempts: a.env.maxAttempts})
	return tasksqs.Lambda(worker, &tasksqs.Options{
		Client: a.sqs, QueueURL: a.env.taskQueueURL, DeadLetterURL: a.env.deadTasksURL, Log: a.log,
	})
}

// Schedule serves the schedules: the minute's sweep of the tasks that wait for their time, and tasks at times of their own.
func (a *App) Schedule() Handler {
	return tasksqs.Schedule(a.tasks, chat.Tasks(), &tasksqs.ScheduleOptions{Log: a.log})
}

func newApp(ctx context.Context, log *slog.Logger) (*App, error) {
	env, err := readEnvironment()
	if err != nil {
		return nil, err
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(apigw.HTTPClient(parallelPosts)))
	if err != nil {
		return nil, fmt.Errorf("boot: AWS configuration: %w", err)
	}
	queue := sqs.NewFromConfig(cfg)
	db := dynamodb.NewFromConfig(cfg)
	layer := channel.New(
		dynamo.New(db, env.tableName, nil),
		apigw.New(apigatewaymanagementapi.NewFromConfig(cfg)),
		&channel.Options{Expiry: env.membershipTTL, Parallel: parallelPosts},
	)
	tasks := task.NewClient(tasksqs.New(queue, env.taskQueueURL), &task.ClientOptions{
		Store: taskdynamo.New(db, env.taskTable), Retention: env.taskRetention,
	})
	history := stream.New(streamdynamo.New(db, env.streamTable), &stream.Options{Retention: env.retention})
	return &App{Chat: chat.New(layer, tasks, history, nil), log: log, env: env, sqs: queue, tasks: tasks}, nil
}
