package dynamodb_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb"
)

// raw serves a DB with the table things and gives its address, for requests that no SDK would send.
func raw(t *testing.T) string {
	t.Helper()
	db := dynamodb.New(nil)
	srv := httptest.NewServer(db)
	t.Cleanup(srv.Close)
	things(t, sdk(srv.URL))
	return srv.URL
}

// parse reads a request written as JSON with single quotes.
func parse(t *testing.T, text string) object {
	t.Helper()
	var o object
	if err := json.Unmarshal([]byte(strings.ReplaceAll(text, "'", `"`)), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const key = `'TableName':'things','Key':{'p':{'S':'a'},'s':{'N':'1'}}`
	const update = key + `,'ExpressionAttributeValues':{':v':{'N':'1'}},'UpdateExpression':`
	const query = `'TableName':'things','ExpressionAttributeValues':{':v':{'S':'a'}},'KeyConditionExpression':`
	scan := func(filter, values string) string {
		return `'TableName':'things','FilterExpression':'` + filter + `','ExpressionAttributeValues':{` + values + `}`
	}
	url := raw(t)
	for _, c := range []struct{ op, body, code, message string }{
		{"GetItem", `'TableName':'nope','Key':{'p':{'S':'a'}}`, "ResourceNotFoundException", "Requested resource not found"},
		{"GetItem", `'TableName':'things'`, "ValidationException", "1 validation error detected: Value null at 'key' failed to satisfy constraint: Member must not be null"},
		{"GetItem", `'TableName':'things','Key':{'p':{'S':'a'}}`, "ValidationException", "The provided key element does not match the schema"},
		{"GetItem", `'TableName':'things','Key':{'p':{'S':''},'s':{'N':'1'}}`, "ValidationException", "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: p"},
		{"GetItem", key + `,'AttributesToGet':['a']`, "ValidationException", "the parameter AttributesToGet of GetItem is not supported by the embedded DynamoDB"},
		{"GetItem", key + `,'ProjectionExpression':'a,'`, "ValidationException", `Invalid ProjectionExpression: Syntax error; token: "<EOF>", near: ","`},
		{"GetItem", key + `,'ExpressionAttributeNames':{'#a':'a'}`, "ValidationException", "ExpressionAttributeNames can only be specified when using expressions"},
		{"GetItem", key + `,'ProjectionExpression':'b','ExpressionAttributeNames':{'#a':'a'}`, "ValidationException", "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}"},
		{"PutItem", `'TableName':'things','Item':{'p':{'S':'a'}}`, "ValidationException", "One or more parameter values were invalid: Missing the key s in the item"},
		{"PutItem", `'TableName':'things','Item':{'p':{'S':'a'},'s':{'S':'1'}}`, "ValidationException", "One or more parameter values were invalid: Type mismatch for key s expected: N actual: S"},
		{"PutItem", `'TableName':'things','Item':{'p':{'S':'a'},'s':{'N':'1'},'x':{'N':'1e126'}}`, "ValidationException", "Number overflow. Attempting to store a number with magnitude larger than supported range"},
		{"PutItem", `'TableName':'things','Item':{'p':{'S':'a'},'s':{'N':'1'},'x':{'SS':['a','a']}}`, "ValidationException", "One or more parameter values were invalid: Input collection [a, a] contains duplicates."},
		{"PutItem", `'TableName':'things','Item':{'p':{'S':'a'},'s':{'N':'1'},'x':{'SS':[]}}`, "ValidationException", "One or more parameter values were invalid: An string set  may not be empty"},
		{"PutItem", `'TableName':'things','Item':{'p':{'S':'a'},'s':{'N':'1'},'x':{'S':5}}`, "SerializationException", ""},
		{"PutItem", `'TableName':'things','Item':{'p':{'S':'a'},'s':{'N':'1'},'x':{'S':'` + strings.Repeat("x", 400<<10) + `'}}`, "ValidationException", "Item size has exceeded the maximum allowed size"},
		{"PutItem", `'TableName':'things','Item':{'p':{'S':'a'},'s':{'N':'1'}},'ConditionExpression':'attribute_exists(p)'`, "ConditionalCheckFailedException", "The conditional request failed"},
		{"UpdateItem", update + `'SET status = :v'`, "ValidationException", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: status"},
		{"UpdateItem", update + `'SET p = :v'`, "ValidationException", "One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key"},
		{"UpdateItem", update + `'SET a.b = :v'`, "ValidationException", "The document path provided in the update expression is invalid for update"},
		{"UpdateItem", update + `'SET a = b + :v'`, "ValidationException", "The provided expression refers to an attribute that does not exist in the item"},
		{"UpdateItem", update + `'SET a = :v, a.b = :v'`, "ValidationException", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]"},
		{"UpdateItem", update + `'SET a = :v SET b = :v'`, "ValidationException", `Invalid UpdateExpression: The "SET" section can only be used once in an update expression;`},
		{"UpdateItem", update + `'SET a = :x'`, "ValidationException", "Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :x"},
		{"UpdateItem", update + `'DELETE a :v'`, "ValidationException", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND"},
		{"Query", query + `'s = :v'`, "ValidationException", "Query condition missed key schema element: p"},
		{"Query", query + `'p = :v OR s = :v'`, "ValidationException", "Invalid operator used in KeyConditionExpression: OR"},
		{"Query", query + `'p = :v','FilterExpression':'s = :v'`, "ValidationException", "Filter Expression can only contain non-primary key attributes: Primary key attribute: s"},
		{"Query", query + `'g = :v','IndexName':'gix','ConsistentRead':true`, "ValidationException", "Consistent reads are not supported on global secondary indexes"},
		{"Query", query + `'g = :v','IndexName':'none'`, "ValidationException", "The table does not have the specified index: none"},
		{"Query", query + `'g = :v','IndexName':'gix','FilterExpression':'a = :v'`, "ValidationException", "One or more parameter values were invalid: Secondary index gix does not project one or more filter attributes: [a]"},
		{"Query", query + `'g = :v','IndexName':'gix','ProjectionExpression':'a'`, "ValidationException", "One or more parameter values were invalid: Global secondary index gix does not project [a]"},
		{"Scan", scan("((a = :v))", "':v':{'N':'1'}"), "ValidationException", "Invalid FilterExpression: The expression has redundant parentheses;"},
		{"Scan", scan("size(a)", "':v':{'N':'1'}"), "ValidationException", "Invalid FilterExpression: The function is not allowed to be used this way in an expression; function: size"},
		{"Scan", scan("a BETWEEN :b AND :a", "':a':{'N':'1'},':b':{'N':'2'}"), "ValidationException", "Invalid FilterExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"},
		{"Scan", `'TableName':'things','Segment':4,'TotalSegments':4`, "ValidationException", "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 4 is not less than TotalSegments: 4"},
		{"BatchGetItem", `'RequestItems':{'things':{'Keys':[{'p':{'S':'a'},'s':{'N':'1'}},{'p':{'S':'a'},'s':{'N':'1.0'}}]}}`, "ValidationException", "Provided list of item keys contains duplicates"},
		{"ExecuteStatement", `'Statement':'SELECT 1'`, "UnknownOperationException", "the embedded DynamoDB does not support DynamoDB_20120810.ExecuteStatement"},
		{"PutItem", `'TableName':'things','Item':{},'Expected':{}`, "ValidationException", "the parameter Expected of PutItem is not supported by the embedded DynamoDB"},
	} {
		got := post(t, url, c.op, parse(t, "{"+c.body+"}"))
		if code(got) != c.code || message(got) != c.message {
			t.Errorf("%s %.200s\ngot  %s: %s\nwant %s: %s", c.op, c.body, code(got), message(got), c.code, c.message)
		}
	}
}

func TestConsumedCapacity(t *testing.T) {
	t.Parallel()
	url := raw(t)
	kb := strings.Repeat("x", 1100)
	for _, c := range []struct {
		op, body        string
		total, lix, gix float64
		table           float64
	}{
		{"PutItem", `'Item':{'p':{'S':'a'},'s':{'N':'1'},'v':{'S':'x'}}`, 1, 0, 0, 1},
		{"PutItem", `'Item':{'p':{'S':'a'},'s':{'N':'1'},'v':{'S':'x'},'g':{'S':'q'}}`, 3, 1, 1, 1},
		{"PutItem", `'Item':{'p':{'S':'a'},'s':{'N':'1'},'v':{'S':'y'},'g':{'S':'q'}}`, 2, 1, 0, 1},
		{"PutItem", `'Item':{'p':{'S':'a'},'s':{'N':'1'},'v':{'S':'y'},'g':{'S':'r'}}`, 5, 2, 2, 1},
		{"PutItem", `'Item':{'p':{'S':'a'},'s':{'N':'1'},'v':{'S':'` + kb + `'},'g':{'S':'r'}}`, 4, 2, 0, 2},
		{"PutItem", `'Item':{'p':{'S':'a'},'s':{'N':'1'},'v':{'S':'` + kb + `'},'g':{'S':'r'}}`, 2, 0, 0, 2},
		{"GetItem", `'Key':{'p':{'S':'a'},'s':{'N':'1'}}`, 0.5, 0, 0, 0.5},
		{"GetItem", `'Key':{'p':{'S':'a'},'s':{'N':'1'}},'ConsistentRead':true`, 1, 0, 0, 1},
		{"GetItem", `'Key':{'p':{'S':'none'},'s':{'N':'1'}}`, 0.5, 0, 0, 0.5},
		{"DeleteItem", `'Key':{'p':{'S':'none'},'s':{'N':'1'}}`, 1, 0, 0, 1},
		{"DeleteItem", `'Key':{'p':{'S':'a'},'s':{'N':'1'}}`, 5, 2, 1, 2},
	} {
		got := post(t, url, c.op, parse(t, "{'TableName':'things','ReturnConsumedCapacity':'INDEXES',"+c.body+"}"))
		consumed, _ := got["ConsumedCapacity"].(object)
		units := func(group, name string) float64 {
			g, _ := consumed[group].(object)
			if name != "" {
				g, _ = g[name].(object)
			}
			v, _ := g["CapacityUnits"].(float64)
			return v
		}
		if consumed["CapacityUnits"] != c.total || units("Table", "") != c.table || units("LocalSecondaryIndexes", "lix") != c.lix ||
			units("GlobalSecondaryIndexes", "gix") != c.gix {
			t.Errorf("%s %.100s: %v, want %v in all, %v table, %v lix, %v gix", c.op, c.body, consumed, c.total, c.table, c.lix, c.gix)
		}
	}
}
