//go:build unix

package lambdahost

import (
	"syscall"
	"time"
)

const (
	killSignal   = syscall.SIGKILL
	termSignal   = syscall.SIGTERM
	shutdownTime = 2 * time.Second // Lambda: the whole shutdown phase
)

// signal signals the process and what it started.
func (p *process) signal(sig syscall.Signal) {
	if p.cmd.Process != nil {
		_ = syscall.Kill(-p.cmd.Process.Pid, sig) // gone already is as good
	}
}
