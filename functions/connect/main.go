// Command connect is the Lambda of the route $connect: it stores the connection id.
package main

import "github.com/disclone/disclone/functions/internal/boot"

func main() {
	boot.Start(func(app *boot.App) boot.Handler { return app.Route(app.Chat.Connect) })
}
