package main

import (
	"time"

	"github.com/disclone/disclone/infra/local/internal/console"
	"github.com/disclone/disclone/infra/local/internal/gateway"
	"github.com/disclone/disclone/infra/local/internal/lambdahost"
)

// openConsole serves the page of the runtime beside its endpoints.
func (r *runtime) openConsole() {
	db, queues := r.endpoints.clients(r.cfg.region)
	r.endpoints.handler.Handle(console.Path, console.New(console.Deps{
		App: r.currentApp, APIs: r.consoleAPIs, Recorder: r.printer.recorder, DynamoDB: db, SQS: queues, Chaos: r.cfg.chaos,
	}))
}

func (r *runtime) consoleAPIs() []console.API {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []console.API
	for i, api := range r.app.APIs {
		if i < len(r.gateways) && r.gateways[i].gateway != nil {
			out = append(out, console.API{ID: api.ID, URL: r.gateways[i].socketURL(), Gateway: r.gateways[i].gateway})
		}
	}
	return out
}

// invoked is what the console shows of an invocation.
func invoked(source string, inv *lambdahost.Invocation) console.Entry {
	return console.Entry{
		ID: inv.RequestID, At: time.Now(), Source: source, Function: inv.Function, Outcome: inv.Outcome, Cold: inv.Cold,
		Millis: milliseconds(inv.Duration), InitMillis: milliseconds(inv.Init), Payload: inv.Payload, Response: inv.Response,
	}
}

// requested is what the console shows of an event of a gateway, and of the invocation it led to, if that has ended.
func requested(api string, r *gateway.Request, inv *lambdahost.Invocation) console.Entry {
	e := invoked("", inv)
	e.API, e.Route, e.Connection, e.Function = api, r.Route, r.Connection, r.Function
	e.Status, e.Error, e.Millis = r.Status, r.Error, milliseconds(r.Duration)
	return e
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
