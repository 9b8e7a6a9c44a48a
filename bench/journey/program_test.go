package journeybench

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.yaml.in/yaml/v3"

	"github.com/hengdai/hengdai/kit/config"
)

// program is the running program with everything in one process.
type program struct {
	command                   *exec.Cmd
	told                      bytes.Buffer
	base, sandbox, ops, staff string
	keys                      string
}

// start runs the program on a new folder, and on the databases that a configuration file names, if there is one.
func start(b *testing.B, databases string) *program {
	b.Helper()
	binary := cmp.Or(os.Getenv("HENGDAI_TEST_BINARY"), filepath.Join("..", "..", "bin", "hengdai"))
	data, at := filepath.Join(b.TempDir(), "data"), freeAddresses(b, 4)
	p := &program{base: "https://" + at[1], sandbox: "http://" + at[3], ops: "http://" + at[2], staff: filepath.Join(data, "demo-staff.json"), keys: data + ".keys"}
	env := []string{
		"HENGDAI_DATA_DIR=" + data, "HENGDAI_LISTEN_PUBLIC_HTTP=" + at[0], "HENGDAI_LISTEN_PUBLIC_HTTPS=" + at[1], "HENGDAI_LISTEN_OPS=" + at[2],
		"HENGDAI_LISTEN_SANDBOX=" + at[3], "HENGDAI_TELEMETRY_LEVEL=warn", "PATH=" + os.Getenv("PATH"),
	}
	args := []string{"run"}
	if databases != "" {
		args = append(args, "--config", databases)
		migrate := exec.Command(binary, "migrate", "--config", databases)
		migrate.Env = env
		if out, err := migrate.CombinedOutput(); err != nil {
			b.Fatalf("migrate: %v: %s", err, out)
		}
	}
	p.command = exec.Command(binary, args...)
	p.command.Env, p.command.Stderr = env, &p.told
	if err := p.command.Start(); err != nil {
		b.Fatalf("%v; build it first: make build", err)
	}
	b.Cleanup(func() { _ = p.command.Process.Kill(); _ = p.command.Wait() })
	for from := time.Now(); !isReady(p.ops + "/readyz"); time.Sleep(5 * time.Millisecond) {
		if time.Since(from) > time.Minute {
			b.Fatalf("not ready after a minute: %s", &p.told)
		}
	}
	return p
}

func (p *program) stop(b *testing.B) {
	b.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := p.command.Wait(); err != nil {
		b.Fatalf("it did not stop in order: %v: %s", err, &p.told)
	}
}

func (p *program) roots(b *testing.B) *x509.CertPool {
	b.Helper()
	certificate, err := os.ReadFile(filepath.Join(p.keys, "gateway-tls.crt"))
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(certificate) {
		b.Fatalf("read the certificate: %v", err)
	}
	return roots
}

// processor is the processor time that the program has used, in user and system mode.
func (p *program) processor(b *testing.B) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0 // no /proc: not told
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	var ticks int64
	for _, at := range []int{11, 12} {
		n, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// profileFor is how long the processor is watched at most: the first seconds of the measured time.
const profileFor = 8

// profile begins to watch what the processor does and answers how to wait for the end of it.
func (p *program) profile(file string) (wait func()) {
	if file == "" {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		res, err := http.Get(fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", p.ops, profileFor))
		if err != nil {
			return
		}
		defer func() { _ = res.Body.Close() }()
		if text, err := io.ReadAll(res.Body); err == nil {
			_ = os.WriteFile(file, text, 0o600)
		}
	}()
	return func() { <-done }
}

func isReady(url string) bool {
	res, err := http.Get(url)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// freeAddresses answers addresses on loopback that are free at this moment.
func freeAddresses(b *testing.B, n int) []string {
	b.Helper()
	var addresses []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}

// databases makes an empty database for each service on the test server, and a configuration file that names them.
func databases(b *testing.B) string {
	b.Helper()
	server, err := mysql.ParseDSN(os.Getenv("HENGDAI_TEST_MYSQL_DSN"))
	if err != nil {
		b.Fatal(err)
	}
	server.DBName = ""
	root, err := sql.Open("mysql", server.FormatDSN())
	if err != nil {
		b.Fatal(err)
	}
	prefix := "hd_bench_" + strings.ToLower(rand.Text()[:8]) + "_"
	named := map[string]any{}
	for _, service := range config.Services {
		if service == "gateway" {
			continue
		}
		name := prefix + service
		if _, err := root.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _, _ = root.Exec("DROP DATABASE " + name) })
		own := server.Clone()
		own.DBName = name
		named[service] = map[string]any{"engine": "mysql", "dsn": own.FormatDSN()}
	}
	text, err := yaml.Marshal(map[string]any{"databases": named})
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "hengdai.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
	return file
}
