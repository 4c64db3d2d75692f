package main

import (
	"context"

	"github.com/disclone/disclone/infra/local/internal/builder"
	"github.com/disclone/disclone/infra/local/internal/console"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// watch rebuilds functions whose code changes and swaps them, and reads the template again when it changes, until ctx
// ends. Connections stay open. What does not build or is a mistake is printed, and the old version stays.
func (r *runtime) watch(ctx context.Context, watcher *builder.Watcher) error {
	defer watcher.Close()
	return watcher.Run(ctx, func(fns []template.Function, templateChanged bool) {
		r.rebuild(ctx, fns)
		if templateChanged {
			r.reload(ctx)
		}
		// What a function depends on may have changed with it.
		if err := watcher.Set(ctx, r.functions()); err != nil {
			r.printer.stamped("%v", err)
		}
	})
}

func (r *runtime) functions() []builder.Built {
	r.mu.Lock()
	defer r.mu.Unlock()
	var fns []builder.Built
	for _, fn := range r.app.Functions {
		fns = append(fns, builder.Built{Function: fn, Artifact: r.built[fn.ID]})
	}
	return fns
}

func (r *runtime) rebuild(ctx context.Context, fns []template.Function) {
	for _, fn := range fns {
		if err := r.build(ctx, []template.Function{fn}); err != nil {
			r.printer.stamped("%s keeps its old version: %v", fn.ID, err)
			continue
		}
		r.printer.stamped("%s was rebuilt and swapped", fn.ID)
	}
}

// reload serves the template as it is now: routes, functions, new tables and queues. Its event source mappings and the
// ports stay as they were; for those it says that a restart is needed.
func (r *runtime) reload(ctx context.Context) {
	app, err := r.load()
	if err != nil {
		r.printer.stamped("the template keeps its old version: %v", err)
		return
	}
	if len(app.APIs) != len(r.gateways) || len(app.Mappings) != len(r.currentApp().Mappings) {
		r.printer.stamped("APIs or event source mappings came or went: please restart")
		return
	}
	r.mu.Lock()
	r.app = app
	r.mu.Unlock()
	if err := r.provision(ctx); err != nil {
		r.printer.stamped("%v", err)
	}
	r.rebuild(ctx, app.Functions)
	for i := range r.gateways {
		if err := r.gateways[i].gateway.Update(&app.APIs[i]); err != nil {
			r.printer.stamped("%v", err)
		}
	}
	r.printer.stamped("the template was read again")
}

func (r *runtime) currentApp() *template.App {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.app
}

// printReady says where everything is.
func (r *runtime) printReady() {
	var sockets []string
	for i, s := range r.gateways {
		for _, stage := range r.app.APIs[i].Stages {
			sockets = append(sockets, s.socketURL()+"/"+stage.Name)
		}
	}
	page := ""
	if r.cfg.staticDir != "" {
		page = r.gateways[0].url + "/"
	}
	env := r.functionEnv()
	env["AWS_REGION"], env["AWS_DEFAULT_REGION"] = r.cfg.region, r.cfg.region // boto3 reads the second only
	if r.cfg.faulty {
		r.printer.printf("Chaos: %s", r.cfg.chaos)
	}
	r.printer.ready(sockets, page, r.endpoints.url+console.Path, env)
}
