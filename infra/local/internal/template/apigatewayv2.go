package template

import "strings"

// readRawAPIs reads the APIs written as AWS::ApiGatewayV2 resources.
func (r *reader) readRawAPIs() {
	for _, res := range r.resources {
		if res.kind != "AWS::ApiGatewayV2::Api" {
			continue
		}
		if protocol := r.propString(res, "ProtocolType", ""); protocol != "WEBSOCKET" {
			r.notEmulated(res.pos, res.id, "an API of the protocol %q", protocol)
			continue
		}
		api := API{ID: res.id, APIID: r.apiID(res.id), Name: r.propString(res, "Name", res.id), Pos: res.pos}
		api.RouteSelection = r.propString(res, "RouteSelectionExpression", "$request.body.action")
		api.KeySelection = r.propString(res, "ApiKeySelectionExpression", "")
		for _, stage := range r.of("AWS::ApiGatewayV2::Stage", api.APIID) {
			name := r.propString(stage, "StageName", "")
			if !stageName.MatchString(name) && name != "$default" { // some deploy that, whatever the guide says
				r.mistake(r.propPos(stage, "StageName"), stage.id, "StageName is %q; want letters, digits, - and _, at most 128", name)
			}
			api.Stages = append(api.Stages, r.stage(stage, name, "StageVariables"))
			r.rest(stage, "ApiId", "StageName", "AutoDeploy", "DeploymentId", "Description", "Tags", "AccessLogSettings")
		}
		seen := map[string]bool{}
		for _, route := range r.of("AWS::ApiGatewayV2::Route", api.APIID) {
			read := r.rawRoute(route, api.Stages)
			if seen[read.Key] {
				r.mistake(route.pos, route.id, "a second route with the key %s", read.Key)
				continue
			}
			seen[read.Key] = true
			api.Routes = append(api.Routes, read)
		}
		if len(api.Stages) == 0 {
			r.mistake(res.pos, res.id, "the API has no AWS::ApiGatewayV2::Stage, so nobody could connect")
		}
		r.rest(res, "Name", "ProtocolType", "Description", "Tags", "DisableExecuteApiEndpoint", "DisableSchemaValidation", "IpAddressType", "Version")
		r.app.APIs = append(r.app.APIs, api)
	}
}

// of lists the resources of a type that belong to an API.
func (r *reader) of(kind, api string) []*resource {
	var out []*resource
	for _, res := range r.resources {
		if res.kind == kind && text(r.prop(res, "ApiId")) == api {
			out = append(out, res)
		}
	}
	return out
}

func (r *reader) rawRoute(res *resource, stages []Stage) Route {
	route := Route{Key: r.propString(res, "RouteKey", ""), Pos: res.pos, APIKey: truth(r.prop(res, "ApiKeyRequired"))}
	if custom, ok := strings.CutPrefix(route.Key, "$"); ok && custom != "connect" && custom != "disconnect" && custom != "default" {
		r.mistake(r.propPos(res, "RouteKey"), res.id, "a route key of one's own does not begin with $: %s", route.Key)
	}
	route.Integration = r.integration(res, stages)
	route.RouteResponse = r.prop(res, "RouteResponseSelectionExpression") == "$default" && r.hasRouteResponse(res.id)
	route.Auth = Auth{Type: r.propString(res, "AuthorizationType", "NONE")}
	if route.Auth.Type == "CUSTOM" {
		route.Auth = r.authorizer(res)
	}
	r.rest(res, "ApiId", "OperationName")
	return route
}

// integration follows a route's Target, integrations/{id}.
func (r *reader) integration(route *resource, stages []Stage) Integration {
	target := r.propString(route, "Target", "")
	id, ok := strings.CutPrefix(target, "integrations/")
	res := r.byID[id]
	if !ok || res == nil || res.kind != "AWS::ApiGatewayV2::Integration" {
		r.mistake(r.propPos(route, "Target"), route.id, "Target is integrations/{an integration of this template}, not %q", target)
		return Integration{Type: "MOCK", Pos: route.pos}
	}
	in := Integration{Type: r.propString(res, "IntegrationType", ""), Pos: res.pos, Method: r.propString(res, "IntegrationMethod", "")}
	in.Timeout = r.integrationTimeout(res, "TimeoutInMillis")
	in.URI = r.propString(res, "IntegrationUri", "")
	in.RequestTemplates = stringMap(r.prop(res, "RequestTemplates"))
	in.RequestParameters = stringMap(r.prop(res, "RequestParameters"))
	in.TemplateSelection = r.propString(res, "TemplateSelectionExpression", "")
	switch in.Type {
	case "AWS_PROXY":
		in.Function, in.ByStage = r.invokedByStage(res, in.URI, stages)
	case "MOCK", "HTTP_PROXY":
	default:
		r.notEmulated(res.pos, res.id, "the integration type %s", in.Type)
	}
	r.rest(res, "ApiId", "Description", "ContentHandlingStrategy", "PayloadFormatVersion", "CredentialsArn", "ConnectionType", "PassthroughBehavior")
	return in
}

// invoked gives the function in arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations.
func (r *reader) invoked(res *resource, uri string) string {
	_, rest, _ := strings.Cut(uri, "/functions/")
	arn, _, _ := strings.Cut(rest, "/invocations")
	if arn == "" {
		arn = uri
	}
	for _, fn := range r.app.Functions {
		if arn == fn.ARN || strings.HasPrefix(arn, fn.ARN+":") {
			r.checkPermission(res, &fn)
			return fn.ID
		}
	}
	r.mistake(r.propPos(res, "IntegrationUri"), res.id, "IntegrationUri names no function of this template: %s", uri)
	return ""
}

// invokedByStage gives the function of an integration, or one for each stage where its URI has a stage variable.
func (r *reader) invokedByStage(res *resource, uri string, stages []Stage) (function string, byStage map[string]string) {
	if !strings.Contains(uri, "${stageVariables.") {
		return r.invoked(res, uri), nil
	}
	byStage = map[string]string{}
	for _, stage := range stages {
		filled := uri
		for name, value := range stage.Variables {
			filled = strings.ReplaceAll(filled, "${stageVariables."+name+"}", value)
		}
		byStage[stage.Name] = r.invoked(res, filled)
	}
	return "", byStage
}

// checkPermission warns where API Gateway may not invoke the function: clients would see "Internal server error".
func (r *reader) checkPermission(res *resource, fn *Function) {
	for _, p := range r.resources {
		if p.kind != "AWS::Lambda::Permission" {
			continue
		}
		if ref := text(r.prop(p, "FunctionName")); ref == fn.Name || strings.HasPrefix(ref, fn.ARN) {
			return
		}
	}
	r.warn(res.pos, res.id, "no AWS::Lambda::Permission lets API Gateway invoke %s", fn.ID)
}

func (r *reader) authorizer(route *resource) Auth {
	res := r.byID[r.propString(route, "AuthorizerId", "")]
	if res == nil || res.kind != "AWS::ApiGatewayV2::Authorizer" {
		r.mistake(r.propPos(route, "AuthorizerId"), route.id, "AuthorizerId names no authorizer of this template")
		return Auth{Type: "CUSTOM"}
	}
	auth := Auth{Type: "CUSTOM", IdentitySource: stringList(r.prop(res, "IdentitySource"))}
	auth.Function = r.invoked(res, r.propString(res, "AuthorizerUri", ""))
	r.rest(res, "ApiId", "Name", "AuthorizerType", "AuthorizerCredentialsArn")
	return auth
}
