// Command resume is the Lambda of the route resume: it gives a member what it has missed of a group.
package main

import "github.com/disclone/disclone/functions/internal/boot"

func main() {
	boot.Start(func(app *boot.App) boot.Handler { return app.Route(app.Chat.Resume) })
}
