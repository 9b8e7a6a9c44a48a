package deploy

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/hengdai/hengdai/demo"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/kit/telemetry/waterfall"
	"github.com/hengdai/hengdai/node"
)

// measures are what a running process measures.
type measures struct {
	labels map[string][]string // by name
	help   map[string]string
	seen   map[string]map[string]bool // values by "name label"
}

// notShown are measures of ours that are on no panel, with the reason.
var notShown = map[string]string{}

// foreign are measures that others make: Prometheus itself, the runtime, the process.
var foreign = map[string][]string{
	"up": {"job", "instance"}, "process_cpu_seconds_total": {"instance"}, "process_resident_memory_bytes": {"instance"},
	"go_memstats_heap_inuse_bytes": {"instance"}, "go_goroutines": {"instance"},
}

// unseen are values that a small and healthy run does not show.
var unseen = regexp.MustCompile(`^(internal|unavailable|none|5\.\.|UNKNOWN|MANUAL|REFUSED_BY_GUARD|failed|hengdai|gateway\.\w+|user\.v1\.(Public/Login|Staff/StaffLogin)|unclear|log\.v1\.\*)$`)

func TestDashboardAndAlertsSpeakOfWhatARunningProcessMeasures(t *testing.T) {
	m := run(t)
	used := map[string]bool{}
	for where, expr := range expressions(t) {
		q, err := read(strings.ReplaceAll(expr.text, "$__rate_interval", "1m"))
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		for _, fault := range m.check(q, expr.legend, used) {
			t.Errorf("%s: %s", where, fault)
		}
	}
	for name, help := range m.help {
		if !strings.HasPrefix(name, "hengdai_") {
			continue
		}
		if len(help) < 10 || !strings.HasSuffix(help, ".") {
			t.Errorf("%s has no sentence of help: %q", name, help)
		}
		if !used[name] && notShown[name] == "" {
			t.Errorf("%s is on no panel and in no alert, and nothing says why", name)
		}
	}
}

// check holds one expression against what is measured and answers what is wrong with it.
func (m *measures) check(q *query, legend []string, used map[string]bool) (faults []string) {
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	var labels []string
	for _, name := range q.metrics {
		base := m.base(name)
		if base == "" {
			wrong("%s is not measured", name)
			return faults
		}
		used[base] = true
		labels = append(labels, m.labels[base]...)
		if strings.HasSuffix(name, "_bucket") {
			labels = append(labels, "le")
		}
	}
	for _, label := range append(slices.Clone(q.labels), legend...) {
		if !slices.Contains(labels, label) && label != "instance" && label != "job" {
			wrong("no metric in it has a label %q", label)
		}
	}
	for _, c := range q.matchers {
		base := m.base(c.metric)
		if !slices.Contains(m.labels[base], c.label) {
			wrong("%s has no label %q", c.metric, c.label)
			continue
		}
		for _, value := range strings.Split(c.value, "|") {
			if !m.seen[base+" "+c.label][value] && !unseen.MatchString(value) {
				wrong("%s never has %s=%q", c.metric, c.label, value)
			}
		}
	}
	return faults
}

func TestTheCheckFindsWhatIsNotThere(t *testing.T) {
	m := &measures{labels: map[string][]string{"a": {"b"}}, seen: map[string]map[string]bool{"a b": {"x": true}}}
	for expr, faults := range map[string]int{
		`sum by (b) (rate(a_count{b="x"}[5m]))`: 0, `histogram_quantile(0.9, sum by (le, b) (rate(a_bucket[5m])))`: 0,
		"c": 1, "sum by (d) (a)": 1, `a{d="x"}`: 1, `a{b="y"}`: 1, `a{b=~"x|y|z"}`: 2, "sum by (le) (a)": 1,
	} {
		q, err := read(expr)
		must(t, err)
		if found := m.check(q, nil, map[string]bool{}); len(found) != faults {
			t.Errorf("%s: %d faults were expected, found %q", expr, faults, found)
		}
	}
	q, err := read("a")
	must(t, err)
	if len(m.check(q, []string{"d"}, map[string]bool{})) != 1 {
		t.Error("a legend with a label that is not there passes")
	}
}

// base is the name under which a metric was registered.
func (m *measures) base(name string) string {
	for _, suffix := range []string{"", "_bucket", "_count", "_sum"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && m.labels[base] != nil {
			return base
		}
	}
	return ""
}

type expression struct {
	text   string
	legend []string
}

var curly = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}`)

// expressions are all of the dashboard and the alerts, with the labels that their legends and summaries name.
func expressions(t *testing.T) map[string]expression {
	t.Helper()
	found := map[string]expression{}
	add := func(where, text, legend string) {
		e := expression{text: text}
		for _, label := range curly.FindAllStringSubmatch(legend, -1) {
			e.legend = append(e.legend, label[1])
		}
		found[where] = e
	}
	for _, p := range dashboard(t).Panels {
		for _, target := range p.Targets {
			add("panel "+p.Title+" "+target.RefID, target.Expr, target.LegendFormat)
		}
	}
	for _, a := range alerts(t) {
		add("alert "+a.Alert, a.Expr, a.Annotations["summary"])
	}
	return found
}

type panel struct {
	ID      int
	Title   string
	Type    string
	GridPos struct{ H, W, X, Y int }
	Targets []struct{ RefID, Expr, LegendFormat string }
}

type board struct {
	Title  string
	Panels []panel
}

func dashboard(t *testing.T) board {
	t.Helper()
	text, err := os.ReadFile("grafana/hengdai.json")
	must(t, err)
	var b board
	must(t, json.Unmarshal(text, &b))
	return b
}

type alert struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func alerts(t *testing.T) []alert {
	t.Helper()
	text, err := os.ReadFile("prometheus/alerts.yaml")
	must(t, err)
	var file struct{ Groups []struct{ Rules []alert } }
	must(t, yaml.Unmarshal(text, &file))
	var all []alert
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) < 20 {
		t.Fatalf("only %d alerts were read", len(all))
	}
	return all
}

// run lends to a few people with everything in this process, and answers what was measured.
func run(t *testing.T) *measures {
	t.Helper()
	cfg := sandbox(t)
	file := filepath.Join(t.TempDir(), "traces.jsonl")
	tel, err := telemetry.New(t.Context(), telemetry.Config{Process: "test", Level: "error", Out: io.Discard, TracesFile: file, SamplePPM: 1_000_000})
	must(t, err)
	n, err := node.Start(t.Context(), cfg, tel, "test")
	must(t, err)
	t.Cleanup(func() { _ = n.Close() })
	rows, err := demo.ReadRows("../testdata/credit/south_german_credit.csv", "../testdata/credit/mapping.json", 3)
	must(t, err)
	certificate, err := os.ReadFile(filepath.Join(cfg.KeysDir, "gateway-tls.crt"))
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	_, err = demo.Do(t.Context(), demo.Options{
		Base: "https://" + n.Address("public_https"), Roots: roots, Sandbox: "http://" + n.Address("sandbox"),
		StaffFile: filepath.Join(cfg.DataDir, "demo-staff.json"), Rows: rows, Seed: 1, Progress: io.Discard, Days: 2, AtOnce: 3,
	})
	must(t, err)
	m := gather(t, tel.Metrics.Registry)
	must(t, n.Close())
	must(t, tel.Close(t.Context()))
	oneTrace(t, file)
	return m
}

// oneTrace looks for the trace of a signature that goes from the gateway to the channel and back into the loan.
func oneTrace(t *testing.T, file string) {
	t.Helper()
	from, err := os.Open(file)
	must(t, err)
	defer from.Close()
	spans, err := telemetry.ReadSpans(from)
	must(t, err)
	want := []string{
		"gateway loan.v1.Public/Sign", "loan loan.v1.Public/Sign", "loan commit → AWAITING_DISBURSEMENT", "loan effect loan.order",
		"payment payment.v1.Internal/CreateOrder", "payment effect payment.order", "user user.v1.Internal/Reveal", "payment alpha pay",
		"sandbox /alpha/v1/pay", "payment callback alpha → PAID", "loan take payment.v1.OrderSettled → REPAYING", "report take loan.v1.LoanMoved",
	}
	var best []string
	for _, trace := range waterfall.List(spans) {
		var found []string
		for _, r := range waterfall.Rows(spans, trace.ID) {
			found = append(found, r.Service+" "+r.Title())
		}
		missing := slices.DeleteFunc(slices.Clone(want), func(w string) bool { return slices.Contains(found, w) })
		if len(missing) == 0 {
			return
		}
		if best == nil || len(missing) < len(best) {
			best = missing
		}
	}
	t.Errorf("no trace goes all the way; the best lacks %q", best)
}

func sandbox(t *testing.T) *config.Config {
	t.Helper()
	environ := []string{"HENGDAI_DATA_DIR=" + filepath.Join(t.TempDir(), "data")}
	for _, name := range []string{"PUBLIC_HTTP", "PUBLIC_HTTPS", "OPS", "SANDBOX"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		environ = append(environ, "HENGDAI_LISTEN_"+name+"="+l.Addr().String())
		must(t, l.Close())
	}
	cfg, err := config.Load("", environ)
	must(t, err)
	return cfg
}

var desc = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", help: "((?:[^"\\]|\\.)*)", constLabels: \{([^}]*)\}, variableLabels: \{([^}]*)\}\}$`)

func gather(t *testing.T, registry *telemetry.Registry) *measures {
	t.Helper()
	m := &measures{labels: map[string][]string{}, help: map[string]string{}, seen: map[string]map[string]bool{}}
	for name, labels := range foreign {
		m.labels[name] = labels
	}
	for _, d := range registry.Described() {
		found := desc.FindStringSubmatch(d.String())
		if found == nil {
			t.Fatalf("not understood: %s", d)
		}
		if !strings.HasPrefix(found[1], "hengdai_") {
			continue
		}
		labels := []string{}
		for _, fixed := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(found[3], -1) {
			labels = append(labels, fixed[1])
		}
		if found[4] != "" {
			labels = append(labels, strings.Split(found[4], ",")...)
		}
		m.labels[found[1]], m.help[found[1]] = labels, found[2]
	}
	families, err := registry.Gather()
	must(t, err)
	series := 0
	for _, f := range families {
		for _, one := range f.GetMetric() {
			series++
			for _, l := range one.GetLabel() {
				key := f.GetName() + " " + l.GetName()
				if m.seen[key] == nil {
					m.seen[key] = map[string]bool{}
				}
				m.seen[key][l.GetValue()] = true
			}
		}
	}
	for key, values := range m.seen {
		if len(values) > 120 {
			t.Errorf("%s has %d values: it is not bounded", key, len(values))
		}
		for value := range values {
			if regexp.MustCompile(`\d{6}`).MatchString(value) {
				t.Errorf("%s has the value %q, which looks like an id", key, value)
			}
		}
	}
	t.Logf("%d measures of ours, %d series in all", len(m.help), series)
	return m
}

func TestEveryAlertSaysWhereToLook(t *testing.T) {
	guide, err := os.ReadFile("../docs/observability.md")
	must(t, err)
	names := map[string]bool{}
	for _, a := range alerts(t) {
		if names[a.Alert] {
			t.Errorf("two alerts are named %s", a.Alert)
		}
		names[a.Alert] = true
		if !strings.Contains(string(guide), "\n### "+a.Alert+"\n") || a.Annotations["runbook"] != "docs/observability.md#"+strings.ToLower(a.Alert) {
			t.Errorf("%s leads to %q; the guide has to have it as a heading", a.Alert, a.Annotations["runbook"])
		}
		if s := a.Labels["severity"]; s != "page" && s != "ticket" || a.Annotations["summary"] == "" || a.For == "" {
			t.Errorf("%s lacks severity, summary or time: %+v", a.Alert, a)
		}
	}
	for _, heading := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(string(guide), -1) {
		if !names[heading[1]] {
			t.Errorf("the guide explains %s, which is no alert", heading[1])
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	taken := map[[2]int]string{}
	ids := map[int]bool{}
	for _, p := range dashboard(t).Panels {
		if ids[p.ID] || p.Title == "" || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %d %q: its number is taken, or it has no title or query", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies on %q or outside", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

func TestWhatIsNotPromQLIsRefused(t *testing.T) {
	for _, expr := range []string{
		"", "1 > 2", "sum(a", "sum(a))", "a{b}", `a{b="c"`, `a{b=~"("}`, "rate(a[5x])", "quantil(0.9, a)", "sum by a (b)", "a ? b", "rate a", "{b=\"c\"}",
	} {
		if q, err := read(expr); err == nil {
			t.Errorf("%q is taken as %+v", expr, q)
		}
	}
	q, err := read(`sum by (le, x) (rate(a_bucket{b="c",d!~"e.*"}[5m])) / 2 > 0.5 and max(f) == 0`)
	must(t, err)
	if !slices.Equal(q.metrics, []string{"a_bucket", "f"}) || !slices.Equal(q.labels, []string{"le", "x"}) || len(q.matchers) != 2 || q.matchers[1].value != "e.*" {
		t.Errorf("read as %+v", q)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
