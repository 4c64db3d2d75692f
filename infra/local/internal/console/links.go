package console

import (
	"slices"
	"strings"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// link is one arrow of the picture.
type link struct {
	Kind  string `json:"kind"` // route, authorizer, mapping, schedule, uses or dead
	From  string `json:"from"` // a node: "route API KEY", "fn ID", "table ID", "queue ID", "schedule ID"
	To    string `json:"to"`
	Count int    `json:"count"`
}

// links gives the arrows between what the template declares.
func links(app *template.App, counts Counts) []link {
	out := []link{}
	for _, api := range app.APIs {
		for _, route := range api.Routes {
			out = append(out, routeLinks(api.ID, route, counts)...)
		}
	}
	for _, s := range app.Schedules {
		out = append(out, link{"schedule", "schedule " + s.ID, "fn " + s.Function, counts.Sources[s.ID]})
	}
	for _, m := range app.Mappings {
		if from := source(app, m.SourceARN); from != "" {
			out = append(out, link{"mapping", from, "fn " + m.Function, counts.Sources[m.ID]})
		}
	}
	for _, dead := range app.Queues {
		for _, q := range sources(app, dead) {
			out = append(out, link{Kind: "dead", From: "queue " + q.ID, To: "queue " + dead.ID})
		}
	}
	for _, fn := range app.Functions {
		for _, to := range uses(app, fn) {
			out = append(out, link{Kind: "uses", From: "fn " + fn.ID, To: to})
		}
	}
	return out
}

func routeLinks(api string, route template.Route, counts Counts) []link {
	from, n := "route "+api+" "+route.Key, counts.Routes[api+" "+route.Key]
	var out []link
	functions := []string{route.Integration.Function}
	for _, fn := range route.Integration.ByStage {
		functions = append(functions, fn)
	}
	slices.Sort(functions)
	for _, fn := range slices.Compact(functions) {
		if fn != "" {
			out = append(out, link{"route", from, "fn " + fn, n})
		}
	}
	if route.Auth.Function != "" {
		out = append(out, link{"authorizer", from, "fn " + route.Auth.Function, counts.Routes[api+" authorizer"]})
	}
	return out
}

// source gives the node of a mapping's queue, or of the table whose stream it reads.
func source(app *template.App, arn string) string {
	for _, q := range app.Queues {
		if q.ARN == arn {
			return "queue " + q.ID
		}
	}
	for _, t := range app.Tables {
		if strings.HasPrefix(arn, t.ARN+"/") {
			return "table " + t.ID
		}
	}
	return ""
}

// uses guesses what a function works with: the tables and queues that its environment names.
func uses(app *template.App, fn template.Function) []string {
	var found []string
	for _, value := range fn.Env {
		for _, t := range app.Tables {
			if value == t.Name || value == t.ARN {
				found = append(found, "table "+t.ID)
			}
		}
		for _, q := range app.Queues {
			if value == q.Name || value == q.ARN || value == q.URL {
				found = append(found, "queue "+q.ID)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
