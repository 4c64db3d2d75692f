package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// used says what the application has used since it was asked last: read and write units of DynamoDB. Requests that are still
// on their way are waited for by their effects, which the caller has seen.
func used(t *testing.T, sys *system) (read, write float64, detail string) {
	t.Helper()
	url := regexp.MustCompile(`export AWS_ENDPOINT_URL_LAMBDA=(\S+)`).FindStringSubmatch(sys.log.String())[1] + meterPath
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var use metered
	if err := json.NewDecoder(resp.Body).Decode(&use); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for table, operations := range use.DynamoDB {
		for operation, u := range operations {
			read, write = read+u.ReadUnits, write+u.WriteUnits
			lines = append(lines, fmt.Sprintf("%s %s: %d requests, %.1f read, %.1f write", table, operation, u.Requests, u.ReadUnits, u.WriteUnits))
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodDelete, url, nil)
	reset, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = reset.Body.Close()
	return read, write, strings.Join(lines, "\n")
}

// What a message and a reconnect cost, as AWS bills it: a message to a small group at most five write and three read units,
// beside its posts; a reconnect with nothing missed at most three read units.
func TestWhatAMessageCosts(t *testing.T) {
	t.Parallel()
	sys, stop := startSystem(t, "--template", "../../template.yaml")
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
