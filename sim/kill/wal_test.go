package kill

import (
	"database/sql"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3/driver"
)

// opened opens a database as the program does: WAL, and no cut of the log.
func opened(t *testing.T, path string) *sql.DB {
	t.Helper()
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "_pragma=journal_mode(wal)&_pragma=wal_autocheckpoint(0)&_pragma=busy_timeout(1000)"}
	db, err := driver.Open(u.String())
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func do(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func look(t *testing.T, path string) walState {
	t.Helper()
	s, err := lookAtWAL(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestATransactionIsSeenWhileItIsOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := opened(t, path)
	do(t, db, "CREATE TABLE t (a INTEGER, b TEXT)", "INSERT INTO t VALUES (1, 'one')")
	if s := look(t, path); s.open {
		t.Errorf("nothing is open, seen was %+v", s)
	}
	do(t, db, "BEGIN IMMEDIATE")
	if s := look(t, path); !s.open || s.frames != 0 {
		t.Errorf("after BEGIN: %+v", s)
	}
	do(t, db, "INSERT INTO t VALUES (2, 'two')")
	if s := look(t, path); !s.open || s.frames != 0 || s.whole {
		t.Errorf("its pages are in memory yet: %+v", s)
	}
	do(t, db, "COMMIT")
	if s := look(t, path); s.open {
		t.Errorf("after COMMIT: %+v", s)
	}
}

// A transaction that is larger than the cache writes pages into the log before its commit.
func TestPagesWithoutTheirCommitAreSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := opened(t, path)
	do(t, db, "CREATE TABLE t (a INTEGER, b BLOB)", "PRAGMA cache_size = 4", "PRAGMA cache_spill = 4", "BEGIN IMMEDIATE",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT i, randomblob(1000) FROM n")
	s := look(t, path)
	if !s.open || s.frames == 0 || s.whole {
		t.Errorf("%+v", s)
	}
}

// What a killed writer had written, commit and all, and not yet published: the log is longer than its index says.
func TestACommitThatIsNotPublishedIsSeen(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "x.db"), filepath.Join(dir, "copy.db")
	db := opened(t, path)
	do(t, db, "CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (1)")
	copyFile(t, path+"-shm", copied+"-shm") // the index as it was before
	do(t, db, "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)")
	copyFile(t, path+"-wal", copied+"-wal")
	index, err := os.ReadFile(copied + "-shm")
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Open(copied + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	frames, whole, err := unpublished(log, index[:48])
	if err != nil || frames < 2 || !whole {
		t.Errorf("%d frames, a commit among them: %v, %v", frames, whole, err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}
