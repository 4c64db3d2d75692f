package lambdahost

import "syscall"

// childAttributes give the process a group of its own, and have the kernel kill it when this process dies. (Pdeathsig
// goes by the thread that started the child; the Go runtime ends no thread that nobody locked.)
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
