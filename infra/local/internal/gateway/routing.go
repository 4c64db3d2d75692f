package gateway

import (
	"encoding/json"
	"fmt"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// routing is an API's routes, ready to be looked up. It is immutable.
type routing struct {
	api       template.API
	selection expression
	routes    map[string]*template.Route
	stages    map[string]bool
	variables map[string]map[string]string // by stage
	throttles *throttles
}

func newRouting(api *template.API, quota *Quota) (*routing, error) {
	selection, err := parseExpression(api.RouteSelection)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: RouteSelectionExpression: %w", api.Pos, api.ID, err)
	}
	r := &routing{
		api: *api, selection: selection, routes: map[string]*template.Route{},
		stages: map[string]bool{}, variables: map[string]map[string]string{}, throttles: newThrottles(quota, api),
	}
	for _, stage := range api.Stages {
		r.stages[stage.Name] = true
		r.variables[stage.Name] = stage.Variables
	}
	for i := range api.Routes {
		route := &api.Routes[i]
		if err := supported(route); err != nil {
			return nil, err
		}
		r.routes[route.Key] = route
	}
	return r, nil
}

func supported(route *template.Route) error {
	switch route.Auth.Type {
	case "", "NONE", "AWS_IAM":
	case "CUSTOM":
		for _, source := range route.Auth.IdentitySource {
			if err := checkIdentitySource(source); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("%w: %s: %s authorization of the route %s", ErrUnsupported, route.Pos, route.Auth.Type, route.Key)
	}
	switch route.Integration.Type {
	case "AWS_PROXY":
		return nil
	case "MOCK":
		return checkTemplates(&route.Integration)
	case "HTTP_PROXY":
		return checkProxy(&route.Integration)
	}
	return fmt.Errorf("%w: %s: the integration type %s of the route %s", ErrUnsupported, route.Pos, route.Integration.Type, route.Key)
}

// pick chooses the route of a message: by the selection expression, else $default, else none. A client cannot choose a
// route that begins with $.
func (r *routing) pick(message []byte) *template.Route {
	var body any
	if err := json.Unmarshal(message, &body); err == nil {
		if key := r.selection.evaluate(body); key != "" && key[0] != '$' {
			if route := r.routes[key]; route != nil {
				return route
			}
		}
	}
	return r.routes["$default"]
}
