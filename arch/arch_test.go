package arch

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheTreeKeepsItsRules(t *testing.T) {
	found, err := faults("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range found {
		t.Error(fault)
	}
}

// TestEachRuleCanFail builds a small tree per rule and sees it refused.
func TestEachRuleCanFail(t *testing.T) {
	long := strings.Repeat("\t_ = 1\n", functionLines+1)
	tests := []struct{ dir, text, want string }{
		{"domain/graph", `import _ "net/http"`, "domain/graph imports net/http: domain computes, it does not do I/O"},
		{"domain/graph", `import _ "github.com/x/y"`, "domain/graph imports github.com/x/y: domain uses the standard library only"},
		{"domain/loan", imports("kit/store"), "domain/loan imports kit/store"},
		{"service/risk/feature", imports("service/loan"), "service/risk/feature imports service/loan"},
		{"service/payment", imports("api/loan/v1/loanv1connect"), "service/payment imports api/loan/v1/loanv1connect"},
		{"service/user", imports("api/loan/v1"), "service/user imports api/loan/v1"},
		{"service/user", imports("api/risk/v1/riskv1connect"), "service/user imports api/risk/v1/riskv1connect"},
		{"kit/store", imports("service/loan"), "kit/store imports service/loan"},
		{"kit/store", imports("api/loan/v1"), "kit/store imports api/loan/v1"},
		{"sandbox/sms", imports("service/notify"), "sandbox/sms imports service/notify"},
		{"demo", imports("service/loan"), "demo imports service/loan"},
		{"demo", imports("domain/loan"), "demo imports domain/loan"},
		{"somewhere", imports("kit/store"), "somewhere imports kit/store"},
		{"kit/utils", `import _ "strings"`, "kit/utils: a name that says nothing"},
		{"domain/money", "var a float64", "domain/money/x.go:4: a floating point number touches money"},
		{"kit/store", "func init() {}", "kit/store/x.go: init registers in secret; put a row in a table instead"},
		{"kit/store", "func f() {\n" + long + "}", fmt.Sprintf("kit/store/x.go: f has %d lines, at most %d", functionLines+2, functionLines)},
		{"kit/store", strings.Repeat("//\n", fileLines) + "var a int", fmt.Sprintf("kit/store/x.go: %d lines, at most %d", fileLines+4, fileLines)},
	}
	for _, test := range tests {
		root := t.TempDir()
		write(t, filepath.Join(root, test.dir, "x.go"), "// Package x is a test.\npackage x\n\n"+test.text+"\n")
		if got := must(t, root); !slices.Equal(got, []string{test.want}) {
			t.Errorf("%s with %.40q: got %q, want %q", test.dir, test.text, got, test.want)
		}
	}
}

func TestAPackageWithoutACommentIsFound(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "kit/store/x.go"), "package x\n")
	if got, want := must(t, root), []string{"kit/store: 0 package comments, want one"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	write(t, filepath.Join(root, "kit/store/x.go"), "// Package x is one.\npackage x\n")
	write(t, filepath.Join(root, "kit/store/y.go"), "// Package x is two.\npackage x\n")
	if got, want := must(t, root), []string{"kit/store: 2 package comments, want one"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestATestMayUseTheSandboxButNotAnotherService(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "service/user/doc.go"), "// Package user is a test.\npackage user\n")
	write(t, filepath.Join(root, "service/user/x_test.go"), "package user\n"+imports("sandbox/identity")+"\n"+imports("service/loan")+"\n")
	if got, want := must(t, root), []string{"service/user (test) imports service/loan"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCallsHaveNoCycle(t *testing.T) {
	if cycle := findCycle(mayCall); cycle != "" {
		t.Error(cycle)
	}
	if findCycle(map[string][]string{"a": {"b"}, "b": {"a"}}) == "" {
		t.Error("a cycle of two was not found")
	}
}

func findCycle(calls map[string][]string) string {
	var visit func(path []string) string
	visit = func(path []string) string {
		for _, next := range calls[path[len(path)-1]] {
			if slices.Contains(path, next) {
				return "cycle: " + strings.Join(append(path, next), " calls ")
			}
			if cycle := visit(append(slices.Clone(path), next)); cycle != "" {
				return cycle
			}
		}
		return ""
	}
	for name := range calls {
		if cycle := visit([]string{name}); cycle != "" {
			return cycle
		}
	}
	return ""
}

func imports(path string) string { return fmt.Sprintf("import _ %q", module+path) }

func must(t *testing.T, root string) []string {
	t.Helper()
	found, err := faults(root)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
