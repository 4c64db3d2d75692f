// Package task runs typed functions in the background: here one enqueues them, somewhere else a worker runs them, and
// what comes of it is pushed to whoever asked, without their asking. It is what Celery does for a Django project.
//
// A task is declared once, as a value, and called through it:
//
//	var Add = task.New("add", func(ctx context.Context, in AddInput) (int, error) { return in.X + in.Y, nil })
//
//	id, err := Add.Enqueue(ctx, client, AddInput{2, 3}, &task.Options{ReplyTo: "channel:abc="})
//
// With a [Store] a task that is done does not run again, and its result is visible once; a worker that dies in the middle
// has it run again, so a task with side effects looks at [ID] to tell. What fails is tried again, until it was tried
// MaxAttempts times or says [Skip]. [Then], [Group] and [OnError] compose calls.
//
// The package knows no queue and no store but those in memory ([Memory], [MemoryStore]); pkg/task/sqs and pkg/task/dynamo have
// those on AWS, and pkg/task/tasktest proves that all keep the promises. It is no scheduler: EventBridge is, and calls
// [Client.Schedule] and [Client.Sweep].
package task
