package gateway

import "golang.org/x/time/rate"

// Exhaust leaves a quota no request.
func Exhaust(q *Quota) { q.requests = rate.NewLimiter(0, 0) }
