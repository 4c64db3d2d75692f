// Command schedule is the Lambda behind the schedules: it enqueues the tasks whose time has come.
package main

import "github.com/disclone/disclone/functions/internal/boot"

func main() {
	boot.Start(func(app *boot.App) boot.Handler { return app.Schedule() })
}
