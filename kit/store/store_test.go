package store_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

// accounts is a small schema of its own, with what the races of a lender look like.
func accounts() store.Schema {
	lite := `-- +goose Up
CREATE TABLE t_limit (bucket INTEGER NOT NULL, id INTEGER NOT NULL, total_minor INTEGER NOT NULL, used_minor INTEGER NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (bucket, id)) STRICT;
CREATE TABLE t_slot (bucket INTEGER NOT NULL, id INTEGER NOT NULL, taken_by INTEGER NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (bucket, id)) STRICT;
CREATE TABLE t_callback (bucket INTEGER NOT NULL, serial TEXT NOT NULL CHECK(length(serial) <= 64), body BLOB NOT NULL, PRIMARY KEY (bucket, serial)) STRICT;
CREATE TABLE t_note (id INTEGER NOT NULL, text TEXT NOT NULL CHECK(length(text) <= 60000), PRIMARY KEY (id)) STRICT;
`
	my := strings.NewReplacer(" INTEGER", " BIGINT", "serial TEXT NOT NULL CHECK(length(serial) <= 64)", "serial VARCHAR(64) NOT NULL",
		"text TEXT NOT NULL CHECK(length(text) <= 60000)", "text VARCHAR(60000) CHARACTER SET latin1 NOT NULL", ") STRICT", ")").Replace(lite)
	return store.Schema{Name: "accounts", Files: fstest.MapFS{
		"schema/sqlite/0001_init.sql": {Data: []byte(lite)},
		"schema/mysql/0001_init.sql":  {Data: []byte(my)},
	}}
}

func note(t testing.TB, db *store.DB, id int64) error {
	t.Helper()
	return db.Write(t.Context(), func(tx *store.Tx) error { return insertNote(tx, id, "x") })
}

func insertNote(tx *store.Tx, id int64, text string) error {
	_, err := tx.ExecContext(tx.Context(), "INSERT INTO t_note (id, text) VALUES (?, ?)", id, text)
	return err
}

func notes(t testing.TB, db *store.DB) []int64 {
	t.Helper()
	rows, err := db.Primary().QueryContext(context.Background(), "SELECT id FROM t_note ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	ids := []int64{}
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestAUnitIsCommittedWholeOrNotAtAll(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		refused := errs.New(errs.Precondition, "test.refused", "不行。", "No.")
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			if err := insertNote(tx, 1, "a"); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatalf("got %v", err)
		}
		if got := notes(t, db); len(got) != 0 {
			t.Fatalf("rows %v are left", got)
		}
	})
}

func TestHooksRunAfterTheCommitAndOnlyThen(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		woken := make(chan struct{}, 8)
		db.OnCommit(func() { woken <- struct{}{} })
		ran := 0
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			tx.AfterCommit(func() {
				ran++
				if got := notes(t, db); len(got) != 1 {
					t.Errorf("the hook sees %v", got)
				}
			})
			return insertNote(tx, 1, "a")
		})
		if err != nil || ran != 1 {
			t.Fatalf("err %v, the hook ran %d times", err, ran)
		}
		<-woken
		_ = db.Write(t.Context(), func(tx *store.Tx) error {
			tx.AfterCommit(func() { t.Error("the hook of a failed unit ran") })
			return errors.New("no")
		})
		before := db.Changes()
		err = db.WriteQuiet(t.Context(), func(tx *store.Tx) error { return insertNote(tx, 2, "b") })
		if err != nil || db.Changes() != before {
			t.Fatalf("a quiet unit counted as a change: %v", err)
		}
		err = db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(tx.Context(), "UPDATE t_note SET text = 'c' WHERE id = 99")
			return err
		})
		if err != nil || db.Changes() != before {
			t.Fatalf("a unit that changed nothing counted as a change: %v", err)
		}
	})
}

func TestADuplicateKeyIsAConflict(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		if err := note(t, db, 1); err != nil {
			t.Fatal(err)
		}
		err := note(t, db, 1)
		if !store.IsDuplicate(err) || errs.CodeOf(err) != errs.Conflict {
			t.Fatalf("got %v", err)
		}
	})
}

func TestACancelledRequestIsNotStarted(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := db.Write(ctx, func(*store.Tx) error { t.Error("it ran"); return nil })
		if errs.CodeOf(err) != errs.Unavailable || !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestWritingInsideAUnitIsRefused(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			return db.Write(tx.Context(), func(*store.Tx) error { return nil })
		})
		if errs.ReasonOf(err) != "store.nested_write" {
			t.Fatalf("got %v", err)
		}
	})
}

func TestAReadingSourceRefusesToWrite(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		for _, src := range []store.DBTX{db.Read(), db.Primary()} {
			if _, err := src.ExecContext(t.Context(), "INSERT INTO t_note (id, text) VALUES (1, 'x')"); err == nil {
				t.Fatal("it wrote")
			}
		}
	})
}

func TestAClosedDatabaseIsUnavailable(t *testing.T) {
	storetest.EachConfig(t, []store.Schema{accounts()}, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg, accounts())
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := note(t, db, 1); errs.CodeOf(err) != errs.Unavailable {
			t.Fatalf("writing: %v", err)
		}
		var one int
		if err := db.Read().QueryRowContext(t.Context(), "SELECT 1").Scan(&one); errs.CodeOf(store.Explain(err)) != errs.Unavailable {
			t.Fatalf("reading: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Fatalf("closing twice: %v", err)
		}
	})
}

func TestWhatWasAnsweredIsThereAfterReopening(t *testing.T) {
	storetest.EachConfig(t, []store.Schema{accounts()}, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg, accounts())
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range int64(50) {
			all.Go(func() {
				if err := note(t, db, i); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if got := notes(t, storetest.Open(t, cfg, accounts())); len(got) != 50 {
			t.Fatalf("%d of 50 are there", len(got))
		}
	})
}

func TestAMemoryDatabaseRunsUnitsOnTheCallersGoroutine(t *testing.T) {
	db := storetest.Open(t, store.Config{Engine: store.SQLite, Path: store.Memory, BatchMax: 1}, accounts())
	other := storetest.Open(t, store.Config{Engine: store.SQLite, Path: store.Memory, BatchMax: 1}, accounts())
	if err := note(t, db, 1); err != nil {
		t.Fatal(err)
	}
	if got := notes(t, db); len(got) != 1 {
		t.Fatalf("got %v", got)
	}
	if got := notes(t, other); len(got) != 0 {
		t.Fatalf("another memory database has %v", got)
	}
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		if err := insertNote(tx, 2, "b"); err != nil {
			return err
		}
		if got := notes(t, db); len(got) != 1 {
			t.Errorf("a reader sees what is not committed: %v", got)
		}
		panic("a fault")
	})
	if errs.CodeOf(err) != errs.Internal || len(notes(t, db)) != 1 {
		t.Fatalf("got %v", err)
	}
}

func TestOpenRefusesAServerThatIsNotMigrated(t *testing.T) {
	cfg := storetest.EmptyMySQL(t)
	_, err := store.Open(t.Context(), cfg, accounts())
	if errs.ReasonOf(err) != "store.not_migrated" || !strings.Contains(errs.CodeOf(err).String(), "precondition") {
		t.Fatalf("got %v", err)
	}
	if err := store.Migrate(t.Context(), cfg, accounts()); err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context(), cfg, accounts()); err != nil {
		t.Fatalf("migrating twice: %v", err)
	}
	storetest.Open(t, cfg, accounts())
	older := accounts()
	older.Files = fstest.MapFS{"mysql/0001_init.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n")}}
	newer := fstest.MapFS{"mysql/0001_init.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n")}, "mysql/0002_more.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n")}}
	if err := store.Migrate(t.Context(), cfg, store.Schema{Name: "accounts", Files: newer}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), cfg, older); errs.ReasonOf(err) != "store.too_new" {
		t.Fatalf("got %v", err)
	}
}

func TestOpeningSomethingThatIsNoDatabaseIsAReadableError(t *testing.T) {
	for name, cfg := range map[string]store.Config{
		"no engine":     {Engine: "oracle"},
		"no path":       {Engine: store.SQLite},
		"a folder":      {Engine: store.SQLite, Path: t.TempDir()},
		"a broken DSN":  {Engine: store.MySQL, DSN: "::::"},
		"nobody there":  {Engine: store.MySQL, DSN: "root@tcp(127.0.0.1:1)/none"},
		"a file behind": {Engine: store.SQLite, Path: "/dev/null/x.db"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := store.Open(t.Context(), cfg)
			var e *errs.Error
			if !errors.As(err, &e) || e.ZH == "" || e.EN == "" {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestReadsEndWithTheirContext(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		var n int64
		long := "SELECT SLEEP(5)"
		if db.Engine() == store.SQLite {
			long = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 300000000) SELECT COUNT(*) FROM c"
		}
		err := db.Read().QueryRowContext(ctx, long).Scan(&n)
		if errs.CodeOf(store.Explain(err)) != errs.Unavailable {
			t.Fatalf("got %v", err)
		}
	})
}

func TestAnIdempotencyKeyAnswersWhatItAnsweredBefore(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		ask := func(key, hash string) (answer string, found bool, err error) {
			err = db.Write(t.Context(), func(tx *store.Tx) error {
				var body []byte
				body, found, err = store.Idempotent(tx, 7, "test", key, []byte(hash))
				if err != nil || found {
					answer = string(body)
					return err
				}
				answer = "answer to " + hash
				return store.Remember(tx, 7, "test", key, []byte(hash), []byte(answer))
			})
			return answer, found, err
		}
		if _, found, err := ask("key-one", "a"); err != nil || found {
			t.Fatal(found, err)
		}
		if answer, found, err := ask("key-one", "a"); err != nil || !found || answer != "answer to a" {
			t.Fatal(answer, found, err)
		}
		if _, _, err := ask("key-one", "b"); errs.ReasonOf(err) != "idempotency.body_differs" || errs.CodeOf(err) != errs.Conflict {
			t.Fatalf("got %v", err)
		}
		if _, found, err := ask("key-two", "b"); err != nil || found {
			t.Fatal(found, err)
		}
	})
}

func TestOneTellsStaleFromBroken(t *testing.T) {
	stale := errs.New(errs.Conflict, "test.stale", "已变更。", "Changed.")
	if err := store.One(1, nil, stale); err != nil {
		t.Fatal(err)
	}
	if err := store.One(0, nil, stale); !errors.Is(err, stale) {
		t.Fatal(err)
	}
	if err := store.One(0, sql.ErrConnDone, stale); !errors.Is(err, sql.ErrConnDone) {
		t.Fatal(err)
	}
}
