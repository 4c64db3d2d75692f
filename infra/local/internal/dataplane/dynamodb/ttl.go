package dynamodb

import (
	"github.com/tidwall/btree"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
)

func (db *DB) updateTTL(r *request) ([]byte, error) {
	n := &r.node
	if err := only(n, "UpdateTimeToLive", "TableName", "TimeToLiveSpecification"); err != nil {
		return nil, err
	}
	name, err := tableName(n)
	if err != nil {
		return nil, err
	}
	s := n.Get("TimeToLiveSpecification")
	if s.Is(awsjson.None) {
		return nil, missing("timeToLiveSpecification")
	}
	attribute, err := text(s, "AttributeName")
	if err != nil {
		return nil, err
	}
	enabled, err := flag(s, "Enabled", false)
	switch {
	case err != nil:
		return nil, err
	case !has(s, "Enabled"):
		return nil, missing("timeToLiveSpecification.enabled")
	case attribute == "":
		return nil, missing("timeToLiveSpecification.attributeName")
	case len(attribute) > 255:
		return nil, constraint(attribute, "timeToLiveSpecification.attributeName", "Member must have length less than or equal to 255")
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	t, err := db.find(r, name)
	if err != nil {
		return nil, err
	}
	if err := t.switchTTL(attribute, enabled); err != nil {
		return nil, err
	}
	db.scheduleTTL()
	var o out
	o.open('{')
	o.key("TimeToLiveSpecification")
	o.open('{')
	o.str("AttributeName", attribute)
	o.bool("Enabled", enabled)
	o.close('}')
	o.close('}')
	return o.b, nil
}

func (t *table) switchTTL(attribute string, enabled bool) error {
	switch {
	case enabled && t.ttl != "":
		return invalid("TimeToLive is already enabled")
	case !enabled && t.ttl == "":
		return invalid("TimeToLive is already disabled")
	case !enabled && t.ttl != attribute:
		return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl)
	case !enabled:
		t.ttl, t.expiry = "", nil
		return nil
	}
	t.ttl = attribute
	t.expiry = btree.NewBTreeGOptions(dueBefore, btree.Options{NoLocks: true})
	t.items.Scan(func(key, _ string) bool {
		if at, ok := t.due(t.at(key)); ok {
			t.expiry.Set(dueItem{at, key})
		}
		return true
	})
	return nil
}

func (db *DB) describeTTL(r *request) ([]byte, error) {
	if err := only(&r.node, "DescribeTimeToLive", "TableName"); err != nil {
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
		return nil, err
	}
	var o out
	o.open('{')
	o.key("TimeToLiveDescription")
	o.open('{')
	if t.ttl == "" {
		o.str("TimeToLiveStatus", "DISABLED")
	} else {
		o.str("AttributeName", t.ttl)
		o.str("TimeToLiveStatus", "ENABLED")
	}
	o.close('}')
	o.close('}')
	return o.b, nil
}
