package dynamodb_test

import (
	"net/http/httptest"
	"os"
	"testing"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb"
)

const (
	hashOnly  = `'AttributeDefinitions':[{'AttributeName':'p','AttributeType':'S'}],'KeySchema':[{'AttributeName':'p','KeyType':'HASH'}]`
	hashRange = `'AttributeDefinitions':[{'AttributeName':'p','AttributeType':'S'},{'AttributeName':'s','AttributeType':'N'}],` +
		`'KeySchema':[{'AttributeName':'p','KeyType':'HASH'},{'AttributeName':'s','KeyType':'RANGE'}]`
	onDemand = `'TableName':'tables','BillingMode':'PAY_PER_REQUEST',`
)

// createTables are bodies of CreateTable, and the code each is answered with; "" is success.
var createTables = []struct{ name, body, code string }{
	{"hash", onDemand + hashOnly, ""},
	{"hash and range", onDemand + hashRange, ""},
	{"provisioned", `'TableName':'tables','ProvisionedThroughput':{'ReadCapacityUnits':1,'WriteCapacityUnits':1},` + hashOnly, ""},
	{"no throughput", `'TableName':'tables',` + hashOnly, "ValidationException"},
	{"throughput on demand", onDemand + `'ProvisionedThroughput':{'ReadCapacityUnits':1,'WriteCapacityUnits':1},` + hashOnly, "ValidationException"},
	{"throughput of nothing", `'TableName':'tables','ProvisionedThroughput':{'ReadCapacityUnits':0,'WriteCapacityUnits':1},` + hashOnly, "ValidationException"},
	{"no name", hashOnly, "ValidationException"},
	{"short name", `'TableName':'ab','BillingMode':'PAY_PER_REQUEST',` + hashOnly, "ValidationException"},
	{"bad name", `'TableName':'a b c','BillingMode':'PAY_PER_REQUEST',` + hashOnly, "ValidationException"},
	{"no keys", onDemand + `'AttributeDefinitions':[{'AttributeName':'p','AttributeType':'S'}]`, "ValidationException"},
	{"no attributes", onDemand + `'KeySchema':[{'AttributeName':'p','KeyType':'HASH'}]`, "ValidationException"},
	{"range first", onDemand + `'AttributeDefinitions':[{'AttributeName':'p','AttributeType':'S'}],'KeySchema':[{'AttributeName':'p','KeyType':'RANGE'}]`, "ValidationException"},
	{"one attribute twice", onDemand + `'AttributeDefinitions':[{'AttributeName':'p','AttributeType':'S'}],'KeySchema':[{'AttributeName':'p','KeyType':'HASH'},{'AttributeName':'p','KeyType':'RANGE'}]`, "ValidationException"},
	{"unused attribute", onDemand + `'AttributeDefinitions':[{'AttributeName':'p','AttributeType':'S'},{'AttributeName':'q','AttributeType':'S'}],'KeySchema':[{'AttributeName':'p','KeyType':'HASH'}]`, "ValidationException"},
	{"undefined attribute", onDemand + `'AttributeDefinitions':[{'AttributeName':'q','AttributeType':'S'}],'KeySchema':[{'AttributeName':'p','KeyType':'HASH'}]`, "ValidationException"},
	{"key of a map", onDemand + `'AttributeDefinitions':[{'AttributeName':'p','AttributeType':'M'}],'KeySchema':[{'AttributeName':'p','KeyType':'HASH'}]`, "ValidationException"},
	{"empty indexes", onDemand + `'GlobalSecondaryIndexes':[],` + hashOnly, "ValidationException"},
	{"global index", onDemand + `'GlobalSecondaryIndexes':[{'IndexName':'gix','KeySchema':[{'AttributeName':'p','KeyType':'HASH'}],'Projection':{'ProjectionType':'ALL'}}],` + hashOnly, ""},
	{"index without projection", onDemand + `'GlobalSecondaryIndexes':[{'IndexName':'gix','KeySchema':[{'AttributeName':'p','KeyType':'HASH'}]}],` + hashOnly, "ValidationException"},
	{"include nothing", onDemand + `'GlobalSecondaryIndexes':[{'IndexName':'gix','KeySchema':[{'AttributeName':'p','KeyType':'HASH'}],'Projection':{'ProjectionType':'INCLUDE'}}],` + hashOnly, "ValidationException"},
	{"include for all", onDemand + `'GlobalSecondaryIndexes':[{'IndexName':'gix','KeySchema':[{'AttributeName':'p','KeyType':'HASH'}],'Projection':{'ProjectionType':'ALL','NonKeyAttributes':['a']}}],` + hashOnly, "ValidationException"},
	{"local index without range", onDemand + `'LocalSecondaryIndexes':[{'IndexName':'lix','KeySchema':[{'AttributeName':'p','KeyType':'HASH'}],'Projection':{'ProjectionType':'ALL'}}],` + hashRange, "ValidationException"},
	{"local index on a hash table", onDemand + `'LocalSecondaryIndexes':[{'IndexName':'lix','KeySchema':[{'AttributeName':'p','KeyType':'HASH'},{'AttributeName':'p','KeyType':'RANGE'}],'Projection':{'ProjectionType':'ALL'}}],` + hashOnly, "ValidationException"},
	{"local index", onDemand + `'LocalSecondaryIndexes':[{'IndexName':'lix','KeySchema':[{'AttributeName':'p','KeyType':'HASH'},{'AttributeName':'s','KeyType':'RANGE'}],'Projection':{'ProjectionType':'KEYS_ONLY'}}],` + hashRange, ""},
	{"local index of another hash", onDemand + `'LocalSecondaryIndexes':[{'IndexName':'lix','KeySchema':[{'AttributeName':'s','KeyType':'HASH'},{'AttributeName':'p','KeyType':'RANGE'}],'Projection':{'ProjectionType':'KEYS_ONLY'}}],` + hashRange, "ValidationException"},
	{"one index name twice", onDemand + `'LocalSecondaryIndexes':[{'IndexName':'one','KeySchema':[{'AttributeName':'p','KeyType':'HASH'},{'AttributeName':'s','KeyType':'RANGE'}],'Projection':{'ProjectionType':'KEYS_ONLY'}}],` +
		`'GlobalSecondaryIndexes':[{'IndexName':'one','KeySchema':[{'AttributeName':'p','KeyType':'HASH'}],'Projection':{'ProjectionType':'ALL'}}],` + hashRange, "ValidationException"},
	{"stream without view", onDemand + `'StreamSpecification':{'StreamEnabled':true},` + hashOnly, "ValidationException"},
	{"stream", onDemand + `'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'KEYS_ONLY'},` + hashOnly, ""},
}

// TestCreateTable checks the codes, and where a DynamoDB Local is named, that it gives the same.
func TestCreateTable(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(dynamodb.New(nil))
	t.Cleanup(srv.Close)
	for _, url := range []string{srv.URL, os.Getenv("DISCLONE_DYNAMODB_LOCAL")} {
		if url == "" {
			continue
		}
		for _, c := range createTables {
			if url != srv.URL && c.name == "throughput on demand" {
				continue // DynamoDB Local lets it pass, the service does not
			}
			got := post(t, url, "CreateTable", parse(t, "{"+c.body+"}"))
			if code(got) != c.code {
				t.Errorf("%s, %s: %q %s, want %q", url, c.name, code(got), message(got), c.code)
			}
			post(t, url, "DeleteTable", object{"TableName": "tables"})
		}
	}
}
