package startbench

import (
	"bytes"
	"fmt"
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
)

// settled is how long a started program is left alone before its memory is read: demo staff is made meanwhile.
const settled = 5 * time.Second

// BenchmarkStart starts every service and the sandbox in one process, on SQLite.
func BenchmarkStart(b *testing.B) {
	b.Run("new", func(b *testing.B) {
		var all sums
		for range b.N {
			all.add(start(b, filepath.Join(b.TempDir(), "data")))
		}
		all.report(b)
	})
	b.Run("again", func(b *testing.B) {
		data := filepath.Join(b.TempDir(), "data")
		start(b, data)
		var all sums
		for range b.N {
			all.add(start(b, data))
		}
		all.report(b)
	})
}

// sums adds up what the starts of one benchmark took.
type sums struct {
	ready    time.Duration
	resident int64
}

func (s *sums) add(ready time.Duration, resident int64) {
	s.ready += ready
	s.resident += resident
}

func (s *sums) report(b *testing.B) {
	b.ReportMetric(float64(s.ready.Microseconds())/1000/float64(b.N), "ms-until-ready")
	b.ReportMetric(float64(s.resident)/1e6/float64(b.N), "MB-resident")
	b.ReportMetric(0, "ns/op") // it would count the waiting
}

// start runs the program until it is ready and has settled, and answers how long the first took and its resident bytes.
func start(b *testing.B, data string) (time.Duration, int64) {
	b.Helper()
	program := os.Getenv("HENGDAI_TEST_BINARY")
	if program == "" {
		program = filepath.Join("..", "..", "bin", "hengdai")
	}
	ports := freePorts(b, 4)
	var told bytes.Buffer
	command := exec.Command(program, "run", "--data", data)
	command.Env = []string{
		"HENGDAI_LISTEN_PUBLIC_HTTP=" + ports[0], "HENGDAI_LISTEN_PUBLIC_HTTPS=" + ports[1], "HENGDAI_LISTEN_OPS=" + ports[2],
		"HENGDAI_LISTEN_SANDBOX=" + ports[3], "HENGDAI_TELEMETRY_LEVEL=warn", "PATH=" + os.Getenv("PATH"),
	}
	command.Stderr = &told
	from := time.Now()
	if err := command.Start(); err != nil {
		b.Fatalf("%v; build it first: make build", err)
	}
	for !isReady("http://" + ports[2] + "/readyz") {
		if time.Since(from) > time.Minute {
			_ = command.Process.Kill()
			_ = command.Wait()
			b.Fatalf("not ready after a minute: %s", &told)
		}
		time.Sleep(time.Millisecond)
	}
	took := time.Since(from)
	time.Sleep(settled)
	bytes := residentBytes(b, command.Process.Pid)
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		b.Fatalf("it did not stop in order: %v: %s", err, &told)
	}
	return took, bytes
}

func isReady(url string) bool {
	res, err := http.Get(url)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// residentBytes reads VmRSS.
func residentBytes(b *testing.B, pid int) int64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skipf("SKIPPED, memory is read from /proc: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb * 1024
		}
	}
	b.Fatal("/proc tells no VmRSS")
	return 0
}

// freePorts answers addresses on loopback that are free at this moment.
func freePorts(b *testing.B, n int) []string {
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
