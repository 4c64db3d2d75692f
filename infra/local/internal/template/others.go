package template

import "strings"

// quiet are types that have nothing to do on one machine, or that belong to one that was read.
var quiet = map[string]bool{
	"AWS::Serverless::Function": true, "AWS::Lambda::Function": true, "AWS::Serverless::WebSocketApi": true,
	"AWS::DynamoDB::Table": true, "AWS::Serverless::SimpleTable": true, "AWS::SQS::Queue": true, "AWS::SQS::QueuePolicy": true,
	"AWS::Lambda::EventSourceMapping": true, "AWS::Lambda::Permission": true, "AWS::Logs::LogGroup": true,
	"AWS::CloudWatch::Alarm": true, "AWS::CloudWatch::Dashboard": true, "AWS::ApiGateway::Account": true,
	"AWS::Events::Rule": true, "AWS::Scheduler::Schedule": true, "AWS::Serverless::Application": true, "AWS::CloudFormation::Stack": true,
}

// readOthers says which resources are not emulated.
func (r *reader) readOthers() {
	for _, res := range r.resources {
		switch {
		case quiet[res.kind], strings.HasPrefix(res.kind, "AWS::IAM::"):
		case strings.HasPrefix(res.kind, "AWS::ApiGatewayV2::"):
			r.readOtherAPI(res)
		default:
			r.notEmulated(res.pos, res.id, "resources of type %s", res.kind)
		}
	}
}

func (r *reader) readOtherAPI(res *resource) {
	switch res.kind {
	case "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage", "AWS::ApiGatewayV2::Integration",
		"AWS::ApiGatewayV2::RouteResponse", "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Deployment":
		// Deployments: the local runtime always serves what the template says.
	default:
		r.notEmulated(res.pos, res.id, "resources of type %s", res.kind)
	}
}
