package invariant_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3/driver"

	"github.com/hengdai/hengdai/demo/invariant"
)

// existing names an environment variable: a data folder of an earlier demo to look at, in place of a new run.
const existing = "HENGDAI_TEST_DEMO_DATA"

var (
	once      sync.Once
	dataDir   string
	dataError error
)

// installation answers the data folder of a small finished run, made once for all tests here by the product itself.
func installation(t *testing.T) string {
	t.Helper()
	if testing.Short() && os.Getenv(existing) == "" {
		t.Skip("SKIPPED: a whole run takes half a minute; leave -short away")
	}
	once.Do(func() { dataDir, dataError = lend() })
	if dataError != nil {
		t.Fatal(dataError)
	}
	return dataDir
}

func TestMain(m *testing.M) {
	code := m.Run()
	if dataDir != "" && os.Getenv(existing) == "" {
		_ = os.RemoveAll(filepath.Dir(dataDir))
	}
	os.Exit(code)
}

// lend builds the product and runs its demo for some applicants and weeks.
func lend() (string, error) {
	if dir := os.Getenv(existing); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "hengdai-invariant-")
	if err != nil {
		return "", err
	}
	binary, data := filepath.Join(dir, "hengdai"), filepath.Join(dir, "data")
	root := filepath.Join("..", "..")
	for _, command := range [][]string{
		{"go", "build", "-o", binary, "./cmd/hengdai"},
		{binary, "demo", "--applicants", "testdata/credit/south_german_credit.csv", "--limit", "12", "--days", "70", "--data", data},
	} {
		run := exec.CommandContext(context.Background(), command[0], command[1:]...)
		run.Dir = root
		said, err := run.CombinedOutput()
		var ended *exec.ExitError
		if errors.As(err, &ended) && ended.ExitCode() == 3 {
			err = nil // an invariant does not hold; the tests say which
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w\n%s", command[0], err, said)
		}
	}
	return data, nil
}

// places says where each service's database lies: in dir, but for those moved elsewhere.
func places(dir string, moved map[string]string) func(service string) (engine, source string) {
	return func(service string) (string, string) {
		if path, ok := moved[service]; ok {
			return "sqlite", path
		}
		return "sqlite", filepath.Join(dir, service+".db")
	}
}

// check looks at the books and answers the invariants that do not hold.
func check(t *testing.T, where func(service string) (engine, source string)) (broken []string, found *invariant.Findings) {
	t.Helper()
	books, err := invariant.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = books.Close() }()
	found, err = books.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found.Broken(), found
}

// corrupted copies one service's database, runs statements on the copy and answers where it is. Statements may read in
// at_loan and at_sandbox, the untouched books of these two.
func corrupted(t *testing.T, dir, service string, statements ...string) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), service+".db")
	copyFile(t, filepath.Join(dir, service+".db"), path)
	db, err := driver.Open("file:" + path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	defer func() { _ = db.Close() }()
	for _, other := range []string{"loan", "sandbox"} {
		if other == service {
			continue
		}
		if _, err := db.ExecContext(t.Context(), `ATTACH DATABASE ? AS at_`+other, filepath.Join(dir, other+".db")); err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range statements {
		res, err := db.ExecContext(t.Context(), statement)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			t.Fatalf("%s changed %d rows: there is nothing to corrupt (%v)", statement, n, err)
		}
	}
	return map[string]string{service: path}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	for _, tail := range []string{"", "-wal"} {
		in, err := os.Open(from + tail)
		if os.IsNotExist(err) && tail != "" {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(to + tail)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(out, in); err != nil {
			t.Fatal(err)
		}
		_ = in.Close()
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// drop runs a statement that changes no rows.
func drop(t *testing.T, path, statement string) {
	t.Helper()
	db, err := driver.Open("file:" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
