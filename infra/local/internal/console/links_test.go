package console

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// White-box: the arrows of an app with one of each kind, without a page.
func TestLinks(t *testing.T) {
	t.Parallel()
	app := &template.App{
		APIs: []template.API{{ID: "Api", Routes: []template.Route{
			{Key: "$connect", Integration: template.Integration{Function: "F"}, Auth: template.Auth{Function: "A"}},
			{Key: "blue", Integration: template.Integration{ByStage: map[string]string{"a": "G", "b": "F", "c": "G"}}},
			{Key: "mock", Integration: template.Integration{Type: "MOCK"}},
		}}},
		Functions: []template.Function{{ID: "F", Env: map[string]string{"T": "table", "Q": "http://queue", "X": "other"}}, {ID: "G"}, {ID: "A"}},
		Tables:    []template.Table{{ID: "T", Name: "table", ARN: "arn:table"}},
		Queues: []template.Queue{
			{ID: "Q", Name: "queue", ARN: "arn:queue", URL: "http://queue", Attributes: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:dead"}`}},
			{ID: "D", Name: "dead", ARN: "arn:dead"},
		},
		Mappings:  []template.Mapping{{ID: "M1", Function: "F", SourceARN: "arn:queue"}, {ID: "M2", Function: "G", SourceARN: "arn:table/stream/now"}},
		Schedules: []template.Schedule{{ID: "S", Function: "G"}},
	}
	counts := Counts{
		Routes:  map[string]int{"Api $connect": 1, "Api authorizer": 2, "Api blue": 3, "Other blue": 9},
		Sources: map[string]int{"M1": 4, "M2": 5, "S": 6},
	}
	want := []link{
		{"route", "route Api $connect", "fn F", 1}, {"authorizer", "route Api $connect", "fn A", 2},
		{"route", "route Api blue", "fn F", 3}, {"route", "route Api blue", "fn G", 3},
		{"schedule", "schedule S", "fn G", 6},
		{"mapping", "queue Q", "fn F", 4}, {"mapping", "table T", "fn G", 5},
		{"dead", "queue Q", "queue D", 0},
		{"uses", "fn F", "queue Q", 0}, {"uses", "fn F", "table T", 0},
	}
	if diff := cmp.Diff(want, links(app, counts)); diff != "" {
		t.Error(diff)
	}
}
