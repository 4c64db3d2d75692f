package lambdahost

import (
	"strings"
	"sync"
	"time"
)

const (
	// tailSize is how much of an invocation's log the Invoke API gives back (Lambda API: the last 4 KB).
	tailSize = 4 * 1024
	// tailQuiet is how long nothing must be printed after the result for the log to count as complete: it comes through
	// a pipe of its own.
	tailQuiet = 10 * time.Millisecond
)

// tail keeps the end of what an invocation prints. A nil tail keeps nothing.
type tail struct {
	mu    sync.Mutex
	text  string
	added time.Time
}

func (t *tail) add(line string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.added = time.Now()
	t.text += strings.TrimSuffix(line, "\n") + "\n"
	if over := len(t.text) - tailSize; over > 0 {
		t.text = t.text[over:]
	}
}

// settle waits until what was printed before the result has arrived.
func (t *tail) settle() {
	for began := time.Now(); ; {
		t.mu.Lock()
		quiet := time.Since(t.added)
		t.mu.Unlock()
		if time.Since(began) >= tailQuiet && quiet >= tailQuiet {
			return
		}
		if time.Since(began) > outputGrace {
			return
		}
		time.Sleep(tailQuiet / 5)
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text
}
