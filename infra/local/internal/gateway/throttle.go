package gateway

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// The account's quotas in a region (API Gateway quotas).
const (
	accountRate     = 10_000 // requests a second of all APIs, callbacks included
	accountBurst    = 5_000
	connectionsRate = 500 // new connections a second
)

// Quota is an account's throttle, which all its APIs share. A nil Quota throttles nothing. It is safe for concurrent
// use.
type Quota struct {
	requests, connections *rate.Limiter
}

// NewQuota makes the quota of an account with AWS's defaults: 10,000 requests a second with bursts of 5,000, and 500 new
// connections a second.
func NewQuota() *Quota {
	return &Quota{requests: rate.NewLimiter(accountRate, accountBurst), connections: rate.NewLimiter(connectionsRate, connectionsRate)}
}

// throttles are the limits of an API's routes by stage.
type throttles struct {
	quota *Quota
	api   *template.API

	mu       sync.Mutex
	limiters map[[2]string]*rate.Limiter // by stage and route key; nil for one without a limit
}

func newThrottles(q *Quota, api *template.API) *throttles {
	return &throttles{quota: q, api: api, limiters: map[[2]string]*rate.Limiter{}}
}

// connect says whether one more connection may be opened.
func (t *throttles) connect(stage string, now time.Time) bool {
	return t.quota == nil || (t.quota.connections.AllowN(now, 1) && t.event(stage, "$connect", now))
}

// event says whether one more event of a route may be served.
func (t *throttles) event(stage, route string, now time.Time) bool {
	if t.quota == nil {
		return true
	}
	if l := t.limiter(stage, route); l != nil && !l.AllowN(now, 1) {
		return false
	}
	return t.quota.requests.AllowN(now, 1)
}

// callback says whether one more request to @connections may be served.
func (t *throttles) callback(now time.Time) bool {
	return t.quota == nil || t.quota.requests.AllowN(now, 1)
}

func (t *throttles) limiter(stage, route string) *rate.Limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := [2]string{stage, route}
	l, ok := t.limiters[key]
	if !ok {
		l = newLimiter(t.api, stage, route)
		t.limiters[key] = l
	}
	return l
}

// newLimiter makes a route's limiter from RouteSettings, or else from DefaultRouteSettings.
func newLimiter(api *template.API, stage, route string) *rate.Limiter {
	for _, s := range api.Stages {
		if s.Name != stage {
			continue
		}
		limit, ok := s.Routes[route]
		if !ok {
			limit = s.Throttle
		}
		if limit.Rate > 0 || limit.Burst > 0 {
			return rate.NewLimiter(rate.Limit(limit.Rate), limit.Burst)
		}
	}
	return nil
}
