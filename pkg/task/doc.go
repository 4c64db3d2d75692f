// Package task runs typed functions in the background: here one enqueues them, somewhere else a worker runs them, and
// what comes of it is pushed to whoever asked, without their asking. It is what Celery does for a Django project.
//
// A task is declared once, as a value, and called through it:
//
//	var Add = task.New("add", func(ctx context.Context, in AddInput) (int, error) { return in.X + in.Y, nil })
//
//	id, err := Add.Enqueue(ctx, client, AddInput{2, 3}, &task.Options{ReplyTo: "channel:abc="})
//
// A task runs at least once. A worker that dies in the middle, or a queue that delivers twice, runs it again: a task with
// side effects looks at [ID] to tell. What fails is tried again, until it was tried MaxAttempts times or says [Skip].
//
// The package knows no queue but the one in memory ([Memory]); pkg/task/sqs has the one on AWS, and pkg/task/tasktest
// proves that both keep the promises. It is not a scheduler and does not store results.
package task
