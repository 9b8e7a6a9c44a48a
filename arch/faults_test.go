package arch

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

// faults answers every breach of the rules below root, one sentence each.
func faults(root string) ([]string, error) {
	files, err := sources(root)
	if err != nil {
		return nil, err
	}
	var found []string
	docs := map[string]int{}
	seen := map[string]bool{}
	for _, file := range files {
		if !seen[file.dir] && slices.Contains(vague, path.Base(file.dir)) {
			found = append(found, file.dir+": a name that says nothing")
		}
		seen[file.dir] = true
		if !file.test && !file.generated && file.file.Doc != nil {
			docs[file.dir]++
		}
		for _, imported := range file.imports() {
			if fault := judgeImport(file, imported); fault != "" {
				found = append(found, fault)
			}
		}
		if !file.generated {
			found = append(found, sizeFaults(file)...)
			found = append(found, floatFaults(file)...)
			found = append(found, initFaults(file)...)
		}
	}
	return append(found, docFaults(files, docs)...), nil
}

// judgeImport says what is wrong with one import; empty if nothing.
func judgeImport(file source, imported string) string {
	to, ours := strings.CutPrefix(imported, module)
	inDomain := strings.HasPrefix(file.dir, "domain/")
	switch {
	case ours && !file.test && !allowed(file.dir, to):
		return fmt.Sprintf("%s imports %s", file.dir, to)
	case ours && file.test && !allowedInTest(file.dir, to):
		return fmt.Sprintf("%s (test) imports %s", file.dir, to)
	case inDomain && !file.test && slices.Contains(impure, imported):
		return fmt.Sprintf("%s imports %s: domain computes, it does not do I/O", file.dir, imported)
	case inDomain && !file.test && !ours && foreign(imported) && !excepted(file.dir, imported):
		return fmt.Sprintf("%s imports %s: domain uses the standard library only", file.dir, imported)
	}
	return ""
}

func foreign(imported string) bool {
	return strings.Contains(strings.SplitN(imported, "/", 2)[0], ".")
}

func excepted(dir, imported string) bool {
	for prefix, library := range pureExceptions {
		if (dir == prefix || strings.HasPrefix(dir, prefix+"/")) && strings.HasPrefix(imported, library) {
			return true
		}
	}
	return false
}

// allowed is the import table, with the call graph between services.
func allowed(from, to string) bool {
	src, dst := strings.Split(from, "/"), strings.Split(to, "/")
	switch {
	case src[0] == "service" && dst[0] == "service":
		return len(src) > 1 && len(dst) > 1 && src[1] == dst[1]
	case src[0] == "service" && dst[0] == "api" && len(dst) > 1 && len(src) > 1:
		return serviceMaySpeak(src[1], dst[1], strings.HasSuffix(to, "connect"))
	case src[0] == "kit" && dst[0] == "api":
		return len(dst) > 1 && kitAPIs[dst[1]]
	}
	return slices.Contains(mayImport[src[0]], dst[0])
}

// serviceMaySpeak: rpc, log, control and ledger are everyone's; another service's api only by the two tables.
func serviceMaySpeak(from, to string, call bool) bool {
	if _, known := mayCall[to]; !known || from == to {
		return true
	}
	if call {
		return slices.Contains(mayCall[from], to)
	}
	return slices.Contains(mayCall[from], to) || slices.Contains(mayRead[from], to)
}

// allowedInTest: tests may also use the sandbox and the node, and speak to every api.
func allowedInTest(from, to string) bool {
	src, dst := strings.Split(from, "/"), strings.Split(to, "/")
	if dst[0] == "sandbox" || dst[0] == "node" || dst[0] == "api" {
		return src[0] != "domain"
	}
	return allowed(from, to)
}

func sizeFaults(file source) []string {
	var found []string
	if lines := file.fset.Position(file.file.End()).Line; lines > fileLines {
		found = append(found, fmt.Sprintf("%s: %d lines, at most %d", file.path, lines, fileLines))
	}
	if file.test {
		return found
	}
	for _, decl := range file.file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		lines := file.fset.Position(fn.Body.End()).Line - file.fset.Position(fn.Body.Pos()).Line
		if lines > functionLines {
			found = append(found, fmt.Sprintf("%s: %s has %d lines, at most %d", file.path, fn.Name.Name, lines, functionLines))
		}
	}
	return found
}

// exact packages hold amounts: no floating point number stands in them. cost is the exception that never flows back.
var exact = []string{"domain/money", "domain/schedule", "domain/allocate", "domain/ledger", "domain/loan", "domain/calendar"}

func floatFaults(file source) []string {
	if file.test || !slices.Contains(exact, file.dir) {
		return nil
	}
	var found []string
	ast.Inspect(file.file, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32") {
			found = append(found, fmt.Sprintf("%s:%d: a floating point number touches money", file.path, file.fset.Position(id.Pos()).Line))
		}
		return true
	})
	return found
}

func initFaults(file source) []string {
	for _, decl := range file.file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			return []string{file.path + ": init registers in secret; put a row in a table instead"}
		}
	}
	return nil
}

// docFaults: every package has exactly one package comment.
func docFaults(files []source, docs map[string]int) []string {
	var found []string
	done := map[string]bool{}
	for _, file := range files {
		if done[file.dir] || file.test || file.generated {
			continue
		}
		done[file.dir] = true
		if docs[file.dir] != 1 {
			found = append(found, fmt.Sprintf("%s: %d package comments, want one", file.dir, docs[file.dir]))
		}
	}
	return found
}
