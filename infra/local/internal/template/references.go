package template

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// ref gives what Ref gives: a pseudo parameter, a parameter, or a resource's physical name.
func (r *reader) ref(name string, pos Pos) any {
	if v, ok := r.pseudo(name); ok {
		return v
	}
	if v, ok := r.params[name]; ok {
		return v
	}
	if res := r.byID[name]; res != nil {
		done, ok := r.enter(name, pos)
		if !ok {
			return ""
		}
		defer done()
		return r.physical(res)
	}
	if v, ok := r.generated[name]; ok {
		return v
	}
	r.mistake(pos, "", "unresolved reference to %s", name)
	return ""
}

// enter notes that a resource is being resolved. One that needs itself is a mistake.
func (r *reader) enter(id string, pos Pos) (done func(), ok bool) {
	key := "resource " + id
	if r.evaluates[key] {
		r.mistake(pos, id, "the resource depends on itself")
		return nil, false
	}
	r.evaluates[key] = true
	return func() { delete(r.evaluates, key) }, true
}

func (r *reader) pseudo(name string) (any, bool) {
	switch name {
	case "AWS::Region":
		return r.opts.Region, true
	case "AWS::AccountId":
		return r.opts.AccountID, true
	case "AWS::StackName":
		return r.opts.StackName, true
	case "AWS::StackId":
		return r.arn("cloudformation", "stack/"+r.opts.StackName+"/00000000-0000-4000-8000-000000000000"), true
	case "AWS::Partition":
		return "aws", true
	case "AWS::URLSuffix":
		return "amazonaws.com", true
	case "AWS::NotificationARNs":
		return []any{}, true
	case "AWS::NoValue":
		return noValue{}, true
	}
	return nil, false
}

// physical gives what Ref gives for a resource of the template.
func (r *reader) physical(res *resource) string {
	switch res.kind {
	case "AWS::SQS::Queue":
		return r.queueURL(r.queueName(res))
	case "AWS::DynamoDB::Table", "AWS::Serverless::SimpleTable":
		return r.nameOr(res, "TableName")
	case "AWS::Lambda::Function", "AWS::Serverless::Function":
		return r.nameOr(res, "FunctionName")
	case "AWS::Serverless::WebSocketApi", "AWS::ApiGatewayV2::Api":
		return r.apiID(res.id)
	case "AWS::ApiGatewayV2::Stage":
		return text(r.prop(res, "StageName"))
	case "AWS::SNS::Topic":
		return r.arn("sns", r.nameOr(res, "TopicName"))
	}
	return res.id
}

func (r *reader) nameOr(res *resource, property string) string {
	if n := child(res.props, property); n != nil {
		if name := text(r.eval(n)); name != "" {
			return name
		}
	}
	return r.prefix + res.id
}

func (r *reader) queueName(res *resource) string {
	name := r.nameOr(res, "QueueName")
	if name == r.prefix+res.id && truth(r.eval(child(res.props, "FifoQueue"))) {
		name += ".fifo"
	}
	return name
}

func (r *reader) queueURL(name string) string {
	base := r.opts.SQSEndpoint
	if base == "" {
		base = "https://sqs." + r.opts.Region + ".amazonaws.com"
	}
	return strings.TrimSuffix(base, "/") + "/" + r.opts.AccountID + "/" + name
}

func (r *reader) arn(service, rest string) string {
	return "arn:aws:" + service + ":" + r.opts.Region + ":" + r.opts.AccountID + ":" + rest
}

// apiID makes an API's id from its logical id: ten lower-case letters and digits, as AWS's are.
func (r *reader) apiID(logical string) string {
	sum := sha256.Sum256([]byte(r.prefix + logical))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:10]
}

// getAtt gives an attribute of a resource. An attribute that the type does not have is a mistake.
func (r *reader) getAtt(id, attr string, pos Pos) any {
	res := r.byID[id]
	if res == nil {
		if v, ok := r.generated[id+"."+attr]; ok {
			return v
		}
		if role, ok := r.generated[id]; ok && attr == "Arn" {
			return role
		}
		r.mistake(pos, "", "Fn::GetAtt of %s: there is no such resource", id)
		return ""
	}
	if name, ok := strings.CutPrefix(attr, "Outputs."); ok && isApplication(res) {
		return r.nestedOutput(res, name, pos)
	}
	done, ok := r.enter(id, pos)
	if !ok {
		return ""
	}
	defer done()
	attrs, modelled := r.attributes(res)
	if v, ok := attrs[attr]; ok {
		return v
	}
	if modelled {
		r.mistake(pos, id, "%s has no attribute %s", res.kind, attr)
		return ""
	}
	return r.arn(serviceOf(res.kind), res.id+"/"+attr)
}

// serviceOf gives the service's name in AWS::Service::Thing.
func serviceOf(kind string) string {
	parts := strings.Split(kind, "::")
	if len(parts) < 3 {
		return "unknown"
	}
	return strings.ToLower(parts[1])
}

// attributes gives what Fn::GetAtt knows of a type, and whether it knows the type at all.
func (r *reader) attributes(res *resource) (map[string]string, bool) {
	switch res.kind {
	case "AWS::SQS::Queue":
		name := r.queueName(res)
		return map[string]string{"Arn": r.arn("sqs", name), "QueueName": name, "QueueUrl": r.queueURL(name)}, true
	case "AWS::DynamoDB::Table", "AWS::Serverless::SimpleTable":
		arn := r.arn("dynamodb", "table/"+r.physical(res))
		return map[string]string{"Arn": arn, "TableId": res.id, "StreamArn": arn + "/stream/2024-01-01T00:00:00.000"}, true
	case "AWS::Lambda::Function", "AWS::Serverless::Function":
		return map[string]string{"Arn": r.functionARN(res)}, true
	case "AWS::ApiGatewayV2::Api", "AWS::Serverless::WebSocketApi":
		host := r.apiID(res.id) + ".execute-api." + r.opts.Region + ".amazonaws.com"
		return map[string]string{"ApiId": r.apiID(res.id), "ApiEndpoint": "wss://" + host}, true
	case "AWS::IAM::Role":
		return map[string]string{"Arn": "arn:aws:iam::" + r.opts.AccountID + ":role/" + res.id, "RoleId": res.id}, true
	case "AWS::Logs::LogGroup":
		return map[string]string{"Arn": r.arn("logs", "log-group:"+res.id+":*")}, true
	}
	return nil, false
}

func (r *reader) functionARN(res *resource) string {
	return r.arn("lambda", "function:"+r.physical(res))
}

// declareGenerated names the resources that SAM makes, so that a template may refer to them.
func (r *reader) declareGenerated() {
	for _, res := range r.resources {
		switch res.kind {
		case "AWS::Serverless::Function":
			r.generated[res.id+"Role"] = res.id + "Role"
			r.generated[res.id+"Role.Arn"] = "arn:aws:iam::" + r.opts.AccountID + ":role/" + res.id + "Role"
			r.declareEvents(res)
		case "AWS::Serverless::WebSocketApi":
			r.declareAPI(res)
		}
	}
}

func (r *reader) declareEvents(res *resource) {
	events := child(res.props, "Events")
	if events == nil {
		return
	}
	for i := 0; i+1 < len(events.Content); i += 2 {
		id := res.id + events.Content[i].Value
		r.generated[id] = id
	}
}

func (r *reader) declareAPI(res *resource) {
	stage := r.stageName(res)
	stageID := res.id + capital(stage) + "Stage"
	if child(res.props, "StageName") != nil && isIntrinsic(child(res.props, "StageName")) {
		stageID = res.id + "Stage"
	}
	for _, id := range []string{stageID, res.id + "Stage", res.id + ".Stage"} {
		r.generated[id] = stage
	}
	routes := child(res.props, "Routes")
	if routes == nil {
		return
	}
	for i := 0; i+1 < len(routes.Content); i += 2 {
		base := res.id + generatedName(routes.Content[i].Value)
		for _, kind := range []string{"Route", "Integration", "Permission"} {
			r.generated[base+kind] = base + kind
		}
	}
}

// generatedName is the part of a route's key in the logical ids that SAM makes: sendMessage becomes Sendmessage.
func generatedName(key string) string { return capital(strings.ToLower(strings.TrimPrefix(key, "$"))) }

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
