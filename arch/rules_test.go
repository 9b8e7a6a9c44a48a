package arch

const module = "github.com/hengdai/hengdai/"

// mayImport names, for each top-level folder, the folders it may import. A folder that is not listed may import nothing
// of ours, so a new one has to be argued for here.
var mayImport = map[string][]string{
	"api":     {"api"},
	"domain":  {"domain"},
	"kit":     {"kit", "api"},
	"service": {"domain", "kit", "api"}, // and its own subfolders
	"sandbox": {"kit", "api", "domain", "sandbox"},
	"node":    {"domain", "kit", "api", "service", "sandbox", "web", "node"},
	"cmd":     {"node", "kit", "api", "domain", "sandbox", "demo", "cmd"},
	// sim drives people as demo does, and has the books judged by demo/invariant.
	"sim":   {"node", "kit", "api", "domain", "sandbox", "demo", "sim"},
	"bench": {"node", "kit", "api", "domain", "sandbox", "service", "demo", "bench"},
	// demo drives and judges from outside: what it may not import is the point of it.
	"demo": {"kit", "api", "sandbox", "demo"},
	// docs holds the tests that keep generated pages true.
	"docs": {"domain", "kit", "docs"},
	// acceptance holds tests alone.
	"acceptance": {"node", "kit", "api", "sandbox", "acceptance"},
	"arch":       {"arch", "node", "api"},
	// deploy holds what is installed beside the product, and the test that it speaks of what is there.
	"deploy": {"node", "kit", "demo", "deploy"},
}

// kitAPIs are the contracts that kit speaks itself: it knows no lending.
var kitAPIs = map[string]bool{"rpc": true, "log": true, "control": true, "user": true}

// mayCall names, for each service, those it calls and waits for. There is no cycle. An import of another service's
// *connect package is a call.
var mayCall = map[string][]string{
	"gateway":    {"user", "loan", "risk", "payment", "collection", "notify", "report"},
	"loan":       {"user", "risk", "payment"},
	"collection": {"loan", "payment", "notify", "user"},
	"payment":    {"user"},
	"risk":       {"user"},
	"notify":     {"user"},
	"report":     {"user"},
	"user":       {},
}

// mayRead names whose events a service follows: it may import that service's api for its event messages.
var mayRead = map[string][]string{
	"gateway":    {"user"},
	"loan":       {"payment", "user", "risk"},
	"payment":    {"loan"},
	"risk":       {"user", "loan"},
	"collection": {"loan", "payment"},
	"notify":     {"user", "loan", "payment", "collection"},
	"report":     {"user", "loan", "risk", "payment", "collection", "notify"},
	"user":       {},
}

// pureExceptions: domain uses the standard library only, but for these.
var pureExceptions = map[string]string{
	"domain/rule":  "github.com/expr-lang/expr",
	"domain/graph": "gonum.org/v1/gonum",
}

// impure is what domain may not import: time and chance come in as arguments.
var impure = []string{
	"context", "database/sql", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand", "net", "net/http", "os", "sync",
}

// vague names say nothing about what is inside, so everything ends up there.
var vague = []string{
	"base", "common", "core", "helper", "helpers", "impl", "misc", "models", "shared", "types", "util", "utils", "pkg", "internal",
}

const (
	fileLines     = 500
	functionLines = 70
)
