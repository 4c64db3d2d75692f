package template

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrTemplate means that the file is no template, or that its parameters do not fit.
var ErrTemplate = errors.New("template: cannot be read")

// Options are the optional parts of [Load]. The zero value is ready to use.
type Options struct {
	Region     string            // us-east-1 if empty
	AccountID  string            // 123456789012 if empty
	StackName  string            // local if empty
	Parameters map[string]string // overrides of the parameters' defaults
	Imports    map[string]string // what Fn::ImportValue gives, by export name
	// SQSEndpoint is the base of queue URLs; AWS's own if empty.
	SQSEndpoint string
}

// Load reads a template. Its error is [ErrTemplate] for a file or parameters that cannot be used; everything else that
// is wrong is a [Mistake] among the app's Notices, all of them at once.
func Load(path string, opts *Options) (*App, error) {
	r, err := open(path, opts)
	if err != nil {
		return nil, err
	}
	r.read()
	return r.app, nil
}

// open parses a template and gives its parameters their values.
func open(path string, opts *Options) (*reader, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrTemplate, path, err)
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%w: %s is no mapping", ErrTemplate, path)
	}
	r := newReader(path, doc.Content[0], opts)
	return r, r.readParameters()
}

// reader is one reading of a template.
type reader struct {
	opts      Options
	file      string
	root      *yaml.Node
	app       *App
	params    map[string]any
	resources []*resource
	byID      map[string]*resource
	generated map[string]string // logical ids that SAM makes, to what Ref gives
	evaluates map[string]bool   // conditions and resources under way, against cycles
	said      map[string]bool   // notices given, against repeats
	nested    map[string]*App   // applications within this one, by logical id
	prefix    string            // of the physical names, in an application within another
}

// resource is one entry of Resources.
type resource struct {
	id, kind string
	pos      Pos
	props    *yaml.Node // a mapping; never nil
	meta     *yaml.Node
	used     map[string]bool // properties that were read
}

func newReader(path string, root *yaml.Node, opts *Options) *reader {
	r := &reader{
		file: path, root: root, params: map[string]any{}, byID: map[string]*resource{},
		generated: map[string]string{}, evaluates: map[string]bool{}, said: map[string]bool{}, nested: map[string]*App{},
	}
	if opts != nil {
		r.opts = *opts
	}
	defaults := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	defaults(&r.opts.Region, "us-east-1")
	defaults(&r.opts.AccountID, "123456789012")
	defaults(&r.opts.StackName, "local")
	r.app = &App{Path: path, Region: r.opts.Region, AccountID: r.opts.AccountID, StackName: r.opts.StackName}
	return r
}

// read goes through the sections. Resources come before what refers to them.
func (r *reader) read() {
	r.checkDuplicates(r.root)
	r.checkSections()
	r.listResources()
	r.declareGenerated()
	r.readTables()
	r.readQueues()
	r.readFunctions()
	r.readServerlessAPIs()
	r.readRawAPIs()
	r.readMappings()
	r.readRawSchedules()
	r.readNested()
	r.readOthers()
	r.readOutputs()
	r.checkMappings()
}

func (r *reader) checkSections() {
	for _, key := range []string{"Conditions", "Resources", "Outputs", "Globals", "Mappings"} {
		if n := child(r.root, key); n != nil && n.Kind != yaml.MappingNode {
			r.mistake(r.pos(n), "", "%s is no mapping", key)
		}
	}
	for i := 0; i+1 < len(r.root.Content); i += 2 {
		key := r.root.Content[i]
		known := []string{"AWSTemplateFormatVersion", "Transform", "Description", "Metadata", "Parameters", "Mappings",
			"Conditions", "Rules", "Globals", "Resources", "Outputs"}
		if !slices.Contains(known, key.Value) {
			r.mistake(r.pos(key), "", "unknown section %s", key.Value)
		}
	}
	if t := child(r.root, "Transform"); t != nil {
		if s := fmt.Sprint(r.eval(t)); strings.Contains(s, "AWS::LanguageExtensions") || strings.Contains(s, "AWS::Include") {
			r.notEmulated(r.pos(t), "", "transform %s", s)
		}
	}
}

// listResources lists the resources whose conditions hold, with Globals merged in.
func (r *reader) listResources() {
	section := child(r.root, "Resources")
	if section == nil || section.Kind != yaml.MappingNode {
		r.mistake(r.pos(r.root), "", "the template has no Resources")
		return
	}
	for i := 0; i+1 < len(section.Content); i += 2 {
		key, node := section.Content[i], section.Content[i+1]
		res := &resource{id: key.Value, pos: r.pos(key), props: &yaml.Node{Kind: yaml.MappingNode, Line: key.Line}, used: map[string]bool{}}
		if node.Kind != yaml.MappingNode || child(node, "Type") == nil {
			r.mistake(res.pos, res.id, "a resource is a mapping with a Type")
			continue
		}
		res.kind = child(node, "Type").Value
		if c := child(node, "Condition"); c != nil && !r.condition(c.Value, r.pos(c)) {
			continue
		}
		if p := child(node, "Properties"); p != nil && p.Kind == yaml.MappingNode {
			res.props = p
		}
		res.meta = child(node, "Metadata")
		res.props = r.withGlobals(res)
		r.resources = append(r.resources, res)
		r.byID[res.id] = res
	}
}

// withGlobals merges the Globals of the resource's type under its own properties.
func (r *reader) withGlobals(res *resource) *yaml.Node {
	kind, ok := strings.CutPrefix(res.kind, "AWS::Serverless::")
	if !ok {
		return res.props
	}
	globals := child(child(r.root, "Globals"), kind)
	if globals == nil {
		return res.props
	}
	return merge(globals, res.props)
}

// merge puts local over global as SAM does: mappings merge, lists append, all else is replaced.
func merge(global, local *yaml.Node) *yaml.Node {
	if global.Kind == yaml.SequenceNode && local.Kind == yaml.SequenceNode && plain(global) && plain(local) {
		out := *local
		out.Content = append(slices.Clone(global.Content), local.Content...)
		return &out
	}
	if global.Kind != yaml.MappingNode || local.Kind != yaml.MappingNode || isIntrinsic(global) || isIntrinsic(local) {
		return local
	}
	out := *local
	out.Content = slices.Clone(local.Content)
	for i := 0; i+1 < len(global.Content); i += 2 {
		key, value := global.Content[i], global.Content[i+1]
		at := indexOf(&out, key.Value)
		if at < 0 {
			out.Content = append(out.Content, key, value)
			continue
		}
		out.Content[at+1] = merge(value, out.Content[at+1])
	}
	return &out
}

func plain(n *yaml.Node) bool {
	return !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!")
}

func (r *reader) readOutputs() {
	section := child(r.root, "Outputs")
	if section == nil || section.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(section.Content); i += 2 {
		node := section.Content[i+1]
		if c := child(node, "Condition"); c != nil && !r.condition(c.Value, r.pos(c)) {
			continue
		}
		value := child(node, "Value")
		if value == nil {
			r.mistake(r.pos(section.Content[i]), "", "the output %s has no Value", section.Content[i].Value)
			continue
		}
		out := Output{Key: section.Content[i].Value, Value: text(r.eval(value))}
		if d := child(node, "Description"); d != nil {
			out.Description = text(r.eval(d))
		}
		r.app.Outputs = append(r.app.Outputs, out)
	}
}

// checkDuplicates finds keys that stand twice in one mapping: the second would win in silence.
func (r *reader) checkDuplicates(n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key := n.Content[i]; seen[key.Value] {
				r.mistake(r.pos(key), "", "the key %s stands twice", key.Value)
			} else {
				seen[key.Value] = true
			}
		}
	}
	for _, c := range n.Content {
		r.checkDuplicates(c)
	}
}

func (r *reader) pos(n *yaml.Node) Pos {
	if n == nil {
		return Pos{File: r.file}
	}
	return Pos{File: r.file, Line: n.Line}
}

func (r *reader) mistake(pos Pos, id, format string, args ...any) {
	r.notice(Notice{Severity: Mistake, Pos: pos, Resource: id, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) warn(pos Pos, id, format string, args ...any) {
	r.notice(Notice{Severity: Warning, Pos: pos, Resource: id, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) notEmulated(pos Pos, id, format string, args ...any) {
	r.notice(Notice{Severity: NotEmulated, Pos: pos, Resource: id, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) notice(n Notice) {
	if key := n.String(); !r.said[key] {
		r.said[key] = true
		r.app.Notices = append(r.app.Notices, n)
	}
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	if i := indexOf(n, key); i >= 0 {
		return n.Content[i+1]
	}
	return nil
}

func indexOf(n *yaml.Node, key string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return i
		}
	}
	return -1
}
