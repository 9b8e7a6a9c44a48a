package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/node"
)

// free answers an address on loopback that nobody uses at this moment.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// sandboxOn is the configuration of a whole sandbox on a folder, changed by what the environment says.
func sandboxOn(t testing.TB, dir string, environ ...string) *config.Config {
	t.Helper()
	set := map[string]string{
		"HENGDAI_DATA_DIR": filepath.Join(dir, "data"), "HENGDAI_LISTEN_PUBLIC_HTTP": free(t), "HENGDAI_LISTEN_PUBLIC_HTTPS": free(t),
		"HENGDAI_LISTEN_OPS": free(t), "HENGDAI_LISTEN_SANDBOX": free(t),
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		set[name] = value
	}
	all := []string{}
	for name, value := range set {
		all = append(all, name+"="+value)
	}
	cfg, err := config.Load("", all)
	must(t, err)
	return cfg
}

// lines keeps what a process logs.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func start(t testing.TB, cfg *config.Config) (*node.Node, *lines) {
	t.Helper()
	n, log := startOnly(t, cfg)
	t.Cleanup(func() { _ = n.Close() })
	return n, log
}

func startOnly(t testing.TB, cfg *config.Config) (*node.Node, *lines) {
	t.Helper()
	log := &lines{}
	tel, err := telemetry.New(context.Background(), telemetry.Config{Process: "test", Out: log})
	must(t, err)
	n, err := node.Start(context.Background(), cfg, tel, "test")
	must(t, err)
	return n, log
}

// fails starts what cannot be started and answers why.
func fails(t testing.TB, cfg *config.Config) string {
	t.Helper()
	n, err := node.Start(context.Background(), cfg, telemetry.Discard(), "test")
	if err == nil {
		_ = n.Close()
		t.Fatal("it started")
	}
	return err.Error()
}

func get(t testing.TB, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, string(body)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}

// nothingLeft waits until no more goroutines run than before.
func nothingLeft(t testing.TB, before int) {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(50 * time.Millisecond) {
		runtime.GC() // caches end with their last reference
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

func TestStartAndStopLeaveNothingBehind(t *testing.T) {
	cfg := sandboxOn(t, t.TempDir())
	before := runtime.NumGoroutine()
	for range 2 { // the second finds what the first left on the disk
		n, log := startOnly(t, cfg)
		code, body := get(t, "http://"+n.Address("ops")+"/readyz")
		if code != http.StatusOK {
			t.Errorf("not ready: %s", body)
		}
		code, _ = get(t, "http://"+n.Address("public_http")+"/v1/documents")
		if code != http.StatusOK {
			t.Errorf("GET /v1/documents answers %d", code)
		}
		began := time.Now()
		must(t, n.Close())
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("stopping took %v", took)
		}
		must(t, n.Close()) // a second time does nothing
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, "prime rate") {
				continue // the table of legal numbers grows old by itself
			}
			if strings.Contains(line, `"ERROR"`) || strings.Contains(line, `"WARN"`) {
				t.Errorf("a quiet life was logged as %s", line)
			}
		}
		for _, address := range []string{cfg.Listen.Ops, cfg.Listen.PublicHTTP, cfg.Listen.PublicHTTPS, cfg.Listen.Sandbox} {
			l, err := net.Listen("tcp", address)
			must(t, err)
			must(t, l.Close())
		}
	}
	nothingLeft(t, before)
}

func TestARestartGoesOnWhereTheCalendarStood(t *testing.T) {
	cfg := sandboxOn(t, t.TempDir())
	n, _ := start(t, cfg)
	const ahead = 40 * 24 * time.Hour
	res, err := http.Post("http://"+n.Address("sandbox")+"/control/advance", "application/json", strings.NewReader(fmt.Sprintf(`{"offset_ms": %d}`, ahead.Milliseconds())))
	must(t, err)
	res.Body.Close()
	staff, err := os.ReadFile(filepath.Join(cfg.DataDir, "demo-staff.json"))
	for end := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		staff, err = os.ReadFile(filepath.Join(cfg.DataDir, "demo-staff.json"))
	}
	must(t, err)
	must(t, n.Close())

	n, _ = start(t, cfg)
	res, err = http.Post("http://"+n.Address("sandbox")+"/control/advance", "application/json", strings.NewReader(`{"offset_ms": 0}`))
	must(t, err)
	defer res.Body.Close()
	var now struct {
		OffsetMS int64 `json:"offset_ms"`
	}
	must(t, json.NewDecoder(res.Body).Decode(&now))
	if now.OffsetMS != ahead.Milliseconds() {
		t.Errorf("after the restart the calendar is %d ms ahead, want %d", now.OffsetMS, ahead.Milliseconds())
	}
	again, err := os.ReadFile(filepath.Join(cfg.DataDir, "demo-staff.json"))
	must(t, err)
	if string(again) != string(staff) {
		t.Error("the log-ins changed")
	}
}

func TestASecondProcessOnTheSameDataIsRefusedAndTheFirstGoesOn(t *testing.T) {
	dir := t.TempDir()
	n, _ := start(t, sandboxOn(t, dir))
	contains(t, fails(t, sandboxOn(t, dir)), "sandbox.db is used by another process of hengdai", "data_dir")
	contains(t, fails(t, sandboxOn(t, dir, "HENGDAI_LISTEN_SANDBOX=")), "service user", "user.db is used by another process")
	if code, body := get(t, "http://"+n.Address("ops")+"/readyz"); code != http.StatusOK {
		t.Error(body)
	}
}

func TestAddressesThatCannotBeListenedAt(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	dir := t.TempDir()
	before := runtime.NumGoroutine()
	contains(t, fails(t, sandboxOn(t, dir, "HENGDAI_LISTEN_OPS="+taken.Addr().String())), "listen.ops: "+taken.Addr().String()+" is in use by another program")
	twice := free(t)
	contains(t, fails(t, sandboxOn(t, dir, "HENGDAI_LISTEN_OPS="+twice, "HENGDAI_LISTEN_SANDBOX="+twice)), "listen.sandbox: "+twice+" is the address of listen.ops too")
	contains(t, fails(t, sandboxOn(t, dir, "HENGDAI_LISTEN_OPS=127.0.0.1:99999")), "listen.ops: cannot listen at 127.0.0.1:99999", "invalid port")
	if _, err := os.Stat(filepath.Join(dir, "data", "loan.db")); err == nil {
		t.Error("a database was touched")
	}
	// One that fails late, when services run already, leaves as little.
	cfg := sandboxOn(t, dir, "HENGDAI_LISTEN_CERT_FILE=/none", "HENGDAI_LISTEN_KEY_FILE=/none")
	contains(t, fails(t, cfg), "listen.cert_file")
	nothingLeft(t, before)
}

func TestADamagedCalendarIsNamed(t *testing.T) {
	for _, text := range []string{"tomorrow", "", "-5", "9223372036854775807", "12.5"} {
		cfg := sandboxOn(t, t.TempDir())
		must(t, os.MkdirAll(cfg.DataDir, 0o700))
		must(t, os.WriteFile(filepath.Join(cfg.DataDir, "calendar"), []byte(text), 0o600))
		contains(t, fails(t, cfg), filepath.Join(cfg.DataDir, "calendar")+" is damaged", "milliseconds")
	}
}

func TestTheProductionProfileMakesNoKeysAndHasNoSandbox(t *testing.T) {
	dir := t.TempDir()
	for _, wrong := range []string{"HENGDAI_LISTEN_SANDBOX=127.0.0.1:8090", "HENGDAI_LISTEN_CERT_FILE="} {
		_, err := config.Load("", []string{"HENGDAI_PROFILE=production", "HENGDAI_DATA_DIR=" + dir + "/data", wrong})
		if err == nil {
			t.Errorf("production with %s is taken", wrong)
		}
	}
	environ := []string{
		"HENGDAI_PROFILE=production", "HENGDAI_DATA_DIR=" + filepath.Join(dir, "data"), "HENGDAI_SERVICES=report,collection", "HENGDAI_LISTEN_SANDBOX=",
		"HENGDAI_LISTEN_PUBLIC_HTTP=", "HENGDAI_LISTEN_PUBLIC_HTTPS=", "HENGDAI_LISTEN_OPS=" + free(t), "HENGDAI_CALLBACK_BASE=https://lender.example",
	}
	cfg, err := config.Load("", environ)
	must(t, err)
	contains(t, fails(t, cfg), "keys_dir "+cfg.KeysDir, "collection.sign.key", "hengdai keys make")
	if entries, err := os.ReadDir(cfg.KeysDir); err == nil && len(entries) > 0 {
		t.Errorf("keys were made: %v", entries)
	}
	// With keys it starts, and has none of the sandbox in it: no parties, no calendar that could be damaged.
	n, _ := start(t, sandboxOn(t, dir, "HENGDAI_SERVICES=report,collection"))
	must(t, n.Close())
	must(t, os.WriteFile(filepath.Join(cfg.DataDir, "calendar"), []byte("tomorrow"), 0o600))
	n, _ = start(t, cfg)
	if n.Address("sandbox") != "" || n.Address("public_http") != "" {
		t.Error("production serves the sandbox")
	}
	must(t, n.Close())
}

func TestReadyNamesTheServiceWhoseDatabaseIsGone(t *testing.T) {
	n, _ := start(t, sandboxOn(t, t.TempDir()))
	must(t, n.Break("risk"))
	code, body := get(t, "http://"+n.Address("ops")+"/readyz")
	if code != http.StatusServiceUnavailable {
		t.Errorf("ready with %d", code)
	}
	contains(t, body, "database of risk")
	if code, _ := get(t, "http://"+n.Address("ops")+"/healthz"); code != http.StatusOK {
		t.Error("the process is alive all the same")
	}
}

func TestWhatAnOperatorCanMeasure(t *testing.T) {
	cfg := sandboxOn(t, t.TempDir())
	n, _ := start(t, cfg)
	askForACode(t, n)
	var body string
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if _, body = get(t, "http://"+n.Address("ops")+"/metrics"); strings.Contains(body, `hengdai_job_steps_total{job="log",service="user"}`) {
			break
		}
	}
	contains(t, body, `hengdai_job_steps_total{job="log",service="user"}`, `hengdai_request_seconds_count{`)
	time.Sleep(500 * time.Millisecond) // followers make their cursors
	must(t, n.Close())
	n, _ = start(t, cfg)
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if _, body = get(t, "http://"+n.Address("ops")+"/metrics"); strings.Contains(body, `hengdai_log_lag_events{partition="0",service="report",source="loan"}`) {
			break
		}
	}
	contains(t, body, `hengdai_store_commit_seconds_count{service="user"}`, `hengdai_store_batch_units_count{service="loan"}`,
		`hengdai_log_lag_events{partition="0",service="report",source="loan"} 0`,
		`hengdai_log_parked_events{service="collection",source="loan"} 0`, `hengdai_call_seconds_count{`, `hengdai_request_seconds_count{`, "go_goroutines")
}

// askForACode makes something happen: user commits and tells it, notify takes it in.
func askForACode(t testing.TB, n *node.Node) {
	t.Helper()
	code := 0
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && code != http.StatusOK; time.Sleep(20 * time.Millisecond) {
		res, err := http.Post("http://"+n.Address("public_http")+"/v1/codes", "application/json",
			strings.NewReader(`{"mobile":"12099887766","purpose":"login","idempotencyKey":"12345678"}`))
		must(t, err)
		res.Body.Close()
		code = res.StatusCode
	}
	if code != http.StatusOK {
		t.Fatalf("asking for a code answers %d", code)
	}
}

func TestATraceGoesFromTheGatewayToTheDatabase(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	tel := telemetry.Discard()
	tel.Logger, tel.Tracer = slog.New(slog.DiscardHandler), provider.Tracer("hengdai")
	n, err := node.Start(context.Background(), sandboxOn(t, t.TempDir()), tel, "test")
	must(t, err)
	t.Cleanup(func() { _ = n.Close() })
	askForACode(t, n)
	must(t, n.Close())
	all := spans.GetSpans()
	names := map[string][]string{} // by trace
	for _, s := range all {
		names[s.SpanContext.TraceID().String()] = append(names[s.SpanContext.TraceID().String()], s.Name)
	}
	for _, trace := range names {
		if slices.Contains(trace, "gateway") && slices.Contains(trace, "user.v1.Public/SendCode") && slices.Contains(trace, "commit") {
			return
		}
	}
	t.Errorf("no trace goes from the gateway through user to a commit: %v", names)
}

func TestTwoProcessesStopAtOnceAlthoughTheyWaitForEachOthersLogs(t *testing.T) {
	dir := t.TempDir()
	internal := map[string]string{}
	var environ, peers []string
	for _, s := range []string{"user", "loan", "payment", "risk"} {
		internal[s] = free(t)
		environ = append(environ, "HENGDAI_LISTEN_INTERNAL_"+strings.ToUpper(s)+"="+internal[s])
		peers = append(peers, "HENGDAI_PEERS_"+strings.ToUpper(s)+"=http://"+internal[s])
	}
	reader := sandboxOn(t, dir, append(peers, "HENGDAI_SERVICES=report", "HENGDAI_LISTEN_SANDBOX=")...)
	second, _ := start(t, reader) // before its peers: the order does not matter
	first, _ := start(t, sandboxOn(t, dir, append(environ, "HENGDAI_SERVICES=user,risk,payment,loan,notify,collection,gateway")...))
	var body string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if _, body = get(t, "http://"+second.Address("ops")+"/metrics"); strings.Contains(body, `method="log.v1.Log/Read",peer="loan"`) &&
			strings.Contains(body, `hengdai_log_lag_events{partition="0",service="report",source="loan"} 0`) {
			break
		}
	}
	contains(t, body, `hengdai_log_lag_events{partition="0",service="report",source="loan"} 0`)
	began := time.Now()
	must(t, first.Close())
	must(t, second.Close())
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("stopping both took %v", took)
	}
}

func TestMigrateMakesTheTablesThatServicesThenFind(t *testing.T) {
	var environ []string
	for _, s := range config.Services[:7] {
		cfg := storetest.EmptyMySQL(t)
		environ = append(environ, "HENGDAI_DATABASES_"+strings.ToUpper(s)+"_ENGINE=mysql", "HENGDAI_DATABASES_"+strings.ToUpper(s)+"_DSN="+cfg.DSN)
	}
	cfg := sandboxOn(t, t.TempDir(), environ...)
	_, err := node.Start(context.Background(), cfg, telemetry.Discard(), "test")
	var refusal *errs.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("without tables it answers %v", err)
	}
	contains(t, err.Error(), "service user")
	contains(t, refusal.EN, "hengdai migrate")
	for range 2 { // a repeat changes nothing
		var told []string
		must(t, node.Migrate(context.Background(), cfg, func(service string) { told = append(told, service) }))
		if !slices.Equal(told, config.Services[:7]) {
			t.Errorf("migrated %v", told)
		}
	}
	n, _ := start(t, cfg)
	if code, body := get(t, "http://"+n.Address("ops")+"/readyz"); code != http.StatusOK {
		t.Error(body)
	}
	must(t, n.Close())
	cfg.Databases["loan"] = config.Database{Engine: store.MySQL, DSN: "nobody@tcp(127.0.0.1:1)/none"}
	err = node.Migrate(context.Background(), cfg, func(string) {})
	if err == nil {
		t.Fatal("an unreachable database was migrated")
	}
	contains(t, err.Error(), "migrate loan")
}
