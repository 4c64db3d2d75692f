package template

import (
	"encoding/json"
	"maps"
	"slices"
)

// queueAttributes are the properties of AWS::SQS::Queue that CreateQueue takes under the same name.
var queueAttributes = []string{
	"ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit", "MaximumMessageSize",
	"MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "SqsManagedSseEnabled", "VisibilityTimeout",
}

func (r *reader) readQueues() {
	for _, res := range r.resources {
		if res.kind != "AWS::SQS::Queue" {
			continue
		}
		name := r.queueName(res)
		q := Queue{ID: res.id, Name: name, ARN: r.arn("sqs", name), URL: r.queueURL(name), Attributes: map[string]string{}, Pos: res.pos}
		for _, attr := range queueAttributes {
			if v := r.prop(res, attr); v != nil {
				q.Attributes[attr] = text(v)
			}
		}
		for _, policy := range []string{"RedrivePolicy", "RedriveAllowPolicy"} {
			if v := r.prop(res, policy); v != nil {
				q.Attributes[policy] = asJSON(v)
			}
		}
		r.rest(res, "QueueName", "Tags", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds")
		r.app.Queues = append(r.app.Queues, q)
	}
}

// asJSON gives a policy as SQS and others take it: a text that is JSON already stays.
func asJSON(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, _ := json.Marshal(v) // eval makes only what JSON knows
	return string(data)
}

func (r *reader) readTables() {
	for _, res := range r.resources {
		switch res.kind {
		case "AWS::DynamoDB::Table":
			r.app.Tables = append(r.app.Tables, r.table(res))
		case "AWS::Serverless::SimpleTable":
			r.app.Tables = append(r.app.Tables, r.simpleTable(res))
		}
	}
}

func (r *reader) table(res *resource) Table {
	t := r.newTable(res)
	attrs, _ := r.prop(res, "AttributeDefinitions").([]any)
	for _, a := range attrs {
		t.Attributes[text(field(a, "AttributeName"))] = text(field(a, "AttributeType"))
	}
	t.Key = keyParts(r.prop(res, "KeySchema"))
	t.Billing = r.propString(res, "BillingMode", "PROVISIONED")
	t.Indexes = append(indexes(r.prop(res, "GlobalSecondaryIndexes"), false), indexes(r.prop(res, "LocalSecondaryIndexes"), true)...)
	if ttl := r.prop(res, "TimeToLiveSpecification"); truth(field(ttl, "Enabled")) {
		t.TTL = text(field(ttl, "AttributeName"))
	}
	t.StreamView = text(field(r.prop(res, "StreamSpecification"), "StreamViewType"))
	r.checkKeys(res, t)
	r.rest(res, "TableName", "Tags", "PointInTimeRecoverySpecification", "SSESpecification", "DeletionProtectionEnabled",
		"ProvisionedThroughput", "TableClass", "ContributorInsightsSpecification", "OnDemandThroughput", "WarmThroughput", "ResourcePolicy")
	return t
}

func (r *reader) newTable(res *resource) Table {
	name := r.physical(res)
	return Table{ID: res.id, Name: name, ARN: r.arn("dynamodb", "table/"+name), Attributes: map[string]string{}, Pos: res.pos}
}

// simpleTable is SAM's short form: one key, a string named id unless it says otherwise.
func (r *reader) simpleTable(res *resource) Table {
	t := r.newTable(res)
	key, kind := "id", "S"
	if p := r.prop(res, "PrimaryKey"); p != nil {
		key = text(field(p, "Name"))
		kind = map[string]string{"Number": "N", "Binary": "B"}[text(field(p, "Type"))]
		if kind == "" {
			kind = "S"
		}
	}
	t.Attributes[key], t.Key, t.Billing = kind, []KeyPart{{key, "HASH"}}, "PAY_PER_REQUEST"
	r.rest(res, "TableName", "Tags", "ProvisionedThroughput", "SSESpecification", "PointInTimeRecoverySpecification")
	return t
}

func keyParts(v any) []KeyPart {
	list, _ := v.([]any)
	var parts []KeyPart
	for _, k := range list {
		parts = append(parts, KeyPart{text(field(k, "AttributeName")), text(field(k, "KeyType"))})
	}
	return parts
}

func indexes(v any, local bool) []Index {
	list, _ := v.([]any)
	var out []Index
	for _, ix := range list {
		projection := field(ix, "Projection")
		out = append(out, Index{
			Name: text(field(ix, "IndexName")), Local: local, Key: keyParts(field(ix, "KeySchema")),
			Projection: text(field(projection, "ProjectionType")), NonKey: stringList(field(projection, "NonKeyAttributes")),
		})
	}
	return out
}

// checkKeys holds CreateTable's rule that the attributes defined are exactly those that keys use.
func (r *reader) checkKeys(res *resource, t Table) {
	used := map[string]bool{}
	for _, p := range t.Key {
		used[p.Attribute] = true
	}
	for _, ix := range t.Indexes {
		for _, p := range ix.Key {
			used[p.Attribute] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if t.Attributes[name] == "" {
			r.mistake(r.propPos(res, "AttributeDefinitions"), res.id, "a key uses the attribute %s, which AttributeDefinitions lacks", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Attributes)) {
		if !used[name] {
			r.mistake(r.propPos(res, "AttributeDefinitions"), res.id, "AttributeDefinitions has %s, which no key uses", name)
		}
	}
}
