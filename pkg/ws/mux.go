package ws

import "context"

// Mux maps a route key to its handler. Routes are added before it serves; from then on it is safe for concurrent use.
type Mux struct {
	routes map[string]Handler
}

// NewMux makes a mux without routes.
func NewMux() *Mux { return &Mux{routes: make(map[string]Handler)} }

// Handle adds a route. It panics if the key is empty, the handler is nil, or the key has a handler already: all three
// are mistakes of the program, to be seen when it starts.
func (m *Mux) Handle(routeKey string, h Handler) {
	switch {
	case routeKey == "":
		panic("ws: empty route key")
	case h == nil:
		panic("ws: nil handler for route " + routeKey)
	case m.routes[routeKey] != nil:
		panic("ws: second handler for route " + routeKey)
	}
	m.routes[routeKey] = h
}

// HandleFunc adds a route that f serves. It panics like [Mux.Handle].
func (m *Mux) HandleFunc(routeKey string, f func(ctx context.Context, r *Request) (Response, error)) {
	if f == nil {
		panic("ws: nil handler for route " + routeKey)
	}
	m.Handle(routeKey, HandlerFunc(f))
}

// ServeWS serves the request with the handler of its route key. Without one the error's code is [CodeUnknownAction].
// It does not fall back to "$default": API Gateway does that, and names the route it chose.
func (m *Mux) ServeWS(ctx context.Context, r *Request) (Response, error) {
	h := m.routes[r.RouteKey]
	if h == nil {
		return Response{}, Errorf(CodeUnknownAction, "unknown action")
	}
	return h.ServeWS(ctx, r)
}
