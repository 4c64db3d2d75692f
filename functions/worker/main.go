// Command worker is the Lambda behind the task queue: it runs background tasks and pushes their results.
package main

import "github.com/disclone/disclone/functions/internal/boot"

func main() {
	boot.Start(func(app *boot.App) boot.Handler { return app.Worker() })
}
