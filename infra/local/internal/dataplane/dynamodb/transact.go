package dynamodb

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

const (
	maxTransact = 100              // items of a transaction (API reference, TransactWriteItems)
	maxTransfer = 4 << 20          // bytes of all items of a transaction
	tokenLife   = 10 * time.Minute // how long a ClientRequestToken counts
)

// token remembers a transaction that went through.
type token struct {
	sum  [sha256.Size]byte
	till time.Time
	read []readBack
}

// readBack is what a repeated transaction is billed: a read of each item.
type readBack struct {
	table string
	units float64
}

// reason is one entry of CancellationReasons.
type reason struct {
	code, message string
	item          attr.Item
}

func cancelled(reasons []reason) error {
	codes := make([]string, len(reasons))
	var o out
	o.key("CancellationReasons")
	o.open('[')
	for i, re := range reasons {
		codes[i] = re.code
		o.open('{')
		o.str("Code", re.code)
		if re.message != "" {
			o.str("Message", re.message)
		}
		if re.item != nil {
			o.item("Item", re.item)
		}
		o.close('}')
	}
	o.close(']')
	return &awsjson.Error{Type: serviceShape + "TransactionCanceledException", Extra: o.b,
		Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"}
}

// reasonOf turns the fault of one item into a reason; ok is false for a fault that is the whole request's.
func reasonOf(err error, w *write, c *change) (reason, bool) {
	var e *awsjson.Error
	if !errors.As(err, &e) {
		return reason{}, false
	}
	switch e.Code() {
	case "ConditionalCheckFailedException":
		re := reason{code: "ConditionalCheckFailed", message: e.Message}
		if w.onFail {
			re.item = c.old
		}
		return re, true
	case "ValidationException":
		return reason{code: "ValidationError", message: e.Message}, true
	}
	return reason{}, false
}

func transactItems(n *awsjson.Node) ([]awsjson.Node, error) {
	list := n.Get("TransactItems")
	switch {
	case !list.Is(awsjson.Array):
		return nil, missing("transactItems")
	case len(list.Kids) == 0:
		return nil, constraint("[]", "transactItems", "Member must have length greater than or equal to 1")
	case len(list.Kids) > maxTransact:
		return nil, invalid("1 validation error detected: Value '[...]' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100")
	}
	return list.Kids, nil
}

func (db *DB) transactWrite(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "TransactWriteItems", "TransactItems", "ClientRequestToken", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"); err != nil {
		return nil, err
	}
	mode, err := capacityMode(n)
	if err != nil {
		return nil, err
	}
	if s, err := choice(n, "ReturnItemCollectionMetrics", "SIZE", "NONE"); err != nil || s == "SIZE" {
		return nil, errors.Join(err, unsupported("the parameter ReturnItemCollectionMetrics of TransactWriteItems"))
	}
	tok, err := text(n, "ClientRequestToken")
	if err != nil {
		return nil, err
	}
	if len(tok) > 36 {
		return nil, constraint(tok, "clientRequestToken", "Member must have length less than or equal to 36")
	}
	writes, err := readTransaction(n)
	if err != nil {
		return nil, err
	}
	if err := db.transact(r, writes, tok); err != nil {
		return nil, err
	}
	var o out
	o.open('{')
	o.capacities(r, mode, true)
	o.close('}')
	return o.b, nil
}

func readTransaction(n *awsjson.Node) ([]*write, error) {
	items, err := transactItems(n)
	if err != nil {
		return nil, err
	}
	writes := make([]*write, len(items))
	for i := range items {
		if writes[i], err = readTransactOne(&items[i]); err != nil {
			return nil, err
		}
	}
	return writes, nil
}

func readTransactOne(n *awsjson.Node) (*write, error) {
	if err := only(n, "TransactWriteItem", "Put", "Update", "Delete", "ConditionCheck"); err != nil {
		return nil, err
	}
	var found *awsjson.Node
	for i := range n.Kids {
		if k := &n.Kids[i]; k.Kind != awsjson.Null {
			if found != nil {
				return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
			}
			found = k
		}
	}
	if found == nil {
		return nil, invalid("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
	}
	known := []string{"TableName", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues", "ReturnValuesOnConditionCheckFailure", "Key"}
	switch found.Name {
	case "Put":
		known[5] = "Item"
	case "Update":
		known = append(known, "UpdateExpression")
		if !has(found, "UpdateExpression") {
			return nil, missing("transactItems.update.updateExpression")
		}
	case "ConditionCheck":
		if !has(found, "ConditionExpression") {
			return nil, missing("transactItems.conditionCheck.conditionExpression")
		}
	}
	if err := only(found, found.Name, known...); err != nil {
		return nil, err
	}
	return readWrite(found, found.Name)
}

// transact carries out all writes or none.
func (db *DB) transact(r *request, writes []*write, tok string) error {
	sum := fingerprint(&r.node)
	db.mu.Lock()
	defer db.mu.Unlock()
	if known, ok := db.tokens[tok]; ok && tok != "" && r.now.Before(known.till) {
		return repeated(r, known, sum)
	}
	changes, err := db.prepareAll(r, writes)
	if err != nil {
		return err
	}
	t := token{sum: sum, till: r.now.Add(tokenLife)}
	for i, c := range changes {
		t.read = append(t.read, readBack{c.table.name, readUnits(attr.Size(c.now), true) * 2})
		cost := writeCost{own: units(attr.Size(c.old), writeUnit)}
		if writes[i].kind != "ConditionCheck" {
			cost = db.commitWrite(c, r.now)
		}
		r.costs.of(c.table.name).writes(cost, 2)
	}
	if tok != "" {
		db.remember(tok, t, r.now)
	}
	return nil
}

func (db *DB) remember(tok string, t token, now time.Time) {
	for k, old := range db.tokens {
		if !now.Before(old.till) {
			delete(db.tokens, k)
		}
	}
	db.tokens[tok] = t
}

func repeated(r *request, known token, sum [sha256.Size]byte) error {
	if known.sum != sum {
		return coded("IdempotentParameterMismatchException", "The client request token provided was used with a different request")
	}
	for _, b := range known.read {
		r.costs.of(b.table).reads(b.units, nil)
	}
	return nil
}

// fingerprint is a digest of the items of a transaction. SDKs write the members of a map in any order.
func fingerprint(n *awsjson.Node) [sha256.Size]byte {
	var b []byte
	var walk func(*awsjson.Node)
	walk = func(n *awsjson.Node) {
		b = append(b, byte(n.Kind))
		b = awsjson.AppendString(awsjson.AppendString(b, n.Name), n.Str)
		kids := n.Kids
		if n.Is(awsjson.Object) {
			kids = slices.Clone(kids)
			slices.SortStableFunc(kids, func(a, b awsjson.Node) int { return strings.Compare(a.Name, b.Name) })
		}
		for i := range kids {
			walk(&kids[i])
		}
		b = append(b, ']')
	}
	walk(n.Get("TransactItems"))
	return sha256.Sum256(b)
}

// prepareAll works out all changes, or gives the reasons why the transaction is cancelled.
func (db *DB) prepareAll(r *request, writes []*write) ([]*change, error) {
	changes := make([]*change, len(writes))
	reasons := make([]reason, len(writes))
	seen := map[string]bool{}
	failed, bytes := false, 0
	for i, w := range writes {
		t, err := db.find(r, w.name)
		if err != nil {
			return nil, err
		}
		reasons[i] = reason{code: "None"}
		if err := w.unique(t, seen); err != nil {
			return nil, err
		}
		changes[i], err = w.prepare(t)
		if err != nil {
			re, ok := reasonOf(err, w, changes[i])
			if !ok {
				return nil, err
			}
			reasons[i], failed = re, true
			continue
		}
		bytes += attr.Size(changes[i].now)
	}
	switch {
	case failed:
		return nil, cancelled(reasons)
	case bytes > maxTransfer:
		return nil, invalid("Collection size limit exceeded: the items of a transaction may not be larger than 4 MB in all")
	}
	return changes, nil
}

// unique refuses two writes of one item, and keys that are not of the table.
func (w *write) unique(t *table, seen map[string]bool) error {
	key := w.key
	if w.kind == "Put" {
		key = t.keys.keyOf(w.item)
	}
	if err := t.checkKey(key); err != nil {
		return nil // prepare says what is wrong
	}
	id := t.name + "\x00" + t.key(key)
	if seen[id] {
		return invalid("Transaction request cannot include multiple operations on one item")
	}
	seen[id] = true
	return nil
}

func (db *DB) transactGet(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "TransactGetItems", "TransactItems", "ReturnConsumedCapacity"); err != nil {
		return nil, err
	}
	mode, err := capacityMode(n)
	if err != nil {
		return nil, err
	}
	items, err := transactItems(n)
	if err != nil {
		return nil, err
	}
	gets, names := make([]*get, len(items)), make([]string, len(items))
	for i := range items {
		if gets[i], names[i], err = readTransactGet(&items[i]); err != nil {
			return nil, err
		}
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	var o out
	o.open('{')
	o.key("Responses")
	o.open('[')
	if err := db.getAll(r, &o, gets, names); err != nil {
		return nil, err
	}
	o.close(']')
	o.capacities(r, mode, true)
	o.close('}')
	return o.b, nil
}

func readTransactGet(n *awsjson.Node) (*get, string, error) {
	if err := only(n, "TransactGetItem", "Get"); err != nil {
		return nil, "", err
	}
	g := n.Get("Get")
	if !g.Is(awsjson.Object) {
		return nil, "", missing("transactItems.get")
	}
	if err := only(g, "Get", "TableName", "Key", "ProjectionExpression", "ExpressionAttributeNames"); err != nil {
		return nil, "", err
	}
	name, err := tableName(g)
	if err != nil {
		return nil, "", err
	}
	out, err := readGet(g)
	return out, name, err
}

func (db *DB) getAll(r *request, o *out, gets []*get, names []string) error {
	reasons, failed, bytes := make([]reason, len(gets)), false, 0
	seen := map[string]bool{}
	for i, g := range gets {
		t, err := db.find(r, names[i])
		if err != nil {
			return err
		}
		w := write{kind: "Get", key: g.key}
		if err := w.unique(t, seen); err != nil {
			return err
		}
		reasons[i] = reason{code: "None"}
		it, size, err := g.from(t)
		if err != nil {
			re, ok := reasonOf(err, &w, nil)
			if !ok {
				return err
			}
			reasons[i], failed = re, true
			continue
		}
		bytes += size
		r.costs.of(t.name).reads(readUnits(size, true)*2, nil)
		o.open('{')
		if it != nil {
			o.item("Item", it)
		}
		o.close('}')
	}
	switch {
	case failed:
		return cancelled(reasons)
	case bytes > maxTransfer:
		return invalid("Collection size limit exceeded: the items of a transaction may not be larger than 4 MB in all")
	}
	return nil
}
