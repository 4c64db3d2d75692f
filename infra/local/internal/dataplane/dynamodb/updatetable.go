package dynamodb

import (
	"slices"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

func (db *DB) updateTable(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "UpdateTable", "TableName", "AttributeDefinitions", "BillingMode", "ProvisionedThroughput",
		"GlobalSecondaryIndexUpdates", "StreamSpecification", "DeletionProtectionEnabled", "TableClass"); err != nil {
		return nil, err
	}
	name, err := tableName(n)
	if err != nil {
		return nil, err
	}
	if len(n.Kids) < 2 {
		return nil, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	t, err := db.find(r, name)
	if err != nil {
		return nil, coded("ResourceNotFoundException", "Requested resource not found: Table: "+name+" not found")
	}
	if err := t.updateSettings(n); err != nil {
		return nil, err
	}
	if err := t.updateIndexes(n); err != nil {
		return nil, err
	}
	if err := t.updateStream(n, r.now); err != nil {
		return nil, err
	}
	return t.describe("TableDescription", "UPDATING"), nil
}

func (t *table) updateSettings(n *awsjson.Node) error {
	s := t.spec
	var err error
	if has(n, "BillingMode") || has(n, "ProvisionedThroughput") {
		if has(n, "BillingMode") || t.billing == "PROVISIONED" {
			err = s.updateBilling(n)
		} else {
			err = invalid(badParameter + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		if err != nil {
			return err
		}
	}
	if has(n, "TableClass") {
		if s.class, err = choice(n, "TableClass", "STANDARD", "STANDARD_INFREQUENT_ACCESS"); err != nil {
			return err
		}
	}
	if s.protected, err = flag(n, "DeletionProtectionEnabled", s.protected); err != nil {
		return err
	}
	t.spec = s
	return nil
}

func (s *spec) updateBilling(n *awsjson.Node) error {
	was := s.billing
	if err := s.readBilling(n, nil); err != nil {
		return err
	}
	if !has(n, "BillingMode") {
		s.billing = was
	}
	return nil
}

func (t *table) updateIndexes(n *awsjson.Node) error {
	list := n.Get("GlobalSecondaryIndexUpdates")
	if len(list.Kids) == 0 {
		return nil
	}
	changes := 0
	for i := range list.Kids {
		u := &list.Kids[i]
		if err := only(u, "GlobalSecondaryIndexUpdate", "Create", "Update", "Delete"); err != nil {
			return err
		}
		if has(u, "Create") || has(u, "Delete") {
			changes++
		}
	}
	if changes > 1 {
		return coded("LimitExceededException", "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
	}
	for i := range list.Kids {
		if err := t.updateIndex(n, &list.Kids[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) updateIndex(n, u *awsjson.Node) error {
	switch {
	case has(u, "Create"):
		return t.addIndex(n, u.Get("Create"))
	case has(u, "Delete"):
		return t.dropIndex(u.Get("Delete").Get("IndexName").Str)
	}
	ix := t.index(u.Get("Update").Get("IndexName").Str)
	if ix == nil || ix.local {
		return noIndex(u.Get("Update").Get("IndexName").Str)
	}
	var err error
	ix.throughput, err = readThroughput(u.Get("Update"))
	return err
}

func noIndex(name string) error {
	return coded("ResourceNotFoundException", "Requested resource not found: Index: "+name+" not found")
}

// addIndex makes a global index and fills it from the table.
func (t *table) addIndex(n, create *awsjson.Node) error {
	s := t.spec
	s.attrs = map[string]attr.Type{}
	for k, v := range t.attrs {
		s.attrs[k] = v
	}
	s.attrOrder = slices.Clone(t.attrOrder)
	if err := s.readAttributes(n); err != nil {
		return err
	}
	ix, err := s.readIndex(create, false)
	if err != nil {
		return err
	}
	if t.index(ix.name) != nil {
		return invalid("Attempting to create an index which already exists: %s", ix.name)
	}
	t.spec, t.indexes = s, append(t.indexes, ix)
	t.items.Scan(func(key, _ string) bool {
		// Items whose key attribute is of another type are left out (Developer Guide, "Managing global secondary indexes").
		it := t.at(key)
		if t.checkKeysOf(ix, it) {
			t.reindex(ix, &change{table: t, key: key, now: it})
		}
		return true
	})
	return nil
}

func (t *table) checkKeysOf(ix *index, it attr.Item) bool {
	for _, name := range ix.keys.names() {
		v, ok := it.Get(name)
		if !ok || (!t.keys.has(name) && t.checkIndexKey(ix, name, v, true) != nil) {
			return false
		}
	}
	return true
}

func (t *table) dropIndex(name string) error {
	i := slices.IndexFunc(t.indexes, func(ix *index) bool { return ix.name == name && !ix.local })
	if i < 0 {
		return noIndex(name)
	}
	t.indexes = slices.Delete(t.indexes, i, i+1)
	used := map[string]bool{t.keys.hash: true, t.keys.sort: true}
	for _, ix := range t.indexes {
		used[ix.keys.hash], used[ix.keys.sort] = true, true
	}
	t.attrOrder = slices.DeleteFunc(t.attrOrder, func(a string) bool { return !used[a] })
	for a := range t.attrs {
		if !used[a] {
			delete(t.attrs, a)
		}
	}
	return nil
}
