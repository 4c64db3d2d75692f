package dynamodb

import (
	"slices"
	"strings"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

// Quotas on indexes (Developer Guide, "Quotas").
const (
	maxGlobal = 20
	maxLocal  = 5
	maxNonKey = 100
)

// spec is what CreateTable says of a table.
type spec struct {
	name, arn, id string
	attrs         map[string]attr.Type
	attrOrder     []string
	keys          keySchema
	billing       string // PROVISIONED or PAY_PER_REQUEST
	throughput    throughput
	class         string
	protected     bool
}

type throughput struct{ read, write int64 }

type indexSpec struct {
	name        string
	local       bool
	keys        keySchema
	projection  string // ALL, KEYS_ONLY or INCLUDE
	nonKey      map[string]bool
	nonKeyOrder []string
	throughput  throughput
}

// readAttributes reads AttributeDefinitions into the spec, adding to what is there.
func (s *spec) readAttributes(n *awsjson.Node) error {
	for i := range n.Get("AttributeDefinitions").Kids {
		d := &n.Get("AttributeDefinitions").Kids[i]
		if err := only(d, "AttributeDefinition", "AttributeName", "AttributeType"); err != nil {
			return err
		}
		name, err := text(d, "AttributeName")
		if err != nil {
			return err
		}
		kind, err := choice(d, "AttributeType", "B", "N", "S")
		if err != nil {
			return err
		}
		if name == "" || kind == "" {
			return missing("attributeDefinitions")
		}
		if was, ok := s.attrs[name]; ok && was != attr.TypeOf(kind) {
			return invalid("Cannot redefine attribute: %s", name)
		} else if !ok {
			s.attrOrder = append(s.attrOrder, name)
		}
		s.attrs[name] = attr.TypeOf(kind)
	}
	return nil
}

// readKeys reads a KeySchema and checks it against the attribute definitions.
func (s *spec) readKeys(n *awsjson.Node) (keySchema, error) {
	var k keySchema
	parts := n.Get("KeySchema")
	if !parts.Is(awsjson.Array) {
		return k, missing("keySchema")
	}
	if len(parts.Kids) < 1 || len(parts.Kids) > 2 {
		return k, constraint("["+strings.Repeat("KeySchemaElement", len(parts.Kids))+"]", "keySchema", "Member must have length between 1 and 2")
	}
	for i := range parts.Kids {
		name, err := text(&parts.Kids[i], "AttributeName")
		if err != nil {
			return k, err
		}
		kind, err := choice(&parts.Kids[i], "KeyType", "HASH", "RANGE")
		if err != nil {
			return k, err
		}
		switch {
		case i == 0 && kind != "HASH":
			return k, invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
		case i == 1 && kind != "RANGE":
			return k, invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
		case i == 1 && name == k.hash:
			return k, invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
		case i == 0:
			k.hash = name
		default:
			k.sort = name
		}
	}
	return k, s.defined(k)
}

func (s *spec) defined(k keySchema) error {
	for _, name := range k.names() {
		if s.attrs[name] == 0 {
			return invalid(badParameter+"Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				strings.Join(k.names(), ", "), strings.Join(s.attrOrder, ", "))
		}
	}
	return nil
}

// readIndexes reads one of the two lists of indexes.
func (s *spec) readIndexes(n *awsjson.Node, local bool) ([]*index, error) {
	list := n.Get("GlobalSecondaryIndexes")
	what, most := "GlobalSecondaryIndex", maxGlobal
	if local {
		list, what, most = n.Get("LocalSecondaryIndexes"), "LocalSecondaryIndex", maxLocal
	}
	if list.Is(awsjson.None) {
		return nil, nil
	}
	if len(list.Kids) == 0 {
		return nil, invalid(badParameter+"List of %ses is empty", what)
	}
	if len(list.Kids) > most {
		return nil, coded("LimitExceededException", what+" count exceeds the per-table limit of "+itoa(most))
	}
	var out []*index
	for i := range list.Kids {
		ix, err := s.readIndex(&list.Kids[i], local)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(x *index) bool { return x.name == ix.name }) {
			return nil, invalid(badParameter+"Duplicate index name: %s", ix.name)
		}
		out = append(out, ix)
	}
	return out, nil
}

func (s *spec) readIndex(n *awsjson.Node, local bool) (*index, error) {
	known := []string{"IndexName", "KeySchema", "Projection"}
	if !local {
		known = append(known, "ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput")
	}
	if err := only(n, "the index", known...); err != nil {
		return nil, err
	}
	ix := &index{indexSpec: indexSpec{local: local}}
	name, err := text(n, "IndexName")
	if err != nil {
		return nil, err
	}
	if len(name) < 3 || len(name) > 255 || !validName(name) {
		return nil, invalid("IndexName must be at least 3 characters long and at most 255 characters long, of the characters a-zA-Z0-9_.-: %s", name)
	}
	ix.name = name
	if ix.keys, err = s.readKeys(n); err != nil {
		return nil, err
	}
	if local && (ix.keys.hash != s.keys.hash) {
		return nil, invalid(badParameter+"Table KeySchema and index KeySchema do not have the same HASH key: index %s", name)
	}
	if local && ix.keys.sort == "" {
		return nil, invalid(badParameter+"Index KeySchema does not have a range key for index: %s", name)
	}
	if ix.throughput, err = readThroughput(n); err != nil {
		return nil, err
	}
	return ix, ix.readProjection(n.Get("Projection"))
}

func (ix *index) readProjection(n *awsjson.Node) error {
	if n.Is(awsjson.None) {
		return missing("projection")
	}
	var err error
	if ix.projection, err = choice(n, "ProjectionType", "ALL", "INCLUDE", "KEYS_ONLY"); err != nil {
		return err
	}
	list := n.Get("NonKeyAttributes")
	switch {
	case ix.projection == "":
		return invalid(badParameter + "Unknown ProjectionType: null")
	case ix.projection != "INCLUDE" && !list.Is(awsjson.None):
		return invalid(badParameter+"ProjectionType is %s, but NonKeyAttributes is specified", ix.projection)
	case ix.projection == "INCLUDE" && len(list.Kids) == 0:
		return invalid(badParameter+"ProjectionType is %s, but NonKeyAttributes is not specified", ix.projection)
	case len(list.Kids) > maxNonKey:
		return invalid(badParameter + "The number of projected attributes exceeds the limit of 100")
	}
	ix.nonKey = map[string]bool{}
	for i := range list.Kids {
		ix.nonKey[list.Kids[i].Str] = true
		ix.nonKeyOrder = append(ix.nonKeyOrder, list.Kids[i].Str)
	}
	return nil
}

func readThroughput(n *awsjson.Node) (throughput, error) {
	var t throughput
	for _, name := range []string{"OnDemandThroughput", "WarmThroughput"} {
		if has(n, name) {
			return t, unsupported("the parameter " + name)
		}
	}
	m := n.Get("ProvisionedThroughput")
	if m.Is(awsjson.None) {
		return t, nil
	}
	read, okRead, err := integer(m, "ReadCapacityUnits")
	if err != nil {
		return t, err
	}
	write, okWrite, err := integer(m, "WriteCapacityUnits")
	if err != nil {
		return t, err
	}
	switch {
	case !okRead:
		return t, missing("provisionedThroughput.readCapacityUnits")
	case !okWrite:
		return t, missing("provisionedThroughput.writeCapacityUnits")
	case read < 1:
		return t, constraint(itoa(int(read)), "provisionedThroughput.readCapacityUnits", "Member must have value greater than or equal to 1")
	case write < 1:
		return t, constraint(itoa(int(write)), "provisionedThroughput.writeCapacityUnits", "Member must have value greater than or equal to 1")
	}
	return throughput{read, write}, nil
}

// readBilling reads how the table is paid for, and what has to agree with that.
func (s *spec) readBilling(n *awsjson.Node, indexes []*index) error {
	var err error
	if s.billing, err = choice(n, "BillingMode", "PROVISIONED", "PAY_PER_REQUEST"); err != nil {
		return err
	}
	if s.billing == "" {
		s.billing = "PROVISIONED"
	}
	if s.throughput, err = readThroughput(n); err != nil {
		return err
	}
	onDemand := s.billing == "PAY_PER_REQUEST"
	switch given := s.throughput != (throughput{}); {
	case onDemand && given:
		return invalid(badParameter + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	case !onDemand && !given:
		return invalid(badParameter + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	for _, ix := range indexes {
		given := ix.throughput != (throughput{})
		if !ix.local && given == onDemand {
			return invalid(badParameter+"ProvisionedThroughput and BillingMode %s do not agree for index: %s", s.billing, ix.name)
		}
	}
	return nil
}

// unusedAttributes refuses definitions that no key uses.
func (s *spec) unusedAttributes(indexes []*index) error {
	used := map[string]bool{s.keys.hash: true, s.keys.sort: true}
	for _, ix := range indexes {
		used[ix.keys.hash], used[ix.keys.sort] = true, true
	}
	for _, name := range s.attrOrder {
		if !used[name] {
			return invalid(badParameter + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
		}
	}
	return nil
}
