package dynamodb

import (
	"encoding/binary"
	"slices"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/expr"
)

// span is a range of tree keys: from low, included, to high, excluded; an empty high has no end. after is the key to go
// on behind, if any.
type span struct{ low, high, after string }

// successor is the first key after all those that begin with prefix, "" when there is none.
func successor(prefix []byte) string {
	b := slices.Clone(prefix)
	for len(b) > 0 {
		if b[len(b)-1]++; b[len(b)-1] != 0 {
			return string(b)
		}
		b = b[:len(b)-1]
	}
	return ""
}

// bounds works out where the search begins and ends.
func (q *search) bounds(t *table, ix *index) (span, error) {
	keys := t.keys
	if ix != nil {
		keys = ix.keys
	}
	var s span
	var hash attr.Value
	if q.scanning {
		s = q.segmentSpan()
	} else {
		var err error
		if s, hash, err = q.keySpan(t, keys); err != nil {
			return s, err
		}
	}
	if q.start == nil {
		return s, nil
	}
	return s, q.startAfter(&s, t, ix, hash)
}

func (q *search) segmentSpan() span {
	if q.segments == 1 {
		return span{}
	}
	low, high := q.segment*(1<<32)/q.segments, (q.segment+1)*(1<<32)/q.segments
	s := span{low: string(binary.BigEndian.AppendUint32(nil, uint32(low)))}
	if high < 1<<32 {
		s.high = string(binary.BigEndian.AppendUint32(nil, uint32(high)))
	}
	return s
}

// keySpan turns the key conditions into a range.
func (q *search) keySpan(t *table, keys keySchema) (span, attr.Value, error) {
	var hash, sort *expr.KeyTerm
	for i := range q.terms {
		term := &q.terms[i]
		switch {
		case term.Nested && keys.has(term.Name):
			return span{}, attr.Value{}, invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: %s", term.Name)
		case term.Nested:
			return span{}, attr.Value{}, invalid("KeyConditionExpressions cannot have conditions on nested attributes")
		case term.Name == keys.hash:
			hash = term
		case term.Name == keys.sort:
			sort = term
		}
	}
	if hash == nil {
		return span{}, attr.Value{}, invalid("Query condition missed key schema element: %s", keys.hash)
	}
	if sort == nil && len(q.terms) == 2 {
		if keys.sort == "" {
			return span{}, attr.Value{}, invalid("Query key condition not supported")
		}
		return span{}, attr.Value{}, invalid("Query condition missed key schema element: %s", keys.sort)
	}
	if hash.Op != "=" {
		return span{}, attr.Value{}, invalid("Query key condition not supported")
	}
	for _, term := range q.terms {
		if err := checkTerm(t, term); err != nil {
			return span{}, attr.Value{}, err
		}
	}
	prefix := partition(nil, hash.Values[0])
	if sort == nil {
		return span{low: string(prefix), high: successor(prefix)}, hash.Values[0], nil
	}
	return sortSpan(prefix, sort), hash.Values[0], nil
}

func checkTerm(t *table, term expr.KeyTerm) error {
	for _, v := range term.Values {
		if v.Type != t.attrs[term.Name] || (term.Op == "begins_with" && v.Type == attr.N) {
			return invalid(badParameter + "Condition parameter type does not match schema type")
		}
		if v.Str == "" && term.Op != "begins_with" {
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s",
				kindName(v.Type), term.Name)
		}
	}
	return nil
}

func sortSpan(prefix []byte, term *expr.KeyTerm) span {
	at := func(v attr.Value) []byte { return attr.AppendKey(slices.Clone(prefix), v) }
	v := term.Values[0]
	low, high := string(prefix), successor(prefix)
	switch term.Op {
	case "=":
		return span{low: string(at(v)), high: successor(at(v))}
	case "<":
		return span{low: low, high: string(at(v))}
	case "<=":
		return span{low: low, high: successor(at(v))}
	case ">":
		return span{low: successor(at(v)), high: high}
	case ">=":
		return span{low: string(at(v)), high: high}
	case "BETWEEN":
		return span{low: string(at(v)), high: successor(at(term.Values[1]))}
	}
	begin := attr.AppendKeyPrefix(slices.Clone(prefix), v.Str)
	return span{low: string(begin), high: successor(begin)}
}

// startAfter checks the ExclusiveStartKey and places it.
func (q *search) startAfter(s *span, t *table, ix *index, hash attr.Value) error {
	want := t.keys.names()
	if ix != nil {
		for _, name := range ix.keys.names() {
			if !slices.Contains(want, name) {
				want = append(want, name)
			}
		}
	}
	if len(q.start) != len(want) {
		return invalid("The provided starting key is invalid")
	}
	for _, name := range want {
		if v, ok := q.start.Get(name); !ok || v.Type != t.attrs[name] {
			return invalid("The provided starting key is invalid: %s", keyMismatch)
		}
	}
	s.after = t.key(q.start)
	keys := t.keys
	if ix != nil {
		s.after, _ = ix.entry(q.start, s.after)
		keys = ix.keys
	}
	return q.inside(s, keys, hash)
}

// inside refuses a starting key that the search could not have ended at.
func (q *search) inside(s *span, keys keySchema, hash attr.Value) error {
	if s.after >= s.low && (s.high == "" || s.after < s.high) {
		return nil
	}
	if q.scanning {
		return invalid("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d", q.segments, q.segment)
	}
	if v, _ := q.start.Get(keys.hash); !attr.Equal(v, hash) {
		return invalid("The provided starting key is outside query boundaries based on provided conditions")
	}
	return invalid("The provided starting key does not match the range key predicate")
}

// page is one page of results in the making.
type page struct {
	q     *search
	t     *table
	ix    *index
	o     out
	count int

	scanned int
	bytes   int
	fetched float64 // read units for attributes that a local index does not hold
	more    bool
	last    string // tree key of the last item, in the table
}

// fill looks at items until the page is full or the range ends.
func (p *page) fill(s span) {
	visit := func(key, value string) bool {
		if key == s.after {
			return true
		}
		if (p.q.backward && key < s.low) || (!p.q.backward && s.high != "" && key >= s.high) {
			return false
		}
		return p.take(key, value)
	}
	tree := &p.t.items
	if p.ix != nil {
		tree = &p.ix.entries
	}
	if p.q.backward {
		p.descend(s, visit)
		return
	}
	tree.Ascend(max(s.low, s.after), visit)
}

func (p *page) descend(s span, visit func(key, value string) bool) {
	tree := &p.t.items
	if p.ix != nil {
		tree = &p.ix.entries
	}
	from := s.high
	if s.after != "" {
		from = s.after
	}
	if from == "" {
		tree.Reverse(visit)
		return
	}
	tree.Descend(from, func(key, value string) bool {
		return key >= from || visit(key, value)
	})
}

// take looks at one item; false ends the page.
func (p *page) take(key, value string) bool {
	data := value
	if p.ix != nil {
		data, _ = p.t.items.Get(value)
		key = value
	}
	it := attr.Unpack(data[4:])
	size := storedSize(data)
	if p.ix != nil {
		it, size = p.fromIndex(it, size)
	}
	p.scanned++
	p.bytes += size
	p.last = key
	if p.q.filter == nil || p.q.filter.Match(it) {
		p.emit(it)
	}
	p.more = p.scanned >= p.q.limit || p.bytes >= maxPage
	return !p.more
}

// fromIndex gives what the index holds of an item, or the whole of it where a local index has to fetch it.
func (p *page) fromIndex(it attr.Item, size int) (attr.Item, int) {
	if p.ix.projection == "ALL" {
		return it, size
	}
	held := p.t.project(p.ix, it)
	heldSize := attr.Size(held)
	if p.ix.local && p.fetches() {
		p.fetched += readUnits(size, p.q.consistent)
		return it, heldSize
	}
	return held, heldSize
}

// fetches says whether a local index has to go to the table for attributes that it does not hold.
func (p *page) fetches() bool {
	if p.q.sel == "ALL_ATTRIBUTES" {
		return true
	}
	for _, path := range p.q.projection {
		if !p.t.holds(p.ix, path.Top()) {
			return true
		}
	}
	return false
}

func (p *page) emit(it attr.Item) {
	p.count++
	if p.q.sel == "COUNT" {
		return
	}
	if p.q.projection != nil {
		it = p.q.projection.Apply(it)
	}
	p.o.comma()
	p.o.b = attr.AppendItem(p.o.b, it)
}

func (p *page) lastKey() attr.Item {
	it := p.t.at(p.last)
	out := make(attr.Item, 0, 4)
	for i := range it {
		if p.t.keys.has(it[i].Name) || (p.ix != nil && p.ix.keys.has(it[i].Name)) {
			out = append(out, it[i])
		}
	}
	return out
}

func (p *page) charge(r *request) {
	c := r.costs.of(p.t.name)
	c.reads(readUnits(p.bytes, p.q.consistent), p.ix)
	if p.fetched > 0 {
		c.reads(p.fetched, nil)
	}
}
