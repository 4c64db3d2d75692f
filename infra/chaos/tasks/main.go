// Command tasks proves that tasks are done once: it enqueues single tasks, chains, groups and chords, while the local runtime
// kills workers, delivers batches twice and throttles DynamoDB and SQS. At the end every call must have its right result, every
// task must have one final event, however often that was pushed, and what failed must be in the dead-letter queue, and nothing
// else. It ends with one line, and exits with 1 unless wrong, unseen, twice and unaccounted are 0.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/disclone/disclone/infra/chaos/tasks/work"
	"github.com/disclone/disclone/infra/internal/proc"
	"github.com/disclone/disclone/pkg/task"
	"github.com/disclone/disclone/pkg/task/dynamo"
	tasksqs "github.com/disclone/disclone/pkg/task/sqs"
)

const (
	faults    = "kill=0.05,duplicate-sqs=0.05,delay-sqs=0.05,throttle-dynamodb=0.01,throttle-sqs=0.01"
	account   = "123456789012"
	producers = 8
)

func main() { proc.Main("chaos", run) }

func run(ctx context.Context) (bool, error) {
	n := flag.Int("tasks", 20_000, "about how many tasks, at most 200000")
	seed := flag.Uint64("seed", 1, "of the faults and of what is enqueued")
	limit := flag.Duration("limit", 15*time.Minute, "when to give up")
	flag.Parse()
	if *n < 1 || *n > 200_000 {
		return false, errors.New("a flag is out of its range; see --help")
	}
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	runtime, err := proc.Start(ctx, "--template", "infra/chaos/tasks/template.yaml", "--chaos", fmt.Sprintf("seed=%d,%s", *seed, faults))
	if err != nil {
		return false, err
	}
	defer runtime.Close()
	w, err := newWorld(runtime.Console)
	if err != nil {
		return false, err
	}
	began := time.Now()
	if err := w.enqueue(ctx, *n, *seed); err != nil {
		return false, err
	}
	fmt.Printf("enqueued %d tasks in %d calls in %v\n", w.tasks, len(w.calls), time.Since(began).Round(time.Second))
	if err := w.await(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	fmt.Printf("all done after %v\n", time.Since(began).Round(time.Second))
	ctx = context.WithoutCancel(ctx)
	injected, err := runtime.Injected(ctx)
	if err != nil {
		return false, err
	}
	return w.judge(ctx, injected)
}

// world is what was enqueued, and where to look for what became of it.
type world struct {
	client            *task.Client
	db                *dynamodb.Client
	queue             *sqs.Client
	tasksURL, deadURL string

	mu    sync.Mutex
	calls map[string]string // the result that a call must have, by its id; "" for one that must fail
	tasks int
}

func newWorld(console string) (*world, error) {
	u, err := url.Parse(console)
	if err != nil {
		return nil, err
	}
	endpoint := u.Scheme + "://" + u.Host
	cfg := aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), BaseEndpoint: &endpoint,
		RetryMaxAttempts: 10,
	}
	db, queue := dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	w := &world{db: db, queue: queue, calls: map[string]string{}}
	w.tasksURL, w.deadURL = endpoint+"/"+account+"/TaskQueue", endpoint+"/"+account+"/TaskDeadLetterQueue"
	w.client = task.NewClient(tasksqs.New(queue, w.tasksURL), &task.ClientOptions{Store: dynamo.New(db, "TasksTable")})
	return w, nil
}

// enqueue enqueues calls of all kinds until they are n tasks.
func (w *world) enqueue(ctx context.Context, n int, seed uint64) error {
	errs := make(chan error, producers)
	for p := range producers {
		go func() {
			random := rand.New(rand.NewPCG(seed, uint64(p)))
			for made := 0; made < n/producers; {
				call, want, size := draw(random)
				id, err := call.Enqueue(ctx, w.client, &task.Options{ReplyTo: "events"})
				if err != nil {
					errs <- err
					return
				}
				made += size
				w.mu.Lock()
				w.calls[id] = want
				w.tasks += size
				w.mu.Unlock()
			}
			errs <- nil
		}()
	}
	var all error
	for range producers {
		all = errors.Join(all, <-errs)
	}
	return all
}

// draw gives a random call, the result that it must have, and how many tasks it is.
func draw(r *rand.Rand) (call task.Call[int], want string, size int) {
	a, b := r.IntN(1000), r.IntN(1000)
	switch k := r.IntN(20); {
	case k < 8:
		return work.Double.Call(a), strconv.Itoa(2 * a), 1
	case k < 10:
		return work.Flaky.Call(a), strconv.Itoa(a), 1
	case k < 11:
		return work.Hopeless.Call(a), "", 1
	case k < 15:
		return task.Then(task.Then(work.Double.Call(a), work.Flaky), work.Double), strconv.Itoa(4 * a), 3
	case k < 19:
		members := task.Group(work.Double.Call(a), task.Then(work.Double.Call(b), work.Double), work.Flaky.Call(1), work.Double.Call(2))
		return task.Then(task.Then(members, work.Sum), work.Double), strconv.Itoa(2 * (2*a + 4*b + 5)), 7
	}
	return task.Then(task.Group(work.Hopeless.Call(a), work.Double.Call(b)), work.Sum), "", 2 // the sum never runs
}

// await waits until every call has ended and nothing is left to settle.
func (w *world) await(ctx context.Context) error {
	for id := range w.calls {
		if _, err := w.client.Wait(ctx, id); err != nil {
			return err
		}
	}
	for {
		recs, err := w.records(ctx)
		if err != nil {
			return err
		}
		open := 0
		for _, rec := range recs {
			if !rec.State.Final() || !rec.Settled {
				open++
			}
		}
		depth, err := w.depth(ctx, w.tasksURL)
		if err != nil {
			return err
		}
		if open == 0 && depth == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d records are open and %d messages are there: %w", open, depth, ctx.Err())
		case <-time.After(time.Second):
		}
	}
}

// depth is how many messages a queue has, in flight ones included.
func (w *world) depth(ctx context.Context, url string) (int, error) {
	out, err := w.queue.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{"All"},
	})
	if err != nil {
		return 0, err
	}
	n := 0
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		k, _ := strconv.Atoi(out.Attributes[name]) // not there is none
		n += k
	}
	return n, nil
}

func (w *world) records(ctx context.Context) ([]task.Record, error) {
	var all []task.Record
	for from := ""; ; {
		recs, next, err := w.client.List(ctx, from, 1000)
		if err != nil {
			return nil, err
		}
		all = append(all, recs...)
		if from = next; next == "" {
			return all, nil
		}
	}
}

// judge compares what became of it with what should have.
func (w *world) judge(ctx context.Context, injected map[string]int) (bool, error) {
	recs, err := w.records(ctx)
	if err != nil {
		return false, err
	}
	events, pushes, err := w.events(ctx)
	if err != nil {
		return false, err
	}
	dead, err := w.deadLetters(ctx)
	if err != nil {
		return false, err
	}
	v := w.compare(recs, events, dead)
	total := 0
	for _, kind := range slices.Sorted(maps.Keys(injected)) {
		fmt.Printf("%-18s %d\n", kind, injected[kind])
		total += injected[kind]
	}
	fmt.Printf("records %d, attempts %d, final events pushed %d, failed %d, dead letters %d\n", len(recs), v.attempts, pushes, v.failed, len(dead))
	fmt.Printf("tasks %d faults %d wrong %d unseen %d twice %d unaccounted %d\n", w.tasks, total, v.wrong, v.unseen, v.twice, v.unaccounted)
	return v.wrong+v.unseen+v.twice+v.unaccounted == 0 && total > 0, nil
}

// verdict counts tasks and calls.
type verdict struct {
	attempts, failed                  int
	wrong, unseen, twice, unaccounted int
}

// compare looks for a wrong result, for an event that is missing or there twice, and for dead letters that should not be there
// or are not.
func (w *world) compare(recs []task.Record, events map[string]int, dead map[string]bool) (v verdict) {
	v.wrong, v.unaccounted = len(w.calls), len(dead) // less each that is as it should be
	for _, rec := range recs {
		v.attempts += rec.Attempts
		if want, ok := w.calls[rec.ID]; ok && right(rec, want) {
			v.wrong--
		}
		if rec.State == task.StateFailure && rec.Task == work.Hopeless.Name() {
			v.failed++
			if dead[rec.ID] {
				v.unaccounted--
			} else {
				v.unaccounted++
			}
		}
		switch n := events[rec.ID]; {
		case n == 0 && !silent(rec):
			v.unseen++
		case n > 1:
			v.twice++
		}
	}
	return v
}

// right says whether a call ended as it must: with a result, or with a failure where that is "".
func right(rec task.Record, want string) bool {
	if want == "" {
		return rec.State == task.StateFailure
	}
	return rec.State == task.StateSuccess && string(rec.Result) == want
}

// silent says whether a record pushes no event: it is of something inside a call that has no attempt of its own.
func silent(rec task.Record) bool {
	unrun := rec.Task == "group" || rec.Error != nil && rec.Error.Code == "upstream"
	return unrun && rec.ID != rec.Root
}

// events gives how many different final events each task has pushed, and how many pushes that were in all.
func (w *world) events(ctx context.Context) (steps map[string]int, pushes int, err error) {
	steps = map[string]int{}
	pages := dynamodb.NewScanPaginator(w.db, &dynamodb.ScanInput{TableName: aws.String("EventsTable")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, 0, err
		}
		for _, it := range page.Items {
			steps[it["task"].(*types.AttributeValueMemberS).Value] = len(it["steps"].(*types.AttributeValueMemberNS).Value)
			n, _ := strconv.Atoi(it["pushes"].(*types.AttributeValueMemberN).Value)
			pushes += n
		}
	}
	return steps, pushes, nil
}

// deadLetters takes all messages out of the dead-letter queue, and gives the ids of their tasks; one may be there twice. What
// was received by an answer that got lost comes again when its visibility timeout is over.
func (w *world) deadLetters(ctx context.Context) (map[string]bool, error) {
	ids := map[string]bool{}
	for {
		out, err := w.queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &w.deadURL, MaxNumberOfMessages: 10, VisibilityTimeout: 5, WaitTimeSeconds: 1,
		})
		if err != nil {
			return nil, err
		}
		for _, m := range out.Messages {
			msg, err := task.DecodeMessage([]byte(*m.Body))
			if err != nil {
				return nil, err
			}
			ids[msg.ID] = true
			if _, err := w.queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &w.deadURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return nil, err
			}
		}
		if left, err := w.depth(ctx, w.deadURL); err != nil || left == 0 {
			return ids, err
		}
	}
}
