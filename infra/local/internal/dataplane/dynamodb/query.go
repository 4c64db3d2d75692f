package dynamodb

import (
	"math"
	"strings"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/expr"
)

// maxPage is how much a Query or Scan looks at in one request, before the filter (Developer Guide, "Quotas": 1 MB).
const maxPage = 1 << 20

// search is a Query or a Scan.
type search struct {
	table      string
	indexName  string
	limit      int
	consistent bool
	backward   bool
	sel        string // Select
	filter     *expr.Node
	projection expr.Projection
	keys       *expr.Node     // KeyConditionExpression of a Query
	terms      []expr.KeyTerm // and what it says
	start      attr.Item      // ExclusiveStartKey
	segment    int64
	segments   int64
	mode       string
	scanning   bool
}

func (db *DB) query(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "Query", "TableName", "IndexName", "Limit", "ConsistentRead", "ScanIndexForward", "Select", "FilterExpression",
		"ProjectionExpression", "KeyConditionExpression", "ExclusiveStartKey", "ExpressionAttributeNames", "ExpressionAttributeValues",
		"ReturnConsumedCapacity"); err != nil {
		return nil, err
	}
	q := &search{}
	forward, err := flag(n, "ScanIndexForward", true)
	if err != nil {
		return nil, err
	}
	q.backward = !forward
	if err := q.read(n); err != nil {
		return nil, err
	}
	return db.search(r, q)
}

func (db *DB) scan(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "Scan", "TableName", "IndexName", "Limit", "ConsistentRead", "Select", "FilterExpression", "ProjectionExpression",
		"ExclusiveStartKey", "ExpressionAttributeNames", "ExpressionAttributeValues", "ReturnConsumedCapacity", "Segment",
		"TotalSegments"); err != nil {
		return nil, err
	}
	q := &search{scanning: true}
	if err := q.readSegments(n); err != nil {
		return nil, err
	}
	if err := q.read(n); err != nil {
		return nil, err
	}
	return db.search(r, q)
}

func (q *search) readSegments(n *awsjson.Node) error {
	segment, hasSegment, err := integer(n, "Segment")
	if err != nil {
		return err
	}
	total, hasTotal, err := integer(n, "TotalSegments")
	switch {
	case err != nil:
		return err
	case hasSegment && !hasTotal:
		return invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case !hasSegment && hasTotal:
		return invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case !hasTotal:
		q.segments = 1
		return nil
	case segment < 0:
		return constraint(itoa(int(segment)), "segment", "Member must have value greater than or equal to 0")
	case total < 1:
		return constraint(itoa(int(total)), "totalSegments", "Member must have value greater than or equal to 1")
	case total > 1000000:
		return constraint(itoa(int(total)), "totalSegments", "Member must have value less than or equal to 1000000")
	case segment >= total:
		return invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", segment, total)
	}
	q.segment, q.segments = segment, total
	return nil
}

// read reads what Query and Scan share.
func (q *search) read(n *awsjson.Node) error {
	var err error
	if q.table, err = tableName(n); err != nil {
		return err
	}
	if q.indexName, err = text(n, "IndexName"); err != nil {
		return err
	}
	limit, ok, err := integer(n, "Limit")
	switch {
	case err != nil:
		return err
	case !ok:
		limit = math.MaxInt32
	case limit < 1:
		return constraint(itoa(int(limit)), "limit", "Member must have value greater than or equal to 1")
	}
	q.limit = int(limit)
	if q.consistent, err = flag(n, "ConsistentRead", false); err != nil {
		return err
	}
	if q.mode, err = capacityMode(n); err != nil {
		return err
	}
	if has(n, "ExclusiveStartKey") {
		if q.start, err = item(n, "ExclusiveStartKey"); err != nil {
			return err
		}
	}
	if err := q.readExpressions(n); err != nil {
		return err
	}
	q.sel, err = choice(n, "Select", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
	return err
}

func (q *search) readExpressions(n *awsjson.Node) error {
	kinds := []string{"FilterExpression", "KeyConditionExpression", "ProjectionExpression"}
	if q.scanning {
		kinds = []string{"FilterExpression", "ProjectionExpression"}
	}
	s, err := scope(n, kinds...)
	if err != nil {
		return err
	}
	if q.filter, err = condition(n, "FilterExpression", s); err != nil {
		return err
	}
	if q.projection, err = projection(n, s); err != nil {
		return err
	}
	if !q.scanning {
		if !has(n, "KeyConditionExpression") {
			return invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
		}
		if q.keys, err = condition(n, "KeyConditionExpression", s); err != nil {
			return err
		}
	}
	if err := s.Unused(); err != nil || q.scanning {
		return wire(err)
	}
	q.terms, err = expr.KeyTerms(q.keys)
	return wire(err)
}

// checkSelect refuses a Select that does not go with the projection.
func (q *search) checkSelect() error {
	switch {
	case q.sel == "SPECIFIC_ATTRIBUTES" && q.projection == nil:
		return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case q.sel == "COUNT" && q.projection != nil:
		return invalid("Cannot specify the ProjectionExpression when choosing to get only the Count")
	case q.sel != "" && q.sel != "SPECIFIC_ATTRIBUTES" && q.projection != nil:
		return invalid("Cannot specify the ProjectionExpression when choosing to get %s", q.sel)
	case q.sel == "ALL_PROJECTED_ATTRIBUTES" && q.indexName == "":
		return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	}
	return nil
}

// target finds the table and the index, and checks the search against them.
func (q *search) target(db *DB, r *request) (*table, *index, error) {
	t, err := db.find(r, q.table)
	if err != nil {
		return nil, nil, err
	}
	keys := t.keys
	ix := t.index(q.indexName)
	if ix != nil {
		keys = ix.keys
	}
	switch {
	case ix == nil && q.indexName != "":
		return nil, nil, invalid("The table does not have the specified index: %s", q.indexName)
	case ix != nil && !ix.local && q.consistent:
		return nil, nil, invalid("Consistent reads are not supported on global secondary indexes")
	}
	if err := q.check(keys); err != nil {
		return nil, nil, err
	}
	if err := q.filterProjected(t, ix); err != nil {
		return nil, nil, err
	}
	if err := q.checkSelect(); err != nil {
		return nil, nil, err
	}
	if ix != nil && !ix.local && q.sel == "ALL_ATTRIBUTES" && ix.projection != "ALL" {
		return nil, nil, invalid(badParameter+"Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", ix.name)
	}
	return t, ix, q.onlyProjected(t, ix)
}

// filterProjected refuses to filter an index by attributes that it does not hold.
func (q *search) filterProjected(t *table, ix *index) error {
	if ix == nil || q.filter == nil {
		return nil
	}
	var missing []string
	for _, name := range q.filter.Tops() {
		if !t.holds(ix, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return invalid(badParameter+"Secondary index %s does not project one or more filter attributes: [%s]", ix.name, strings.Join(missing, ", "))
	}
	return nil
}

// onlyProjected refuses to ask a global index for attributes that it does not hold.
func (q *search) onlyProjected(t *table, ix *index) error {
	if ix == nil || ix.local {
		return nil
	}
	var missing []string
	for _, p := range q.projection {
		if !t.holds(ix, p.Top()) {
			missing = append(missing, p.Top())
		}
	}
	if len(missing) > 0 {
		return invalid(badParameter+"Global secondary index %s does not project [%s]", ix.name, strings.Join(missing, ", "))
	}
	return nil
}

// check refuses filters on key attributes.
func (q *search) check(k keySchema) error {
	if q.scanning || q.filter == nil {
		return nil
	}
	for _, name := range q.filter.Tops() {
		if k.has(name) {
			return invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", name)
		}
	}
	return nil
}

func (t *table) index(name string) *index {
	for _, ix := range t.indexes {
		if ix.name == name {
			return ix
		}
	}
	return nil
}

func (db *DB) search(r *request, q *search) ([]byte, error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	t, ix, err := q.target(db, r)
	if err != nil {
		return nil, err
	}
	rg, err := q.bounds(t, ix)
	if err != nil {
		return nil, err
	}
	p := &page{q: q, t: t, ix: ix, o: out{b: make([]byte, 0, 4096)}, last: ""}
	p.o.open('{')
	if q.sel != "COUNT" {
		p.o.key("Items")
		p.o.open('[')
	}
	p.fill(rg)
	if q.sel != "COUNT" {
		p.o.close(']')
	}
	p.o.int("Count", int64(p.count))
	p.o.int("ScannedCount", int64(p.scanned))
	if p.more {
		p.o.item("LastEvaluatedKey", p.lastKey())
	}
	p.charge(r)
	p.o.capacity(r, q.mode)
	p.o.close('}')
	return p.o.b, nil
}
