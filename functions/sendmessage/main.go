// Command sendmessage is the Lambda of the route sendMessage: it posts to a group, starts a task and answers at once.
package main

import "github.com/disclone/disclone/functions/internal/boot"

func main() {
	boot.Start(func(app *boot.App) boot.Handler { return app.Route(app.Chat.SendMessage) })
}
