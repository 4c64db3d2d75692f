package ws_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/disclone/disclone/pkg/ws"
)

// A function that serves two routes. Its main gives the adapter to lambda.Start.
func Example_serveRoutes() {
	mux := ws.NewMux()
	mux.HandleFunc("$connect", func(_ context.Context, r *ws.Request) (ws.Response, error) {
		if r.Query.Get("token") == "" {
			return ws.Response{}, ws.Errorf(ws.CodeUnauthenticated, "a token is missing")
		}
		return ws.Response{}, nil
	})
	mux.HandleFunc("greet", func(_ context.Context, r *ws.Request) (ws.Response, error) {
		var in struct {
			Name string `json:"name"`
		}
		if err := ws.Decode(r.Body, &in); err != nil {
			return ws.Response{}, err
		}
		return ws.Reply(map[string]string{"event": "greeting", "message": "hello " + in.Name})
	})
	function := ws.Lambda(mux, &ws.Options{Log: slog.New(slog.DiscardHandler)}) // lambda.Start(function)

	for _, event := range []string{
		`{"requestContext":{"routeKey":"$connect","eventType":"CONNECT","connectionId":"c="}}`,
		`{"requestContext":{"routeKey":"greet","eventType":"MESSAGE","connectionId":"c="},"body":"{\"name\":\"Ann\"}"}`,
		`{"requestContext":{"routeKey":"greet","eventType":"MESSAGE","connectionId":"c="},"body":"{\"id\":1,\"name\":2}"}`,
	} {
		answer, err := function.Invoke(context.Background(), []byte(event))
		fmt.Println(string(answer), err)
	}
	// Output:
	// {"statusCode":401} <nil>
	// {"statusCode":200,"body":"{\"event\":\"greeting\",\"message\":\"hello Ann\"}"} <nil>
	// {"statusCode":400,"body":"{\"event\":\"error\",\"id\":1,\"code\":\"bad_request\",\"message\":\"the field \\\"name\\\" must be a string, not a number\"}"} <nil>
}
