// Command task is the Lambda of the routes getTask and revokeTask.
package main

import "github.com/disclone/disclone/functions/internal/boot"

func main() {
	boot.Start(func(app *boot.App) boot.Handler { return app.Route(app.Chat.Mux().ServeWS) })
}
