package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// incoming is one event on its way to an integration, whatever the integration makes of it.
type incoming struct {
	payload []byte         // the event, for a function
	context requestContext // of the same event
	message []byte         // a message's text; nil for others
	request *http.Request  // the handshake; nil for others
	stage   map[string]string
}

// integrate runs a route's integration.
func (g *Gateway) integrate(ctx context.Context, route *template.Route, in *incoming) answer {
	ctx, cancel := context.WithTimeout(ctx, route.Integration.Timeout)
	defer cancel()
	switch route.Integration.Type {
	case "MOCK":
		return mock(&route.Integration, in)
	case "HTTP_PROXY":
		return g.proxy(ctx, &route.Integration, in)
	}
	return g.invoke(ctx, functionOf(&route.Integration, in.context.Stage), in.payload)
}

// functionOf gives the function of an integration on a stage.
func functionOf(in *template.Integration, stage string) string {
	if in.ByStage != nil {
		return in.ByStage[stage]
	}
	return in.Function
}

// invoke runs the function of an AWS_PROXY integration.
func (g *Gateway) invoke(ctx context.Context, function string, payload []byte) answer {
	response, functionError, err := g.invoker.Invoke(ctx, function, payload)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return faulty(http.StatusGatewayTimeout, requestTimedOut, "integration timeout")
	case err != nil:
		return faulty(http.StatusInternalServerError, internalServerError, err.Error())
	case functionError != "":
		return faulty(http.StatusBadGateway, internalServerError, errorType(response))
	}
	out, err := parseResult(response)
	if err != nil {
		return faulty(http.StatusBadGateway, internalServerError, err.Error())
	}
	return out
}

// mock answers with the status that its request template has. Of templates only texts and variables are emulated.
func mock(in *template.Integration, event *incoming) answer {
	text, ok := mockTemplate(in)
	if !ok {
		return answer{status: http.StatusOK}
	}
	var out struct{ StatusCode int }
	if err := json.Unmarshal([]byte(expand(text, event)), &out); err != nil || out.StatusCode < 100 {
		return faulty(http.StatusInternalServerError, internalServerError, "the MOCK template gives no {\"statusCode\": n}")
	}
	return answer{status: out.StatusCode}
}

// mockTemplate picks the request template: the one that TemplateSelectionExpression names, $default, or the only one.
func mockTemplate(in *template.Integration) (string, bool) {
	for _, key := range []string{strings.TrimPrefix(in.TemplateSelection, `\`), "$default", "default"} {
		if text, ok := in.RequestTemplates[key]; ok {
			return text, true
		}
	}
	if len(in.RequestTemplates) == 1 {
		for _, text := range in.RequestTemplates {
			return text, true
		}
	}
	return "", false
}

var templateVariable = regexp.MustCompile(`\$(context|stageVariables)\.([A-Za-z0-9_.]+)|\$\{(context|stageVariables)\.([A-Za-z0-9_.]+)\}|\$input\.body`)

// expand puts the values of variables into a mapping template.
func expand(text string, event *incoming) string {
	return templateVariable.ReplaceAllStringFunc(text, func(variable string) string {
		parts := templateVariable.FindStringSubmatch(variable)
		switch name := parts[2] + parts[4]; parts[1] + parts[3] {
		case "context":
			return contextValue(name, event.context)
		case "stageVariables":
			return event.stage[name]
		}
		return string(event.message)
	})
}

// checkTemplates refuses mapping templates with what is not emulated: directives and functions.
func checkTemplates(in *template.Integration) error {
	for _, key := range slices.Sorted(maps.Keys(in.RequestTemplates)) {
		rest := templateVariable.ReplaceAllString(in.RequestTemplates[key], "")
		if strings.ContainsAny(rest, "$#") {
			return fmt.Errorf("%w: %s: the mapping template %q; of templates, texts and $context, $stageVariables, $input.body are emulated",
				ErrUnsupported, in.Pos, in.RequestTemplates[key])
		}
	}
	return nil
}

// maxProxied is the most bytes of an HTTP integration's answer that are read (Developer Guide: payloads of 128 KB).
const maxProxied = maxMessage

// proxy sends the message to an HTTP server on this machine.
func (g *Gateway) proxy(ctx context.Context, in *template.Integration, event *incoming) answer {
	req, err := proxied(ctx, in, event)
	if err != nil {
		return faulty(http.StatusInternalServerError, internalServerError, err.Error())
	}
	resp, err := g.client.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return faulty(http.StatusGatewayTimeout, requestTimedOut, "integration timeout")
	case err != nil:
		return faulty(http.StatusBadGateway, internalServerError, err.Error())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProxied+1))
	if err != nil || len(body) > maxProxied {
		return faulty(http.StatusBadGateway, internalServerError, "the answer broke off or is larger than 128 KB")
	}
	out := answer{status: resp.StatusCode, headers: map[string]string{}, body: body}
	for name := range resp.Header {
		out.headers[name] = resp.Header.Get(name)
	}
	return out
}

// proxied makes the request of an HTTP integration: the message as its body, and what RequestParameters map.
func proxied(ctx context.Context, in *template.Integration, event *incoming) (*http.Request, error) {
	uri := in.URI
	for name, value := range event.stage {
		uri = strings.ReplaceAll(uri, "${stageVariables."+name+"}", value)
	}
	headers, query := http.Header{}, url.Values{}
	for _, target := range slices.Sorted(maps.Keys(in.RequestParameters)) {
		value := parameter(in.RequestParameters[target], event)
		place, name, _ := strings.Cut(strings.TrimPrefix(target, "integration.request."), ".")
		switch place {
		case "header":
			headers.Set(name, value)
		case "querystring":
			query.Set(name, value)
		case "path":
			uri = strings.ReplaceAll(uri, "{"+name+"}", url.PathEscape(value))
		}
	}
	method := in.Method
	if method == "" || method == "ANY" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, uri, bytes.NewReader(event.message))
	if err != nil {
		return nil, err
	}
	req.Header = headers
	if len(query) > 0 {
		req.URL.RawQuery = query.Encode()
	}
	return req, nil
}

// parameter gives the value of a request parameter (Developer Guide, "Request parameters in WebSocket APIs").
func parameter(source string, event *incoming) string {
	if n := len(source); n >= 2 && source[0] == '\'' && source[n-1] == '\'' {
		return source[1 : n-1]
	}
	if name, ok := strings.CutPrefix(source, "context."); ok {
		return contextValue(name, event.context)
	}
	if name, ok := strings.CutPrefix(source, "stageVariables."); ok {
		return event.stage[name]
	}
	place, name, _ := strings.Cut(strings.TrimPrefix(source, "route.request."), ".")
	switch {
	case place == "body":
		return bodyValue(name, event.message)
	case event.request == nil:
		return "" // only $connect has headers and a query
	case place == "header":
		return event.request.Header.Get(name)
	case place == "multivalueheader":
		return strings.Join(event.request.Header.Values(name), ",")
	case place == "querystring":
		return last(event.request.URL.Query())[name]
	case place == "multivaluequerystring":
		return strings.Join(event.request.URL.Query()[name], ",")
	}
	return ""
}

func bodyValue(path string, message []byte) string {
	if path == "" {
		return string(message)
	}
	e, err := parseExpression("$request.body." + path)
	var body any
	if err != nil || json.Unmarshal(message, &body) != nil {
		return ""
	}
	return e.evaluate(body)
}

// checkProxy refuses HTTP integrations that lead off this machine: the runtime talks to nothing else.
func checkProxy(in *template.Integration) error {
	uri, err := url.Parse(strings.NewReplacer("{", "", "}", "", "$", "").Replace(in.URI))
	if err != nil || (uri.Scheme != "http" && uri.Scheme != "https") || !isLoopback(uri.Hostname()) {
		return fmt.Errorf("%w: %s: HTTP_PROXY to %q; only http(s)://localhost or a loopback address is served", ErrUnsupported, in.Pos, in.URI)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
