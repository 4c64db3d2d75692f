package dynamodb

import (
	"strings"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
)

// maxTags is the number of tags that a resource may have (Developer Guide, "Tagging restrictions").
const maxTags = 50

func readTags(n *awsjson.Node, into map[string]string) error {
	for i := range n.Kids {
		k, err := text(&n.Kids[i], "Key")
		if err != nil {
			return err
		}
		v, err := text(&n.Kids[i], "Value")
		if err != nil {
			return err
		}
		if k == "" || len(k) > 128 || len(v) > 256 {
			return invalid("Tag keys must be 1 to 128 characters long and values at most 256: %s", k)
		}
		into[k] = v
	}
	if len(into) > maxTags {
		return invalid("One or more parameter values were invalid: Too many tags: the limit is %d", maxTags)
	}
	return nil
}

// tagged finds the table of a ResourceArn. The caller holds DB.mu.
func (db *DB) tagged(r *request) (*table, error) {
	arn, err := text(&r.node, "ResourceArn")
	if err != nil {
		return nil, err
	}
	if arn == "" {
		return nil, missing("resourceArn")
	}
	_, name, ok := strings.Cut(arn, ":table/")
	if t := db.tables[name]; ok && t != nil && t.arn == arn {
		return t, nil
	}
	return nil, coded("ResourceNotFoundException", "Requested resource not found: ResourceArn: "+arn+" not found")
}

func (db *DB) tagResource(r *request) ([]byte, error) {
	if err := only(&r.node, "TagResource", "ResourceArn", "Tags"); err != nil {
		return nil, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	t, err := db.tagged(r)
	if err != nil {
		return nil, err
	}
	return nil, readTags(r.node.Get("Tags"), t.tags)
}

func (db *DB) untagResource(r *request) ([]byte, error) {
	if err := only(&r.node, "UntagResource", "ResourceArn", "TagKeys"); err != nil {
		return nil, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	t, err := db.tagged(r)
	if err != nil {
		return nil, err
	}
	for _, k := range r.node.Get("TagKeys").Kids {
		delete(t.tags, k.Str)
	}
	return nil, nil
}

func (db *DB) listTags(r *request) ([]byte, error) {
	if err := only(&r.node, "ListTagsOfResource", "ResourceArn"); err != nil {
		return nil, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	t, err := db.tagged(r)
	if err != nil {
		return nil, err
	}
	var o out
	o.open('{')
	o.key("Tags")
	o.open('[')
	for _, k := range sortedKeys(t.tags) {
		o.open('{')
		o.str("Key", k)
		o.str("Value", t.tags[k])
		o.close('}')
	}
	o.close(']')
	o.close('}')
	return o.b, nil
}
