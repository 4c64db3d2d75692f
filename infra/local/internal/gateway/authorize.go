package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disclone/disclone/infra/local/internal/policy"
	"github.com/disclone/disclone/infra/local/internal/sigv4"
	"github.com/disclone/disclone/infra/local/internal/template"
)

const (
	// maxAuthorizerResult is the most bytes that an authorizer may return (API Gateway quota).
	maxAuthorizerResult = 8 * 1024
	authorizerTimeout   = 29 * time.Second
	invokeAction        = "execute-api:Invoke"
	manageAction        = "execute-api:ManageConnections"
)

// refusal is an HTTP answer to a handshake that is not let in.
type refusal struct {
	status int
	text   string
	detail string // for the log
}

func unauthorized(detail string) *refusal {
	return &refusal{http.StatusUnauthorized, "Unauthorized", detail}
}

func denied(detail string) *refusal { return &refusal{http.StatusForbidden, "Forbidden", detail} }

// broken is the answer where the authorizer itself failed (gateway responses AUTHORIZER_FAILURE and
// AUTHORIZER_CONFIGURATION_ERROR).
func broken(detail string) *refusal {
	return &refusal{http.StatusInternalServerError, internalServerError, detail}
}

// authorize asks what the $connect route's authorization and its API key ask. What the authorizer said of the client
// stays with the connection: every later event carries it.
func (g *Gateway) authorize(r *http.Request, c *connection, routing *routing, route *template.Route) *refusal {
	usageKey := ""
	switch route.Auth.Type {
	case "AWS_IAM":
		if refused := g.authorizeIAM(r, c, routing); refused != nil {
			return refused
		}
	case "CUSTOM":
		result, refused := g.authorizeCustom(r, c, routing, route)
		if refused != nil {
			return refused
		}
		usageKey = result.UsageIdentifierKey
	}
	if !route.APIKey {
		return nil
	}
	key := r.Header.Get("X-Api-Key")
	if routing.api.KeySelection == "$context.authorizer.usageIdentifierKey" {
		key = usageKey
	}
	if key == "" || !slices.Contains(g.opts.APIKeys, key) {
		return denied("the API key is missing or not known")
	}
	return nil
}

// authorizeIAM verifies the request's signature. A key that is known may connect: keys have no policies here.
func (g *Gateway) authorizeIAM(r *http.Request, c *connection, routing *routing) *refusal {
	keyID, err := g.verifier().Verify(r, nil)
	if err != nil {
		return denied(err.Error())
	}
	arn := "arn:aws:iam::" + g.opts.AccountID + ":user/" + keyID
	c.signer = &signer{AccountID: g.opts.AccountID, AccessKey: keyID, Caller: keyID, User: keyID, UserArn: arn}
	return nil
}

func (g *Gateway) verifier() *sigv4.Verifier {
	// Signatures are made by the machine's clock, whatever the speed of ours.
	return &sigv4.Verifier{Region: g.opts.Region, Service: "execute-api", Keys: g.opts.AccessKeys, Now: time.Now}
}

// authorizerResult is what a REQUEST authorizer returns (Developer Guide, "Output from an API Gateway Lambda
// authorizer").
type authorizerResult struct {
	PrincipalID        any                        `json:"principalId"`
	PolicyDocument     json.RawMessage            `json:"policyDocument"`
	Context            map[string]json.RawMessage `json:"context"`
	UsageIdentifierKey string                     `json:"usageIdentifierKey"`
}

// authorizeCustom invokes the REQUEST authorizer, once for a connection: WebSocket APIs do not cache its answers.
func (g *Gateway) authorizeCustom(r *http.Request, c *connection, routing *routing, route *template.Route) (*authorizerResult, *refusal) {
	for _, source := range route.Auth.IdentitySource {
		if identityOf(source, r, c, routing) == "" {
			return nil, unauthorized("the identity source " + source + " is missing")
		}
	}
	began := time.Now()
	ctx := g.opts.Trace(context.WithoutCancel(r.Context()), "authorizer", c.id)
	payload := c.authorizerEvent(r, routing)
	result, refused := g.askAuthorizer(ctx, routing, route, c, payload)
	took := time.Since(began)
	seen := Request{
		Route: "authorizer", Connection: c.id, Function: route.Auth.Function, Status: http.StatusOK,
		Duration: took, RequestBytes: len(payload),
	}
	if refused != nil {
		seen.Status, seen.Error = refused.status, refused.detail
	}
	g.observe(ctx, seen)
	if refused != nil {
		return nil, refused
	}
	c.authorizer = result.passedOn(took)
	return result, nil
}

func (g *Gateway) askAuthorizer(ctx context.Context, routing *routing, route *template.Route, c *connection, payload []byte) (*authorizerResult, *refusal) {
	ctx, cancel := context.WithTimeout(ctx, authorizerTimeout)
	defer cancel()
	response, functionError, err := g.invoker.Invoke(ctx, route.Auth.Function, payload)
	switch {
	case err != nil:
		return nil, broken(err.Error())
	case functionError != "" && errorMessage(response) == "Unauthorized":
		return nil, unauthorized("the authorizer says Unauthorized")
	case functionError != "":
		return nil, broken(errorType(response))
	}
	result, allowed, err := parseAuthorizerResult(response, methodARN(g, routing, c.stage))
	switch {
	case err != nil:
		return nil, broken(err.Error())
	case !allowed:
		return nil, denied("the authorizer's policy does not allow " + invokeAction)
	}
	return result, nil
}

func methodARN(g *Gateway, routing *routing, stage string) string {
	return fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/%s/$connect", g.opts.Region, g.opts.AccountID, routing.api.APIID, stage)
}

func errorMessage(response []byte) string {
	var e struct{ ErrorMessage string }
	_ = json.Unmarshal(response, &e) // empty if it is none
	return e.ErrorMessage
}

// parseAuthorizerResult reads an authorizer's answer and says whether it allows the method.
func parseAuthorizerResult(response []byte, arn string) (result *authorizerResult, allowed bool, err error) {
	if len(response) > maxAuthorizerResult {
		return nil, false, fmt.Errorf("the authorizer returned %d bytes, more than %d", len(response), maxAuthorizerResult)
	}
	result = &authorizerResult{}
	if err := json.Unmarshal(response, result); err != nil {
		return nil, false, fmt.Errorf("the authorizer's answer: %w", err)
	}
	if id, ok := result.PrincipalID.(string); !ok || id == "" {
		return nil, false, errors.New("the authorizer returned no principalId, a text")
	}
	if len(result.PolicyDocument) == 0 {
		return nil, false, errors.New("the authorizer returned no policyDocument")
	}
	for key, value := range result.Context {
		if first := bytes.TrimSpace(value); len(first) == 0 || first[0] == '{' || first[0] == '[' || string(first) == "null" {
			return nil, false, fmt.Errorf("the authorizer's context.%s is no text, number or boolean", key)
		}
	}
	document, err := policy.Parse(result.PolicyDocument)
	if err != nil {
		return nil, false, err
	}
	return result, document.Allows(invokeAction, arn), nil
}

// passedOn is requestContext.authorizer. API Gateway gives the values of the context as texts.
func (r *authorizerResult) passedOn(took time.Duration) json.RawMessage {
	out := map[string]any{}
	for key, value := range r.Context {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(bytes.TrimSpace(value))
		}
		out[key] = text
	}
	out["principalId"] = r.PrincipalID
	out["integrationLatency"] = took.Milliseconds()
	return encode(out)
}

// identityOf gives what an identity source holds, "" if nothing.
func identityOf(source string, r *http.Request, c *connection, routing *routing) string {
	if name, ok := strings.CutPrefix(source, "route.request.header."); ok {
		if strings.EqualFold(name, "Host") {
			return r.Host
		}
		return r.Header.Get(name)
	}
	if name, ok := strings.CutPrefix(source, "route.request.querystring."); ok {
		return r.URL.Query().Get(name)
	}
	if name, ok := strings.CutPrefix(source, "stageVariables."); ok {
		return routing.variables[c.stage][name]
	}
	if name, ok := strings.CutPrefix(source, "context."); ok {
		return contextValue(name, c.context(routing, "$connect", "CONNECT", ""))
	}
	return ""
}

// checkIdentitySource refuses a source that API Gateway does not know.
func checkIdentitySource(source string) error {
	for _, prefix := range []string{"route.request.header.", "route.request.querystring.", "stageVariables.", "context."} {
		if name, ok := strings.CutPrefix(source, prefix); ok && name != "" {
			return nil
		}
	}
	return fmt.Errorf("%w: the identity source %q; use route.request.header.X, route.request.querystring.X, stageVariables.X or context.X", ErrUnsupported, source)
}

// contextValue gives a $context variable of an event as text, "" if there is none of that name.
func contextValue(name string, rc requestContext) string {
	values := map[string]string{
		"apiId": rc.APIID, "stage": rc.Stage, "connectionId": rc.ConnectionID, "domainName": rc.DomainName,
		"eventType": rc.EventType, "routeKey": rc.RouteKey, "requestId": rc.RequestID, "messageId": rc.MessageID,
		"extendedRequestId": rc.ExtendedRequestID, "requestTime": rc.RequestTime,
		"requestTimeEpoch": strconv.FormatInt(rc.RequestTimeEpoch, 10), "connectedAt": strconv.FormatInt(rc.ConnectedAt, 10),
		"identity.sourceIp": rc.Identity.SourceIP, "identity.userAgent": rc.Identity.UserAgent,
	}
	if value, ok := values[name]; ok {
		return value
	}
	key, ok := strings.CutPrefix(name, "authorizer.")
	if !ok {
		return ""
	}
	var authorizer map[string]any
	_ = json.Unmarshal(rc.Authorizer, &authorizer) // none without an authorizer
	return selected(authorizer[key])
}

// checkSignature verifies the signature of a request to @connections, where that is asked for.
func (g *Gateway) checkSignature(r *http.Request, body []byte) error {
	if !g.opts.CheckSignatures {
		return nil
	}
	_, err := g.verifier().Verify(r, body)
	return err
}
