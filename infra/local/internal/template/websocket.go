package template

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const maxIntegrationTimeout = 29_000 // ms (API Gateway quota)

var serverlessKey = regexp.MustCompile(`^(\$connect|\$disconnect|\$default|[A-Za-z0-9]+)$`)

// stageName is what API Gateway takes for the name of a WebSocket stage.
var stageName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func (r *reader) readServerlessAPIs() {
	for _, res := range r.resources {
		if res.kind != "AWS::Serverless::WebSocketApi" {
			continue
		}
		api := API{ID: res.id, APIID: r.apiID(res.id), Name: r.propString(res, "Name", res.id), Pos: res.pos}
		api.RouteSelection = r.propString(res, "RouteSelectionExpression", "")
		if api.RouteSelection == "" {
			r.mistake(res.pos, res.id, "RouteSelectionExpression is missing")
		}
		api.KeySelection = r.propString(res, "ApiKeySelectionExpression", "")
		auth := r.serverlessAuth(res)
		routes := child(res.props, "Routes")
		res.used["Routes"] = true
		if routes == nil || routes.Kind != yaml.MappingNode {
			r.mistake(res.pos, res.id, "Routes is missing")
			routes = &yaml.Node{}
		}
		for i := 0; i+1 < len(routes.Content); i += 2 {
			api.Routes = append(api.Routes, r.serverlessRoute(res, routes.Content[i], routes.Content[i+1], auth))
		}
		api.Stages = []Stage{r.stage(res, r.stageName(res), "StageVariables")}
		if !stageName.MatchString(api.Stages[0].Name) {
			r.mistake(r.propPos(res, "StageName"), res.id, "StageName is %q; want letters, digits, - and _, at most 128", api.Stages[0].Name)
		}
		r.rest(res, "StageName", "Description", "Tags", "PropagateTags", "IpAddressType", "FailOnWarnings", "AccessLogSettings",
			"DisableSchemaValidation", "Domain")
		if n := child(res.props, "Domain"); n != nil {
			r.notEmulated(r.pos(n), res.id, "custom domains")
		}
		r.app.APIs = append(r.app.APIs, api)
	}
}

func (r *reader) stageName(res *resource) string { return r.propString(res, "StageName", "default") }

func (r *reader) serverlessRoute(api *resource, key, node *yaml.Node, auth Auth) Route {
	in := r.within(api.id, "a route", r.pos(key), node)
	route := Route{Key: key.Value, Pos: in.pos, APIKey: truth(r.prop(in, "ApiKeyRequired"))}
	if !serverlessKey.MatchString(key.Value) {
		r.mistake(in.pos, api.id, "Route key '%s' must be alphanumeric.", key.Value)
	}
	route.Integration = Integration{Type: "AWS_PROXY", Function: r.functionID(in, "FunctionArn"), Pos: in.pos}
	route.Integration.Timeout = r.integrationTimeout(in, "IntegrationTimeout")
	route.RouteResponse = r.prop(in, "RouteResponseSelectionExpression") == "$default" && r.hasRouteResponse(api.id+generatedName(key.Value)+"Route")
	if route.Auth = (Auth{Type: "NONE"}); key.Value == "$connect" {
		route.Auth = auth
	}
	r.rest(in, "OperationName")
	return route
}

func (r *reader) integrationTimeout(in *resource, name string) time.Duration {
	return time.Duration(r.propNumber(in, name, maxIntegrationTimeout, 50, maxIntegrationTimeout)) * time.Millisecond
}

// hasRouteResponse says whether a RouteResponse with the key $default belongs to a route.
func (r *reader) hasRouteResponse(route string) bool {
	for _, res := range r.resources {
		if res.kind == "AWS::ApiGatewayV2::RouteResponse" && text(r.prop(res, "RouteId")) == route && text(r.prop(res, "RouteResponseKey")) == "$default" {
			return true
		}
	}
	return false
}

func (r *reader) serverlessAuth(res *resource) Auth {
	v := r.prop(res, "Auth")
	if v == nil {
		return Auth{Type: "NONE"}
	}
	in := r.within(res.id, "Auth", r.propPos(res, "Auth"), child(res.props, "Auth"))
	auth := Auth{Type: r.propString(in, "AuthType", "NONE"), IdentitySource: stringList(r.prop(in, "IdentitySource"))}
	if auth.Type == "CUSTOM" {
		auth.Function = r.functionID(in, "AuthArn")
	}
	r.rest(in, "InvokeRole", "Name")
	return auth
}

// stage reads the settings that both dialects have under the same names.
func (r *reader) stage(res *resource, name, variables string) Stage {
	s := Stage{Name: name, Variables: stringMap(r.prop(res, variables)), Pos: res.pos}
	s.Throttle = throttle(r.prop(res, "DefaultRouteSettings"))
	settings, _ := r.prop(res, "RouteSettings").(map[string]any)
	for key, v := range settings {
		if s.Routes == nil {
			s.Routes = map[string]Throttle{}
		}
		s.Routes[key] = throttle(v)
	}
	return s
}

func throttle(v any) Throttle {
	rate, _ := strconv.ParseFloat(text(field(v, "ThrottlingRateLimit")), 64) // 0 is no limit
	return Throttle{Rate: rate, Burst: atoi(text(field(v, "ThrottlingBurstLimit")))}
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s) // 0 where there is none
	return n
}

// number reads a number that stands deeper than a property.
func (r *reader) number(pos Pos, id, name string, v any, low, high int) int {
	n, err := strconv.Atoi(strings.TrimSpace(text(v)))
	if err != nil || n < low || n > high {
		r.mistake(pos, id, "%s is %v; want %d to %d", name, v, low, high)
		return 0
	}
	return n
}
