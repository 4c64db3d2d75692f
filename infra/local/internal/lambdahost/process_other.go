//go:build unix && !linux

package lambdahost

import "syscall"

// childAttributes give the process a group of its own.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
