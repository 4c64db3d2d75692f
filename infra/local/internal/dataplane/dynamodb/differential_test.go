package dynamodb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb"
)

// TestDifferential sends one generated workload to the embedded DynamoDB and to AWS's own DynamoDB Local, and wants
// equal answers: items, counts, keys to go on from, capacity, error codes and texts. What is known to differ is listed
// in differs, by name and with the reason.
//
// It runs where DISCLONE_DYNAMODB_LOCAL is the endpoint of a DynamoDB Local, such as http://127.0.0.1:8000.
// DISCLONE_DIFFERENTIAL_SEED and DISCLONE_DIFFERENTIAL_STEPS change the workload.
func TestDifferential(t *testing.T) {
	reference := os.Getenv("DISCLONE_DYNAMODB_LOCAL")
	if reference == "" {
		t.Skip("DISCLONE_DYNAMODB_LOCAL names no DynamoDB Local to compare with")
	}
	srv := httptest.NewServer(dynamodb.New(nil))
	defer srv.Close()
	seed, steps := envInt("DISCLONE_DIFFERENTIAL_SEED", 1), envInt("DISCLONE_DIFFERENTIAL_STEPS", 3000)
	g := &generator{Rand: rand.New(rand.NewPCG(uint64(seed), 0)), prefix: fmt.Sprintf("diff%d-", seed)}
	pair := &twins{tb: t, ours: srv.URL, theirs: reference}
	for _, body := range g.tables() {
		post(t, reference, "DeleteTable", object{"TableName": body["TableName"]})
		pair.same("CreateTable", body, false)
	}
	for range steps {
		op, body := g.request()
		pair.same(op, body, true)
		if pair.failed > 20 {
			t.Fatal("too many differences")
		}
	}
	for _, body := range g.tables() {
		pair.same("Scan", object{"TableName": body["TableName"]}, true)
		post(t, reference, "DeleteTable", object{"TableName": body["TableName"]})
	}
	t.Logf("seed %d: %d requests, %d of them refused by both, known differences met: %v", seed, steps, pair.refused, pair.met)
}

func envInt(name string, otherwise int) int {
	if v, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return v
	}
	return otherwise
}

type object = map[string]any

// difference is a way in which the two may differ.
type difference struct {
	name, reason string
	ours, theirs string // beginnings of the two texts
}

var differs = []difference{
	{"number text", "DynamoDB Local words it otherwise; ours is the service's", "The parameter cannot be converted to a numeric value", "A value provided cannot be converted into a number"},
	{"number precision", "DynamoDB Local words it otherwise; ours is the service's", "Attempting to store more than 38 significant digits in a Number", "DynamoDB only supports precision up to 38 digits"},
	{"missing key", "DynamoDB Local words it otherwise; ours is the service's", "One or more parameter values were invalid: Missing the key", "One of the required keys was not given a value"},
	{"key type", "DynamoDB Local words it otherwise; ours is the service's", "One or more parameter values were invalid: Type mismatch for key", "One or more parameter values were invalid: Type mismatch for key"},
	{"key schema", "DynamoDB Local words it otherwise; ours is the service's", "The provided key element does not match the schema", "The number of conditions on the keys is invalid"},
	{"key schema, names", "DynamoDB Local words it otherwise; ours is the service's", "The provided key element does not match the schema", "One of the required keys was not given a value"},
	{"key schema, types", "DynamoDB Local words it otherwise; ours is the service's", "The provided key element does not match the schema", "One or more parameter values were invalid: Type mismatch for key"},
	{"index key type", "DynamoDB Local leaves out which key", "One or more parameter values were invalid: Type mismatch for Index Key", "One or more parameter values were invalid: Type mismatch for Index Key"},
	{"index key type, null", "DynamoDB Local words it otherwise; ours is the service's", "One or more parameter values were invalid: Type mismatch for Index Key", "Invalid attribute value type"},
	{"index key type on update", "DynamoDB Local words it otherwise; ours is the service's", "The update expression attempted to update the secondary index key to unsupported type", "One or more parameter values were invalid: Type mismatch for Index Key"},
	{"index key type on update, null", "DynamoDB Local words it otherwise; ours is the service's", "The update expression attempted to update the secondary index key to unsupported type", "Invalid attribute value type"},
	{"set with duplicates", "DynamoDB Local words it otherwise; ours is the service's", "One or more parameter values were invalid: Input collection", "One or more parameter values were invalid: Input collection"},
	{"number set with duplicates", "DynamoDB Local words it otherwise; ours is the service's", "One or more parameter values were invalid: Input collection", "Input collection contains duplicates"},
	{"key of no key type", "DynamoDB Local words it otherwise; ours is the service's", "One or more parameter values were invalid: Type mismatch for key", "Invalid attribute value type"},
	{"key schema, no key type", "DynamoDB Local words it otherwise; ours is the service's", "The provided key element does not match the schema", "Invalid attribute value type"},
	{"expressions first, key type", "the service reads expressions before it looks at the table; DynamoDB Local some of them later", "Expression", "One or more parameter values were invalid: Type mismatch for"},
	{"expressions first, no key type", "the service reads expressions before it looks at the table; DynamoDB Local some of them later", "Expression", "Invalid attribute value type"},
	{"expressions first, missing key", "the service reads expressions before it looks at the table; DynamoDB Local some of them later", "Expression", "One of the required keys was not given a value"},
	{"expressions first, key schema", "the service reads expressions before it looks at the table; DynamoDB Local some of them later", "Expression", "The number of conditions on the keys is invalid"},
	{"expressions first, index key", "the service reads expressions before it looks at the table; DynamoDB Local some of them later", "Expression", "A value specified for a secondary index key is not supported"},
	{"overlapping paths", "DynamoDB Local names a path that does not overlap as the second one, and finds the pairs in another order", "Two document paths", "Two document paths"},
	{"faulty operands", "of several, DynamoDB Local finds them in another order", "Incorrect operand type for operator or function; operator: ", "Incorrect operand type for operator or function; operator: "},
	{"duplicate keys first", "DynamoDB Local looks for duplicates before it reads the projection", "Invalid ProjectionExpression", "Provided list of item keys contains duplicates"},
	{"keys before conditions", "DynamoDB Local looks at the condition before it refuses to change a key", "Cannot update attribute", "The conditional request failed"},
	{"one item twice", "DynamoDB Local looks at the conditions first; the service refuses the request", "multiple operations on one item", "Transaction cancelled"},
	{"not projected", "DynamoDB Local lists the attributes in another order", "does not project", "does not project"},
	{"bounds", "DynamoDB Local shows numbers as they were sent, ours as they are stored", "The BETWEEN operator requires", "The BETWEEN operator requires"},
	{"type names", "DynamoDB Local lists the names of types in another order", "Invalid attribute type name found", "Invalid attribute type name found"},
	{"missed key", "DynamoDB Local leaves out which key", "Query condition missed key schema element", "Query condition missed key schema element"},
}

// updateFaults show only on the item. Of several in one update, DynamoDB Local finds another first, in the order of the
// paths.
var updateFaults = []string{
	"The provided expression refers to an attribute that does not exist in the item",
	"An operand in the update expression has an incorrect data type",
	"The document path provided in the update expression is invalid for update",
}

// several says whether an update has more than one action.
func several(body object) bool {
	text, _ := body["UpdateExpression"].(string)
	return strings.Contains(text, ", ") || len(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' })) > 4
}

// twins compares two endpoints.
type twins struct {
	tb           testing.TB
	ours, theirs string
	failed       int
	refused      int
	met          []string
}

func (w *twins) same(op string, body object, compare bool) {
	w.tb.Helper()
	ours, theirs := post(w.tb, w.ours, op, body), post(w.tb, w.theirs, op, body)
	if !compare {
		return
	}
	if _, bad := theirs["__type"]; bad {
		w.refused++
	}
	if w.known(body, ours, theirs) {
		return
	}
	if body["Limit"] != nil && theirs["LastEvaluatedKey"] == nil && ours["ScannedCount"] == float64(body["Limit"].(int)) {
		// Where the limit meets the end of the range, DynamoDB Local gives the key or not; ours gives it, as the service.
		delete(ours, "LastEvaluatedKey")
	}
	a, b := settle(op, body, ours), settle(op, body, theirs)
	if diff := cmp.Diff(b, a); diff != "" {
		w.failed++
		request, _ := json.Marshal(body)
		w.tb.Errorf("%s %s\n(-DynamoDB Local +ours)\n%s", op, request, changedLines(diff))
	}
}

// known says whether two answers are errors of one code whose texts are known to differ.
func (w *twins) known(body, ours, theirs object) bool {
	if code(ours) == "" || code(theirs) == "" {
		return false
	}
	a, b := message(ours), message(theirs)
	if slices.Contains(updateFaults, a) && slices.Contains(updateFaults, b) && code(ours) == code(theirs) {
		return several(body)
	}
	for _, d := range differs {
		// The text may stand within another, as in "ExpressionAttributeValues contains invalid value: ... for key :v".
		if strings.Contains(a, d.ours) && strings.Contains(b, d.theirs) {
			if !slices.Contains(w.met, d.name) {
				w.met = append(w.met, d.name)
			}
			return true
		}
	}
	return false
}

func code(o object) string {
	s, _ := o["__type"].(string)
	return s[strings.IndexByte(s, '#')+1:]
}

func message(o object) string {
	for _, k := range []string{"message", "Message"} {
		if s, ok := o[k].(string); ok {
			return s
		}
	}
	return ""
}

// settle removes what may differ: how errors are spelt on the wire, the order of sets, and that of scans.
func settle(op string, body object, o object) any {
	if code(o) != "" {
		out := object{"code": code(o), "message": message(o)}
		for k, v := range o {
			if k != "__type" && k != "message" && k != "Message" {
				out[k] = plain(v)
			}
		}
		dropFullStops(out)
		return out
	}
	if items, ok := o["Items"].([]any); ok && (op == "Scan" || body["IndexName"] != nil) {
		slices.SortFunc(items, func(a, b any) int { return strings.Compare(canonicalText(a), canonicalText(b)) })
	}
	if r, ok := o["Responses"].(object); ok {
		for _, list := range r {
			slices.SortFunc(list.([]any), func(a, b any) int { return strings.Compare(canonicalText(a), canonicalText(b)) })
		}
	}
	if o["ScannedCount"] == 0.0 || op == "BatchGetItem" || op == "BatchWriteItem" {
		// DynamoDB Local bills nothing for what is not there and deletes in batches twice; the service bills as ours.
		delete(o, "ConsumedCapacity")
	}
	if body["ReturnConsumedCapacity"] == "NONE" {
		delete(o, "ConsumedCapacity") // DynamoDB Local tells it all the same of a DeleteItem
	}
	if rv, _ := body["ReturnValues"].(string); strings.HasPrefix(rv, "UPDATED_") && strings.ContainsAny(body["UpdateExpression"].(string), ".[") {
		delete(o, "Attributes") // DynamoDB Local gives whole attributes, the service and ours only what the paths name
	}
	if list, ok := o["ConsumedCapacity"].([]any); ok {
		for _, c := range list {
			dropTransactionUnits(c)
		}
		slices.SortFunc(list, byTable)
		if text := canonicalText(body["TransactItems"]); strings.Contains(text, `"Delete"`) || strings.Count(text, `"TableName"`) > 1 {
			// DynamoDB Local bills deletes of nothing once, and of several items of a table only the last; the service and
			// ours bill each twice.
			delete(o, "ConsumedCapacity")
		}
	}
	return plain(o)
}

// dropTransactionUnits removes what only the real service and ours tell of transactions.
func dropTransactionUnits(v any) {
	if m, ok := v.(object); ok {
		delete(m, "ReadCapacityUnits")
		delete(m, "WriteCapacityUnits")
		for _, x := range m {
			dropTransactionUnits(x)
		}
	}
}

// dropFullStops makes DynamoDB Local's "The conditional request failed." in CancellationReasons the service's text.
func dropFullStops(o object) {
	list, _ := o["CancellationReasons"].([]any)
	for _, r := range list {
		if m, ok := r.(object); ok && m["Message"] != nil {
			m["Message"] = strings.TrimSuffix(m["Message"].(string), ".")
		}
	}
}

func canonicalText(v any) string {
	b, _ := json.Marshal(plain(v))
	return string(b)
}

// plain sorts sets, and gives numbers one form: DynamoDB Local leaves those within lists and maps as they were sent.
func plain(v any) any {
	switch v := v.(type) {
	case object:
		for k, x := range v {
			if text, ok := x.(string); ok && len(v) == 1 && k == "N" {
				if r, ok := new(big.Rat).SetString(text); ok {
					v[k] = r.RatString()
				}
				continue
			}
			if list, ok := x.([]any); ok && len(v) == 1 && (k == "SS" || k == "NS" || k == "BS") {
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			}
			v[k] = plain(x)
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}

// post sends one request without an SDK, so that nothing checks or changes it on the way.
func post(tb testing.TB, url, op string, body object) object {
	tb.Helper()
	return postTo(tb, url, "DynamoDB_20120810."+op, body)
}

func postTo(tb testing.TB, url, target string, body object) object {
	tb.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		tb.Fatal(err)
	}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Date", "20260101T000000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	var out object
	if err := json.Unmarshal(raw, &out); err != nil {
		tb.Fatalf("%s: %v in %q", target, err, raw)
	}
	return out
}

// changedLines leaves out what two answers have in common.
func changedLines(diff string) string {
	var b strings.Builder
	for line := range strings.Lines(diff) {
		if strings.HasPrefix(line, "-") || strings.HasPrefix(line, "+") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func byTable(a, b any) int {
	return strings.Compare(fmt.Sprint(a.(object)["TableName"]), fmt.Sprint(b.(object)["TableName"]))
}
