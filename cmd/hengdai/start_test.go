package main

import (
	"context"
	"encoding/json"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/kit/store"
)

// productionOn writes a configuration of a production without a gateway and names it to the program.
func productionOn(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "hengdai.yaml")
	text := "profile: production\ndata_dir: " + filepath.Join(dir, "data") + "\nservices: [user, risk, payment, loan, notify, collection, report]\n" +
		"listen: {public_http: '', public_https: '', sandbox: '', ops: '" + free(t) + "'}\ncallback_base: https://lender.example\n" +
		"parties: {alpha: 'https://alpha.example', beta: 'https://beta.example', bureau: 'https://bureau.example', sms: 'https://sms.example'}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HENGDAI_CONFIG", path)
}

func TestAProductionMakesItsKeysOnceAndSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	productionOn(t, dir)
	folder := filepath.Join(dir, "data.keys")
	code, _, says := run(t, "run")
	if code != exitFailed || !strings.Contains(says, folder) || !strings.Contains(says, "user.kek.key") || !strings.Contains(says, "`hengdai keys make` makes them") {
		t.Fatalf("a start without keys ends with %d: %s", code, says)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("a start without keys touched the data folder")
	}
	if code, out, says := run(t, "keys", "list"); code != exitOK || !strings.Contains(out, "missing  user.kek.key") || !strings.Contains(out, "awaited  party-bureau.pub") {
		t.Errorf("%d %s %s", code, out, says)
	}
	code, out, says := run(t, "keys", "make", "--json")
	var told keysTold
	if err := json.Unmarshal([]byte(out), &told); code != exitOK || err != nil || len(told.Made) != 20 || told.Missing != 4 || told.KeysDir != folder {
		t.Fatalf("%d %v %s %s", code, err, out, says)
	}
	before := contentOf(t, folder)
	if code, out, _ := run(t, "keys", "make"); code != exitOK || !strings.Contains(out, "made 0 files") {
		t.Errorf("made again: %d %s", code, out)
	}
	if contentOf(t, folder) != before {
		t.Error("a second call changed keys")
	}
	if code, _, says := run(t, "run"); code != exitFailed || !strings.Contains(says, "party-bureau.pub awaited: put there what the party gave you") {
		t.Errorf("without the bureau's key: %d %s", code, says)
	}
	if err := os.Chmod(filepath.Join(folder, "user.kek.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, says := run(t, "run"); !strings.Contains(says, "user.kek.key exposed: others can read them; `chmod 600` them") {
		t.Errorf("an exposed key: %s", says)
	}
}

// contentOf is everything in a folder of keys, whose private files must be its owner's only.
func contentOf(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if strings.HasSuffix(path, ".key") && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		text, readErr := os.ReadFile(path)
		all.Write(text)
		if err == nil {
			err = readErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestNoMasterKeyIsMadeBesideDataOfAnotherOne(t *testing.T) {
	dir := t.TempDir()
	productionOn(t, dir)
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "user.db"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, says := run(t, "keys", "make")
	if code != exitFailed || !strings.Contains(says, "user.kek.key is missing") || !strings.Contains(says, "bring that file back from your backup") {
		t.Errorf("%d %s", code, says)
	}
	if _, err := os.Stat(filepath.Join(dir, "data.keys", "user.kek.key")); err == nil {
		t.Error("it was made")
	}
}

func TestAStartThatFailsSaysInOneLineWhatToDo(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, key := range []string{"PUBLIC_HTTP", "PUBLIC_HTTPS", "SANDBOX", "OPS"} {
		t.Setenv("HENGDAI_LISTEN_"+key, free(t))
	}
	newer := filepath.Join(dir, "newer")
	newerData(t, newer)
	for _, test := range []struct{ name, variable, value, data, says string }{
		{"a port in use", "HENGDAI_LISTEN_OPS", taken.Addr().String(), dir + "/a", "listen.ops: " + taken.Addr().String() + " is in use by another program, perhaps by hengdai itself; stop that one or set another address"},
		{"a data folder that cannot be", "HENGDAI_LISTEN_OPS", free(t), write("file", "") + "/data", "data_dir: " + dir + "/file/data cannot be written; choose another folder or give the right to write"},
		{"newer tables", "HENGDAI_LISTEN_OPS", free(t), newer, "The tables of the database are newer than this program: use a newer program."},
		{"bad YAML", "HENGDAI_CONFIG", write("bad.yaml", "profile: [\n"), dir + "/b", dir + "/bad.yaml: not YAML, correct the file there: yaml: line 1"},
		{"no file", "HENGDAI_CONFIG", dir + "/none.yaml", dir + "/c", "HENGDAI_CONFIG names a configuration that cannot be read; correct the path or its rights: open " + dir + "/none.yaml"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(test.variable, test.value)
			code, _, says := run(t, "run", "--data", test.data, "--log", filepath.Join(dir, "log"))
			if code != exitFailed || !strings.HasPrefix(says, "hengdai run: ") || !strings.Contains(says, test.says) || strings.Count(says, "\n") != 1 {
				t.Errorf("it ends with %d: %s", code, says)
			}
		})
	}
}

// newerData is a data folder whose user has tables of a later program.
func newerData(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	later := fstest.MapFS{"sqlite/9999_later.sql": {Data: []byte("-- +goose Up\nCREATE TABLE later (id INTEGER);\n")}}
	cfg := store.Config{Engine: store.SQLite, Path: filepath.Join(dir, "user.db")}
	db, err := store.Open(t.Context(), cfg, store.Schema{Name: "user", Files: later})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAProductionStartsOnTheKeysThatItMade(t *testing.T) {
	dir := t.TempDir()
	productionOn(t, dir)
	if code, _, says := run(t, "keys", "make"); code != exitOK {
		t.Fatal(says)
	}
	theirs := filepath.Join(dir, "theirs")
	if _, err := keys.Ed25519(theirs, "party-bureau", true); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(theirs, "party-bureau.pub"), filepath.Join(dir, "data.keys", "party-bureau.pub")); err != nil {
		t.Fatal(err)
	}
	var out, complaints screen
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() { ended <- dispatch(ctx, []string{"run", "--log", filepath.Join(dir, "log")}, &out, &complaints) }()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(out.String(), "Ctrl-C stops."); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) || complaints.String() != "" {
			t.Fatalf("no welcome: %s %s", out.String(), complaints.String())
		}
	}
	if said := out.String(); !strings.Contains(said, "profile production") || strings.Contains(said, "staff of the sandbox") {
		t.Errorf("the welcome: %s", said)
	}
	stop()
	if code := <-ended; code != exitOK || complaints.String() != "" {
		t.Errorf("it ends with %d: %s", code, complaints.String())
	}
}
