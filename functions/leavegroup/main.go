// Command leavegroup is the Lambda of the route leaveGroup: it takes the connection out of a group.
package main

import "github.com/disclone/disclone/functions/internal/boot"

func main() {
	boot.Start(func(app *boot.App) boot.Handler { return app.Route(app.Chat.LeaveGroup) })
}
