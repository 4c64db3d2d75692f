package dynamodb

import (
	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/expr"
)

func (db *DB) getItem(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "GetItem", "TableName", "Key", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames",
		"ReturnConsumedCapacity"); err != nil {
		return nil, err
	}
	name, err := tableName(n)
	if err != nil {
		return nil, err
	}
	g, err := readGet(n)
	if err != nil {
		return nil, err
	}
	mode, err := capacityMode(n)
	if err != nil {
		return nil, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	t, err := db.find(r, name)
	if err != nil {
		return nil, err
	}
	it, size, err := g.from(t)
	if err != nil {
		return nil, err
	}
	r.costs.of(name).reads(readUnits(size, g.consistent), nil)
	o := out{b: make([]byte, 0, 2*size+64)}
	o.open('{')
	if it != nil {
		o.item("Item", it)
	}
	o.capacity(r, mode)
	o.close('}')
	return o.b, nil
}

// get is one read of an item by its key.
type get struct {
	key        attr.Item
	consistent bool
	projection expr.Projection
}

// readGet reads Key, ConsistentRead, ProjectionExpression and its names.
func readGet(n *awsjson.Node) (*get, error) {
	key, err := item(n, "Key")
	if err != nil {
		return nil, err
	}
	g := &get{key: key}
	if g.consistent, err = flag(n, "ConsistentRead", false); err != nil {
		return nil, err
	}
	g.projection, err = readProjectionOnly(n)
	return g, err
}

// readProjectionOnly reads a projection that is the only expression of its scope.
func readProjectionOnly(n *awsjson.Node) (expr.Projection, error) {
	s, err := scope(n, "ProjectionExpression")
	if err != nil {
		return nil, err
	}
	p, err := projection(n, s)
	if err != nil {
		return nil, err
	}
	return p, wire(s.Unused())
}

// from reads the item; it is nil when there is none. size is that of the whole item.
func (g *get) from(t *table) (it attr.Item, size int, err error) {
	if err := t.checkKey(g.key); err != nil {
		return nil, 0, err
	}
	it, size = t.load(t.key(g.key))
	if it != nil && g.projection != nil {
		it = g.projection.Apply(it)
	}
	return it, size, nil
}
