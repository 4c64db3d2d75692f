package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reloadTemplate is somebody else's template: raw ApiGatewayV2, a Go function without a makefile, nothing of this project.
const reloadTemplate = `
Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: other, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.do}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: test, AutoDeploy: true}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: $default
      RouteResponseSelectionExpression: $default
      Target: !Sub integrations/${Integration}
  RouteResponse:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref Route, RouteResponseKey: $default}
  Fn:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: go1.x}
    Properties: {CodeUri: fn, Handler: bootstrap, Runtime: provided.al2023, Timeout: 10}
`

// reloadFunction speaks the Runtime API by itself, so that it needs no module from anywhere.
const reloadFunction = `package main

import (
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(base + "next")
		if err != nil {
			os.Exit(1)
		}
		_, _ = io.Copy(io.Discard, next.Body)
		_ = next.Body.Close()
		done, err := http.Post(base+next.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json",
			strings.NewReader("{\"statusCode\":200,\"body\":\"{\\\"says\\\":\\\"VERSION\\\"}\"}"))
		if err != nil {
			os.Exit(1)
		}
		_ = done.Body.Close()
	}
}
`

// TestHotReload changes a function's code under an open connection: the next frame is answered by the new version.
func TestHotReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("template.yaml", reloadTemplate)
	write("fn/go.mod", "module example.com/fn\n\ngo 1.24\n")
	write("fn/main.go", strings.ReplaceAll(reloadFunction, "VERSION", "one"))
	sys, stop := startSystem(t, "--template", filepath.Join(dir, "template.yaml"))
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("the runtime ended with: %v", err)
		}
	})
	p := sys.connect(t)
	p.send("hello")
	p.await(frame{"says": "one"})

	write("fn/main.go", strings.ReplaceAll(reloadFunction, "VERSION", "two"))
	if !sys.log.wait(func(s string) bool { return strings.Contains(s, "Fn was rebuilt and swapped") }, nil) {
		t.Fatalf("no rebuild:\n%s", sys.log)
	}
	p.send("hello again")
	p.await(frame{"says": "two"})

	// What does not build is printed, and the old version stays.
	write("fn/main.go", "package main\n\nfunc main() { mistake }\n")
	if !sys.log.wait(func(s string) bool { return strings.Contains(s, "undefined: mistake") }, nil) {
		t.Fatalf("the compiler's words are missing:\n%s", sys.log)
	}
	p.send("still there?")
	p.await(frame{"says": "two"})
}

// TestRefusedTemplates starts what AWS would refuse: the runtime says where the fault is, and does not start.
func TestRefusedTemplates(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ from, to, want string }{
		"missing function":  {"functions/${Fn.Arn}/", "functions/${Gn.Arn}/", "template.yaml:15: Fn::GetAtt of Gn"},
		"wrong target":      {"integrations/${", "integration/${", "Target is integrations/"},
		"unknown attribute": {"Timeout: 10}", "Timeout: 10, Role: !GetAtt Fn.Name, Environment: {Variables: {A: !GetAtt Fn.Nam}}}", "has no attribute Nam"},
		"timeout":           {"Timeout: 10}", "Timeout: 901}", "Timeout is 901; want 1 to 900"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "template.yaml")
			if err := os.WriteFile(path, []byte(strings.ReplaceAll(reloadTemplate, tc.from, tc.to)), 0o600); err != nil {
				t.Fatal(err)
			}
			log := &logBuffer{}
			if err := run(t.Context(), []string{"--template", path, "--port", "0"}, log); err == nil || !strings.Contains(err.Error(), "AWS would refuse") {
				t.Errorf("error %v", err)
			}
			if !strings.Contains(log.String(), tc.want) {
				t.Errorf("the log has no %q:\n%s", tc.want, log)
			}
		})
	}
}
