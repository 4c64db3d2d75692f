// Package template reads a SAM or CloudFormation template to an [App]: parameters, conditions, mappings, Globals and
// intrinsic functions are resolved, and both ways to write a WebSocket API (AWS::Serverless::WebSocketApi and
// AWS::ApiGatewayV2) come out the same. It reads; it starts nothing. What it leaves out, and what AWS would refuse, it
// says in the app's Notices, with file and line.
package template
