package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// source is one Go file of the tree.
type source struct {
	dir, path string // relative to the root, with slashes
	test      bool
	generated bool
	text      []byte
	file      *ast.File
	fset      *token.FileSet
}

var generatedMark = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// sources parses every Go file below root, except testdata, hidden folders and those of other languages.
func sources(root string) ([]source, error) {
	var found []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if path != root && (name == "testdata" || name == "node_modules" || name[0] == '.') {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		found = append(found, source{
			dir: filepath.ToSlash(filepath.Dir(rel)), path: rel, test: strings.HasSuffix(rel, "_test.go"),
			generated: generatedMark.Match(text), text: text, file: file, fset: fset,
		})
		return nil
	})
	return found, err
}

// imports lists the import paths of a file.
func (s source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}
