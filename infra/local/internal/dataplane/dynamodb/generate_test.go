package dynamodb_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes requests from grammars. The domains are small, so that conditions hold about as often as not.
type generator struct {
	*rand.Rand
	prefix string
	values object // of the request in the making
	names  object
}

func (g *generator) tables() []object {
	attrs := func(kv ...string) (out []any) {
		for i := 0; i < len(kv); i += 2 {
			out = append(out, object{"AttributeName": kv[i], "AttributeType": kv[i+1]})
		}
		return out
	}
	keys := func(names ...string) (out []any) {
		for i, n := range names {
			out = append(out, object{"AttributeName": n, "KeyType": []string{"HASH", "RANGE"}[i]})
		}
		return out
	}
	index := func(name string, projection object, names ...string) object {
		return object{"IndexName": name, "KeySchema": keys(names...), "Projection": projection}
	}
	return []object{
		{
			"TableName": g.prefix + "pair", "BillingMode": "PAY_PER_REQUEST",
			"AttributeDefinitions": attrs("p", "S", "s", "N", "g", "S"), "KeySchema": keys("p", "s"),
			"GlobalSecondaryIndexes": []any{index("keysonly", object{"ProjectionType": "KEYS_ONLY"}, "g", "s")},
			"LocalSecondaryIndexes":  []any{index("local", object{"ProjectionType": "ALL"}, "p", "g")},
		},
		{
			"TableName": g.prefix + "single", "BillingMode": "PAY_PER_REQUEST",
			"AttributeDefinitions": attrs("p", "S", "g", "S", "h", "N"), "KeySchema": keys("p"),
			"GlobalSecondaryIndexes": []any{
				index("include", object{"ProjectionType": "INCLUDE", "NonKeyAttributes": []string{"a", "m"}}, "g"),
				index("all", object{"ProjectionType": "ALL"}, "h", "p"),
			},
		},
	}
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

// request makes one request.
func (g *generator) request() (op string, body object) {
	g.values, g.names = object{}, object{}
	pair := g.IntN(2) == 0
	body = object{"TableName": g.prefix + "single"}
	if pair {
		body["TableName"] = g.prefix + "pair"
	}
	switch n := g.IntN(100); {
	case n < 22:
		op = "PutItem"
		body["Item"] = g.item(pair)
		g.condition(body, "ConditionExpression", 0.4)
		body["ReturnValues"] = pick(g, "NONE", "ALL_OLD")
	case n < 55:
		op = "UpdateItem"
		body["Key"] = g.key(pair)
		body["UpdateExpression"] = g.update()
		g.condition(body, "ConditionExpression", 0.2)
		body["ReturnValues"] = pick(g, "NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
	case n < 62:
		op = "DeleteItem"
		body["Key"] = g.key(pair)
		g.condition(body, "ConditionExpression", 0.4)
		body["ReturnValues"] = pick(g, "NONE", "ALL_OLD")
	case n < 70:
		op = "GetItem"
		body["Key"] = g.key(pair)
		body["ConsistentRead"] = g.IntN(2) == 0
		g.projection(body)
	case n < 80:
		op = "Query"
		g.query(body, pair)
	case n < 88:
		op = "Scan"
		g.condition(body, "FilterExpression", 0.9)
		g.projection(body)
	case n < 94:
		return "TransactWriteItems", g.transaction()
	case n < 97:
		return "BatchGetItem", g.batchGet()
	default:
		return "BatchWriteItem", g.batchWrite()
	}
	g.finish(body)
	if onFail := g.IntN(3) == 0; onFail && body["ConditionExpression"] != nil {
		body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
	}
	body["ReturnConsumedCapacity"] = pick(g, "NONE", "TOTAL", "INDEXES")
	return op, body
}

// finish hangs the placeholders in.
func (g *generator) finish(body object) {
	if len(g.values) > 0 {
		body["ExpressionAttributeValues"] = g.values
	}
	if len(g.names) > 0 {
		body["ExpressionAttributeNames"] = g.names
	}
	g.values, g.names = object{}, object{}
}

func (g *generator) key(pair bool) object {
	k := object{"p": object{"S": pick(g, "k1", "k2", "k3", "k4")}}
	if pair {
		k["s"] = object{"N": pick(g, "1", "2", "10", "-1", "0.5", "1e2")}
	}
	if g.IntN(50) == 0 {
		delete(k, pick(g, "p", "s"))
	}
	if g.IntN(50) == 0 {
		k[pick(g, "p", "s", "x")] = g.value(0)
	}
	return k
}

func (g *generator) item(pair bool) object {
	it := g.key(pair)
	for _, name := range []string{"a", "b", "c", "m", "l", "name"} {
		if g.IntN(2) == 0 {
			it[name] = g.shaped(name)
		}
	}
	if g.IntN(2) == 0 {
		it["g"] = object{"S": pick(g, "g1", "g2")}
	}
	if g.IntN(2) == 0 {
		it["h"] = object{"N": pick(g, "1", "2", "-3")}
	}
	if g.IntN(40) == 0 {
		it[pick(g, "g", "h")] = g.value(0)
	}
	return it
}

// shaped gives m and l mostly a map and a list.
func (g *generator) shaped(name string) any {
	if g.IntN(5) > 0 {
		switch name {
		case "m":
			return object{"M": object{"x": g.value(1), "y": g.value(1), "z": object{"L": []any{g.value(2), g.value(2)}}}}
		case "l":
			return object{"L": []any{g.value(1), g.value(1), g.value(1)}}
		}
	}
	return g.value(0)
}

func (g *generator) value(depth int) any {
	kinds := 10
	if depth > 2 {
		kinds = 6
	}
	switch g.IntN(kinds + 4) {
	case 0:
		return object{"BOOL": g.IntN(2) == 0}
	case 1:
		return object{"NULL": true}
	case 2:
		return object{"B": pick(g, "YQ==", "YWI=", "")}
	case 6:
		return object{"SS": pick(g, []string{"a"}, []string{"a", "b"}, []string{"b", "c"}, []string{"a", "a"})}
	case 7:
		return object{"NS": pick(g, []string{"1"}, []string{"1", "2"}, []string{"10", "2", "-1.5"}, []string{"1", "1.0"})}
	case 8:
		return object{"L": []any{g.value(depth + 1), g.value(depth + 1)}}
	case 9:
		return object{"M": object{pick(g, "x", "y", "name"): g.value(depth + 1)}}
	case 3, 4:
		return object{"S": pick(g, "a", "ab", "b", "", "abc", "\u00e9", "\U0001f600")}
	}
	if depth > 0 {
		return object{"N": pick(g, "0", "1", "2", "-1", "1.5", "10")}
	}
	return object{"N": g.number()}
}

func (g *generator) number() string {
	if g.IntN(60) == 0 {
		return pick(g, "x", "", "1e126", "1e-131", "123456789012345678901234567890123456789", " 1")
	}
	return pick(g, "0", "1", "2", "-1", "1.5", "10", "100", "-0.5", "12345678901234567890123456789012345678", "0.00001", "007", "3.50", "99999999999999999999")
}

func (g *generator) literal() string {
	return g.bind(g.value(0))
}

func (g *generator) bind(v any) string {
	name := fmt.Sprintf(":v%d", len(g.values))
	g.values[name] = v
	return name
}

func (g *generator) path() string {
	if g.IntN(40) == 0 {
		return pick(g, "p", "s", "name", "m.name", "m[0]", "l.x", "zz", "zz.y")
	}
	switch g.IntN(14) {
	case 0:
		g.names["#n"] = "name"
		return "#n"
	case 1:
		return "m.x"
	case 2:
		return "m.y"
	case 3:
		return "l[0]"
	case 4:
		return pick(g, "l[1]", "l[2]", "l[7]")
	case 5:
		return pick(g, "m.z[0]", "m.z[1]", "m.z[1].x", "l[0].x")
	case 6:
		return "m"
	case 7:
		return "l"
	case 8:
		return pick(g, "g", "h")
	}
	return pick(g, "a", "b", "c")
}

func (g *generator) operand() string {
	switch n := g.IntN(20); {
	case n == 0:
		return "size(" + g.path() + ")"
	case n == 1:
		return "(" + g.path() + ")"
	case n < 10:
		return g.path()
	}
	return g.literal()
}

func (g *generator) cond(depth int) string {
	if depth < 3 {
		switch g.IntN(8) {
		case 0:
			return g.cond(depth+1) + " AND " + g.cond(depth+1)
		case 1:
			return g.cond(depth+1) + " or " + g.cond(depth+1)
		case 2:
			return "NOT " + g.cond(depth+1)
		case 3:
			return "(" + g.cond(depth+1) + ")"
		}
	}
	switch g.IntN(12) {
	case 0:
		return "attribute_exists(" + g.path() + ")"
	case 1:
		return "attribute_not_exists(" + g.path() + ")"
	case 2:
		return "attribute_type(" + g.path() + ", " + g.bind(object{"S": pick(g, "S", "N", "B", "L", "M", "SS", "NS", "BOOL", "NULL", "X")}) + ")"
	case 3:
		return "begins_with(" + g.path() + ", " + g.literal() + ")"
	case 4:
		return "contains(" + g.operand() + ", " + g.operand() + ")"
	case 5:
		return g.operand() + " BETWEEN " + g.literal() + " AND " + g.literal()
	case 6:
		return g.path() + " IN (" + g.literal() + ", " + g.operand() + ")"
	case 7:
		return "size(" + g.path() + ") " + pick(g, "=", "<", ">=", "<>") + " " + g.bind(object{"N": pick(g, "0", "1", "2", "3")})
	}
	return g.operand() + " " + pick(g, "=", "=", "<>", "<", "<=", ">", ">=") + " " + g.operand()
}

func (g *generator) condition(body object, kind string, chance float64) {
	if g.Float64() < chance {
		body[kind] = g.spoil(g.cond(0))
	}
}

// spoil breaks an expression now and then.
func (g *generator) spoil(text string) string {
	if g.IntN(40) > 0 {
		return text
	}
	words := strings.Fields(text)
	i := g.IntN(len(words))
	switch g.IntN(3) {
	case 0:
		words = append(words[:i:i], words[i+1:]...)
	case 1:
		words = append(words[:i:i], append([]string{pick(g, ")", "(", ",", "AND", "=", "#", ":", "x", "1", "SET", "!")}, words[i:]...)...)
	case 2:
		words[i] = pick(g, "status", ":undefined", "#undefined", "size(a)", "foo(a)", "[0]", "a.b.c", "_x")
	}
	return strings.Join(words, " ")
}

func (g *generator) update() string {
	var sections []string
	for _, section := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
		if g.IntN(3) > 0 && len(sections) > 0 || g.IntN(2) == 0 {
			continue
		}
		sections = append(sections, section+" "+g.actions(section))
	}
	if len(sections) == 0 {
		sections = []string{"SET " + g.actions("SET")}
	}
	g.Shuffle(len(sections), func(i, j int) { sections[i], sections[j] = sections[j], sections[i] })
	return g.spoil(strings.Join(sections, " "))
}

func (g *generator) actions(section string) string {
	var list []string
	for range 1 + g.IntN(2) {
		switch section {
		case "SET":
			list = append(list, g.path()+" = "+g.right())
		case "REMOVE":
			list = append(list, g.path())
		case "ADD":
			v := pick[any](g, object{"N": "1"}, object{"N": "-2.5"}, object{"SS": []string{"b", "d"}}, object{"NS": []string{"2", "3"}}, g.value(0))
			list = append(list, g.path()+" "+g.bind(v))
		case "DELETE":
			v := pick[any](g, object{"SS": []string{"a"}}, object{"SS": []string{"a", "b"}}, object{"NS": []string{"1"}}, g.value(0))
			list = append(list, g.path()+" "+g.bind(v))
		}
	}
	return strings.Join(list, ", ")
}

func (g *generator) right() string {
	one := func() string { return pick(g, g.path(), g.bind(object{"N": pick(g, "1", "2.5", "-3", "0.1")})) }
	switch g.IntN(10) {
	case 0, 1:
		return one() + pick(g, " + ", " - ") + one()
	case 2:
		return "if_not_exists(" + g.path() + ", " + g.literal() + ")"
	case 3:
		return "list_append(" + g.path() + ", " + g.bind(object{"L": []any{g.value(1)}}) + ")"
	case 4:
		return "list_append(if_not_exists(" + g.path() + ", " + g.bind(object{"L": []any{}}) + "), " + g.bind(object{"L": []any{g.value(1)}}) + ")"
	case 5:
		return "if_not_exists(" + g.path() + ", " + g.bind(object{"N": "0"}) + ") + " + g.bind(object{"N": "1"})
	case 6, 7:
		return g.path()
	}
	return g.literal()
}

func (g *generator) projection(body object) {
	if g.IntN(3) > 0 {
		return
	}
	list := make([]string, 1+g.IntN(3))
	for i := range list {
		list[i] = g.path()
	}
	body["ProjectionExpression"] = g.spoil(strings.Join(list, ", "))
}

func (g *generator) query(body object, pair bool) {
	hash, sort := "p", ""
	hv := func() any { return object{"S": pick(g, "k1", "k2", "k3")} }
	sv := func() any { return object{"N": pick(g, "1", "2", "10", "-1", "0")} }
	if pair {
		sort = "s"
		switch g.IntN(4) {
		case 0:
			body["IndexName"], hash, hv = "keysonly", "g", func() any { return object{"S": pick(g, "g1", "g2")} }
		case 1:
			body["IndexName"], sort, sv = "local", "g", func() any { return object{"S": pick(g, "g", "g1", "g2")} }
		}
	} else {
		switch g.IntN(3) {
		case 0:
			body["IndexName"], hash, hv = "include", "g", func() any { return object{"S": pick(g, "g1", "g2")} }
		case 1:
			body["IndexName"], hash, hv = "all", "h", func() any { return object{"N": pick(g, "1", "2", "-3")} }
			sort, sv = "p", func() any { return object{"S": pick(g, "k", "k1", "k3")} }
		}
	}
	text := hash + " = " + g.bind(hv())
	if sort != "" && g.IntN(3) > 0 {
		switch g.IntN(4) {
		case 0:
			text += " AND " + sort + " BETWEEN " + g.bind(sv()) + " AND " + g.bind(sv())
		case 1:
			text += " AND begins_with(" + sort + ", " + g.bind(sv()) + ")"
		default:
			text += " AND " + sort + " " + pick(g, "=", "<", "<=", ">", ">=") + " " + g.bind(sv())
		}
	}
	body["KeyConditionExpression"] = g.spoil(text)
	g.condition(body, "FilterExpression", 0.3)
	g.projection(body)
	body["ScanIndexForward"] = g.IntN(2) == 0
	body["ConsistentRead"] = g.IntN(4) == 0
	if body["IndexName"] == nil && g.IntN(2) == 0 {
		body["Limit"] = 1 + g.IntN(4)
	}
	if g.IntN(8) == 0 {
		body["Select"] = pick(g, "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES")
	}
}

func (g *generator) transaction() object {
	var list []any
	for range 1 + g.IntN(3) {
		pair := g.IntN(2) == 0
		body := object{"TableName": g.prefix + "single"}
		if pair {
			body["TableName"] = g.prefix + "pair"
		}
		// Faulty keys and updates cancel the transaction there and refuse the request here; they are left out.
		kind := pick(g, "Put", "Update", "Delete", "ConditionCheck")
		switch kind {
		case "Put":
			body["Item"] = object{"p": object{"S": pick(g, "k1", "k2", "k3")}, "s": object{"N": pick(g, "1", "2")}, "a": object{"N": fmt.Sprint(g.IntN(1000000))}, "g": object{"S": pick(g, "g1", "g2")}}
			g.condition(body, "ConditionExpression", 0.4)
		case "Update":
			body["Key"] = g.goodKey(pair)
			body["UpdateExpression"] = "SET c = " + g.bind(object{"N": fmt.Sprint(g.IntN(1000000))})
			g.condition(body, "ConditionExpression", 0.4)
		case "Delete":
			body["Key"] = g.goodKey(pair)
			g.condition(body, "ConditionExpression", 0.4)
		default:
			body["Key"] = g.goodKey(pair)
			g.condition(body, "ConditionExpression", 1)
		}
		g.finish(body)
		if g.IntN(2) == 0 {
			body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
		}
		list = append(list, object{kind: body})
	}
	return object{"TransactItems": list, "ReturnConsumedCapacity": pick(g, "NONE", "TOTAL", "INDEXES")}
}

func (g *generator) goodKey(pair bool) object {
	k := object{"p": object{"S": pick(g, "k1", "k2", "k3")}}
	if pair {
		k["s"] = object{"N": pick(g, "1", "2", "10")}
	}
	return k
}

func (g *generator) batchGet() object {
	var keys []any
	for range 1 + g.IntN(4) {
		keys = append(keys, g.goodKey(true))
	}
	part := object{"Keys": keys, "ConsistentRead": g.IntN(2) == 0}
	g.projection(part)
	g.finish(part)
	return object{"RequestItems": object{g.prefix + "pair": part}, "ReturnConsumedCapacity": pick(g, "TOTAL", "INDEXES")}
}

func (g *generator) batchWrite() object {
	var list []any
	for range 1 + g.IntN(3) {
		if g.IntN(2) == 0 {
			list = append(list, object{"PutRequest": object{"Item": g.item(true)}})
		} else {
			list = append(list, object{"DeleteRequest": object{"Key": g.goodKey(true)}})
		}
	}
	return object{"RequestItems": object{g.prefix + "pair": list}, "ReturnConsumedCapacity": pick(g, "TOTAL", "INDEXES")}
}
