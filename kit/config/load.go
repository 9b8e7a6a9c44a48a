package config

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fileVariable names the file if nobody else does.
const fileVariable = "HENGDAI_CONFIG"

// Load reads a file (if the path is empty: the one that HENGDAI_CONFIG names, or none), puts the environment over it (as os.Environ answers it) and checks
// the whole. Every mistake found is in the error, one a line.
func Load(path string, environ []string) (*Config, error) {
	c := Default()
	from := "--config"
	if path == "" {
		from = fileVariable
		for _, entry := range environ {
			if value, ok := strings.CutPrefix(entry, fileVariable+"="); ok {
				path = value
			}
		}
	}
	if path != "" {
		raw, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fmt.Errorf("%s names a configuration that cannot be read; correct the path or its rights: %w", from, err)
		}
		if err := c.read(raw); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if err := c.readEnvironment(environ); err != nil {
		return nil, err
	}
	c.fill()
	if err := c.Check(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Config) read(raw []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("not YAML, correct the file there: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	if len(doc.Content) == 0 {
		return nil
	}
	if err := checkNode(doc.Content[0], reflect.TypeFor[Config](), ""); err != nil {
		return err
	}
	if err := doc.Decode(c); err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	return nil
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// checkNode says, with the line, which key is unknown or has a value of the wrong kind.
func checkNode(n *yaml.Node, t reflect.Type, path string) error {
	if n.Tag == "!!null" {
		return nil
	}
	wrong := func(want string) error {
		return fmt.Errorf("line %d: %s: %q is wrong: want %s", n.Line, path, n.Value, want)
	}
	if reflect.PointerTo(t).Implements(textUnmarshaler) {
		if err := setText(reflect.New(t).Elem(), n.Value); n.Kind != yaml.ScalarNode || err != nil {
			return wrong("a duration such as 10s or 1m30s")
		}
		return nil
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		if n.Kind != yaml.MappingNode {
			return wrong("keys below it")
		}
		return checkMapping(n, t, path)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			return wrong("a list")
		}
		for i, item := range n.Content {
			if err := checkNode(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case reflect.Int64:
		if _, err := strconv.ParseInt(n.Value, 10, 64); n.Kind != yaml.ScalarNode || err != nil {
			return wrong("a whole number")
		}
	default:
		if n.Kind != yaml.ScalarNode {
			return wrong("a text")
		}
	}
	return nil
}

func checkMapping(n *yaml.Node, t reflect.Type, path string) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		var inner reflect.Type
		if t.Kind() == reflect.Map {
			inner = t.Elem()
		} else {
			field, ok := fieldByKey(t, key.Value)
			if !ok {
				return fmt.Errorf("line %d: unknown key %s; known are %s", key.Line, dotted(path, key.Value), strings.Join(keysOf(t), ", "))
			}
			inner = field.Type
		}
		if err := checkNode(value, inner, dotted(path, key.Value)); err != nil {
			return err
		}
	}
	return nil
}

func fieldByKey(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("yaml") == key {
			return t.Field(i), true
		}
	}
	return reflect.StructField{}, false
}

func keysOf(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i] = t.Field(i).Tag.Get("yaml")
	}
	return keys
}

func dotted(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Variables that begin like configuration and are none: the file's name and what tests use.
var otherVariables = []string{fileVariable, "HENGDAI_TEST_"}

func (c *Config) readEnvironment(environ []string) error {
	var wrong []error
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(entry, "=")
		rest, ok := strings.CutPrefix(name, "HENGDAI_")
		if !ok || slices.ContainsFunc(otherVariables, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		if err := assign(reflect.ValueOf(c).Elem(), rest, value); err != nil {
			wrong = append(wrong, fmt.Errorf("environment variable %s: %w", name, err))
		}
	}
	return errors.Join(wrong...)
}

// assign sets the key that the rest of a variable's name names, in v or below it.
func assign(v reflect.Value, rest, value string) error {
	if v.Kind() == reflect.Struct && !v.Addr().Type().Implements(textUnmarshaler) {
		for i := range v.NumField() {
			key := strings.ToUpper(v.Type().Field(i).Tag.Get("yaml"))
			if rest == key {
				return assign(v.Field(i), "", value)
			}
			if below, ok := strings.CutPrefix(rest, key+"_"); ok {
				return assign(v.Field(i), below, value)
			}
		}
		return errors.New("there is no such key")
	}
	if v.Kind() == reflect.Map {
		return assignEntry(v, rest, value)
	}
	if rest != "" {
		return errors.New("there is no such key")
	}
	return setText(v, value)
}

// assignEntry sets an entry of a map: its key is the name of a service or, among the places, of a party.
func assignEntry(v reflect.Value, rest, value string) error {
	names := Services
	if v.Type() == reflect.TypeFor[Places]() {
		names = []string{strings.ToLower(rest)}
	}
	for _, name := range names {
		below, ok := strings.CutPrefix(rest, strings.ToUpper(name))
		if !ok || below != "" && below[0] != '_' {
			continue
		}
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		entry := reflect.New(v.Type().Elem()).Elem()
		if have := v.MapIndex(reflect.ValueOf(name)); have.IsValid() {
			entry.Set(have)
		}
		if err := assign(entry, strings.TrimPrefix(below, "_"), value); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(name), entry)
		return nil
	}
	return errors.New("there is no such key")
}

func setText(v reflect.Value, value string) error {
	if v.CanAddr() {
		if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
			return u.UnmarshalText([]byte(value))
		}
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(value)
	case reflect.Int64:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is wrong: want a whole number", value)
		}
		v.SetInt(n)
	case reflect.Slice:
		list := reflect.MakeSlice(v.Type(), 0, 4)
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = reflect.Append(list, reflect.ValueOf(item))
			}
		}
		v.Set(list)
	default:
		return errors.New("there is no such key")
	}
	return nil
}
