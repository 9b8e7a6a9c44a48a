package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

// run calls the program with words and answers its exit code and what it said.
func run(t *testing.T, args ...string) (code int, out, complaints string) {
	t.Helper()
	var o, c bytes.Buffer
	code = dispatch(context.Background(), args, &o, &c)
	return code, o.String(), c.String()
}

func TestEveryCallEndsWithACodeAndAWord(t *testing.T) {
	t.Chdir(t.TempDir())
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("listen:\n  public_htp: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "something"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	rows, traces := filepath.Join(full, "rows.csv"), filepath.Join(full, "traces.jsonl")
	if err := os.WriteFile(traces, []byte(`{"trace_id":"85da51","span_id":"a","name":"gateway","kind":"server","start":"2026-11-22T04:00:00Z","end":"2026-11-22T04:00:01Z","attributes":{"hengdai.method":"loan.v1.Public/Sign"}}
{"trace_id":"85da51","span_id":"b","parent_id":"a","name":"commit","kind":"internal","start":"2026-11-22T04:00:00Z","end":"2026-11-22T04:00:01Z","attributes":{"units":4}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		call      string
		code      int
		out, says string // parts of standard output and of the complaints; "" for nothing at all
	}{
		{"", exitOK, "To begin:  hengdai run --demo-book", ""},
		{"help", exitOK, "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 an invariant does not hold", ""},
		{"--help", exitOK, "hengdai migrate", ""},
		{"-h", exitOK, "hengdai config", ""},
		{"help run", exitOK, "-demo-book", ""},
		{"run --help", exitOK, "lend a small book before opening", ""},
		{"demo --help", exitOK, "-applicants", ""},
		{"migrate -h", exitOK, "bring the tables of every service up to date", ""},
		{"help nonsense", exitUsage, "", `there is no command "nonsense"`},
		{"fly", exitUsage, "", "`hengdai help` lists them"},
		{"version", exitOK, "hengdai dev", ""},
		{"trace", exitUsage, "", "the traces file is missing"},
		{"trace none.jsonl", exitFailed, "", "open the traces"},
		{"trace " + traces, exitOK, "loan.v1.Public/Sign", ""},
		{"trace " + traces + " --id 85da", exitOK, "commit  (units=4)", ""},
		{"trace " + traces + " --id 77", exitFailed, "", "there is no such trace"},
		{"trace " + traces + " --method Sign --svg " + filepath.Join(full, "t.svg"), exitOK, "", ""},
		{"version please", exitUsage, "", `"please" is not expected here`},
		{"run --speed 9", exitUsage, "", "flag provided but not defined: -speed"},
		{"run now", exitUsage, "", "usage: hengdai run [--demo-book]"},
		{"run --services", exitUsage, "", "flag needs an argument"},
		{"run --config none.yaml", exitFailed, "", "none.yaml"},
		{"run --config " + wrong, exitFailed, "", "line 2: unknown key listen.public_htp"},
		{"run --services lone", exitFailed, "", `services[0]: "lone" is wrong: want one of user, risk`},
		{"keys", exitUsage, "", "say list or make"},
		{"keys burn", exitUsage, "", `"burn" is not expected here`},
		{"keys list --config none.yaml", exitFailed, "", "none.yaml"},
		{"config --config " + wrong, exitFailed, "", "unknown key listen.public_htp"},
		{"migrate --config none.yaml", exitFailed, "", "none.yaml"},
		{"demo", exitUsage, "", "--applicants is missing"},
		{"demo --applicants " + rows, exitUsage, "", "mapping.json"},
		{"demo --applicants x --limit many", exitUsage, "", "invalid value"},
	} {
		code, out, says := run(t, strings.Fields(test.call)...)
		if code != test.code || !strings.Contains(out, test.out) || (out == "") != (test.out == "") || !strings.Contains(says, test.says) || (says == "") != (test.says == "") {
			t.Errorf("hengdai %s\nends with %d, want %d\nout:  %s\nsays: %s\nwant: %s%s", test.call, code, test.code, out, says, test.out, test.says)
		}
	}
	if entries, _ := os.ReadDir("."); len(entries) > 0 {
		t.Errorf("words alone left %v behind", entries)
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	_, out, _ := run(t, "help")
	for _, c := range commands() {
		if !strings.Contains(out, "hengdai "+c.name) || !strings.Contains(out, c.says) {
			t.Errorf("help does not explain %s", c.name)
		}
	}
}

func TestADemoDoesNotTouchAFolderWithSomethingInIt(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "something"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, says := run(t, "demo", "--applicants", filepath.Join(root, "testdata", "credit", "south_german_credit.csv"), "--limit", "1", "--data", full)
	if code != exitUsage || !strings.Contains(says, "is not empty") {
		t.Errorf("it ends with %d: %s", code, says)
	}
}

func TestTheConfigurationIsShownWithoutItsSecrets(t *testing.T) {
	t.Setenv("HENGDAI_DATABASES_LOAN_ENGINE", "mysql")
	t.Setenv("HENGDAI_DATABASES_LOAN_DSN", "lender:hunter2@tcp(127.0.0.1:3306)/loan")
	code, out, says := run(t, "config")
	if code != exitOK || strings.Contains(out, "hunter2") || !strings.Contains(out, "tcp(127.0.0.1:3306)/loan") || !strings.Contains(out, "profile: sandbox") {
		t.Errorf("%d %s %s", code, out, says)
	}
}

func TestWhatIsSaidOnTheCommandLineGoesOverTheEnvironment(t *testing.T) {
	for _, elsewhere := range []string{"/a", "/z"} {
		t.Setenv("HENGDAI_DATA_DIR", elsewhere)
		t.Setenv("HENGDAI_SERVICES", "user")
		cfg, err := load("", "/m", "loan,risk")
		if err != nil {
			t.Fatal(err)
		}
		if cfg.DataDir != "/m" || len(cfg.Services) != 2 || cfg.Services[0] != "loan" {
			t.Errorf("%s %v", cfg.DataDir, cfg.Services)
		}
	}
}

func TestMigrateMakesTheTablesAndTellsEachService(t *testing.T) {
	for _, s := range config.Services[:7] {
		t.Setenv("HENGDAI_DATABASES_"+strings.ToUpper(s)+"_ENGINE", "mysql")
		t.Setenv("HENGDAI_DATABASES_"+strings.ToUpper(s)+"_DSN", storetest.EmptyMySQL(t).DSN)
	}
	data := filepath.Join(t.TempDir(), "data")
	t.Setenv("HENGDAI_DATA_DIR", data)
	for _, key := range []string{"PUBLIC_HTTP", "PUBLIC_HTTPS", "OPS", "SANDBOX"} {
		t.Setenv("HENGDAI_LISTEN_"+key, free(t))
	}
	if code, _, says := run(t, "run"); code != exitFailed || !strings.Contains(says, "hengdai migrate") {
		t.Errorf("without tables `run` ends with %d: %s", code, says)
	}
	for range 2 {
		code, out, says := run(t, "migrate")
		if code != exitOK || strings.Count(out, "migrated ") != 7 || !strings.Contains(out, "migrated loan\n") {
			t.Errorf("%d %s %s", code, out, says)
		}
	}
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// screen is a standard output that another goroutine looks at.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestRunWelcomesAPersonAndEndsCleanly(t *testing.T) {
	at := map[string]string{}
	for _, key := range []string{"PUBLIC_HTTP", "PUBLIC_HTTPS", "OPS", "SANDBOX"} {
		at[key] = free(t)
		t.Setenv("HENGDAI_LISTEN_"+key, at[key])
	}
	dir := t.TempDir()
	var out, complaints screen
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan int, 1)
	go func() {
		ended <- dispatch(ctx, []string{"run", "--data", filepath.Join(dir, "data"), "--log", filepath.Join(dir, "log")}, &out, &complaints)
	}()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(out.String(), "Ctrl-C stops."); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no welcome: %s %s", out.String(), complaints.String())
		}
	}
	said := out.String()
	_, port, _ := strings.Cut(at["PUBLIC_HTTP"], ":")
	for _, part := range []string{"profile sandbox", "http://localhost:" + port, "https://" + at["PUBLIC_HTTPS"], "http://" + at["SANDBOX"], "http://" + at["OPS"],
		"admin@demo.hengdai.test", "collector@demo.hengdai.test"} {
		if !strings.Contains(said, part) {
			t.Errorf("the welcome does not name %s:\n%s", part, said)
		}
	}
	res, err := http.Get("http://localhost:" + port + "/docs")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("the first address that it names: %v %v", res, err)
	} else {
		res.Body.Close()
	}
	stop()
	select {
	case code := <-ended:
		if code != exitOK || complaints.String() != "" {
			t.Errorf("it ends with %d: %s", code, complaints.String())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil || !strings.Contains(string(log), `"msg":"ready"`) || strings.Contains(string(log), `"ERROR"`) {
		t.Errorf("the log: %v %s", err, log)
	}
}
