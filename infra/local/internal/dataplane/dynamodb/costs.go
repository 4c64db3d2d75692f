package dynamodb

import (
	"slices"
	"strings"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
)

// The units in which DynamoDB bills (Developer Guide, "Read and write operations").
const (
	readUnit  = 4096
	writeUnit = 1024
)

// cost is what one request consumed of one table, in read or write units.
type cost struct {
	table string
	read  float64 // in all, indexes included
	own   float64 // of the table itself
	write bool
	local map[string]float64 // by index
	glob  map[string]float64
}

type costs []*cost

func (cs *costs) of(table string) *cost {
	for _, c := range *cs {
		if c.table == table {
			return c
		}
	}
	c := &cost{table: table, local: map[string]float64{}, glob: map[string]float64{}}
	*cs = append(*cs, c)
	return c
}

func (c *cost) sum() float64 {
	n := c.own
	for _, v := range c.local {
		n += v
	}
	for _, v := range c.glob {
		n += v
	}
	return n
}

func (c *cost) written() float64 {
	if !c.write {
		return 0
	}
	return c.sum()
}

// units is how many whole units a number of bytes takes; nothing still takes one.
func units(size, unit int) float64 {
	return float64(max(1, (size+unit-1)/unit))
}

// readUnits is the price of reading a number of bytes in one go.
func readUnits(size int, consistent bool) float64 {
	n := units(size, readUnit)
	if !consistent {
		n /= 2
	}
	return n
}

// reads adds a read of the table (index nil) or of an index.
func (c *cost) reads(n float64, ix *index) {
	c.read += n
	switch {
	case ix == nil:
		c.own += n
	case ix.local:
		c.local[ix.name] += n
	default:
		c.glob[ix.name] += n
	}
}

// writes adds a change to the table and its indexes, times factor (2 in transactions).
func (c *cost) writes(w writeCost, factor float64) {
	c.write = true
	c.own += w.own * factor
	for _, x := range w.indexes {
		if x.index.local {
			c.local[x.index.name] += x.units * factor
		} else {
			c.glob[x.index.name] += x.units * factor
		}
	}
}

// capacityMode reads ReturnConsumedCapacity.
func capacityMode(n *awsjson.Node) (string, error) {
	return choice(n, "ReturnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
}

// consumed appends one ConsumedCapacity, without a name, as mode asks.
func (o *out) consumed(c *cost, mode string, transaction bool) {
	o.open('{')
	o.str("TableName", c.table)
	o.float("CapacityUnits", c.sum())
	kind := "ReadCapacityUnits"
	if c.write {
		kind = "WriteCapacityUnits"
	}
	if transaction {
		o.float(kind, c.sum())
	}
	if mode == "INDEXES" {
		o.key("Table")
		o.unitsOf(c.own, kind, transaction)
		o.indexUnits("LocalSecondaryIndexes", c.local, kind, transaction)
		o.indexUnits("GlobalSecondaryIndexes", c.glob, kind, transaction)
	}
	o.close('}')
}

func (o *out) unitsOf(n float64, kind string, transaction bool) {
	o.open('{')
	o.float("CapacityUnits", n)
	if transaction {
		o.float(kind, n)
	}
	o.close('}')
}

func (o *out) indexUnits(name string, by map[string]float64, kind string, transaction bool) {
	if len(by) == 0 {
		return
	}
	o.key(name)
	o.open('{')
	for _, ix := range sortedKeys(by) {
		o.key(ix)
		o.unitsOf(by[ix], kind, transaction)
	}
	o.close('}')
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// capacity appends the ConsumedCapacity member of a request on one table.
func (o *out) capacity(r *request, mode string) {
	if mode != "" && mode != "NONE" && len(r.costs) > 0 {
		o.key("ConsumedCapacity")
		o.consumed(r.costs[0], mode, false)
	}
}

// capacities appends the ConsumedCapacity member of a request on several tables.
func (o *out) capacities(r *request, mode string, transaction bool) {
	if mode == "" || mode == "NONE" {
		return
	}
	slices.SortFunc(r.costs, func(a, b *cost) int { return strings.Compare(a.table, b.table) })
	o.key("ConsumedCapacity")
	o.open('[')
	for _, c := range r.costs {
		o.consumed(c, mode, transaction)
	}
	o.close(']')
}
