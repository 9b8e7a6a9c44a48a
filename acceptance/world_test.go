package acceptance

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/sandbox/people"
)

// services are all that a world runs, in the order in which they start.
var services = config.Services

// world is one running system with its parties.
type world struct {
	dir       string
	engine    engine
	databases databases
	at        addresses
	runs      runner
	roots     *x509.CertPool
	sandbox   *sandboxControl
	staff     map[string]*member
	people    atomic.Uint64
	// late is the borrower of theArrears, lent to together with the one of theJourney.
	late *borrower
	// missing are the services that a test has taken down.
	missing []string
	// kills counts them, so that each falls at another moment.
	kills int
}

// runner is how the services of a world run.
type runner interface {
	start(t testing.TB)
	// kill ends a service without warning; in one process everything ends with it.
	kill(t testing.TB, service string)
	// revive starts what was killed on the same data.
	revive(t testing.TB, service string)
	stop(t testing.TB)
	many() bool
}

// layout says how the services of a world are spread.
type layout func(w *world) runner

func oneProcess(w *world) runner    { return &single{w: w} }
func manyProcesses(w *world) runner { return &spread{w: w, running: map[string]*process{}} }
func onASmallDisk(w *world) runner {
	return &spread{w: w, running: map[string]*process{}, small: "loan"}
}

// addresses are where a world listens; all on loopback, all free when the world was made.
type addresses struct {
	PublicHTTP, PublicHTTPS, Sandbox string
	Internal, Ops                    map[string]string
}

// startWorld makes a world in a new folder and starts it; it is stopped when the test ends.
func startWorld(t *testing.T, spread layout, db engine) *world {
	t.Helper()
	began := time.Now()
	w := &world{dir: worldFolder(t), engine: db, staff: map[string]*member{}}
	w.databases = db(t, w)
	w.at = freeAddresses(t)
	w.runs = spread(w)
	t.Cleanup(func() {
		w.runs.stop(t)
		if t.Failed() {
			w.tellLogs(t)
		}
	})
	w.runs.start(t)
	w.sandbox = &sandboxControl{base: "http://" + w.at.Sandbox}
	w.roots = w.trust(t)
	w.waitUntilOpen(t)
	t.Logf("the world stands after %s", time.Since(began).Round(time.Millisecond))
	return w
}

func worldFolder(t *testing.T) string {
	if os.Getenv("HENGDAI_ACCEPTANCE_KEEP") == "" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("", "hengdai-world-")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("kept: %s", dir)
	return dir
}

// freeAddresses finds ports that nobody listens on, all different.
func freeAddresses(t testing.TB) addresses {
	t.Helper()
	var held []net.Listener
	free := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, l)
		return l.Addr().String()
	}
	at := addresses{PublicHTTP: free(), PublicHTTPS: free(), Sandbox: free(), Internal: map[string]string{}, Ops: map[string]string{}}
	for _, s := range services {
		at.Internal[s], at.Ops[s] = free(), free()
	}
	for _, l := range held {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

// configFile writes the configuration of a process that runs the named services.
func (w *world) configFile(t testing.TB, name string, runs ...string) string {
	t.Helper()
	listen := map[string]any{"public_http": "", "public_https": "", "sandbox": "", "ops": w.at.Ops[runs[0]]}
	doc := map[string]any{
		"data_dir": filepath.Join(w.dir, name), "keys_dir": filepath.Join(w.dir, "keys"), "services": runs, "listen": listen,
		"callback_base": "http://" + w.at.PublicHTTP, "telemetry": map[string]any{"level": "info"},
		"databases": w.databases.of(name, runs),
	}
	internal, peers := map[string]string{}, map[string]string{}
	for _, s := range services {
		peers[s] = "http://" + w.at.Internal[s]
	}
	for _, s := range runs {
		delete(peers, s)
		if s == "gateway" {
			listen["public_http"], listen["public_https"] = w.at.PublicHTTP, w.at.PublicHTTPS
		}
		if s == besideTheSandbox {
			listen["sandbox"] = w.at.Sandbox
		}
		internal[s] = w.at.Internal[s]
	}
	if len(runs) < len(services) {
		listen["internal"], doc["peers"] = internal, peers
	}
	if listen["sandbox"] == "" {
		doc["parties"] = map[string]string{"sandbox": "http://" + w.at.Sandbox}
	}
	text, err := yaml.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(w.dir, name+".yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// besideTheSandbox is the service in whose process the parties are served.
const besideTheSandbox = "report"

// trust reads the certificate that the gateway made for itself.
func (w *world) trust(t testing.TB) *x509.CertPool {
	t.Helper()
	roots := x509.NewCertPool()
	eventually(t, "the gateway made no certificate", 20*time.Second, func() (bool, error) {
		text, err := os.ReadFile(filepath.Join(w.dir, "keys", "gateway-tls.crt"))
		return err == nil && roots.AppendCertsFromPEM(text), err
	})
	return roots
}

// waitUntilOpen returns when every service answers through the front door and the staff can sign in.
func (w *world) waitUntilOpen(t testing.TB) {
	t.Helper()
	visitor := w.newPhone()
	for _, path := range []string{"/v1/server", "/v1/documents", "/v1/products"} {
		eventually(t, path+" was not answered", 30*time.Second, func() (bool, error) {
			got, err := visitor.try(call{method: http.MethodGet, path: path})
			if err == nil && got.status != http.StatusOK {
				err = fmt.Errorf("status %d: %s", got.status, got.body)
			}
			return err == nil, err
		})
	}
	for _, s := range services {
		w.waitUntilReady(t, s)
	}
	db := w.databases.open(t, "user")
	defer func() { _ = db.Close() }()
	eventually(t, "the sandbox's staff was not made", 20*time.Second, func() (bool, error) {
		if _, err := os.Stat(w.staffFile()); err != nil {
			return false, err
		}
		n := 0 // the file is there before the people are
		err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM staff").Scan(&n)
		return n > 0, err
	})
}

// waitUntilReady asks the health address of the process of a service.
func (w *world) waitUntilReady(t testing.TB, service string) {
	t.Helper()
	if !w.runs.many() {
		service = services[0]
	}
	eventually(t, service+" is not ready", 30*time.Second, func() (bool, error) {
		res, err := http.Get("http://" + w.at.Ops[service] + "/readyz")
		if err != nil {
			return false, err
		}
		return res.StatusCode == http.StatusOK, res.Body.Close()
	})
}

func (w *world) staffFile() string { return filepath.Join(w.folder("user"), "demo-staff.json") }

// person makes somebody of an age whom bureau and bank know, with money on the account.
func (w *world) person(t testing.TB, years int) people.Person {
	t.Helper()
	born := w.today(t).AddDate(-years, 0, -100)
	p := people.MakeBorn(7, w.people.Add(1), born, 0)
	w.sandbox.post(t, "/control/people", map[string]any{"people": []people.Person{p}}, nil)
	return p
}

// tellLogs shows the latest errors that the processes logged, for whoever looks at a failure.
func (w *world) tellLogs(t testing.TB) {
	files, err := filepath.Glob(filepath.Join(w.dir, "*.log"))
	if err != nil {
		t.Log(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Log(err)
			continue
		}
		kept := complaints(text)
		if len(kept) > 0 {
			t.Logf("%s:\n%.6000s", filepath.Base(file), strings.Join(kept[max(0, len(kept)-20):], "\n"))
		}
	}
}

// complaints are the errors of a log, and everything after a crash. What a process says to its operator at the
// start, log-ins among it, is left out.
func complaints(log []byte) []string {
	var kept []string
	crashed := false
	for line := range bytes.Lines(log) {
		var entry struct{ Level string }
		text := strings.TrimSpace(string(line))
		if json.Unmarshal(line, &entry) != nil {
			crashed = crashed || strings.HasPrefix(text, "panic:") || strings.HasPrefix(text, "fatal error:") || strings.HasPrefix(text, "hengdai run:")
			if crashed {
				kept = append(kept, text)
			}
			continue
		}
		crashed = false
		if entry.Level == "ERROR" {
			kept = append(kept, text)
		}
	}
	return kept
}

// eventually asks again, at short and growing distances, until it is so or the time is over.
func eventually(t testing.TB, otherwise string, limit time.Duration, so func() (bool, error)) {
	t.Helper()
	end := time.Now().Add(limit)
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		ok, err := so()
		if ok {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s, waited %s: %v", otherwise, limit, err)
		}
		if errors.Is(err, errGiveUp) {
			t.Fatalf("%s: %s", otherwise, strings.ReplaceAll(err.Error(), "\n", ": "))
		}
		time.Sleep(wait)
	}
}

// errGiveUp in an error says that waiting longer is of no use.
var errGiveUp = errors.New("this will not change")
