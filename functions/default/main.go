// Command default is the Lambda of the route $default: it answers what no route matches.
package main

import "github.com/disclone/disclone/functions/internal/boot"

func main() {
	boot.Start(func(app *boot.App) boot.Handler { return app.Route(app.Chat.Default) })
}
