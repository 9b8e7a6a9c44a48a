package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// pages are all texts for people: those in the root and those of this folder.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"../*.md", "*.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			found[path] = read(t, path)
		}
	}
	if len(found) < 10 {
		t.Fatalf("only %d pages were found", len(found))
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var link = regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)|src="([^"]+)"`)

func TestEveryLinkLeadsToAFile(t *testing.T) {
	for path, text := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			target := found[1] + found[3]
			if strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), target)); err != nil {
				t.Errorf("%s leads to %s, which is not there", path, target)
			}
		}
	}
}

var fenced = regexp.MustCompile("(?s)```bash\n(.*?)```")

// TestTheWalkIsTheScript: what a reader pastes is what docs/examples/walk.sh runs.
func TestTheWalkIsTheScript(t *testing.T) {
	script := read(t, "examples/walk.sh")
	for _, path := range []string{"../README.md", "../README.zh-CN.md"} {
		steps := 0
		for _, block := range fenced.FindAllStringSubmatch(read(t, path), -1) {
			if !strings.Contains(block[1], "$API") && !strings.Contains(block[1], "API=") {
				continue
			}
			steps++
			if !strings.Contains(script, block[1]) {
				t.Errorf("%s: this block is not in docs/examples/walk.sh:\n%s", path, block[1])
			}
		}
		if steps < 6 {
			t.Errorf("%s: the walk has %d blocks", path, steps)
		}
	}
}

// TestEveryKeyOfTheConfigurationIsDescribed reads the keys from kit/config and looks for each in running.md.
func TestEveryKeyOfTheConfigurationIsDescribed(t *testing.T) {
	page := read(t, "running.md")
	file, err := parser.ParseFile(token.NewFileSet(), "../kit/config/config.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	structs := map[string]*ast.StructType{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			if s, ok := spec.Type.(*ast.StructType); ok {
				structs[spec.Name.Name] = s
			}
		}
		return true
	})
	keys := keysOf(structs, "Config", "")
	if len(keys) < 30 {
		t.Fatalf("only %d keys were found", len(keys))
	}
	for _, key := range keys {
		if !strings.Contains(page, "`"+key+"`") {
			t.Errorf("running.md does not tell of %s", key)
		}
	}
}

// keysOf lists the keys below a struct. Rates are described once, by the key that holds them.
func keysOf(structs map[string]*ast.StructType, name, prefix string) []string {
	var keys []string
	for _, field := range structs[name].Fields.List {
		if field.Tag == nil {
			continue
		}
		key := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("yaml")
		kind := field.Type
		below := ""
		if m, ok := kind.(*ast.MapType); ok {
			kind, below = m.Value, "<service>."
		}
		inner, ok := kind.(*ast.Ident)
		if ok && structs[inner.Name] != nil && inner.Name != "Rate" {
			keys = append(keys, keysOf(structs, inner.Name, prefix+key+"."+below)...)
			continue
		}
		keys = append(keys, prefix+key)
	}
	return keys
}

// TestNoPagePromisesWhatTheLawForbids: the list is that of the message templates (compliance R40).
func TestNoPagePromisesWhatTheLawForbids(t *testing.T) {
	var words struct{ Promises map[string][]string }
	if err := yaml.Unmarshal([]byte(read(t, "../service/notify/template/words.yaml")), &words); err != nil {
		t.Fatal(err)
	}
	if len(words.Promises) < 2 {
		t.Fatal("the list of words was not found")
	}
	for path, text := range pages(t) {
		text = strings.ToLower(text)
		for _, list := range words.Promises {
			for _, word := range list {
				if strings.Contains(text, strings.ToLower(word)) {
					t.Errorf("%s says %q", path, word)
				}
			}
		}
	}
}

// TestExamplesAreExecutable: what the guides call as a command can be called.
func TestExamplesAreExecutable(t *testing.T) {
	for _, name := range []string{"walk.sh", "many.sh"} {
		info, err := os.Stat(filepath.Join("examples", name))
		if err != nil || info.Mode()&fs.FileMode(0o111) == 0 {
			t.Errorf("examples/%s cannot be run: %v", name, err)
		}
	}
}
