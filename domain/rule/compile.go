package rule

import (
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"
)

// givenSuffix marks the boolean that tells whether a value that may be missing was given.
const givenSuffix = "_given"

// condition is a compiled condition: the whole, its alternatives if it has any, and the fields it reads.
type condition struct {
	source       string
	program      *vm.Program
	alternatives []condition
	reads        []int // indexes into the shape's fields, in the order of the struct
}

// shape is what conditions may read: the exported fields of a struct by their `expr` tag.
type shape struct {
	env    any
	names  []string
	index  map[string]int
	fields []int
}

func shapeOf(env any) (*shape, error) {
	kind := reflect.TypeOf(env)
	if kind == nil || kind.Kind() != reflect.Struct {
		return nil, fmt.Errorf("rules read a struct, not %v", kind)
	}
	s := &shape{env: env, index: map[string]int{}}
	for i := range kind.NumField() {
		field := kind.Field(i)
		name := field.Tag.Get("expr")
		if name == "" || !field.IsExported() {
			continue
		}
		switch field.Type.Kind() {
		case reflect.Int64, reflect.String, reflect.Bool:
		default:
			return nil, fmt.Errorf("field %s has type %v; a rule reads int64, string and bool", name, field.Type)
		}
		s.index[name] = len(s.names)
		s.names = append(s.names, name)
		s.fields = append(s.fields, i)
	}
	return s, nil
}

// compile turns a source into a condition, or says where it is wrong.
func (s *shape) compile(source string) (condition, error) {
	if strings.TrimSpace(source) == "" {
		return condition{}, fmt.Errorf("condition is empty")
	}
	inspector := &inspector{shape: s, source: source, used: map[string]ast.Node{}}
	program, err := expr.Compile(source, expr.Env(s.env), expr.AsBool(), expr.DisableAllBuiltins(),
		expr.MaxNodes(maxConditionNode), expr.Patch(inspector))
	if inspector.err != nil {
		return condition{}, inspector.err
	}
	if err != nil {
		return condition{}, err
	}
	if err := inspector.missingAsked(); err != nil {
		return condition{}, err
	}
	c := condition{source: source, program: program, reads: inspector.reads()}
	for _, part := range inspector.alternatives {
		if part == source {
			return c, nil
		}
		alternative, err := s.compileAlternative(part)
		if err != nil {
			return condition{}, err
		}
		c.alternatives = append(c.alternatives, alternative)
	}
	return c, nil
}

// compileAlternative compiles a part of a condition that was already found to be in order.
func (s *shape) compileAlternative(source string) (condition, error) {
	program, err := expr.Compile(source, expr.Env(s.env), expr.AsBool(), expr.DisableAllBuiltins(), expr.MaxNodes(maxConditionNode))
	if err != nil {
		return condition{}, fmt.Errorf("alternative %q: %w", source, err)
	}
	return condition{source: source, program: program}, nil
}

// inspector walks the parsed condition: it notes the names read and refuses what is not on its list, so nothing can loop, divide
// by zero, match a pattern or build a large value.
type inspector struct {
	shape        *shape
	source       string
	used         map[string]ast.Node
	alternatives []string
	err          error
}

var allowedOperators = []string{"and", "&&", "or", "||", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "in"}

// Visit is called for children before parents, the root last.
func (v *inspector) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if _, known := v.shape.index[n.Value]; !known {
			v.refuse(n, fmt.Sprintf("unknown name %s", n.Value))
		}
		if v.used[n.Value] == nil {
			v.used[n.Value] = n
		}
	case *ast.BinaryNode:
		if !slices.Contains(allowedOperators, n.Operator) {
			v.refuse(n, fmt.Sprintf("operator %s may not be used", n.Operator))
		}
	case *ast.UnaryNode, *ast.IntegerNode, *ast.BoolNode, *ast.StringNode, *ast.ArrayNode, *ast.ConstantNode:
	default:
		v.refuse(n, fmt.Sprintf("%s may not be used", strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", n), "*ast."), "Node")))
	}
	v.alternatives = alternatives(*node, nil)
}

func (v *inspector) refuse(node ast.Node, why string) {
	if v.err == nil {
		v.err = fmt.Errorf("%s (%s)", why, place(v.source, node.Location().From))
	}
}

// missingAsked refuses a condition that reads a value which may be missing without asking whether it was given.
func (v *inspector) missingAsked() error {
	for _, name := range v.shape.names {
		node, read := v.used[name]
		if !read {
			continue
		}
		companion := name + givenSuffix
		if _, optional := v.shape.index[companion]; optional && v.used[companion] == nil {
			return fmt.Errorf("%s may be missing: ask %s too (%s)", name, companion, place(v.source, node.Location().From))
		}
	}
	return nil
}

func (v *inspector) reads() []int {
	reads := make([]int, 0, len(v.used))
	for name := range v.used {
		reads = append(reads, v.shape.index[name])
	}
	sort.Ints(reads)
	return reads
}

// alternatives lists the operands of a chain of "or" at the top of a condition.
func alternatives(node ast.Node, into []string) []string {
	if n, ok := node.(*ast.BinaryNode); ok && (n.Operator == "or" || n.Operator == "||") {
		return alternatives(n.Right, alternatives(n.Left, into))
	}
	return append(into, node.String())
}

// place turns an offset into a position a person can find.
func place(source string, offset int) string {
	line, column := 1, 1
	for i, r := range []rune(source) {
		if i >= offset {
			break
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return fmt.Sprintf("line %d, column %d", line, column)
}
