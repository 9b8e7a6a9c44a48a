package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

// inOneBatch runs units so that they meet in one commit: a first one holds the writer until all have been handed in.
func inOneBatch(t *testing.T, db *store.DB, units ...func() error) []error {
	t.Helper()
	hold, held := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	var once sync.Once
	all.Go(func() {
		_ = db.Write(context.Background(), func(*store.Tx) error {
			once.Do(func() { close(held) })
			<-hold
			return nil
		})
	})
	<-held
	failed := make([]error, len(units))
	for i, unit := range units {
		all.Go(func() { failed[i] = unit() })
		for db.Queued() <= i {
			time.Sleep(time.Millisecond)
		}
	}
	close(hold)
	all.Wait()
	return failed
}

// neighbours wraps a middle unit between two that insert a note each, and checks that those two were answered with
// success and are there exactly once.
func neighbours(t *testing.T, db *store.DB, middle func() error) (middleErr error) {
	t.Helper()
	failed := inOneBatch(t, db,
		func() error { return note(t, db, 1) },
		middle,
		func() error { return note(t, db, 3) },
	)
	if failed[0] != nil || failed[2] != nil {
		t.Fatalf("the neighbours answered %v and %v", failed[0], failed[2])
	}
	if got := notes(t, db); !slices.Contains(got, 1) || !slices.Contains(got, 3) {
		t.Fatalf("answered units are missing: %v are there", got)
	}
	if err := note(t, db, 4); err != nil {
		t.Fatalf("the writer does not go on: %v", err)
	}
	return failed[1]
}

func sqlite(t *testing.T) *store.DB {
	t.Helper()
	return storetest.Open(t, storetest.SQLite(t), accounts())
}

func TestThreeUnitsShareOneCommit(t *testing.T) {
	db := sqlite(t)
	if err := neighbours(t, db, func() error { return note(t, db, 2) }); err != nil {
		t.Fatal(err)
	}
	if got := notes(t, db); !slices.Equal(got, []int64{1, 2, 3, 4}) {
		t.Fatalf("got %v", got)
	}
}

func TestAnErrorInTheMiddleUnitIsItsOwn(t *testing.T) {
	db := sqlite(t)
	no := errs.New(errs.Precondition, "test.no", "不行。", "No.")
	err := neighbours(t, db, func() error {
		return db.Write(t.Context(), func(tx *store.Tx) error { return errors.Join(insertNote(tx, 2, "x"), no) })
	})
	if !errors.Is(err, no) || slices.Contains(notes(t, db), 2) {
		t.Fatalf("got %v, rows %v", err, notes(t, db))
	}
}

func TestAPanicInTheMiddleUnitIsItsOwn(t *testing.T) {
	db := sqlite(t)
	err := neighbours(t, db, func() error {
		return db.Write(t.Context(), func(tx *store.Tx) error {
			if err := insertNote(tx, 2, "x"); err != nil {
				return err
			}
			panic("a fault")
		})
	})
	if errs.CodeOf(err) != errs.Internal || errs.ReasonOf(err) != "store.work_panicked" || slices.Contains(notes(t, db), 2) {
		t.Fatalf("got %v, rows %v", err, notes(t, db))
	}
}

func TestAUnitThatEndsItsGoroutineIsItsOwn(t *testing.T) {
	db := sqlite(t)
	err := neighbours(t, db, func() error {
		return db.Write(t.Context(), func(tx *store.Tx) error {
			if err := insertNote(tx, 2, "x"); err != nil {
				return err
			}
			runtime.Goexit()
			return nil
		})
	})
	if errs.ReasonOf(err) != "store.work_abandoned" || slices.Contains(notes(t, db), 2) {
		t.Fatalf("got %v, rows %v", err, notes(t, db))
	}
}

// long inserts so many rows that it can be cancelled on the way.
const long = `INSERT INTO t_note (id, text) WITH RECURSIVE c(x) AS (SELECT 1000 UNION ALL SELECT x+1 FROM c WHERE x < ?) SELECT x, 'y' FROM c`

func TestACancelledLongStatementInTheMiddleUnitRunsToItsEnd(t *testing.T) {
	db := sqlite(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := neighbours(t, db, func() error {
		return db.Write(ctx, func(tx *store.Tx) error {
			time.AfterFunc(5*time.Millisecond, cancel)
			_, err := tx.ExecContext(ctx, long, 200_000)
			return err
		})
	})
	if err != nil || ctx.Err() == nil {
		t.Fatalf("got %v", err)
	}
	if got := len(notes(t, db)); got != 200_000-999+3 {
		t.Fatalf("%d rows", got)
	}
}

// The trap itself: if a statement is interrupted all the same, SQLite rolls back the whole batch.
func TestAnInterruptedStatementInTheMiddleUnitTakesNobodyDown(t *testing.T) {
	db := sqlite(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	runs := 0
	err := neighbours(t, db, func() error {
		return db.Write(ctx, func(tx *store.Tx) error {
			runs++
			time.AfterFunc(5*time.Millisecond, cancel)
			if _, err := db.Unguarded(ctx, long, 100_000_000); err == nil {
				t.Error("the statement was not interrupted")
			}
			if db.TransactionStands() {
				t.Error("SQLite kept the transaction: the trap is not there any more")
			}
			// Code that goes on regardless must not commit statement by statement.
			if err := insertNote(tx, 2, "x"); err == nil {
				t.Error("a statement ran after its transaction was gone")
			}
			var n int
			if err := tx.QueryRowContext(ctx, "SELECT 1").Scan(&n); err == nil {
				t.Error("a query ran after its transaction was gone")
			}
			return nil
		})
	})
	if errs.CodeOf(err) != errs.Unavailable || runs != 1 || slices.Contains(notes(t, db), 2) {
		t.Fatalf("got %v after %d runs, rows %v", err, runs, notes(t, db))
	}
}

// limitPages lets the database grow by so many pages and no further: the next page is a full disk.
func limitPages(t *testing.T, db *store.DB, more int64) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		var n int64
		if err := tx.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&n); err != nil {
			return err
		}
		return tx.QueryRowContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count=%d", n+more)).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFullDiskInTheMiddleUnitIsItsOwn(t *testing.T) {
	db := sqlite(t)
	limitPages(t, db, 3)
	runs := 0
	err := neighbours(t, db, func() error {
		return db.Write(t.Context(), func(tx *store.Tx) error {
			runs++
			for i := range int64(50) {
				if err := insertNote(tx, 100+i, strings.Repeat("x", 3000)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	var e *errs.Error
	if !errors.As(err, &e) || e.Code != errs.Unavailable || e.Reason != "store.full" || e.ZH == "" || e.EN == "" {
		t.Fatalf("got %v", err)
	}
	t.Logf("the unit ran %d times: %v", runs, err)
	if got := notes(t, db); !slices.Equal(got, []int64{1, 3, 4}) {
		t.Fatalf("rows %v", got)
	}
	limitPages(t, db, 1_000_000)
	if err := note(t, db, 5); err != nil {
		t.Fatalf("there is room again, and yet: %v", err)
	}
}

// Code that goes on after an error that took the transaction down must not be answered with success.
func TestAnErrorThatAUnitHidesIsFound(t *testing.T) {
	for name, fault := range map[string]func(tx *store.Tx){
		"a full disk": func(tx *store.Tx) {
			for i := range int64(50) {
				_ = insertNote(tx, 100+i, strings.Repeat("x", 3000))
			}
		},
		"a rollback": func(tx *store.Tx) { _, _ = tx.ExecContext(tx.Context(), "ROLLBACK") },
	} {
		t.Run(name, func(t *testing.T) {
			db := sqlite(t)
			limitPages(t, db, 3)
			err := neighbours(t, db, func() error {
				return db.Write(t.Context(), func(tx *store.Tx) error {
					fault(tx)
					_ = insertNote(tx, 2, "x")
					return nil
				})
			})
			if errs.CodeOf(err) != errs.Unavailable {
				t.Fatalf("got %v", err)
			}
			if got := notes(t, db); !slices.Equal(got, []int64{1, 3, 4}) {
				t.Fatalf("rows %v", got)
			}
		})
	}
}

func TestALockedDatabaseIsAReadableError(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the busy timeout")
	}
	cfg := storetest.SQLite(t)
	db, other := storetest.Open(t, cfg, accounts()), storetest.Open(t, cfg, accounts())
	hold := make(chan struct{})
	held := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = other.Write(t.Context(), func(tx *store.Tx) error { close(held); <-hold; return insertNote(tx, 9, "x") })
	})
	<-held
	err := note(t, db, 1)
	close(hold)
	all.Wait()
	if errs.CodeOf(err) != errs.Unavailable || errs.ReasonOf(err) != "store.locked" {
		t.Fatalf("got %v", err)
	}
	if err := note(t, db, 1); err != nil {
		t.Fatal(err)
	}
}

func TestADeadlineIsLookedAtBeforeTheUnitStarts(t *testing.T) {
	db := sqlite(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := neighbours(t, db, func() error {
		defer time.AfterFunc(0, cancel).Stop()
		return db.Write(ctx, func(tx *store.Tx) error { <-ctx.Done(); return insertNote(tx, 2, "x") })
	})
	// Either it was cancelled in the queue and never ran, or it ran to its end; there is nothing between.
	if ran := slices.Contains(notes(t, db), 2); ran != (err == nil) {
		t.Fatalf("ran %v, answered %v", ran, err)
	}
}

func TestRowsThatAUnitLeavesOpenDoNotDisturbTheNext(t *testing.T) {
	db := sqlite(t)
	for i := range int64(20) {
		if err := note(t, db, i); err != nil {
			t.Fatal(err)
		}
	}
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		outer, err := tx.QueryContext(t.Context(), "SELECT id FROM t_note ORDER BY id") //nolint:rowserrcheck,sqlclosecheck // left open on purpose
		if err != nil {
			return err
		}
		outer.Next()
		inner, err := tx.QueryContext(t.Context(), "SELECT id FROM t_note ORDER BY id") //nolint:rowserrcheck,sqlclosecheck // the same text, nested
		if err != nil {
			return err
		}
		n := 0
		for inner.Next() {
			n++
		}
		for outer.Next() {
			n++
		}
		if n != 39 {
			t.Errorf("nested queries of the same text saw %d rows", n)
		}
		_, err = tx.QueryContext(t.Context(), "SELECT id FROM t_note") //nolint:rowserrcheck,sqlclosecheck // left open on purpose
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := note(t, db, 100); err != nil {
		t.Fatal(err)
	}
}
