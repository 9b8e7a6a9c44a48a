package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestAnErrorNamesAFieldAsItsJSONDoes: whoever reads the error finds the field in what he sent.
func TestAnErrorNamesAFieldAsItsJSONDoes(t *testing.T) {
	found, seen := fieldFaults(t, "..")
	for _, fault := range found {
		t.Error(fault)
	}
	if seen < 50 {
		t.Errorf("only %d errors with a field were found", seen)
	}
}

func TestAFieldThatNoMessageHasIsFound(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "service/x/x.go"), `package x
var a, b, c = errs.New().On("card_no"), errs.New().On("product.grades"), errs.New().On("cardNumber")
`)
	found, _ := fieldFaults(t, root)
	want := []string{`service/x/x.go: no request has a field "card_no" in its JSON`, `service/x/x.go: no request has a field "cardNumber" in its JSON`}
	if !slices.Equal(found, want) {
		t.Errorf("got %q, want %q", found, want)
	}
}

func fieldFaults(t *testing.T, root string) (found []string, seen int) {
	t.Helper()
	known := map[string]bool{}
	eachFile(func(file protoreflect.FileDescriptor) {
		for i := range file.Messages().Len() {
			fields := file.Messages().Get(i).Fields()
			for j := range fields.Len() {
				known[fields.Get(j).JSONName()] = true
			}
		}
	})
	all, err := sources(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.test || s.generated || (!strings.HasPrefix(s.dir, "service/") && !strings.HasPrefix(s.dir, "kit/")) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || called(call) != "On" || len(call.Args) != 1 {
				return true
			}
			lit, ok := call.Args[0].(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			seen++
			path, _ := strconv.Unquote(lit.Value)
			if slices.ContainsFunc(strings.Split(path, "."), func(name string) bool { return !known[name] }) {
				found = append(found, fmt.Sprintf("%s: no request has a field %q in its JSON", s.path, path))
			}
			return true
		})
	}
	return found, seen
}
