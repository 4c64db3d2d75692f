package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// used says what the application has used since it was asked last: read and write units of DynamoDB. Requests that are still
// on their way are waited for by their effects, which the caller has seen.
func used(t *testing.T, sys *system) (read, write float64, detail string) {
	t.Helper()
	read, write, detail = readMeter(t, sys)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodDelete, sys.endpoint()+meterPath, nil)
	reset, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = reset.Body.Close()
	return read, write, detail
}

// readMeter reads the meter, and leaves it as it is.
func readMeter(t *testing.T, sys *system) (read, write float64, detail string) {
	t.Helper()
	resp, err := http.Get(sys.endpoint() + meterPath)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var use sums
	if err := json.NewDecoder(resp.Body).Decode(&use); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for queue, operations := range use.SQS {
		for operation, u := range operations {
			lines = append(lines, fmt.Sprintf("%s %s: %d requests", queue, operation, u.Requests))
		}
	}
	for table, operations := range use.DynamoDB {
		for operation, u := range operations {
			read, write = read+u.ReadUnits, write+u.WriteUnits
			lines = append(lines, fmt.Sprintf("%s %s: %d requests, %.1f read, %.1f write", table, operation, u.Requests, u.ReadUnits, u.WriteUnits))
		}
	}
	return read, write, strings.Join(lines, "\n")
}

// settled waits until a task's last write is there, which follows its push. One more than that is seen at the next task.
func settled(t *testing.T, sys *system) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		_, write, detail := readMeter(t, sys)
		if write >= 3 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for the task's writes:\n%s", detail)
		}
	}
}

// What a message and a reconnect cost, as AWS bills it: a message to a small group at most five write and three read units,
// beside its posts; a reconnect with nothing missed at most three read units.
func TestWhatAMessageCosts(t *testing.T) {
	t.Parallel()
	sys, stop := startSystem(t, "--template", "../../template.yaml", "--build-dir", t.TempDir())
	t.Cleanup(func() { _ = stop() })
	p := sys.connect(t)
	p.send(`{"action":"joinGroup","id":"j","group":"g"}`)
	p.await(frame{"event": "ack", "id": "j"})
	used(t, sys)
	for i := range 3 {
		p.send(fmt.Sprintf(`{"action":"sendMessage","id":"s%d","group":"g","message":"hello"}`, i))
		p.await(frame{"event": "ack", "id": fmt.Sprintf("s%d", i), "seq": float64(i + 1)})
		read, write, detail := used(t, sys)
		if read > 3 || write > 5 || write == 0 {
			t.Errorf("message %d: %.1f read and %.1f write units:\n%s", i, read, write, detail)
		}
	}
	p.send(`{"action":"resume","id":"r","group":"g","after":3}`)
	p.await(frame{"event": "ack", "id": "r", "seq": 3.0})
	if read, write, detail := used(t, sys); read > 3 || write > 0 || read == 0 {
		t.Errorf("resume: %.1f read and %.1f write units:\n%s", read, write, detail)
	}
}

// What a task with a reply costs: at most three write units and nothing read, beside its message and its posts. A message
// that is delivered twice, or a request that the SDK sends again, is one more: so the least of several tasks counts.
func TestWhatATaskCosts(t *testing.T) {
	t.Parallel()
	sys, stop := startSystem(t, "--template", "../../template.yaml", "--build-dir", t.TempDir())
	t.Cleanup(func() { _ = stop() })
	p := sys.connect(t)
	least := 1000.0
	for range 4 {
		p.send(`{"action":"sendMessage","task":"add","message":{"x":2,"y":2}}`)
		p.await(frame{"event": "task", "state": "success", "result": 4.0, "step": 1.0})
		settled(t, sys)
		read, write, detail := used(t, sys)
		if !strings.Contains(detail, "TaskQueue SendMessage: 1 requests") {
			t.Errorf("a task is not one message:\n%s", detail)
		}
		least = min(least, read+write)
	}
	if least > 3 {
		t.Errorf("each task used at least %.1f units", least)
	}
}
