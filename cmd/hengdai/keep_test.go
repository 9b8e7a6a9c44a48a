package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hengdai/hengdai/demo"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/node"
)

// TestABackupFromTheMiddleOfTheWorkIsAWholeBook takes back-ups while applicants come and days pass. Each, restored and
// started, finishes what was under way at its moment, and then every invariant holds.
func TestABackupFromTheMiddleOfTheWorkIsAWholeBook(t *testing.T) {
	rows, err := demo.ReadRows(filepath.Join("..", "..", "testdata", "credit", "south_german_credit.csv"), filepath.Join("..", "..", "testdata", "credit", "mapping.json"), 10)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var backups []string
	var keys string
	err = withDemoNode(t.Context(), filepath.Join(dir, "data"), func(cfg *config.Config, n *node.Node) error {
		keys = cfg.KeysDir
		lending := make(heard, 1)
		options, err := optionsOf(cfg, n, rows, 1, lending)
		if err != nil {
			return err
		}
		options.Days, options.AtOnce = 40, 4
		working := make(chan error, 1)
		go func() { _, err := demo.Do(t.Context(), options); working <- err }()
		<-lending
		for _, wait := range []time.Duration{300 * time.Millisecond, 1300 * time.Millisecond} {
			time.Sleep(wait)
			to := filepath.Join(dir, "kept"+wait.String())
			if _, err := node.Backup(t.Context(), cfg, version, to); err != nil {
				return err
			}
			backups = append(backups, to)
		}
		return <-working
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range backups {
		t.Run(filepath.Base(from), func(t *testing.T) { holdsAfterRestore(t, from, keys) })
	}
}

// heard is told when the first loans are running.
type heard chan struct{}

func (h heard) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("loans are running")) {
		h <- struct{}{}
	}
	return len(p), nil
}

func holdsAfterRestore(t *testing.T, from, keys string) {
	folder := filepath.Join(t.TempDir(), "data")
	cfg, err := config.Load("", []string{"HENGDAI_DATA_DIR=" + folder, "HENGDAI_KEYS_DIR=" + keys})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Restore(t.Context(), cfg, from); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(keys, folder+".keys"); err != nil { // where a demo looks for them
		t.Fatal(err)
	}
	if said, err := settled(t, folder); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
}
