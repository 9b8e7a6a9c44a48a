package demobench

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkDemo is `make demo`.
func BenchmarkDemo(b *testing.B) {
	for range b.N {
		demo(b)
	}
}

func demo(b *testing.B) {
	b.Helper()
	root := filepath.Join("..", "..")
	program := cmp.Or(os.Getenv("HENGDAI_TEST_BINARY"), filepath.Join(root, "bin", "hengdai"))
	command := exec.Command(program, "demo", "--applicants", filepath.Join(root, "testdata", "credit", "south_german_credit.csv"),
		"--limit", cmp.Or(os.Getenv("HENGDAI_TEST_LIMIT"), "200"), "--data", filepath.Join(b.TempDir(), "data"))
	command.Env = []string{"PATH=" + os.Getenv("PATH")}
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	from := time.Now()
	if err := command.Start(); err != nil {
		b.Fatalf("%v; build it first: make build", err)
	}
	var ended time.Duration
	var held, broken string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case line == "== applicants": // the report begins: every loan has ended or aged
			ended = time.Since(from)
			b.ReportMetric(megabytes(b, command.Process.Pid, "VmRSS:"), "MB-resident")
			b.ReportMetric(megabytes(b, command.Process.Pid, "VmHWM:"), "MB-peak")
		case strings.Contains(line, "invariants hold"):
			held = line
			b.ReportMetric(megabytes(b, command.Process.Pid, "VmHWM:"), "MB-peak-with-check")
		case strings.Contains(line, "BROKEN"):
			broken += line + "\n"
		case strings.HasPrefix(line, "a day of the calendar"):
			if fields := strings.Fields(line); len(fields) > 2 {
				if ms, err := strconv.ParseFloat(fields[len(fields)-2], 64); err == nil {
					b.ReportMetric(ms, "ms/day")
				}
			}
		}
	}
	if err := command.Wait(); err != nil {
		b.Fatalf("the demo failed: %v\n%s%s", err, broken, held)
	}
	b.ReportMetric(ended.Seconds(), "s-business")
	b.ReportMetric((time.Since(from) - ended).Seconds(), "s-check")
	b.ReportMetric(0, "ns/op") // told as seconds
}

// megabytes reads a line of /proc/<pid>/status.
func megabytes(b *testing.B, pid int, name string) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skipf("SKIPPED, memory is read from /proc: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name {
			kb, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb * 1024 / 1e6
		}
	}
	b.Fatalf("/proc tells no %s", name)
	return 0
}
