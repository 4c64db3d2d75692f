package template

import (
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// harmless are properties of a function that change nothing on one machine.
var harmless = []string{
	"FunctionName", "Description", "Policies", "Role", "Tags", "Tracing", "LoggingConfig", "AutoPublishAlias", "DeploymentPreference",
	"PermissionsBoundary", "PropagateTags", "Timeout", "Events", "AssumeRolePolicyDocument", "RolePath", "CodeSigningConfigArn",
	"KmsKeyArn", "RecursiveLoop", "RuntimeManagementConfig", "TracingConfig", "Metadata", "VpcConfig", "EphemeralStorage",
}

func (r *reader) readFunctions() {
	for _, res := range r.resources {
		if res.kind != "AWS::Serverless::Function" && res.kind != "AWS::Lambda::Function" {
			continue
		}
		name := r.physical(res)
		fn := Function{ID: res.id, Target: res.id, Name: name, ARN: r.arn("lambda", "function:"+name), Pos: res.pos}
		fn.Runtime, fn.Handler = r.propString(res, "Runtime", ""), r.propString(res, "Handler", "")
		fn.Timeout = r.propSeconds(res, "Timeout", 3, 1, 900)
		fn.MemoryMB = r.propNumber(res, "MemorySize", 128, 128, 10240)
		fn.Env = stringMap(field(r.prop(res, "Environment"), "Variables"))
		fn.Architecture = "x86_64"
		if list := stringList(r.prop(res, "Architectures")); len(list) > 0 {
			fn.Architecture = list[0]
		}
		if v := r.prop(res, "ReservedConcurrentExecutions"); v != nil {
			n := r.propNumber(res, "ReservedConcurrentExecutions", 0, 0, 1_000_000)
			fn.Reserved = &n
		}
		r.readCode(res, &fn)
		r.rest(res, harmless...)
		r.app.Functions = append(r.app.Functions, fn)
	}
}

// readCode finds where a function's code is, and how it is built.
func (r *reader) readCode(res *resource, fn *Function) {
	code := r.prop(res, "CodeUri")
	if code == nil {
		code = r.prop(res, "Code")
	}
	if r.propString(res, "PackageType", "Zip") != "Zip" {
		r.notEmulated(r.propPos(res, "PackageType"), res.id, "functions in container images")
	}
	if inline := r.prop(res, "InlineCode"); inline != nil || field(code, "ZipFile") != nil {
		fn.Inline = text(inline) + text(field(code, "ZipFile"))
		return
	}
	path, ok := code.(string)
	switch {
	case code == nil:
		path = "."
	case !ok || strings.HasPrefix(path, "s3://"):
		r.notEmulated(r.propPos(res, "CodeUri"), res.id, "code in S3; give CodeUri a local directory")
		return
	}
	fn.CodeDir = filepath.Join(filepath.Dir(r.file), filepath.FromSlash(path))
	if res.meta != nil {
		fn.BuildMethod = text(r.eval(child(res.meta, "BuildMethod")))
		fn.SkipBuild = truth(r.eval(child(res.meta, "SkipBuild")))
	}
}

// readMappings reads a function's Events, and AWS::Lambda::EventSourceMapping.
func (r *reader) readMappings() {
	for _, res := range r.resources {
		switch res.kind {
		case "AWS::Serverless::Function":
			events := child(res.props, "Events")
			if events == nil || events.Kind != yaml.MappingNode {
				continue
			}
			for i := 0; i+1 < len(events.Content); i += 2 {
				key, node := events.Content[i], events.Content[i+1]
				r.readEvent(res, r.within(res.id+key.Value, text(r.eval(child(node, "Type"))), r.pos(key), child(node, "Properties")))
			}
		case "AWS::Lambda::EventSourceMapping":
			r.readMapping(res, r.functionID(res, "FunctionName"), r.propString(res, "EventSourceArn", ""))
			r.rest(res, "Tags", "KmsKeyArn")
		}
	}
}

func (r *reader) readEvent(fn, ev *resource) {
	switch ev.kind {
	case "SQS":
		r.readMapping(ev, fn.id, r.propString(ev, "Queue", ""))
		r.rest(ev, "KmsKeyArn", "MetricsConfig")
	case "DynamoDB":
		r.readMapping(ev, fn.id, r.propString(ev, "Stream", ""))
		r.rest(ev, "KmsKeyArn", "MetricsConfig")
	case "Schedule":
		r.readSchedule(ev, fn.id, "Schedule", false)
	case "ScheduleV2":
		r.readSchedule(ev, fn.id, "ScheduleExpression", true)
	default:
		r.notEmulated(ev.pos, fn.id, "events of type %s", ev.kind)
	}
}

func (r *reader) readMapping(ev *resource, function, source string) {
	m := Mapping{ID: ev.id, Function: function, SourceARN: source, Enabled: true, Pos: ev.pos}
	if v := r.prop(ev, "Enabled"); v != nil {
		m.Enabled = truth(v)
	}
	m.BatchSize = r.propNumber(ev, "BatchSize", 10, 1, 10_000)
	m.Window = r.propSeconds(ev, "MaximumBatchingWindowInSeconds", 0, 0, 300)
	for _, kind := range stringList(r.prop(ev, "FunctionResponseTypes")) {
		if kind != "ReportBatchItemFailures" {
			r.mistake(r.propPos(ev, "FunctionResponseTypes"), ev.id, "FunctionResponseTypes is ReportBatchItemFailures, not %s", kind)
		}
		m.ReportFailures = true
	}
	filters, _ := field(r.prop(ev, "FilterCriteria"), "Filters").([]any)
	for _, f := range filters {
		m.Filters = append(m.Filters, text(field(f, "Pattern")))
	}
	if scaling := r.prop(ev, "ScalingConfig"); scaling != nil {
		m.MaxConcurrency = r.number(r.propPos(ev, "ScalingConfig"), ev.id, "MaximumConcurrency", field(scaling, "MaximumConcurrency"), 2, 1000)
	}
	m.StartingPos = r.propString(ev, "StartingPosition", "")
	ofTable := strings.HasPrefix(source, "arn:aws:dynamodb:")
	if ofTable && r.prop(ev, "BatchSize") == nil {
		m.BatchSize = 100
	}
	if !ofTable && !strings.HasPrefix(source, "arn:aws:sqs:") {
		r.notEmulated(ev.pos, ev.id, "the event source %s", source)
		return
	}
	r.app.Mappings = append(r.app.Mappings, m)
}

func (r *reader) readSchedule(ev *resource, function, expression string, v2 bool) {
	s := Schedule{ID: ev.id, Function: function, Enabled: true, V2: v2, Pos: ev.pos}
	s.Expression = r.propString(ev, expression, "")
	s.TimeZone = r.propString(ev, "ScheduleExpressionTimezone", "")
	s.Input = r.propString(ev, "Input", "")
	if v := r.prop(ev, "Enabled"); v != nil {
		s.Enabled = truth(v)
	}
	if r.propString(ev, "State", "ENABLED") == "DISABLED" {
		s.Enabled = false
	}
	r.rest(ev, "Name", "Description", "RoleArn", "PermissionsBoundary")
	r.app.Schedules = append(r.app.Schedules, s)
}

// readRawSchedules reads AWS::Events::Rule and AWS::Scheduler::Schedule with a function of this template as their target.
func (r *reader) readRawSchedules() {
	for _, res := range r.resources {
		switch res.kind {
		case "AWS::Events::Rule":
			if r.prop(res, "ScheduleExpression") == nil {
				r.notEmulated(res.pos, res.id, "rules without a ScheduleExpression")
				continue
			}
			targets, _ := r.prop(res, "Targets").([]any)
			for _, target := range targets {
				r.readRawSchedule(res, target, false)
			}
			r.rest(res, "Name", "Description", "EventBusName", "Tags")
		case "AWS::Scheduler::Schedule":
			r.readRawSchedule(res, r.prop(res, "Target"), true)
			r.rest(res, "Name", "Description", "GroupName", "FlexibleTimeWindow")
		}
	}
}

func (r *reader) readRawSchedule(res *resource, target any, v2 bool) {
	arn := text(field(target, "Arn"))
	s := Schedule{ID: res.id, Expression: r.propString(res, "ScheduleExpression", ""), V2: v2, Pos: res.pos}
	s.TimeZone, s.Input = r.propString(res, "ScheduleExpressionTimezone", ""), text(field(target, "Input"))
	s.Enabled = r.propString(res, "State", "ENABLED") != "DISABLED"
	for _, fn := range r.app.Functions {
		if arn == fn.ARN {
			s.Function = fn.ID
			r.app.Schedules = append(r.app.Schedules, s)
			return
		}
	}
	r.notEmulated(res.pos, res.id, "a schedule whose target is %s", arn)
}

// functionID gives the logical id of the function that a property names, by name or ARN.
func (r *reader) functionID(res *resource, property string) string {
	ref := r.propString(res, property, "")
	if i := strings.Index(ref, ":function:"); i >= 0 {
		ref = strings.SplitN(ref[i+len(":function:"):], ":", 2)[0]
	}
	for _, fn := range r.app.Functions {
		if fn.Name == ref || fn.ID == ref {
			return fn.ID
		}
	}
	r.mistake(r.propPos(res, property), res.id, "%s names no function of this template: %q", property, ref)
	return ""
}

// checkMappings holds what CreateEventSourceMapping refuses.
func (r *reader) checkMappings() {
	for _, m := range r.app.Mappings {
		fn, ok := r.app.Function(m.Function)
		if !ok {
			continue // said already
		}
		for _, q := range r.app.Queues {
			if q.ARN == m.SourceARN {
				r.checkMapping(m, fn, q)
			}
		}
	}
}

func (r *reader) checkMapping(m Mapping, fn *Function, q Queue) {
	visibility, timeout := 30, int(fn.Timeout.Seconds())
	if v := q.Attributes["VisibilityTimeout"]; v != "" {
		visibility = atoi(v)
	}
	if visibility < timeout {
		r.mistake(m.Pos, m.ID, "Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", visibility, timeout)
	}
	fifo := strings.HasSuffix(q.Name, ".fifo")
	switch {
	case fifo && m.BatchSize > 10:
		r.mistake(m.Pos, m.ID, "the batch size for a FIFO queue is at most 10")
	case fifo && m.Window > 0:
		r.mistake(m.Pos, m.ID, "a FIFO queue has no batching window")
	case !fifo && m.BatchSize > 10 && m.Window < 1e9:
		r.mistake(m.Pos, m.ID, "a batch size over 10 needs MaximumBatchingWindowInSeconds of at least 1")
	}
}
