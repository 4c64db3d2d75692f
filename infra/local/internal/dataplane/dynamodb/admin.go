package dynamodb

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

func itoa(n int) string { return strconv.Itoa(n) }

func (db *DB) createTable(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "CreateTable", "TableName", "AttributeDefinitions", "KeySchema", "BillingMode", "ProvisionedThroughput",
		"LocalSecondaryIndexes", "GlobalSecondaryIndexes", "StreamSpecification", "Tags", "TableClass",
		"DeletionProtectionEnabled", "SSESpecification", "OnDemandThroughput", "WarmThroughput"); err != nil {
		return nil, err
	}
	t, err := db.readTable(n, r.now)
	if err != nil {
		return nil, err
	}
	r.tables = []string{t.name}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.tables[t.name] != nil {
		return nil, coded("ResourceInUseException", "Table already exists: "+t.name)
	}
	view, err := streamView(n)
	if err != nil {
		return nil, err
	}
	if view != "" {
		t.startStream(view, r.now)
	}
	db.tables[t.name] = t
	return t.describe("TableDescription", "CREATING"), nil
}

func (db *DB) readTable(n *awsjson.Node, now time.Time) (*table, error) {
	name, err := tableName(n)
	if err != nil {
		return nil, err
	}
	if err := db.encryption(n); err != nil {
		return nil, err
	}
	s := spec{name: name, attrs: map[string]attr.Type{}, id: newID(), arn: db.arn(name)}
	if err := s.readAttributes(n); err != nil {
		return nil, err
	}
	if s.keys, err = s.readKeys(n); err != nil {
		return nil, err
	}
	local, err := s.readIndexes(n, true)
	if err != nil {
		return nil, err
	}
	global, err := s.readIndexes(n, false)
	if err != nil {
		return nil, err
	}
	if s.keys.sort == "" && len(local) > 0 {
		return nil, invalid(badParameter + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	}
	t := &table{created: now, indexes: append(local, global...), tags: map[string]string{}}
	if err := checkTable(&s, t.indexes, n); err != nil {
		return nil, err
	}
	t.spec = s
	return t, readTags(n.Get("Tags"), t.tags)
}

func checkTable(s *spec, indexes []*index, n *awsjson.Node) error {
	for i, ix := range indexes {
		if slices.ContainsFunc(indexes[:i], func(x *index) bool { return x.name == ix.name }) {
			return invalid(badParameter+"Duplicate index name: %s", ix.name)
		}
	}
	if err := s.unusedAttributes(indexes); err != nil {
		return err
	}
	if err := s.readBilling(n, indexes); err != nil {
		return err
	}
	var err error
	if s.class, err = choice(n, "TableClass", "STANDARD", "STANDARD_INFREQUENT_ACCESS"); err != nil {
		return err
	}
	s.protected, err = flag(n, "DeletionProtectionEnabled", false)
	return err
}

// encryption takes the settings that make no difference to a client, and refuses customer keys.
func (db *DB) encryption(n *awsjson.Node) error {
	if sse := n.Get("SSESpecification"); has(sse, "KMSMasterKeyId") {
		return unsupported("the parameter SSESpecification.KMSMasterKeyId")
	}
	return nil
}

func (db *DB) arn(name string) string {
	return "arn:aws:dynamodb:" + db.opts.Region + ":" + db.opts.AccountID + ":table/" + name
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// find looks a table up. The caller holds DB.mu.
func (db *DB) find(r *request, name string) (*table, error) {
	if !slices.Contains(r.tables, name) {
		r.tables = append(r.tables, name)
	}
	t := db.tables[name]
	if t == nil {
		return nil, noTable()
	}
	return t, nil
}

func (db *DB) describeTable(r *request) ([]byte, error) {
	if err := only(&r.node, "DescribeTable", "TableName"); err != nil {
		return nil, err
	}
	name, err := tableName(&r.node)
	if err != nil {
		return nil, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	t, err := db.find(r, name)
	if err != nil {
		return nil, coded("ResourceNotFoundException", "Requested resource not found: Table: "+name+" not found")
	}
	return t.describe("Table", "ACTIVE"), nil
}

func (db *DB) deleteTable(r *request) ([]byte, error) {
	if err := only(&r.node, "DeleteTable", "TableName"); err != nil {
		return nil, err
	}
	name, err := tableName(&r.node)
	if err != nil {
		return nil, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	t, err := db.find(r, name)
	if err != nil {
		return nil, coded("ResourceNotFoundException", "Requested resource not found: Table: "+name+" not found")
	}
	if t.protected {
		return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	delete(db.tables, name)
	db.scheduleTTL()
	return t.describe("TableDescription", "DELETING"), nil
}

func (db *DB) listTables(r *request) ([]byte, error) {
	if err := only(&r.node, "ListTables", "ExclusiveStartTableName", "Limit"); err != nil {
		return nil, err
	}
	after, err := text(&r.node, "ExclusiveStartTableName")
	if err != nil {
		return nil, err
	}
	limit, ok, err := integer(&r.node, "Limit")
	switch {
	case err != nil:
		return nil, err
	case !ok:
		limit = 100
	case limit < 1:
		return nil, constraint(itoa(int(limit)), "limit", "Member must have value greater than or equal to 1")
	case limit > 100:
		return nil, constraint(itoa(int(limit)), "limit", "Member must have value less than or equal to 100")
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	names := sortedKeys(db.tables)
	from, exact := slices.BinarySearch(names, after)
	if exact {
		from++
	}
	names = names[from:]
	var o out
	o.open('{')
	if len(names) > int(limit) {
		names = names[:limit]
		o.str("LastEvaluatedTableName", names[limit-1])
	}
	o.strs("TableNames", names)
	o.close('}')
	return o.b, nil
}

func (o *out) strs(name string, list []string) {
	o.key(name)
	o.open('[')
	for _, s := range list {
		o.comma()
		o.b = awsjson.AppendString(o.b, s)
	}
	o.close(']')
}

func (o *out) time(name string, t time.Time) {
	o.key(name)
	o.b = strconv.AppendFloat(o.b, float64(t.UnixMilli())/1000, 'f', 3, 64)
}

// describe is a TableDescription as the only member of an object.
func (t *table) describe(member, status string) []byte {
	var o out
	o.open('{')
	o.key(member)
	o.open('{')
	t.describeKeys(&o)
	o.str("TableName", t.name)
	o.str("TableStatus", status)
	o.str("TableArn", t.arn)
	o.str("TableId", t.id)
	o.time("CreationDateTime", t.created)
	o.int("ItemCount", int64(t.items.Len()))
	o.int("TableSizeBytes", t.bytes)
	o.bool("DeletionProtectionEnabled", t.protected)
	o.throughput(t.throughput)
	if t.billing == "PAY_PER_REQUEST" {
		o.key("BillingModeSummary")
		o.open('{')
		o.str("BillingMode", t.billing)
		o.time("LastUpdateToPayPerRequestDateTime", t.created)
		o.close('}')
	}
	if t.class != "" {
		o.key("TableClassSummary")
		o.open('{')
		o.str("TableClass", t.class)
		o.close('}')
	}
	t.describeIndexes(&o, true, status)
	t.describeIndexes(&o, false, status)
	t.describeStream(&o)
	o.close('}')
	o.close('}')
	return o.b
}

func (t *table) describeKeys(o *out) {
	o.key("AttributeDefinitions")
	o.open('[')
	for _, name := range t.attrOrder {
		o.open('{')
		o.str("AttributeName", name)
		o.str("AttributeType", t.attrs[name].String())
		o.close('}')
	}
	o.close(']')
	o.keySchema(t.keys)
}

func (o *out) keySchema(k keySchema) {
	o.key("KeySchema")
	o.open('[')
	for i, name := range k.names() {
		o.open('{')
		o.str("AttributeName", name)
		o.str("KeyType", []string{"HASH", "RANGE"}[i])
		o.close('}')
	}
	o.close(']')
}

func (o *out) throughput(t throughput) {
	o.key("ProvisionedThroughput")
	o.open('{')
	o.int("NumberOfDecreasesToday", 0)
	o.int("ReadCapacityUnits", t.read)
	o.int("WriteCapacityUnits", t.write)
	o.close('}')
}

func (t *table) describeIndexes(o *out, local bool, status string) {
	name := "GlobalSecondaryIndexes"
	if local {
		name = "LocalSecondaryIndexes"
	}
	open := false
	for _, ix := range t.indexes {
		if ix.local != local {
			continue
		}
		if !open {
			o.key(name)
			o.open('[')
			open = true
		}
		t.describeIndex(o, ix, status)
	}
	if open {
		o.close(']')
	}
}

func (t *table) describeIndex(o *out, ix *index, status string) {
	o.open('{')
	o.str("IndexName", ix.name)
	o.keySchema(ix.keys)
	o.key("Projection")
	o.open('{')
	o.str("ProjectionType", ix.projection)
	if ix.projection == "INCLUDE" {
		o.strs("NonKeyAttributes", ix.nonKeyOrder)
	}
	o.close('}')
	if !ix.local {
		o.str("IndexStatus", status)
		o.throughput(ix.throughput)
	}
	o.int("ItemCount", int64(ix.entries.Len()))
	o.int("IndexSizeBytes", ix.bytes)
	o.str("IndexArn", t.arn+"/index/"+ix.name)
	o.close('}')
}

func (db *DB) describeLimits(r *request) ([]byte, error) {
	if err := only(&r.node, "DescribeLimits"); err != nil {
		return nil, err
	}
	return []byte(`{"AccountMaxReadCapacityUnits":80000,"AccountMaxWriteCapacityUnits":80000,` +
		`"TableMaxReadCapacityUnits":40000,"TableMaxWriteCapacityUnits":40000}`), nil
}

func (db *DB) describeEndpoints(r *request) ([]byte, error) {
	if err := only(&r.node, "DescribeEndpoints"); err != nil {
		return nil, err
	}
	var o out
	o.b = append(o.b, `{"Endpoints":[{"CachePeriodInMinutes":1440}]}`...)
	host := "dynamodb." + db.opts.Region + ".amazonaws.com"
	return []byte(strings.Replace(string(o.b), `[{`, `[{"Address":"`+host+`",`, 1)), nil
}
