// Command disconnect is the Lambda of the route $disconnect: it takes the connection out of all its groups.
package main

import "github.com/disclone/disclone/functions/internal/boot"

func main() {
	boot.Start(func(app *boot.App) boot.Handler { return app.Route(app.Chat.Disconnect) })
}
