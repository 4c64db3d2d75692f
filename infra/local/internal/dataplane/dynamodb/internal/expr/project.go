package expr

import "github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"

// Projection is a list of document paths, none within another.
type Projection []Path

// Projection reads a ProjectionExpression.
func (s *Scope) Projection(text string) (Projection, error) {
	p, err := newParser(text)
	if err != nil {
		return nil, inExpression("ProjectionExpression", err)
	}
	raws, err := p.paths()
	if err != nil {
		return nil, inExpression("ProjectionExpression", err)
	}
	out := make(Projection, len(raws))
	for i, raw := range raws {
		if out[i], err = s.path(raw); err != nil {
			return nil, inExpression("ProjectionExpression", err)
		}
	}
	if err := overlap(out); err != nil {
		return nil, inExpression("ProjectionExpression", err)
	}
	return out, nil
}

func (p *parser) paths() ([][]rawStep, error) {
	var raws [][]rawStep
	for {
		raw, err := p.rawPath()
		if err != nil {
			return nil, err
		}
		raws = append(raws, raw)
		if p.at().kind == eof {
			return raws, nil
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}

// Names gives a projection of top-level attributes.
func Names(names []string) Projection {
	out := make(Projection, len(names))
	for i, n := range names {
		out[i] = Path{{Name: n}}
	}
	return out
}

// Apply gives the part of an item that the paths name. Elements of a list close up, in their order.
func (p Projection) Apply(it attr.Item) attr.Item {
	out := attr.Item{}
	for i := range it {
		if v, ok := pick(p, 0, Step{Name: it[i].Name}, it[i].Value); ok {
			out = append(out, attr.Attr{Name: it[i].Name, Value: v})
		}
	}
	return out
}

// pick gives what the paths that go through a step want of the value there.
func pick(paths []Path, depth int, s Step, v attr.Value) (attr.Value, bool) {
	var deeper []Path
	for _, p := range paths {
		if p[depth] != s {
			continue
		}
		if len(p) == depth+1 {
			return v, true
		}
		deeper = append(deeper, p)
	}
	if deeper == nil {
		return v, false
	}
	return within(deeper, depth+1, v)
}

func within(paths []Path, depth int, v attr.Value) (attr.Value, bool) {
	switch v.Type {
	case attr.M:
		out := attr.Value{Type: attr.M}
		for i := range v.Map {
			if w, ok := pick(paths, depth, Step{Name: v.Map[i].Name}, v.Map[i].Value); ok {
				out.Map = append(out.Map, attr.Attr{Name: v.Map[i].Name, Value: w})
			}
		}
		return out, out.Map != nil
	case attr.L:
		out := attr.Value{Type: attr.L}
		for i := range v.List {
			if w, ok := pick(paths, depth, Step{Index: i}, v.List[i]); ok {
				out.List = append(out.List, w)
			}
		}
		return out, out.List != nil
	}
	return attr.Value{}, false
}
