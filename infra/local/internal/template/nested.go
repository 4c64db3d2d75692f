package template

import (
	"path/filepath"
	"strings"
)

// An application within a template (AWS::Serverless::Application or AWS::CloudFormation::Stack with a local file) is read
// as a template of its own. What it declares becomes part of the whole, with the application's logical id before its
// names, as CloudFormation makes physical names unique.

func isApplication(res *resource) bool {
	return res.kind == "AWS::Serverless::Application" || res.kind == "AWS::CloudFormation::Stack"
}

// readNested adds what the applications declare.
func (r *reader) readNested() {
	for _, res := range r.resources {
		if !isApplication(res) {
			continue
		}
		app := r.application(res)
		r.rest(res, "Tags", "NotificationARNs", "TimeoutInMinutes")
		if app != nil {
			r.adopt(res.id, app)
		}
	}
}

// application reads an application, once: nil if it cannot be read, which was said then.
func (r *reader) application(res *resource) *App {
	if app, ok := r.nested[res.id]; ok {
		return app
	}
	r.nested[res.id] = nil
	done, ok := r.enter(res.id, res.pos)
	if !ok {
		return nil
	}
	defer done()
	property := "Location"
	if res.kind == "AWS::CloudFormation::Stack" {
		property = "TemplateURL"
	}
	location, ok := r.prop(res, property).(string)
	if !ok || strings.Contains(location, "://") {
		r.notEmulated(r.propPos(res, property), res.id, "an application that is not in a local file")
		return nil
	}
	opts := r.opts
	opts.Parameters = stringMap(r.prop(res, "Parameters"))
	child, err := open(filepath.Join(filepath.Dir(r.file), filepath.FromSlash(location)), &opts)
	if err != nil {
		r.mistake(r.propPos(res, property), res.id, "%v", err)
		return nil
	}
	child.prefix = r.prefix + res.id
	child.read()
	r.nested[res.id] = child.app
	return child.app
}

func (r *reader) nestedOutput(res *resource, name string, pos Pos) any {
	app := r.application(res)
	if app == nil {
		return "" // said already
	}
	for _, out := range app.Outputs {
		if out.Key == name {
			return out.Value
		}
	}
	r.mistake(pos, res.id, "the application has no output %s", name)
	return ""
}

// adopt makes what an application declares part of this template.
func (r *reader) adopt(id string, app *App) {
	name := func(ref string) string {
		if ref == "" {
			return ""
		}
		return id + ref
	}
	for _, fn := range app.Functions {
		fn.ID = name(fn.ID)
		r.app.Functions = append(r.app.Functions, fn)
	}
	for _, api := range app.APIs {
		api.ID = name(api.ID)
		for i := range api.Routes {
			route := &api.Routes[i]
			route.Integration.Function, route.Auth.Function = name(route.Integration.Function), name(route.Auth.Function)
			for stage, fn := range route.Integration.ByStage {
				route.Integration.ByStage[stage] = name(fn)
			}
		}
		r.app.APIs = append(r.app.APIs, api)
	}
	for _, t := range app.Tables {
		t.ID = name(t.ID)
		r.app.Tables = append(r.app.Tables, t)
	}
	for _, q := range app.Queues {
		q.ID = name(q.ID)
		r.app.Queues = append(r.app.Queues, q)
	}
	for _, m := range app.Mappings {
		m.ID, m.Function = name(m.ID), name(m.Function)
		r.app.Mappings = append(r.app.Mappings, m)
	}
	for _, s := range app.Schedules {
		s.ID, s.Function = name(s.ID), name(s.Function)
		r.app.Schedules = append(r.app.Schedules, s)
	}
	for _, n := range app.Notices {
		n.Resource = name(n.Resource)
		r.notice(n)
	}
}
