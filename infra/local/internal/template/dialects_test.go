package template_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// load reads a template from texts by file name; the first is the one to load.
func load(t *testing.T, opts *template.Options, main string, files map[string]string) *template.App {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	app, err := template.Load(filepath.Join(dir, main), opts)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

const functions = `
  Auth: {Type: AWS::Serverless::Function, Properties: {CodeUri: a, Handler: bootstrap, Runtime: provided.al2023}}
  Join: {Type: AWS::Serverless::Function, Properties: {CodeUri: a, Handler: bootstrap, Runtime: provided.al2023}}
  Other: {Type: AWS::Serverless::Function, Properties: {CodeUri: a, Handler: bootstrap, Runtime: provided.al2023}}
`

const serverlessDialect = `
Transform: AWS::Serverless-2016-10-31
Resources:` + functions + `
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      Name: chat
      StageName: live
      RouteSelectionExpression: ${request.body.service}/${request.body.action}
      StageVariables: {color: green}
      DefaultRouteSettings: {ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20}
      RouteSettings: {join: {ThrottlingRateLimit: 1.5, ThrottlingBurstLimit: 2}}
      Auth: {AuthType: CUSTOM, AuthArn: !GetAtt Auth.Arn, IdentitySource: [route.request.header.Auth, route.request.querystring.token]}
      Routes:
        $connect: {FunctionArn: !GetAtt Join.Arn, ApiKeyRequired: true}
        $default: {FunctionArn: !GetAtt Other.Arn, IntegrationTimeout: 5000}
        join: {FunctionArn: !GetAtt Join.Arn, RouteResponseSelectionExpression: $default}
  Answer: {Type: AWS::ApiGatewayV2::RouteResponse, Properties: {ApiId: !Ref Api, RouteId: !Ref ApiJoinRoute, RouteResponseKey: $default}}
`

const rawDialect = `
Transform: AWS::Serverless-2016-10-31
Resources:` + functions + `
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: "${request.body.service}/${request.body.action}"}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties:
      ApiId: !Ref Api
      StageName: live
      StageVariables: {color: green}
      DefaultRouteSettings: {ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20}
      RouteSettings: {join: {ThrottlingRateLimit: 1.5, ThrottlingBurstLimit: 2}}
  Authorizer:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Api
      Name: a
      AuthorizerType: REQUEST
      IdentitySource: [route.request.header.Auth, route.request.querystring.token]
      AuthorizerUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Auth.Arn}/invocations
  ConnectRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: $connect
      ApiKeyRequired: true
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Authorizer
      Target: !Join [/, [integrations, !Ref JoinIntegration]]
  DefaultRoute: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: $default, Target: !Sub "integrations/${OtherIntegration}"}}
  JoinRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: join, RouteResponseSelectionExpression: $default, Target: !Sub "integrations/${JoinIntegration}"}
  Answer: {Type: AWS::ApiGatewayV2::RouteResponse, Properties: {ApiId: !Ref Api, RouteId: !Ref JoinRoute, RouteResponseKey: $default}}
  JoinIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: {Fn::Sub: "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Join.Arn}/invocations"}
  OtherIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      TimeoutInMillis: 5000
      IntegrationUri: !Join ["", ["arn:", !Ref AWS::Partition, ":apigateway:", !Ref AWS::Region, ":lambda:path/2015-03-31/functions/", !GetAtt Other.Arn, /invocations]]
  Permission: {Type: AWS::Lambda::Permission, Properties: {Action: lambda:InvokeFunction, Principal: apigateway.amazonaws.com, FunctionName: !Ref Join}}
  Second: {Type: AWS::Lambda::Permission, Properties: {Action: lambda:InvokeFunction, Principal: apigateway.amazonaws.com, FunctionName: !GetAtt Other.Arn}}
  Third: {Type: AWS::Lambda::Permission, Properties: {Action: lambda:InvokeFunction, Principal: apigateway.amazonaws.com, FunctionName: !Ref Auth}}
`

// J18: the same API in both dialects gives the same routing table.
func TestDialectsGiveTheSameRouting(t *testing.T) {
	t.Parallel()
	a := load(t, nil, "t.yaml", map[string]string{"t.yaml": serverlessDialect})
	b := load(t, nil, "t.yaml", map[string]string{"t.yaml": rawDialect})
	ignored := cmp.Options{
		cmpopts.IgnoreTypes(template.Pos{}),
		cmpopts.IgnoreFields(template.Integration{}, "URI"), // the raw dialect's own words for the function
		cmpopts.SortSlices(func(a, b template.Route) bool { return a.Key < b.Key }),
	}
	if diff := cmp.Diff(a.APIs, b.APIs, ignored); diff != "" {
		t.Error(diff)
	}
	for _, app := range []*template.App{a, b} {
		if len(app.APIs) != 1 || len(app.APIs[0].Routes) != 3 || len(app.Notices) != 0 {
			t.Errorf("%+v", app.Notices)
		}
	}
}

// A function may be named by a stage variable: each stage has its own.
func TestStageVariableInTheURI(t *testing.T) {
	t.Parallel()
	app := load(t, nil, "t.yaml", map[string]string{"t.yaml": `
Transform: AWS::Serverless-2016-10-31
Resources:` + functions + `
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: x, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}}
  Dev: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: dev, StageVariables: {fn: Join}}}
  Live: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: live, StageVariables: {fn: Other}}}
  Route: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: $default, Target: !Sub "integrations/${Integration}"}}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:${!stageVariables.fn}/invocations"
`})
	if diff := cmp.Diff(map[string]string{"dev": "Join", "live": "Other"}, app.APIs[0].Routes[0].Integration.ByStage); diff != "" {
		t.Error(diff)
	}
	warned := 0
	for _, n := range app.Notices {
		if n.Severity == template.Warning && strings.Contains(n.Message, "AWS::Lambda::Permission") && n.Pos.Line > 0 {
			warned++
		}
	}
	if warned != 2 {
		t.Errorf("want a warning for each function that may not be invoked: %v", app.Notices)
	}
}

// An application in a file beside the template is part of the whole.
func TestNestedApplication(t *testing.T) {
	t.Parallel()
	files := map[string]string{"t.yaml": `
Transform: AWS::Serverless-2016-10-31
Resources:
  Chat: {Type: AWS::Serverless::Application, Properties: {Location: chat.yaml, Parameters: {Stage: !Ref AWS::Region}}}
  Remote: {Type: AWS::Serverless::Application, Properties: {Location: {ApplicationId: "arn:x", SemanticVersion: 1.0.0}}}
Outputs:
  Url: {Value: !GetAtt Chat.Outputs.Url}
`, "chat.yaml": `
Transform: AWS::Serverless-2016-10-31
Parameters: {Stage: {Type: String}}
Resources:` + functions + `
  Queue: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 60}}
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: mine, AttributeDefinitions: [{AttributeName: a, AttributeType: S}], KeySchema: [{AttributeName: a, KeyType: HASH}], BillingMode: PAY_PER_REQUEST}}
  Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref Other, EventSourceArn: !GetAtt Queue.Arn}}
  Api: {Type: AWS::Serverless::WebSocketApi, Properties: {StageName: !Ref Stage, RouteSelectionExpression: $request.body.a, Routes: {$default: {FunctionArn: !GetAtt Join.Arn}}}}
Outputs:
  Url: {Value: !Sub "wss://${Api}/${Stage}"}
`}
	app := load(t, nil, "t.yaml", files)
	if len(app.APIs) != 1 || app.APIs[0].Routes[0].Integration.Function != "ChatJoin" || app.APIs[0].Stages[0].Name != "us-east-1" {
		t.Fatalf("%+v", app.APIs)
	}
	if fn, ok := app.Function("ChatOther"); !ok || fn.Name != "ChatOther" || fn.Target != "Other" || app.Mappings[0].Function != "ChatOther" {
		t.Errorf("%+v, %+v", fn, app.Mappings)
	}
	if app.Queues[0].Name != "ChatQueue" || app.Mappings[0].SourceARN != app.Queues[0].ARN || app.Tables[0].Name != "mine" {
		t.Errorf("%+v, %+v", app.Queues, app.Tables)
	}
	if want := "wss://" + app.APIs[0].APIID + "/us-east-1"; app.Outputs[0].Value != want {
		t.Errorf("output %q, want %q", app.Outputs[0].Value, want)
	}
	if len(app.Notices) != 1 || app.Notices[0].Resource != "Remote" {
		t.Errorf("%v", app.Notices)
	}
	files["t.yaml"] = strings.Replace(files["t.yaml"], "chat.yaml", "t.yaml", 1)
	if _, err := template.Load(filepath.Join(t.TempDir(), "none.yaml"), nil); err == nil {
		t.Error("a file that is not there was read")
	}
}

// Schedules are read from events of functions and from resources of their own.
func TestSchedules(t *testing.T) {
	t.Parallel()
	app := load(t, nil, "t.yaml", map[string]string{"t.yaml": `
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: a
      Handler: bootstrap
      Runtime: provided.al2023
      Events:
        One: {Type: Schedule, Properties: {Schedule: rate(1 hour), Enabled: false, Input: '{"a":1}'}}
        Two: {Type: ScheduleV2, Properties: {ScheduleExpression: "cron(0 9 * * ? *)", ScheduleExpressionTimezone: Europe/Berlin}}
  Rule:
    Type: AWS::Events::Rule
    Properties: {ScheduleExpression: rate(5 minutes), Targets: [{Id: a, Arn: !GetAtt Fn.Arn, Input: "{}"}]}
  Sched:
    Type: AWS::Scheduler::Schedule
    Properties: {ScheduleExpression: "at(2026-01-01T00:00:00)", FlexibleTimeWindow: {Mode: "OFF"}, State: DISABLED, Target: {Arn: !GetAtt Fn.Arn, RoleArn: x}}
  Elsewhere:
    Type: AWS::Scheduler::Schedule
    Properties: {ScheduleExpression: rate(1 hour), FlexibleTimeWindow: {Mode: "OFF"}, Target: {Arn: arn:aws:sns:x, RoleArn: x}}
`})
	want := []template.Schedule{
		{ID: "FnOne", Function: "Fn", Expression: "rate(1 hour)", Input: `{"a":1}`},
		{ID: "FnTwo", Function: "Fn", Expression: "cron(0 9 * * ? *)", TimeZone: "Europe/Berlin", Enabled: true, V2: true},
		{ID: "Rule", Function: "Fn", Expression: "rate(5 minutes)", Input: "{}", Enabled: true},
		{ID: "Sched", Function: "Fn", Expression: "at(2026-01-01T00:00:00)", V2: true},
	}
	if diff := cmp.Diff(want, app.Schedules, cmpopts.IgnoreTypes(template.Pos{})); diff != "" {
		t.Error(diff)
	}
	if len(app.Notices) != 1 || app.Notices[0].Resource != "Elsewhere" {
		t.Errorf("%v", app.Notices)
	}
}

// What CloudFormation or a service would refuse is a mistake with its line.
func TestMistakes(t *testing.T) {
	t.Parallel()
	const api = `
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: x, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: dev}}
  Mock: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Api, IntegrationType: MOCK}}
`
	for name, tc := range map[string]struct{ resources, want string }{
		"missing function": {`
  W: {Type: AWS::Serverless::WebSocketApi, Properties: {RouteSelectionExpression: a, Routes: {$default: {FunctionArn: !GetAtt Gone.Arn}}}}`, "Fn::GetAtt of Gone"},
		"unknown attribute": {`
  W: {Type: AWS::IAM::Role, Properties: {Description: !GetAtt Join.Nam}}
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt Join.Nam}}`, "has no attribute Nam"},
		"visibility": {`
  Q: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 2}}
  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref Join, EventSourceArn: !GetAtt Q.Arn}}`, "Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds"},
		"target": {api + `
  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a, Target: !Sub "integration/${Mock}"}}`, "Target is integrations/"},
		"two routes": {api + `
  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a, Target: !Sub "integrations/${Mock}"}}
  S: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a, Target: !Sub "integrations/${Mock}"}}`, "a second route with the key a"},
		"dollar": {api + `
  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: $mine, Target: !Sub "integrations/${Mock}"}}`, "does not begin with $"},
		"timeout": {`
  W: {Type: AWS::Serverless::WebSocketApi, Properties: {RouteSelectionExpression: a, Routes: {$default: {FunctionArn: !GetAtt Join.Arn, IntegrationTimeout: 30000}}}}`, "IntegrationTimeout is 30000; want 50 to 29000"},
		"stage": {`
  W: {Type: AWS::Serverless::WebSocketApi, Properties: {StageName: $default, RouteSelectionExpression: a, Routes: {$default: {FunctionArn: !GetAtt Join.Arn}}}}`, "StageName"},
		"import": {`
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !ImportValue theirs}}`, "--import theirs=VALUE"},
		"key": {`
  W: {Type: AWS::Serverless::WebSocketApi, Properties: {RouteSelectionExpression: a, Routes: {send-message: {FunctionArn: !GetAtt Join.Arn}}}}`, "Route key 'send-message' must be alphanumeric."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := load(t, nil, "t.yaml", map[string]string{"t.yaml": "Transform: AWS::Serverless-2016-10-31\nResources:" + functions + tc.resources})
			for _, n := range app.Mistakes() {
				if strings.Contains(n.Message, tc.want) && n.Pos.Line > 1 {
					return
				}
			}
			t.Errorf("no mistake %q in %v", tc.want, app.Notices)
		})
	}
}
