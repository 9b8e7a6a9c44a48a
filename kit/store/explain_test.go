package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/ncruces/go-sqlite3"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

func TestWhatDriversAnswerIsExplained(t *testing.T) {
	for reason, causes := range map[string][]error{
		"store.locked":      {sqlite3.BUSY, sqlite3.LOCKED},
		"store.full":        {sqlite3.FULL, &mysql.MySQLError{Number: 1021}, &mysql.MySQLError{Number: 1114}},
		"store.io":          {sqlite3.IOERR, sqlite3.CORRUPT, sqlite3.CANTOPEN, sqlite3.READONLY},
		"store.busy":        {&mysql.MySQLError{Number: 1213}, &mysql.MySQLError{Number: 1205}, &mysql.MySQLError{Number: 1020}, &mysql.MySQLError{Number: 9007}},
		"store.unreachable": {driver.ErrBadConn, mysql.ErrInvalidConn, &mysql.MySQLError{Number: 1040}, &mysql.MySQLError{Number: 1045}, &mysql.MySQLError{Number: 4151}},
		"store.cancelled":   {context.Canceled, context.DeadlineExceeded},
		"store.duplicate":   {sqlite3.CONSTRAINT_UNIQUE, sqlite3.CONSTRAINT_PRIMARYKEY, &mysql.MySQLError{Number: 1062}},
	} {
		for _, cause := range causes {
			err := store.Explain(fmt.Errorf("reading: %w", cause))
			var e *errs.Error
			if !errors.As(err, &e) || e.Reason != reason || e.ZH == "" || e.EN == "" || !errors.Is(err, cause) {
				t.Errorf("%v is explained as %v, want %s", cause, err, reason)
			}
		}
	}
	own := errs.New(errs.NotFound, "test.none", "没有。", "None.")
	for _, same := range []error{nil, sql.ErrNoRows, own, errors.New("anything"), sqlite3.CONSTRAINT_CHECK, sqlite3.CONSTRAINT_NOTNULL, sqlite3.MISMATCH, sqlite3.TOOBIG} {
		if got := store.Explain(same); !errors.Is(got, same) {
			t.Errorf("%v became %v", same, got)
		}
	}
}

func TestNobodyElseMayReadTheFiles(t *testing.T) {
	cfg := storetest.SQLite(t)
	db := storetest.Open(t, cfg, accounts())
	if err := note(t, db, 1); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(cfg.Path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", suffix, info.Mode())
		}
	}
}

func TestUnitsThatShareACommitAreCounted(t *testing.T) {
	db := sqlite(t)
	before := db.Stats()
	for _, err := range inOneBatch(t, db, func() error { return note(t, db, 1) }, func() error { return note(t, db, 2) }) {
		if err != nil {
			t.Fatal(err)
		}
	}
	after := db.Stats()
	if after.Units-before.Units != 3 || after.Commits-before.Commits != 2 || after.Reruns != 0 {
		t.Fatalf("%+v after %+v", after, before)
	}
}
