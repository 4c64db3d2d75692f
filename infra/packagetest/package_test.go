// Package packagetest proves the packages that `sam build` leaves: each function's bootstrap answers its event of events/
// under the Runtime Interface Emulator that `sam local` uses, without Docker. `make test-package` runs it; by itself it
// has nothing to test.
package packagetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	buildDir = flag.String("build", "", "the directory that sam build made, .aws-sam/build")
	emulator = flag.String("rie", "", "the Runtime Interface Emulator for this machine")
	runner   = flag.String("runner", "", "what runs a bootstrap of another architecture, qemu-aarch64-static")
)

// patience is how long a start may take; it is never waited for in full.
const patience = 90 * time.Second

// TestPackages runs every function that was packaged.
func TestPackages(t *testing.T) {
	if *buildDir == "" || *emulator == "" {
		t.Skip("run by make test-package, which says where the packages are")
	}
	endpoints := startRuntime(t)
	for function, want := range map[string]string{
		"ConnectFunction":     `{"statusCode":200}`,
		"DisconnectFunction":  `{"statusCode":200}`,
		"SendMessageFunction": `{"statusCode":200,"body":{"event":"ack","id":"1","message":"Your request was received!"}}`,
		"JoinGroupFunction":   `{"statusCode":200,"body":{"event":"ack","id":"2","message":"joined","group":"general"}}`,
		"LeaveGroupFunction":  `{"statusCode":200,"body":{"event":"ack","id":"3","message":"left","group":"general"}}`,
		"ResumeFunction":      `{"statusCode":403,"body":{"event":"error","id":"2","code":"forbidden"}}`,
		"DefaultFunction":     `{"statusCode":400,"body":{"event":"error","id":"4","code":"unknown_action"}}`,
		"TaskFunction":        `{"statusCode":404,"body":{"event":"error","id":"5","code":"not_found"}}`,
		"ScheduleFunction":    `{"sent":0}`,
		"WorkerFunction":      `{"batchItemFailures":[]}`,
	} {
		t.Run(function, func(t *testing.T) {
			event, err := os.ReadFile(filepath.Join("../../events", strings.ToLower(strings.TrimSuffix(function, "Function"))+".json"))
			if err != nil {
				t.Fatal(err)
			}
			got := invoke(t, startFunction(t, function, endpoints), event)
			requireFields(t, got, want)
		})
	}
}

// startRuntime starts the local runtime, for the tables and queues that the functions use, and gives its exports.
func startRuntime(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-o", dir, "./infra/local")
	build.Dir, build.Env, build.Stderr = "../..", append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := build.Run(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "local"), "--port", "0", "--quiet", "--build-dir", filepath.Join(dir, "build"))
	cmd.Dir = "../.."
	out := start(t, cmd, syscall.SIGTERM)
	var env []string
	for out.Scan() {
		if export, ok := strings.CutPrefix(out.Text(), "export "); ok {
			env = append(env, strings.Fields(export)...)
		}
		if strings.HasPrefix(out.Text(), "Ready: ") {
			go func() {
				for out.Scan() { // keep the pipe empty
				}
			}()
			return env
		}
	}
	t.Fatal("the runtime ended before it was ready")
	return nil
}

// start starts a command in a process group of its own, which gets the signal when the test ends.
func start(t *testing.T, cmd *exec.Cmd, end syscall.Signal) *bufio.Scanner {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, end)
		_ = cmd.Wait()
	})
	return bufio.NewScanner(out)
}

// startFunction starts a packaged function under the emulator and gives its invoke URL.
func startFunction(t *testing.T, function string, endpoints []string) string {
	t.Helper()
	address, api := freeAddress(t), freeAddress(t)
	args := []string{"--runtime-interface-emulator-address", address, "--runtime-api-address", api}
	if *runner != "" {
		args = append(args, *runner)
	}
	cmd := exec.Command(*emulator, append(args, filepath.Join(*buildDir, function, "bootstrap"))...)
	cmd.Env = append([]string{
		"PATH=/usr/bin:/bin", "AWS_REGION=us-east-1", "AWS_LAMBDA_FUNCTION_TIMEOUT=20", "AWS_LAMBDA_FUNCTION_NAME=" + function,
		"TABLE_NAME=ConnectionsTable", "STREAM_TABLE_NAME=StreamsTable", "MEMBERSHIP_TTL_SECONDS=86400", "HISTORY_RETENTION_SECONDS=86400", "TASK_MAX_ATTEMPTS=5", "TASK_TABLE_NAME=TasksTable", "TASK_RETENTION_SECONDS=604800",
		"TASK_QUEUE_URL=" + value(endpoints, "AWS_ENDPOINT_URL_SQS") + "/123456789012/TaskQueue",
		"TASK_DEAD_LETTER_QUEUE_URL=" + value(endpoints, "AWS_ENDPOINT_URL_SQS") + "/123456789012/TaskDeadLetterQueue",
	}, endpoints...)
	out := start(t, cmd, syscall.SIGKILL) // the emulator ignores the polite ones while its function waits
	go func() {
		for out.Scan() {
			fmt.Println(function+":", out.Text())
		}
	}()
	await(t, address)
	return "http://" + address + "/2015-03-31/functions/function/invocations"
}

func value(env []string, name string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func await(t *testing.T, address string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return
		}
	}
	t.Fatalf("nothing listens on %s", address)
}

func invoke(t *testing.T, url string, event []byte) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatalf("the function answered %q: %v", data, err)
	}
	if body, ok := got["body"].(string); ok && body != "" {
		var inner map[string]any
		if err := json.Unmarshal([]byte(body), &inner); err != nil {
			t.Fatalf("body %q: %v", body, err)
		}
		got["body"] = inner
	}
	return got
}

// requireFields asks that got has every field of want, with the same value.
func requireFields(t *testing.T, got map[string]any, want string) {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(want), &fields); err != nil {
		t.Fatal(err)
	}
	compare(t, "", got, fields)
}

func compare(t *testing.T, path string, got, want map[string]any) {
	t.Helper()
	for k, w := range want {
		inner, ok := w.(map[string]any)
		g, isMap := got[k].(map[string]any)
		if ok && isMap {
			compare(t, path+k+".", g, inner)
			continue
		}
		if fmt.Sprint(got[k]) != fmt.Sprint(w) {
			t.Errorf("%s%s is %v, want %v", path, k, got[k], w)
		}
	}
}
