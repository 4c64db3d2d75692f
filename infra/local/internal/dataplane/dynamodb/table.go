package dynamodb

import (
	"encoding/binary"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/tidwall/btree"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

// keySchema names the key attributes of a table or an index. sort is "" where there is none.
type keySchema struct{ hash, sort string }

func (k keySchema) names() []string {
	if k.sort == "" {
		return []string{k.hash}
	}
	return []string{k.hash, k.sort}
}

func (k keySchema) has(name string) bool { return name == k.hash || (k.sort != "" && name == k.sort) }

// table is one table with its items and indexes. Everything in it is guarded by DB.mu.
type table struct {
	spec
	created time.Time
	items   btree.Map[string, string] // by tree key: the item's size in four bytes, then the packed item
	bytes   int64
	indexes []*index
	ttl     string                 // the TTL attribute, "" when TTL is off
	expiry  *btree.BTreeG[dueItem] // ready only while ttl is set
	tags    map[string]string
	stream  *stream
	old     []*stream // streams that were switched off
}

// index is a secondary index. The value of an entry is the tree key of the item.
type index struct {
	indexSpec
	entries btree.Map[string, string]
	bytes   int64
}

// treeKey places a key: a hash of the partition key, so that scans have the random order and the segments of the real
// service, then the keys in an order-preserving form.
func treeKey(k keySchema, it attr.Item) (string, bool) {
	h, ok := it.Get(k.hash)
	if !ok {
		return "", false
	}
	b := partition(make([]byte, 0, 64), h)
	if k.sort != "" {
		s, ok := it.Get(k.sort)
		if !ok {
			return "", false
		}
		b = attr.AppendKey(b, s)
	}
	return string(b), true
}

// partition appends the beginning that all keys of one partition share.
func partition(b []byte, h attr.Value) []byte {
	start := len(b)
	b = attr.AppendKey(append(b, 0, 0, 0, 0), h)
	sum := fnv.New32a()
	_, _ = sum.Write(b[start+4:]) // never fails (hash.Hash)
	// The last bytes of FNV are the well-mixed ones; spread them over the word.
	binary.BigEndian.PutUint32(b[start:], sum.Sum32()*2654435769)
	return b
}

// key is the tree key of an item in the table.
func (t *table) key(it attr.Item) string {
	k, _ := treeKey(t.keys, it)
	return k
}

// at reads the item at a tree key, nil when there is none.
func (t *table) at(key string) attr.Item {
	data, ok := t.items.Get(key)
	if !ok {
		return nil
	}
	return attr.Unpack(data[4:])
}

// load reads the item at a tree key and its size.
func (t *table) load(key string) (attr.Item, int) {
	data, ok := t.items.Get(key)
	if !ok {
		return nil, 0
	}
	return attr.Unpack(data[4:]), storedSize(data)
}

func storedSize(data string) int {
	return int(data[0])<<24 | int(data[1])<<16 | int(data[2])<<8 | int(data[3])
}

func stored(it attr.Item, size int) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(size))
	return string(b[:]) + attr.Pack(it)
}

// entry is the key under which an index holds an item; ok is false for an item that the index does not hold.
func (ix *index) entry(it attr.Item, key string) (string, bool) {
	k, ok := treeKey(ix.keys, it)
	return k + key, ok
}

// project gives the part of an item that an index holds.
func (t *table) project(ix *index, it attr.Item) attr.Item {
	if ix == nil || ix.projection == "ALL" {
		return it
	}
	out := make(attr.Item, 0, len(it))
	for i := range it {
		if t.holds(ix, it[i].Name) {
			out = append(out, it[i])
		}
	}
	return out
}

func (t *table) holds(ix *index, name string) bool {
	return ix.projection == "ALL" || t.keys.has(name) || ix.keys.has(name) || ix.nonKey[name]
}

// change is one item's way from old to new; either may be nil.
type change struct {
	table    *table
	key      string
	old, now attr.Item
	expired  bool // by TTL
}

type writeCost struct {
	own     float64
	indexes []indexCost
}

type indexCost struct {
	index *index
	units float64
}

// commit carries a change out and gives its price. The caller holds DB.mu.
func (db *DB) commit(c *change, now time.Time) writeCost {
	t, oldSize, newSize := c.table, 0, 0
	if c.old != nil {
		oldSize = attr.Size(c.old)
	}
	if c.now != nil {
		newSize = attr.Size(c.now)
		t.items.Set(c.key, stored(c.now, newSize))
	} else {
		t.items.Delete(c.key)
	}
	t.bytes += int64(newSize - oldSize)
	w := writeCost{own: units(max(oldSize, newSize), writeUnit)}
	for _, ix := range t.indexes {
		if n := t.reindex(ix, c); n > 0 {
			w.indexes = append(w.indexes, indexCost{ix, n})
		}
	}
	if t.ttl != "" {
		db.moveExpiry(c)
	}
	if t.stream != nil {
		db.record(c, now)
	}
	return w
}

// reindex brings an index up to date and gives what that costs: a unit or more for each entry written or removed.
func (t *table) reindex(ix *index, c *change) float64 {
	oldKey, was := ix.entry(c.old, c.key)
	newKey, is := ix.entry(c.now, c.key)
	var oldPart, newPart attr.Item
	if was {
		oldPart = t.project(ix, c.old)
		ix.bytes -= int64(attr.Size(oldPart))
	}
	if is {
		newPart = t.project(ix, c.now)
		ix.bytes += int64(attr.Size(newPart))
	}
	switch {
	case was && is && oldKey == newKey:
		if attr.EqualItems(oldPart, newPart) {
			return 0
		}
		return units(max(attr.Size(oldPart), attr.Size(newPart)), writeUnit)
	case !was && !is:
		return 0
	}
	n := 0.0
	if was {
		ix.entries.Delete(oldKey)
		n += units(attr.Size(oldPart), writeUnit)
	}
	if is {
		ix.entries.Set(newKey, c.key)
		n += units(attr.Size(newPart), writeUnit)
	}
	return n
}

// dueItem is an entry of the list of what expires when.
type dueItem struct {
	at  int64
	key string
}

func dueBefore(a, b dueItem) bool {
	return a.at < b.at || (a.at == b.at && a.key < b.key)
}

func (db *DB) moveExpiry(c *change) {
	if at, ok := c.table.due(c.old); ok {
		c.table.expiry.Delete(dueItem{at, c.key})
	}
	if at, ok := c.table.due(c.now); ok {
		c.table.expiry.Set(dueItem{at, c.key})
		if next := db.nextTTL.Load(); next == 0 || at < next {
			db.nextTTL.Store(at)
		}
	}
}

// due is an item's expiry in unix seconds.
func (t *table) due(it attr.Item) (int64, bool) {
	v, ok := it.Get(t.ttl)
	if !ok || v.Type != attr.N {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.Str, 64)
	if err != nil || f < 0 || f > 1<<40 {
		return 0, false
	}
	return int64(f), true
}
