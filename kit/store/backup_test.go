package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
)

func TestCopiesOfSeveralFilesAreOfOneMoment(t *testing.T) {
	dir := t.TempDir()
	var dbs []*store.DB
	for _, name := range []string{"a.db", "b.db"} {
		db, err := store.Open(t.Context(), store.Config{Engine: store.SQLite, Path: filepath.Join(dir, name)}, accounts())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		dbs = append(dbs, db)
	}
	writing, stop := context.WithCancel(t.Context())
	done := make(chan int64)
	go func() { // every number is written to a and then to b: a copy in which b is ahead, or two behind, is of two moments
		var n int64
		for n = 1; writing.Err() == nil; n++ {
			for _, db := range dbs {
				if err := db.Write(t.Context(), func(tx *store.Tx) error { return insertNote(tx, n, "x") }); err != nil {
					t.Error(err)
				}
			}
		}
		done <- n - 1
	}()
	var before int
	for round := range 10 {
		to := filepath.Join(dir, fmt.Sprint("copy", round))
		if err := os.Mkdir(to, 0o700); err != nil {
			t.Fatal(err)
		}
		copies := []store.Copy{
			{From: filepath.Join(dir, "a.db"), To: filepath.Join(to, "a.db")}, {From: filepath.Join(dir, "b.db"), To: filepath.Join(to, "b.db")},
		}
		if err := store.Backup(t.Context(), copies); err != nil {
			t.Fatal(err)
		}
		var counts []int
		for _, c := range copies {
			if err := store.Check(t.Context(), c.To); err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(t.Context(), store.Config{Engine: store.SQLite, Path: c.To}, accounts())
			if err != nil {
				t.Fatal(err)
			}
			counts = append(counts, len(notes(t, db)))
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if counts[0]-counts[1] < 0 || counts[0]-counts[1] > 1 {
			t.Fatalf("the copies hold %d and %d rows", counts[0], counts[1])
		}
		if counts[0] < before {
			t.Fatalf("a later copy holds fewer rows: %d after %d", counts[0], before)
		}
		before = counts[0]
	}
	stop()
	if n := <-done; n < int64(before) || before == 0 {
		t.Fatalf("copies held %d rows of %d", before, n)
	}
}

func TestACopyNeverOverwritesAFile(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a.db"), filepath.Join(dir, "kept")
	db, err := store.Open(t.Context(), store.Config{Engine: store.SQLite, Path: from}, accounts())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := os.WriteFile(to, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Backup(t.Context(), []store.Copy{{From: from, To: to}}); err == nil {
		t.Error("a file was overwritten")
	}
	if text, err := os.ReadFile(to); err != nil || !slices.Equal(text, []byte("mine")) {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestADamagedFileIsToldWithWhatIsDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db, err := store.Open(t.Context(), store.Config{Engine: store.SQLite, Path: path}, accounts())
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(3000) {
		if err := note(t, db, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(t.Context(), path); err != nil {
		t.Fatalf("a sound file is called damaged: %v", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(content) / 2; i < len(content)/2+4096; i++ {
		content[i] ^= 0xA5
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(t.Context(), path); errs.CodeOf(err) != errs.Precondition || errs.ReasonOf(err) != "store.damaged" {
		t.Errorf("damage is told as %v", err)
	}
}

func TestAnOlderFileIsCopiedBeforeItsTablesAreChangedAndANewerOneIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	open := func(versions int) (*store.DB, error) {
		return store.Open(t.Context(), store.Config{Engine: store.SQLite, Path: path}, growing(versions))
	}
	for versions := 1; versions <= 3; versions += 2 { // from 1 to 3 in one upgrade
		db, err := open(versions)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := filepath.Glob(path + ".before-upgrade-*")
	if err != nil || len(kept) != 1 {
		t.Fatalf("copies from before the upgrade: %v, %v", kept, err)
	}
	old, err := store.Open(t.Context(), store.Config{Engine: store.SQLite, Path: kept[0]}, growing(1))
	if err != nil {
		t.Fatalf("the older program cannot open the copy: %v", err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := open(2); errs.ReasonOf(err) != "store.too_new" {
		t.Errorf("an older program opens newer tables: %v", err)
	}
	again, err := open(3)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	if kept, _ := filepath.Glob(path + ".before-upgrade-*"); len(kept) != 1 {
		t.Errorf("a start without an upgrade copied the file: %v", kept)
	}
}

// growing is a schema that has had so many versions.
func growing(versions int) store.Schema {
	files := fstest.MapFS{}
	for v := 1; v <= versions; v++ {
		files[fmt.Sprintf("sqlite/%04d_step.sql", v)] = &fstest.MapFile{Data: fmt.Appendf(nil, "-- +goose Up\nCREATE TABLE t_step%d (id INTEGER NOT NULL, PRIMARY KEY (id)) STRICT;\n", v)}
	}
	return store.Schema{Name: "growing", Files: files}
}
