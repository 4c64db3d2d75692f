package dynamodb

import (
	"time"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/expr"
)

// write is one PutItem, UpdateItem, DeleteItem or ConditionCheck.
type write struct {
	kind    string // Put, Update, Delete or ConditionCheck
	name    string // the table's
	item    attr.Item
	key     attr.Item
	update  *expr.Update
	cond    *expr.Node
	returns string // ReturnValues
	onFail  bool   // ReturnValuesOnConditionCheckFailure is ALL_OLD
}

// readWrite reads what all forms of a write have in common.
func readWrite(n *awsjson.Node, kind string) (*write, error) {
	w := &write{kind: kind}
	var err error
	if w.name, err = tableName(n); err != nil {
		return nil, err
	}
	onFail, err := choice(n, "ReturnValuesOnConditionCheckFailure", "ALL_OLD", "NONE")
	if err != nil {
		return nil, err
	}
	w.onFail = onFail == "ALL_OLD"
	if kind == "Put" {
		w.item, err = item(n, "Item")
	} else {
		w.key, err = item(n, "Key")
	}
	if err != nil {
		return nil, err
	}
	return w, w.readExpressions(n)
}

func (w *write) readExpressions(n *awsjson.Node) error {
	kinds := []string{"ConditionExpression"}
	if w.kind == "Update" {
		kinds = []string{"UpdateExpression", "ConditionExpression"}
	}
	s, err := scope(n, kinds...)
	if err != nil {
		return err
	}
	if w.kind == "Update" && has(n, "UpdateExpression") {
		t, err := text(n, "UpdateExpression")
		if err != nil {
			return err
		}
		if w.update, err = s.Update(t); err != nil {
			return wire(err)
		}
	}
	if w.cond, err = condition(n, "ConditionExpression", s); err != nil {
		return err
	}
	return wire(s.Unused())
}

// prepare checks the write against the table and works out the change, without making it. The caller holds DB.mu.
func (w *write) prepare(t *table) (*change, error) {
	at := w.key
	if w.kind == "Put" {
		at = w.item
		if err := t.checkItem(w.item); err != nil {
			return nil, err
		}
	} else if err := t.checkKey(w.key); err != nil {
		return nil, err
	}
	if err := w.keepsKeys(t); err != nil {
		return nil, err
	}
	c := &change{table: t, key: t.key(at)}
	c.old = t.at(c.key)
	if w.cond != nil && !w.cond.Match(c.old) {
		if w.onFail {
			return c, conditionFailed(c.old)
		}
		return c, conditionFailed(nil)
	}
	return c, w.outcome(c)
}

// keepsKeys refuses updates of key attributes.
func (w *write) keepsKeys(t *table) error {
	if w.update == nil {
		return nil
	}
	for _, p := range w.update.Paths() {
		if t.keys.has(p.Top()) {
			return invalid(badParameter+"Cannot update attribute %s. This attribute is part of the key", p.Top())
		}
	}
	return nil
}

// outcome works out the new item.
func (w *write) outcome(c *change) error {
	switch w.kind {
	case "Put":
		c.now = w.item
	case "ConditionCheck":
		c.now = c.old
	case "Update":
		base := c.old
		if base == nil {
			base = w.key
		}
		c.now = base
		if w.update == nil {
			return nil
		}
		now, err := w.update.Apply(base)
		if err != nil {
			return wire(err)
		}
		c.now = now
		return c.checkUpdated()
	}
	return nil
}

func (c *change) checkUpdated() error {
	if attr.Size(c.now) > maxItem {
		return invalid("Item size to update has exceeded the maximum allowed size")
	}
	if deep(c.now, 0) {
		return invalid("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
	}
	return c.table.checkIndexKeys(c.now, true)
}

// deep says whether an item is nested more deeply than DynamoDB allows.
func deep(it attr.Item, depth int) bool {
	for i := range it {
		if deepValue(&it[i].Value, depth) {
			return true
		}
	}
	return false
}

func deepValue(v *attr.Value, depth int) bool {
	if v.Type != attr.L && v.Type != attr.M {
		return false
	}
	if depth++; depth >= 32 {
		return true
	}
	for i := range v.List {
		if deepValue(&v.List[i], depth) {
			return true
		}
	}
	return deep(v.Map, depth)
}

// writeOne carries out a request of one write.
func (db *DB) writeOne(r *request, kind string, returns ...string) ([]byte, error) {
	n := &r.node
	w, err := readWrite(n, kind)
	if err != nil {
		return nil, err
	}
	if w.returns, err = returnValues(n, returns); err != nil {
		return nil, err
	}
	mode, err := capacityMode(n)
	if err != nil {
		return nil, err
	}
	metrics, err := choice(n, "ReturnItemCollectionMetrics", "SIZE", "NONE")
	if err != nil {
		return nil, err
	}
	c, err := db.carryOut(r, w, metrics == "SIZE")
	if err != nil {
		return nil, err
	}
	o := out{b: make([]byte, 0, 256)}
	o.open('{')
	if it := w.attributes(c); len(it) > 0 {
		o.item("Attributes", it)
	}
	o.capacity(r, mode)
	o.close('}')
	return o.b, nil
}

// returnValues checks ReturnValues against what the operation can return.
func returnValues(n *awsjson.Node, allowed []string) (string, error) {
	s, err := choice(n, "ReturnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
	if err != nil || s == "" || s == "NONE" {
		return s, err
	}
	for _, a := range allowed {
		if a == s {
			return s, nil
		}
	}
	return "", invalid("Return values set to invalid value")
}

func (db *DB) carryOut(r *request, w *write, metrics bool) (*change, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	t, err := db.find(r, w.name)
	if err != nil {
		return nil, err
	}
	if metrics && t.hasLocal() {
		return nil, unsupported("the parameter ReturnItemCollectionMetrics on a table with local secondary indexes")
	}
	c, err := w.prepare(t)
	if err != nil {
		if c != nil {
			r.costs.of(t.name).writes(writeCost{own: units(attr.Size(c.old), writeUnit)}, 1)
		}
		return nil, err
	}
	r.costs.of(t.name).writes(db.commitWrite(c, r.now), 1)
	return c, nil
}

// commitWrite commits a change, and prices a write that changes nothing.
func (db *DB) commitWrite(c *change, now time.Time) writeCost {
	if c.old == nil && c.now == nil {
		return writeCost{own: 1}
	}
	return db.commit(c, now)
}

func (t *table) hasLocal() bool {
	for _, ix := range t.indexes {
		if ix.local {
			return true
		}
	}
	return false
}

// attributes gives what ReturnValues asks for.
func (w *write) attributes(c *change) attr.Item {
	switch w.returns {
	case "ALL_OLD":
		return c.old
	case "ALL_NEW":
		return c.now
	case "UPDATED_OLD":
		if w.update != nil {
			return w.update.Paths().Apply(c.old)
		}
	case "UPDATED_NEW":
		if w.update != nil {
			return w.update.Paths().Apply(c.now)
		}
	}
	return nil
}

func (db *DB) putItem(r *request) ([]byte, error) {
	if err := only(&r.node, "PutItem", "TableName", "Item", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues",
		"ReturnValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ReturnValuesOnConditionCheckFailure"); err != nil {
		return nil, err
	}
	return db.writeOne(r, "Put", "ALL_OLD")
}

func (db *DB) updateItem(r *request) ([]byte, error) {
	if err := only(&r.node, "UpdateItem", "TableName", "Key", "UpdateExpression", "ConditionExpression", "ExpressionAttributeNames",
		"ExpressionAttributeValues", "ReturnValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics",
		"ReturnValuesOnConditionCheckFailure"); err != nil {
		return nil, err
	}
	return db.writeOne(r, "Update", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
}

func (db *DB) deleteItem(r *request) ([]byte, error) {
	if err := only(&r.node, "DeleteItem", "TableName", "Key", "ConditionExpression", "ExpressionAttributeNames",
		"ExpressionAttributeValues", "ReturnValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics",
		"ReturnValuesOnConditionCheckFailure"); err != nil {
		return nil, err
	}
	return db.writeOne(r, "Delete", "ALL_OLD")
}
