package attr

import "encoding/binary"

// Pack gives an item's compact form, in which it is stored.
func Pack(it Item) string {
	return string(appendItem(make([]byte, 0, 256), it))
}

// Unpack reads what Pack gave. The item's strings share the memory of packed.
func Unpack(packed string) Item {
	u := unpacker{s: packed}
	return u.item()
}

func appendStr(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendItem(b []byte, it Item) []byte {
	b = binary.AppendUvarint(b, uint64(len(it)))
	for i := range it {
		b = appendStr(b, it[i].Name)
		b = appendValue(b, &it[i].Value)
	}
	return b
}

func appendValue(b []byte, v *Value) []byte {
	b = append(b, byte(v.Type))
	switch v.Type {
	case S, N, B:
		return appendStr(b, v.Str)
	case BOOL:
		return append(b, v.Str[0])
	case M:
		return appendItem(b, v.Map)
	case L, SS, NS, BS:
		b = binary.AppendUvarint(b, uint64(len(v.List)))
		for i := range v.List {
			b = appendValue(b, &v.List[i])
		}
	}
	return b
}

type unpacker struct {
	s string
	i int
}

func (u *unpacker) uint() int {
	x, shift := uint64(0), 0
	for {
		c := u.s[u.i]
		u.i++
		x |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int(x)
		}
		shift += 7
	}
}

func (u *unpacker) str() string {
	n := u.uint()
	s := u.s[u.i : u.i+n]
	u.i += n
	return s
}

func (u *unpacker) item() Item {
	it := make(Item, u.uint())
	for i := range it {
		it[i].Name = u.str()
		u.value(&it[i].Value)
	}
	return it
}

func (u *unpacker) value(v *Value) {
	v.Type = Type(u.s[u.i])
	u.i++
	switch v.Type {
	case S, N, B:
		v.Str = u.str()
	case BOOL:
		*v = Bool(u.s[u.i] == 't')
		u.i++
	case M:
		v.Map = u.item()
	case L, SS, NS, BS:
		v.List = make([]Value, u.uint())
		for i := range v.List {
			u.value(&v.List[i])
		}
	}
}

// Size is what DynamoDB counts for an item: names and values, in bytes (Developer Guide, "DynamoDB item sizes").
func Size(it Item) int {
	n := 0
	for i := range it {
		n += len(it[i].Name) + ValueSize(it[i].Value)
	}
	return n
}

// ValueSize is what DynamoDB counts for one value, in bytes.
func ValueSize(v Value) int {
	switch v.Type {
	case S, B:
		return len(v.Str)
	case N:
		return numberSize(v.Str)
	case BOOL, NULL:
		return 1
	case M:
		return 3 + Size(v.Map) + len(v.Map)
	case L:
		return 3 + elemSize(v.List) + len(v.List)
	case SS, NS, BS:
		return elemSize(v.List)
	}
	return 0
}

func elemSize(vs []Value) int {
	n := 0
	for i := range vs {
		n += ValueSize(vs[i])
	}
	return n
}

// AppendKey appends a key value in a form whose byte order is the order of the values (all of one type), and of which
// none is the beginning of another.
func AppendKey(b []byte, v Value) []byte {
	if v.Type == N {
		return appendNumberKey(b, v.Str)
	}
	return append(AppendKeyPrefix(b, v.Str), 0, 0)
}

// AppendKeyPrefix appends the beginning that the keys of all strings beginning with s share.
func AppendKeyPrefix(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if b = append(b, s[i]); s[i] == 0 {
			b = append(b, 0xff)
		}
	}
	return b
}
