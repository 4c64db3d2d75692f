// Command joingroup is the Lambda of the route joinGroup: it adds the connection to a group.
package main

import "github.com/disclone/disclone/functions/internal/boot"

func main() {
	boot.Start(func(app *boot.App) boot.Handler { return app.Route(app.Chat.JoinGroup) })
}
