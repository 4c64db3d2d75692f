//go:build unix

package lambdahost

import (
	"syscall"
	"time"
)

const (
	killSignal     = syscall.SIGKILL
	termSignal     = syscall.SIGTERM
	stopSignal     = syscall.SIGSTOP
	continueSignal = syscall.SIGCONT
	shutdownTime   = 2 * time.Second // Lambda: the whole shutdown phase
)

// signalGroup signals the process and what it started.
func signalGroup(pid int, sig syscall.Signal) {
	_ = syscall.Kill(-pid, sig) // gone already is as good
}
