package dynamodb

import (
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

// Limits of items and keys (Developer Guide, "Quotas").
const (
	maxItem = 400 << 10
	maxHash = 2048
	maxSort = 1024
)

const keyMismatch = "The provided key element does not match the schema"

// checkKey checks a Key parameter: the table's key attributes and no others.
func (t *table) checkKey(key attr.Item) error {
	if len(key) != len(t.keys.names()) {
		return invalid(keyMismatch)
	}
	for _, name := range t.keys.names() {
		v, ok := key.Get(name)
		if !ok || v.Type != t.attrs[name] {
			return invalid(keyMismatch)
		}
	}
	return t.keySizes(key)
}

// keySizes checks the values of the table's key attributes, which are there and of the right types.
func (t *table) keySizes(it attr.Item) error {
	for _, name := range t.keys.names() {
		v, _ := it.Get(name)
		if v.Str == "" {
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s",
				kindName(v.Type), name)
		}
		switch {
		case name == t.keys.hash && v.Type != attr.N && len(v.Str) > maxHash:
			return invalid(badParameter + "Size of hashkey has exceeded the maximum size limit of2048 bytes")
		case name == t.keys.sort && v.Type != attr.N && len(v.Str) > maxSort:
			return invalid(badParameter + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
		}
	}
	return nil
}

func kindName(t attr.Type) string {
	if t == attr.B {
		return "binary"
	}
	return "string"
}

// checkItem checks an item that is to be put: its keys, its index keys and its size.
func (t *table) checkItem(it attr.Item) error {
	for _, name := range t.keys.names() {
		v, ok := it.Get(name)
		if !ok {
			return invalid(badParameter+"Missing the key %s in the item", name)
		}
		if v.Type != t.attrs[name] {
			return invalid(badParameter+"Type mismatch for key %s expected: %s actual: %s", name, t.attrs[name], v.Type)
		}
	}
	if err := t.keySizes(it); err != nil {
		return err
	}
	if attr.Size(it) > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	return t.checkIndexKeys(it, false)
}

func (t *table) checkIndexKeys(it attr.Item, update bool) error {
	for _, ix := range t.indexes {
		for _, name := range ix.keys.names() {
			v, ok := it.Get(name)
			if !ok || t.keys.has(name) {
				continue
			}
			if err := t.checkIndexKey(ix, name, v, update); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *table) checkIndexKey(ix *index, name string, v attr.Value, update bool) error {
	most := maxSort
	if name == ix.keys.hash {
		most = maxHash
	}
	empty := v.Str == "" && (v.Type == attr.S || v.Type == attr.B)
	switch {
	case v.Type != t.attrs[name] && update && !empty:
		return invalid("The update expression attempted to update the secondary index key to unsupported type")
	case v.Type != t.attrs[name] && !update:
		return invalid(badParameter+"Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", name, t.attrs[name], v.Type, ix.name)
	case empty && update:
		return invalid("One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. "+
			"The AttributeValue for a key attribute cannot contain an empty %s value.", kindName(v.Type))
	case empty:
		return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
			"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", kindName(v.Type), ix.name, name)
	case v.Type != attr.N && len(v.Str) > most:
		return invalid(badParameter+"Size of secondary index key has exceeded the maximum size limit of %d bytes: IndexName: %s, IndexKey: %s", most, ix.name, name)
	}
	return nil
}

// keyOf gives the key attributes of an item.
func (k keySchema) keyOf(it attr.Item) attr.Item {
	out := make(attr.Item, 0, 2)
	for i := range it {
		if k.has(it[i].Name) {
			out = append(out, it[i])
		}
	}
	return out
}
