package dynamodb

import (
	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

// Quotas of batches (API reference, BatchGetItem and BatchWriteItem).
const (
	maxBatchGet    = 100
	maxBatchWrite  = 25
	maxBatchAnswer = 16 << 20
)

// batchTable is one table's part of a BatchGetItem.
type batchTable struct {
	name string
	node *awsjson.Node
	gets []*get
}

func (db *DB) batchGet(r *request) ([]byte, error) {
	if err := only(&r.node, "BatchGetItem", "RequestItems", "ReturnConsumedCapacity"); err != nil {
		return nil, err
	}
	mode, err := capacityMode(&r.node)
	if err != nil {
		return nil, err
	}
	parts, err := readBatchGet(r.node.Get("RequestItems"))
	if err != nil {
		return nil, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	b := &batchAnswer{}
	b.o.open('{')
	b.o.key("Responses")
	b.o.open('{')
	for i := range parts {
		if err := b.table(db, r, &parts[i]); err != nil {
			return nil, err
		}
	}
	b.o.close('}')
	b.o.key("UnprocessedKeys")
	b.o.open('{')
	b.unprocessed()
	b.o.close('}')
	b.o.capacities(r, mode, false)
	b.o.close('}')
	return b.o.b, nil
}

func readBatchGet(n *awsjson.Node) ([]batchTable, error) {
	if !n.Is(awsjson.Object) {
		return nil, missing("requestItems")
	}
	if len(n.Kids) == 0 {
		return nil, constraint("{}", "requestItems", "Member must have length greater than or equal to 1")
	}
	var parts []batchTable
	total := 0
	for i := range n.Kids {
		k := &n.Kids[i]
		p := batchTable{node: k}
		var err error
		if p.name, err = checkTableName(k.Name); err != nil {
			return nil, err
		}
		if err := p.read(); err != nil {
			return nil, err
		}
		total += len(p.gets)
		parts = append(parts, p)
	}
	if total > maxBatchGet {
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	return parts, nil
}

func (p *batchTable) read() error {
	if err := only(p.node, "KeysAndAttributes", "Keys", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"); err != nil {
		return err
	}
	consistent, err := flag(p.node, "ConsistentRead", false)
	if err != nil {
		return err
	}
	projection, err := readProjectionOnly(p.node)
	if err != nil {
		return err
	}
	keys := p.node.Get("Keys")
	if len(keys.Kids) == 0 {
		return constraint("[]", "requestItems."+p.name+".member.keys", "Member must have length greater than or equal to 1")
	}
	for i := range keys.Kids {
		key, err := attr.DecodeItem(&keys.Kids[i])
		if err != nil {
			return wire(err)
		}
		p.gets = append(p.gets, &get{key: key, consistent: consistent, projection: projection})
	}
	return nil
}

// batchAnswer collects what a BatchGetItem found, and the keys it did not come to.
type batchAnswer struct {
	o     out
	bytes int
	left  []leftKeys
}

type leftKeys struct {
	part *batchTable
	keys []attr.Item
}

func (b *batchAnswer) table(db *DB, r *request, p *batchTable) error {
	t, err := db.find(r, p.name)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, g := range p.gets {
		if err := t.checkKey(g.key); err != nil {
			return err
		}
		if k := t.key(g.key); seen[k] {
			return invalid("Provided list of item keys contains duplicates")
		} else {
			seen[k] = true
		}
	}
	left := leftKeys{part: p}
	b.o.key(p.name)
	b.o.open('[')
	for _, g := range p.gets {
		if done, err := b.one(r, t, g); err != nil {
			return err
		} else if !done {
			left.keys = append(left.keys, g.key)
		}
	}
	b.o.close(']')
	if left.keys != nil {
		b.left = append(b.left, left)
	}
	return nil
}

// one reads one item; done is false when the answer is full.
func (b *batchAnswer) one(r *request, t *table, g *get) (done bool, err error) {
	it, size, err := g.from(t)
	if err != nil {
		return false, err
	}
	if b.bytes+size > maxBatchAnswer {
		b.bytes = maxBatchAnswer
		return false, nil
	}
	b.bytes += size
	r.costs.of(t.name).reads(readUnits(size, g.consistent), nil)
	if it != nil {
		b.o.comma()
		b.o.b = attr.AppendItem(b.o.b, it)
	}
	return true, nil
}

func (b *batchAnswer) unprocessed() {
	for _, l := range b.left {
		b.o.key(l.part.name)
		b.o.open('{')
		b.o.key("Keys")
		b.o.open('[')
		for _, k := range l.keys {
			b.o.comma()
			b.o.b = attr.AppendItem(b.o.b, k)
		}
		b.o.close(']')
		b.o.bool("ConsistentRead", l.part.gets[0].consistent)
		l.part.echo(&b.o)
		b.o.close('}')
	}
}

// echo repeats the projection of the request, so that unprocessed keys can be sent again as they are.
func (p *batchTable) echo(o *out) {
	if has(p.node, "ProjectionExpression") {
		o.str("ProjectionExpression", p.node.Get("ProjectionExpression").Str)
	}
	if names := p.node.Get("ExpressionAttributeNames"); names.Is(awsjson.Object) {
		o.key("ExpressionAttributeNames")
		o.open('{')
		for i := range names.Kids {
			o.str(names.Kids[i].Name, names.Kids[i].Str)
		}
		o.close('}')
	}
}

func (db *DB) batchWrite(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "BatchWriteItem", "RequestItems", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"); err != nil {
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
	writes, err := readBatchWrite(n.Get("RequestItems"))
	if err != nil {
		return nil, err
	}
	if err := db.writeBatch(r, writes, metrics == "SIZE"); err != nil {
		return nil, err
	}
	var o out
	o.open('{')
	o.key("UnprocessedItems")
	o.b = append(o.b, "{}"...)
	o.capacities(r, mode, false)
	o.close('}')
	return o.b, nil
}

func readBatchWrite(n *awsjson.Node) ([]*write, error) {
	if !n.Is(awsjson.Object) {
		return nil, missing("requestItems")
	}
	if len(n.Kids) == 0 {
		return nil, constraint("{}", "requestItems", "Member must have length greater than or equal to 1")
	}
	var writes []*write
	for i := range n.Kids {
		name, err := checkTableName(n.Kids[i].Name)
		if err != nil {
			return nil, err
		}
		if len(n.Kids[i].Kids) == 0 {
			return nil, constraint("[]", "requestItems."+name+".member", "Member must have length greater than or equal to 1")
		}
		for j := range n.Kids[i].Kids {
			w, err := readBatchOne(&n.Kids[i].Kids[j], name)
			if err != nil {
				return nil, err
			}
			writes = append(writes, w)
		}
	}
	if len(writes) > maxBatchWrite {
		return nil, invalid("Too many items requested for the BatchWriteItem call")
	}
	return writes, nil
}

func readBatchOne(n *awsjson.Node, name string) (*write, error) {
	if err := only(n, "WriteRequest", "PutRequest", "DeleteRequest"); err != nil {
		return nil, err
	}
	put, del := n.Get("PutRequest"), n.Get("DeleteRequest")
	var err error
	switch {
	case put.Is(awsjson.None) == del.Is(awsjson.None):
		return nil, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	case put.Is(awsjson.Object):
		w := &write{kind: "Put", name: name}
		w.item, err = item(put, "Item")
		return w, err
	}
	w := &write{kind: "Delete", name: name}
	w.key, err = item(del, "Key")
	return w, err
}

// writeBatch checks all writes, then carries them all out.
func (db *DB) writeBatch(r *request, writes []*write, metrics bool) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	seen := map[*table]map[string]bool{}
	changes := make([]*change, len(writes))
	for i, w := range writes {
		t, err := db.find(r, w.name)
		if err != nil {
			return err
		}
		if metrics && t.hasLocal() {
			return unsupported("the parameter ReturnItemCollectionMetrics on a table with local secondary indexes")
		}
		if changes[i], err = w.prepare(t); err != nil {
			return err
		}
		if seen[t] == nil {
			seen[t] = map[string]bool{}
		}
		if seen[t][changes[i].key] {
			return invalid("Provided list of item keys contains duplicates")
		}
		seen[t][changes[i].key] = true
	}
	for _, c := range changes {
		r.costs.of(c.table.name).writes(db.commitWrite(c, r.now), 1)
	}
	return nil
}
