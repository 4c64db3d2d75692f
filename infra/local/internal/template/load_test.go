package template_test

import (
	"testing"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// TestThisRepository reads the template that is deployed.
func TestThisRepository(t *testing.T) {
	t.Parallel()
	app, err := template.Load("../../../../template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range app.Notices {
		t.Errorf("notice: %s", n)
	}
	responses := map[string]bool{}
	for _, route := range app.APIs[0].Routes {
		responses[route.Key] = route.RouteResponse
		if _, ok := app.Function(route.Integration.Function); !ok {
			t.Errorf("the route %s has no function", route.Key)
		}
	}
	for key, want := range map[string]bool{"$connect": false, "$disconnect": false, "$default": true, "sendMessage": true, "joinGroup": true, "leaveGroup": true} {
		if got, ok := responses[key]; !ok || got != want {
			t.Errorf("route %s: there %v, route response %v, want %v", key, ok, got, want)
		}
	}
	for _, fn := range app.Functions {
		if fn.Architecture != "arm64" {
			t.Errorf("%s is for %s, but the Makefile builds for arm64", fn.ID, fn.Architecture)
		}
	}
	if len(app.Mappings) != 1 || !app.Mappings[0].ReportFailures || app.Mappings[0].Function != "WorkerFunction" {
		t.Errorf("mappings: %+v", app.Mappings)
	}
}
