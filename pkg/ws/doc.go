// Package ws serves one Lambda invocation of an API Gateway WebSocket route, in the shapes of net/http: a [Request], a
// [Handler] that answers with a [Response] or an error, a [Mux] that maps a route key to a handler, and [Middleware].
// [Lambda] makes a handler into what lambda.Start accepts.
//
// An error reaches the client as one frame, {"event":"error","id":...,"code":...,"message":...}, where id is the id
// that the client itself put into its message. Only an [Error] shows its text. Every other error is "internal" to the
// client and is in the log in full.
//
// It is not a WebSocket server: API Gateway holds the sockets, and each message is an invocation of its own, two
// messages of one connection even at the same time. It posts nothing to other connections; package channel does. What
// takes longer than a reply may wait belongs into package task.
package ws
