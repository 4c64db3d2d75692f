package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/disclone/disclone/infra/local/internal/gateway"
	"github.com/disclone/disclone/infra/local/internal/template"
)

const connectARN = "arn:aws:execute-api:us-east-1:123456789012:abcdefghij/prod/$connect"

// allowing is an authorizer's answer for a resource.
func allowing(resource, more string) function {
	return returns(`{"principalId":"ann","policyDocument":{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + resource + `"}]}` + more + `}`)
}

// startAuthorized serves an API whose $connect asks the function "authorizer".
func startAuthorized(t *testing.T, authorizer function, sources []string, opts *gateway.Options) *fixture {
	t.Helper()
	ok := returns(`{"statusCode":200}`)
	functions := map[string]function{"$connect": ok, "$disconnect": ok, "$default": ok}
	api := apiOf(functions)
	for i := range api.Routes {
		if api.Routes[i].Key == "$connect" {
			api.Routes[i].Auth = template.Auth{Type: "CUSTOM", Function: "authorizer", IdentitySource: sources}
		}
	}
	functions["authorizer"] = authorizer
	return startAPI(t, api, functions, opts)
}

// J12: what an authorizer says, C3 to C7.
func TestAuthorizerMatrix(t *testing.T) {
	t.Parallel()
	failing := func(message string) function {
		return func([]byte) (string, string, error) { return `{"errorMessage":"` + message + `"}`, "Unhandled", nil }
	}
	for name, tc := range map[string]struct {
		authorizer function
		status     int
	}{
		"allow":             {allowing(connectARN, ""), 101},
		"allow the stage":   {allowing(strings.Replace(connectARN, "$connect", "*", 1), ""), 101},
		"stage and method":  {allowing(strings.Replace(connectARN, "$connect", "*/*", 1), ""), 403},
		"another route":     {allowing(strings.Replace(connectARN, "$connect", "join", 1), ""), 403},
		"deny":              {returns(`{"principalId":"a","policyDocument":{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}}`), 403},
		"no statement":      {returns(`{"principalId":"a","policyDocument":{"Statement":[]}}`), 403},
		"Unauthorized":      {failing("Unauthorized"), 401},
		"unauthorized":      {failing("unauthorized"), 500},
		"error":             {failing("boom"), 500},
		"no JSON":           {returns(`nonsense`), 500},
		"null":              {returns(`null`), 500},
		"no policy":         {returns(`{"principalId":"a"}`), 500},
		"bad policy":        {returns(`{"principalId":"a","policyDocument":{"Statement":[{"Effect":"Maybe"}]}}`), 500},
		"no principal":      {returns(`{"policyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}`), 500},
		"principal number":  {returns(`{"principalId":7,"policyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}`), 500},
		"flat context":      {allowing("*", `,"context":{"a":"x","b":1,"c":true}`), 101},
		"nested context":    {allowing("*", `,"context":{"a":{}}`), 500},
		"list in context":   {allowing("*", `,"context":{"a":[1]}`), 500},
		"null in context":   {allowing("*", `,"context":{"a":null}`), 500},
		"more than 8 KB":    {allowing("*", `,"context":{"a":"`+strings.Repeat("x", 8*1024)+`"}`), 500},
		"service is faulty": {func([]byte) (string, string, error) { return "", "", errors.New("x") }, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := startAuthorized(t, tc.authorizer, nil, nil)
			_, resp, err := f.dial(nil)
			if resp == nil || resp.StatusCode != tc.status {
				t.Fatalf("response %v, error %v, want %d", resp, err, tc.status)
			}
			if invoked := f.inv.count("$connect"); (invoked == 1) != (tc.status == 101) {
				t.Errorf("$connect ran %d times", invoked)
			}
		})
	}
}

// J12, C3: without its identity sources a client is refused before the authorizer is asked.
func TestIdentitySources(t *testing.T) {
	t.Parallel()
	sources := []string{"route.request.header.Auth", "route.request.querystring.token", "context.apiId"}
	f := startAuthorized(t, allowing("*", ""), sources, nil)
	for name, tc := range map[string]struct {
		query  string
		header string
		status int
	}{
		"both":   {"?token=x", "y", 101},
		"empty":  {"?token=", "y", 401},
		"header": {"", "y", 401},
		"query":  {"?token=x", "", 401},
	} {
		before := f.inv.count("authorizer")
		_, resp, err := websocket.Dial(timeout(t), f.url+"/prod"+tc.query, &websocket.DialOptions{HTTPHeader: http.Header{"Auth": {tc.header}}})
		if resp == nil || resp.StatusCode != tc.status {
			t.Fatalf("%s: response %v, error %v, want %d", name, resp, err, tc.status)
		}
		if asked := f.inv.count("authorizer") - before; (asked == 1) != (tc.status == 101) {
			t.Errorf("%s: the authorizer was asked %d times", name, asked)
		}
	}
	api := apiOf(map[string]function{"$connect": nil})
	api.Routes[0].Auth = template.Auth{Type: "CUSTOM", Function: "a", IdentitySource: []string{"method.request.header.X"}}
	if _, err := gateway.New(api, f.inv, nil); !errors.Is(err, gateway.ErrUnsupported) {
		t.Errorf("a source of REST APIs: %v, want ErrUnsupported", err)
	}
}

// C2: the authorizer's event.
func TestAuthorizerEvent(t *testing.T) {
	t.Parallel()
	f := startAuthorized(t, allowing("*", ""), nil, nil)
	if _, _, err := websocket.Dial(timeout(t), f.url+"/prod?a=1&a=2", nil); err != nil {
		t.Fatal(err)
	}
	payload := f.inv.event(t, "authorizer", 1)
	var e events.APIGatewayCustomAuthorizerRequestTypeRequest
	if err := json.Unmarshal(payload, &e); err != nil {
		t.Fatal(err)
	}
	if e.Type != "REQUEST" || e.MethodArn != connectARN || e.QueryStringParameters["a"] != "2" || e.StageVariables == nil {
		t.Errorf("%s", payload)
	}
	if !strings.EqualFold(e.Headers["Connection"], "upgrade") || e.Headers["Upgrade"] != "websocket" || e.Headers["content-length"] != "0" {
		t.Errorf("headers %v", e.Headers)
	}
	var ids struct {
		RequestContext struct{ ConnectionID, RouteKey, EventType string }
	}
	if err := json.Unmarshal(payload, &ids); err != nil || ids.RequestContext.EventType != "CONNECT" || ids.RequestContext.RouteKey != "$connect" {
		t.Errorf("%+v, %v", ids, err)
	}
	if got := strict(t, f.inv.event(t, "$connect", 1)).RequestContext.ConnectionID; got != ids.RequestContext.ConnectionID {
		t.Errorf("the authorizer saw %s, $connect %s", ids.RequestContext.ConnectionID, got)
	}
}

// J12, C8: what the authorizer said is on all three events.
func TestAuthorizerContextIsOnEveryEvent(t *testing.T) {
	t.Parallel()
	f := startAuthorized(t, allowing("*", `,"context":{"name":"Ann \"A\"","level":7,"admin":true}`), nil, nil)
	conn := f.connect()
	send(t, conn, "x")
	message := f.inv.event(t, "$default", 1)
	_ = conn.Close(websocket.StatusNormalClosure, "")
	for _, payload := range [][]byte{f.inv.event(t, "$connect", 1), message, f.inv.event(t, "$disconnect", 1)} {
		got, _ := strict(t, payload).RequestContext.Authorizer.(map[string]any)
		if _, ok := got["integrationLatency"].(float64); !ok {
			t.Errorf("integrationLatency is %v", got["integrationLatency"])
		}
		delete(got, "integrationLatency")
		if diff := cmp.Diff(map[string]any{"principalId": "ann", "name": `Ann "A"`, "level": "7", "admin": "true"}, got); diff != "" {
			t.Error(diff)
		}
	}
}

// C9: an authorizer is asked once for a connection, and its answer is not kept for the next.
func TestAuthorizerIsAskedForEachConnection(t *testing.T) {
	t.Parallel()
	f := startAuthorized(t, allowing("*", ""), nil, nil)
	send(t, f.connect(), "x")
	f.connect()
	f.inv.event(t, "$default", 1)
	if n := f.inv.count("authorizer"); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

// B5: the API key may come from the authorizer.
func TestAPIKeyOfTheAuthorizer(t *testing.T) {
	t.Parallel()
	for key, status := range map[string]int{"good": 101, "bad": 403, "": 403} {
		functions := map[string]function{"$connect": returns(`{"statusCode":200}`)}
		api := apiOf(functions)
		api.KeySelection = "$context.authorizer.usageIdentifierKey"
		api.Routes[0].Auth = template.Auth{Type: "CUSTOM", Function: "authorizer"}
		api.Routes[0].APIKey = true
		functions["authorizer"] = allowing("*", `,"usageIdentifierKey":"`+key+`"`)
		f := startAPI(t, api, functions, &gateway.Options{APIKeys: []string{"good"}})
		if _, resp, _ := f.dial(nil); resp == nil || resp.StatusCode != status {
			t.Errorf("%q: %v, want %d", key, resp, status)
		}
	}
}

// J12, C10: a handshake with AWS_IAM is let in with a signature that verifies, in the header or the query.
func TestIAM(t *testing.T) {
	t.Parallel()
	functions := map[string]function{"$connect": returns(`{"statusCode":200}`)}
	api := apiOf(functions)
	api.Routes[0].Auth = template.Auth{Type: "AWS_IAM"}
	f := startAPI(t, api, functions, &gateway.Options{AccessKeys: map[string]string{"local": "secret"}})
	sum := sha256.Sum256(nil)
	sign := func(secret string) http.Header {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, f.url+"/prod", nil)
		if err != nil {
			t.Fatal(err)
		}
		keys := aws.Credentials{AccessKeyID: "local", SecretAccessKey: secret}
		if err := v4.NewSigner().SignHTTP(context.Background(), keys, r, hex.EncodeToString(sum[:]), "execute-api", "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		return r.Header
	}
	for name, tc := range map[string]struct {
		header http.Header
		status int
	}{"signed": {sign("secret"), 101}, "another secret": {sign("other"), 403}, "not signed": {nil, 403}} {
		_, resp, err := f.dial(&websocket.DialOptions{HTTPHeader: tc.header})
		if resp == nil || resp.StatusCode != tc.status {
			t.Errorf("%s: response %v, error %v, want %d", name, resp, err, tc.status)
		}
	}
	r, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, f.url+"/prod?X-Amz-Expires=60", nil)
	url, _, err := v4.NewSigner().PresignHTTP(context.Background(), aws.Credentials{AccessKeyID: "local", SecretAccessKey: "secret"},
		r, hex.EncodeToString(sum[:]), "execute-api", "us-east-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := websocket.Dial(timeout(t), url, nil); err != nil {
		t.Errorf("presigned: %v", err)
	}
	if id := strict(t, f.inv.event(t, "$connect", 1)).RequestContext.Identity; id.UserArn != "arn:aws:iam::123456789012:user/local" {
		t.Errorf("identity %+v", id)
	}
}

// D1, C10: where signatures are checked, @connections takes the SDK's and refuses others.
func TestSignaturesOfConnections(t *testing.T) {
	t.Parallel()
	f := start(t, nil, &gateway.Options{CheckSignatures: true, AccessKeys: map[string]string{"AKIDEXAMPLE": "secret"}})
	conn := f.connect()
	id := f.onlyID()
	if _, err := f.management().PostToConnection(timeout(t), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("hi")}); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, conn); got != "hi" {
		t.Errorf("%q", got)
	}
	other := apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(f.url + "/prod"), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "another", ""),
	})
	var forbidden *types.ForbiddenException
	if _, err := other.GetConnection(timeout(t), &apigatewaymanagementapi.GetConnectionInput{ConnectionId: &id}); !errors.As(err, &forbidden) {
		t.Errorf("%v, want ForbiddenException", err)
	}
}
