package rule

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"time"

	"github.com/expr-lang/expr/vm"
)

// memoryBudget bounds what one condition may allocate, in the engine's units.
const memoryBudget = 10_000

// Set is a list of rules ready to be evaluated against values of one struct type. It is safe for concurrent use.
type Set[T any] struct {
	shape *shape
	rules []compiled
}

type compiled struct {
	Rule
	when condition
}

// Compile checks rules, compiles them against T, whose fields carry `expr` and `json` tags, and runs their tests. Prepare completes a
// value that a test gives only in part (derived fields); it may be nil.
func Compile[T any](rules []Rule, prepare func(*T)) (*Set[T], error) {
	var zero T
	shape, err := shapeOf(zero)
	if err != nil {
		return nil, err
	}
	if len(rules) > MaxRules {
		return nil, fmt.Errorf("%d rules, at most %d", len(rules), MaxRules)
	}
	set := &Set[T]{shape: shape}
	seen := map[string]bool{}
	for i, r := range rules {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("rule %d (%s): %w", i+1, r.ID, err)
		}
		if seen[r.ID] {
			return nil, fmt.Errorf("rule %d (%s): the id is used twice", i+1, r.ID)
		}
		seen[r.ID] = true
		when, err := shape.compile(r.When)
		if err != nil {
			return nil, fmt.Errorf("rule %d (%s): %w", i+1, r.ID, err)
		}
		set.rules = append(set.rules, compiled{Rule: r, when: when})
	}
	return set, set.test(prepare)
}

// Load reads a JSON list of rules and compiles it.
func Load[T any](data []byte, prepare func(*T)) (*Set[T], error) {
	var rules []Rule
	if err := strict(data, &rules); err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return Compile(rules, prepare)
}

// Rules lists the rules in their order.
func (s *Set[T]) Rules() []Rule {
	rules := make([]Rule, len(s.rules))
	for i, r := range s.rules {
		rules[i] = r.Rule
	}
	return rules
}

// Reads lists the names that a rule reads.
func (s *Set[T]) Reads(id string) []string {
	for _, r := range s.rules {
		if r.ID != id {
			continue
		}
		names := make([]string, len(r.when.reads))
		for i, field := range r.when.reads {
			names[i] = s.shape.names[field]
		}
		return names
	}
	return nil
}

// Read is a value that a rule read, as text.
type Read struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Finding says what one rule found.
type Finding struct {
	// Rule is the rule's id.
	Rule string `json:"rule"`
	// Held tells whether the condition held.
	Held bool `json:"held"`
	// Because lists which alternatives held, or the whole condition when it has none.
	Because []string `json:"because,omitempty"`
	// Read lists the values read.
	Read []Read `json:"read,omitempty"`
	// Failed is why the rule could not be evaluated; such a rule neither held nor did not hold.
	Failed string `json:"failed,omitempty"`
	// Micros is how long the evaluation took; it is the only part that differs when a decision is repeated.
	Micros int64 `json:"micros,omitempty"`

	// Definition is the rule itself.
	Definition *Rule `json:"-"`
}

// Watch tells elapsed time. It is an argument because a pure function has no clock.
type Watch func() time.Duration

// Evaluate runs every rule of a group that is in force on a business date, in order.
func (s *Set[T]) Evaluate(group, on string, values *T, watch Watch) []Finding {
	var found []Finding
	machine := &vm.VM{MemoryBudget: memoryBudget}
	value := reflect.ValueOf(values).Elem()
	for i := range s.rules {
		r := &s.rules[i]
		if r.Group != group || !r.Effective.Covers(on) {
			continue
		}
		start := elapsed(watch)
		f := s.evaluate(machine, r, *values, value)
		f.Micros = (elapsed(watch) - start).Microseconds()
		found = append(found, f)
	}
	return found
}

func elapsed(watch Watch) time.Duration {
	if watch == nil {
		return 0
	}
	return watch()
}

func (s *Set[T]) evaluate(machine *vm.VM, r *compiled, env T, value reflect.Value) Finding {
	f := Finding{Rule: r.ID, Definition: &r.Rule, Read: make([]Read, 0, len(r.when.reads))}
	for _, field := range r.when.reads {
		f.Read = append(f.Read, Read{s.shape.names[field], text(value.Field(s.shape.fields[field]))})
	}
	held, err := run(machine, r.when, env)
	if err != nil {
		f.Failed = err.Error()
		return f
	}
	f.Held = held
	if held {
		f.Because = because(machine, r.when, env)
	}
	return f
}

// run evaluates a condition. The engine reports its own panics as errors.
func run(machine *vm.VM, c condition, env any) (bool, error) {
	answer, err := machine.Run(c.program, env)
	if err != nil {
		return false, err
	}
	held, ok := answer.(bool)
	if !ok {
		return false, fmt.Errorf("condition gave %T, not a yes or no", answer)
	}
	return held, nil
}

func because(machine *vm.VM, c condition, env any) []string {
	if len(c.alternatives) == 0 {
		return []string{c.source}
	}
	var held []string
	for _, alternative := range c.alternatives {
		if yes, err := run(machine, alternative, env); err == nil && yes {
			held = append(held, alternative.source)
		}
	}
	return held
}

func text(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	default:
		return v.String()
	}
}

// test runs the rules' own tests.
func (s *Set[T]) test(prepare func(*T)) error {
	machine := &vm.VM{MemoryBudget: memoryBudget}
	for i := range s.rules {
		r := &s.rules[i]
		for _, t := range r.Tests {
			var values T
			if err := strict(t.Given, &values); err != nil {
				return fmt.Errorf("rule %s, test %q: %w", r.ID, t.Name, err)
			}
			if prepare != nil {
				prepare(&values)
			}
			held, err := run(machine, r.when, values)
			if err != nil {
				return fmt.Errorf("rule %s, test %q: %w", r.ID, t.Name, err)
			}
			if held != t.Holds {
				return fmt.Errorf("rule %s, test %q: holds is %v, the test says %v", r.ID, t.Name, held, t.Holds)
			}
		}
		if err := bothWays(r.Rule); err != nil {
			return err
		}
	}
	return nil
}

// bothWays asks for a test in which the rule holds and one in which it does not: a rule that always holds, or never, proves nothing.
func bothWays(r Rule) error {
	ways := map[bool]bool{}
	for _, t := range r.Tests {
		ways[t.Holds] = true
	}
	if len(ways) < 2 {
		return fmt.Errorf("rule %s: its tests never show it both holding and not holding", r.ID)
	}
	return nil
}

// BySeverity orders findings that held: the gravest first, then by the order of the set.
func BySeverity(found []Finding) {
	sort.SliceStable(found, func(i, j int) bool { return found[i].Definition.Severity > found[j].Definition.Severity })
}
