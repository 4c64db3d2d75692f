// Command local runs a SAM template with a WebSocket API on this machine: its real compiled Lambda functions behind a
// gateway, with the tables, queues and event source mappings it declares. It needs no Docker and no AWS account.
//
//	go run ./infra/local --template template.yaml --port 3001
//
// It knows nothing of any application: everything it does comes from the template. docs/local.md says what is emulated.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}
