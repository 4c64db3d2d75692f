package eventsource

import "context"

type sourceKey struct{}

// Source gives the id of the mapping or schedule that an invocation's context is of, "" for another's.
func Source(ctx context.Context) string {
	id, _ := ctx.Value(sourceKey{}).(string) // "" without one
	return id
}

func withSource(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, sourceKey{}, id)
}
