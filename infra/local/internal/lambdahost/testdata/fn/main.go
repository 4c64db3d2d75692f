// The function that the tests run: the event says what it does.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string `json:"do"`
	Arg  string `json:"arg"`
	Size int    `json:"size"`
}

type state struct {
	invocations int
	ticks       atomic.Int64
}

func main() {
	switch os.Getenv("INIT") {
	case "exit":
		fmt.Println("about to fail")
		os.Exit(7)
	case "slow":
		time.Sleep(time.Minute)
	}
	var s state
	lambda.Start(func(ctx context.Context, raw json.RawMessage) (any, error) {
		s.invocations++
		var ev event
		if json.Unmarshal(raw, &ev) != nil || ev.Do == "" {
			return raw, nil
		}
		return s.do(ctx, ev)
	})
}

func (s *state) do(ctx context.Context, ev event) (any, error) {
	switch ev.Do {
	case "error":
		return nil, errors.New("boom")
	case "panic":
		panic("all over")
	case "exit":
		os.Exit(3)
	case "sleep":
		d, err := time.ParseDuration(ev.Arg)
		time.Sleep(d)
		return os.Getpid(), err
	case "env":
		return os.Environ(), nil
	case "pid":
		return map[string]int{"pid": os.Getpid(), "n": s.invocations}, nil
	case "big":
		return string(make([]byte, ev.Size)), nil
	case "hold": // takes memory and stays
		block := make([]byte, ev.Size)
		for i := range block {
			block[i] = 1
		}
		time.Sleep(time.Minute)
		return len(block), nil
	case "print":
		fmt.Println(ev.Arg)
		fmt.Fprintln(os.Stderr, "and to stderr")
		return nil, nil
	case "child":
		cmd := exec.Command("sleep", "100")
		cmd.Stdout = os.Stdout
		err := cmd.Start()
		return cmd.Process.Pid, err
	case "tick":
		go func() {
			for {
				s.ticks.Add(1)
				time.Sleep(time.Millisecond)
			}
		}()
		return nil, nil
	case "ticks":
		return s.ticks.Load(), nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "left": time.Until(deadline).Seconds()}, nil
	}
	return nil, fmt.Errorf("unknown %q", ev.Do)
}
