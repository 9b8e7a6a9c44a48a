package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestUserKnowsEveryPurposeThatAServiceStates: a purpose that is missing in user's tables is refused in the running program only.
func TestUserKnowsEveryPurposeThatAServiceStates(t *testing.T) {
	found, stated := purposeFaults(t, "..")
	for _, fault := range found {
		t.Error(fault)
	}
	if stated < 10 {
		t.Errorf("only %d stated purposes were found", stated)
	}
}

func TestAPurposeThatUserDoesNotKnowIsFound(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "service/user/purpose.go"), `package user
const support = "support"
var name = []string{"name"}
var purposes = map[string]map[string][]string{support: {"x": name}, "payout": {"y": {"name"}}}
var keyClasses = map[string][]string{"application": {"x"}}
var keyPurposes = []string{"seal", "review"}
`)
	write(t, filepath.Join(root, "service/x/x.go"), `package x
import "github.com/hengdai/hengdai/kit/vault"
const class, look = "application", "look"
func f() {
	deps.Vault.Key(ctx, 1, class, "review")
	deps.Vault.Key(ctx, 1, "marketing", "review")
	open(ctx, look)
	open(ctx, "review")
	deps.User.Reveal(ctx, &userv1.RevealRequest{Fields: []string{"name"}, Purpose: "support"})
	deps.User.Reveal(ctx, &userv1.RevealRequest{Fields: []string{"name", "mobile"}, Purpose: "payout"})
	deps.Vault.OpenBytes(ctx, 1, class, asked(), "field", sealed)
}
func open(ctx int, purpose string) { deps.Vault.Open(ctx, 1, class, purpose, "field", sealed) }
`)
	found, _ := purposeFaults(t, root)
	want := []string{
		`service/x: opens class application for "look", which user does not know`,
		`service/x: opens class marketing, which user does not give it`,
		`service/x: reveals for "payout", which user does not allow it`,
		`service/x: states a purpose that cannot be read from the source`,
	}
	if slices.Sort(found); !slices.Equal(found, want) {
		t.Errorf("got %q, want %q", found, want)
	}
}

// pack is a package's files, for looking names up.
type pack struct {
	name  string
	files []*ast.File
	texts map[string]ast.Expr // of constants and variables at the top
}

func packs(t *testing.T, root string) map[string]*pack {
	t.Helper()
	all, err := sources(root)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*pack{}
	for _, s := range all {
		if s.test || s.generated {
			continue
		}
		p := found[s.dir]
		if p == nil {
			p = &pack{name: s.dir, texts: map[string]ast.Expr{}}
			found[s.dir] = p
		}
		p.files = append(p.files, s.file)
		for _, decl := range s.file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || (group.Tok != token.CONST && group.Tok != token.VAR) {
				continue
			}
			for _, spec := range group.Specs {
				for i, v := range spec.(*ast.ValueSpec).Values {
					p.texts[spec.(*ast.ValueSpec).Names[i].Name] = v
				}
			}
		}
	}
	return found
}

func purposeFaults(t *testing.T, root string) (found []string, stated int) {
	t.Helper()
	all := packs(t, root)
	user := all["service/user"]
	keyPurposes, classes := user.list(user.texts["keyPurposes"]), user.table(user.texts["keyClasses"])
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for _, dir := range slices.Sorted(maps.Keys(all)) {
		parts := strings.Split(dir, "/")
		if len(parts) < 2 || parts[0] != "service" || parts[1] == "user" {
			continue
		}
		p, service := all[dir], parts[1]
		p.each(func(in *ast.FuncDecl, n ast.Node) {
			if class, purpose, ok := opening(n); ok {
				c, _ := p.text(class)
				if !slices.Contains(classes[c], service) {
					fault("%s: opens class %s, which user does not give it", dir, c)
				}
				for _, text := range p.texted(in, purpose) {
					if stated++; text == "" {
						fault("%s: states a purpose that cannot be read from the source", dir)
					} else if !slices.Contains(keyPurposes, text) {
						fault("%s: opens class %s for %q, which user does not know", dir, c, text)
					}
				}
			}
			if fields, purpose, ok := revealing(n); ok {
				for _, text := range p.texted(in, purpose) {
					if stated++; text == "" {
						fault("%s: states a purpose that cannot be read from the source", dir)
					} else if !user.allows(text, service, p.list(fields)) {
						fault("%s: reveals for %q, which user does not allow it", dir, text)
					}
				}
			}
		})
	}
	return found, stated
}

// opening answers class and purpose of a call that opens by the vault.
func opening(n ast.Node) (class, purpose ast.Expr, ok bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) < 4 {
		return nil, nil, false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"Key", "Open", "OpenBytes"}, method.Sel.Name) {
		return nil, nil, false
	}
	on, ok := method.X.(*ast.SelectorExpr)
	if !ok || !strings.EqualFold(on.Sel.Name, "vault") {
		return nil, nil, false
	}
	return call.Args[2], call.Args[3], true
}

// revealing answers fields and purpose of a question to user.
func revealing(n ast.Node) (fields, purpose ast.Expr, ok bool) {
	lit, ok := n.(*ast.CompositeLit)
	if !ok {
		return nil, nil, false
	}
	if of, named := lit.Type.(*ast.SelectorExpr); !named || of.Sel.Name != "RevealRequest" {
		return nil, nil, false
	}
	for _, e := range lit.Elts {
		if pair, keyed := e.(*ast.KeyValueExpr); keyed {
			switch key, _ := pair.Key.(*ast.Ident); key.Name {
			case "Fields":
				fields = pair.Value
			case "Purpose":
				purpose = pair.Value
			}
		}
	}
	return fields, purpose, purpose != nil
}

func (p *pack) each(look func(in *ast.FuncDecl, n ast.Node)) {
	for _, f := range p.files {
		for _, decl := range f.Decls {
			if in, ok := decl.(*ast.FuncDecl); ok && in.Body != nil {
				ast.Inspect(in.Body, func(n ast.Node) bool { look(in, n); return true })
			}
		}
	}
}

// text is the value of a literal or of a constant of the package.
func (p *pack) text(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.SelectorExpr:
		if e.Sel.Name == "PurposeSeal" {
			return "seal", true
		}
	case *ast.Ident:
		if to, ok := p.texts[e.Name]; ok {
			return p.text(to)
		}
	}
	return "", false
}

// texted are all values an expression can have: those assigned to a variable of the function, or given for its parameter. An
// empty one could not be read.
func (p *pack) texted(in *ast.FuncDecl, e ast.Expr) []string {
	name, ok := e.(*ast.Ident)
	if text, known := p.text(e); known || !ok {
		return []string{text}
	}
	var found []string
	take := func(e ast.Expr) {
		text, _ := p.text(e)
		found = append(found, text)
	}
	ast.Inspect(in.Body, func(n ast.Node) bool {
		if set, ok := n.(*ast.AssignStmt); ok && len(set.Lhs) == len(set.Rhs) {
			for i, to := range set.Lhs {
				if to, ok := to.(*ast.Ident); ok && to.Name == name.Name {
					take(set.Rhs[i])
				}
			}
		}
		return true
	})
	if at := parameter(in, name.Name); at >= 0 {
		p.each(func(_ *ast.FuncDecl, n ast.Node) {
			if call, ok := n.(*ast.CallExpr); ok && called(call) == in.Name.Name && at < len(call.Args) {
				take(call.Args[at])
			}
		})
	}
	if len(found) == 0 {
		return []string{""}
	}
	return found
}

func parameter(in *ast.FuncDecl, name string) int {
	at := 0
	for _, field := range in.Type.Params.List {
		for _, n := range field.Names {
			if n.Name == name {
				return at
			}
			at++
		}
	}
	return -1
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func (p *pack) list(e ast.Expr) []string {
	if name, ok := e.(*ast.Ident); ok {
		return p.list(p.texts[name.Name])
	}
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	var found []string
	for _, e := range lit.Elts {
		text, _ := p.text(e)
		found = append(found, text)
	}
	return found
}

// table reads a map of lists.
func (p *pack) table(e ast.Expr) map[string][]string {
	found := map[string][]string{}
	lit, _ := e.(*ast.CompositeLit)
	for _, e := range lit.Elts {
		key, _ := p.text(e.(*ast.KeyValueExpr).Key)
		found[key] = p.list(e.(*ast.KeyValueExpr).Value)
	}
	return found
}

// allows asks user's table what a service may be told for a purpose.
func (p *pack) allows(purpose, service string, fields []string) bool {
	lit, _ := p.texts["purposes"].(*ast.CompositeLit)
	for _, e := range lit.Elts {
		if key, _ := p.text(e.(*ast.KeyValueExpr).Key); key == purpose {
			may, ok := p.table(e.(*ast.KeyValueExpr).Value)[service]
			return ok && !slices.ContainsFunc(fields, func(f string) bool { return !slices.Contains(may, f) })
		}
	}
	return false
}
