package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

// TestCommands: what is no command is refused before anything is asked. What the commands do is tried by infra/local's tests,
// on the runtime.
func TestCommands(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"dance"}, {"show"}, {"show", "a", "b"}, {"queues", "x"}, {"redrive"}} {
		if err := (&tool{out: &bytes.Buffer{}}).command(context.Background(), args); !errors.Is(err, errUsage) {
			t.Errorf("%s: %v", strings.Join(args, " "), err)
		}
	}
}
