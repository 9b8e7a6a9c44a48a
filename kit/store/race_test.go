package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

const workers = 64

var (
	errStale = errs.New(errs.Conflict, "test.stale", "已变更。", "Changed.")
	errShort = errs.New(errs.Precondition, "test.limit_used_up", "额度不足。", "The limit is used up.")
	errTaken = errs.New(errs.Precondition, "test.slot_taken", "已被占用。", "The slot is taken.")
)

// race runs the work on 64 goroutines and counts how each ended, by reason.
func race(t *testing.T, work func(worker int64) error) map[string]int64 {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	ends := map[string]int64{}
	for w := range int64(workers) {
		all.Go(func() {
			err := work(w)
			mu.Lock()
			defer mu.Unlock()
			ends[errs.ReasonOf(err)]++
			if errs.CodeOf(err) == errs.Internal {
				t.Errorf("worker %d: %v", w, err)
			}
		})
	}
	all.Wait()
	return ends
}

func run(t *testing.T, db *store.DB, query string, args ...any) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(t.Context(), query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSixtyFourWorkersCannotOverdrawOneCreditLimit(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		run(t, db, "INSERT INTO t_limit (bucket, id, total_minor, used_minor, version) VALUES (1, 1, 1000, 0, 1)")
		use := func(tx *store.Tx) error {
			var total, used, version int64
			if err := tx.QueryRowContext(t.Context(), "SELECT total_minor, used_minor, version FROM t_limit WHERE bucket = 1 AND id = 1").Scan(&total, &used, &version); err != nil {
				return err
			}
			if used+100 > total {
				return errShort
			}
			res, err := tx.ExecContext(t.Context(), "UPDATE t_limit SET used_minor = ?, version = version + 1 WHERE bucket = 1 AND id = 1 AND version = ?", used+100, version)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			return store.One(n, err, errStale)
		}
		ends := race(t, func(int64) error {
			for {
				if err := db.Write(t.Context(), use); !errors.Is(err, errStale) {
					return err
				}
			}
		})
		var used, version int64
		if err := db.Primary().QueryRowContext(t.Context(), "SELECT used_minor, version FROM t_limit").Scan(&used, &version); err != nil {
			t.Fatal(err)
		}
		if ends[""] != 10 || ends["test.limit_used_up"] != workers-10 || used != 1000 || version != 11 {
			t.Fatalf("ends %v, used %d, version %d", ends, used, version)
		}
	})
}

func TestSixtyFourWorkersGetOneLastSlot(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		run(t, db, "INSERT INTO t_slot (bucket, id, taken_by, version) VALUES (1, 1, 0, 1)")
		var winner atomic.Int64
		ends := race(t, func(w int64) error {
			err := db.Write(t.Context(), func(tx *store.Tx) error {
				res, err := tx.ExecContext(t.Context(), "UPDATE t_slot SET taken_by = ?, version = version + 1 WHERE bucket = 1 AND id = 1 AND version = 1", w+1)
				if err != nil {
					return err
				}
				n, err := res.RowsAffected()
				return store.One(n, err, errTaken)
			})
			if err == nil {
				winner.Store(w + 1)
			}
			return err
		})
		var by int64
		if err := db.Primary().QueryRowContext(t.Context(), "SELECT taken_by FROM t_slot").Scan(&by); err != nil {
			t.Fatal(err)
		}
		if ends[""] != 1 || ends["test.slot_taken"] != workers-1 || by != winner.Load() {
			t.Fatalf("ends %v, taken by %d, winner %d", ends, by, winner.Load())
		}
	})
}

func TestACallbackThatComesSixtyFourTimesIsTakenInOnce(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		run(t, db, "INSERT INTO t_limit (bucket, id, total_minor, used_minor, version) VALUES (1, 1, 0, 0, 1)")
		var took atomic.Int64
		ends := race(t, func(int64) error {
			first := false
			err := db.Write(t.Context(), func(tx *store.Tx) error {
				first = false
				var one int
				err := tx.QueryRowContext(t.Context(), "SELECT 1 FROM t_callback WHERE bucket = 1 AND serial = 'A1'").Scan(&one)
				if err == nil {
					return nil
				}
				if !errors.Is(err, sql.ErrNoRows) {
					return err
				}
				if _, err := tx.ExecContext(t.Context(), "INSERT INTO t_callback (bucket, serial, body) VALUES (1, 'A1', ?)", []byte("paid")); err != nil {
					return err
				}
				first = true
				_, err = tx.ExecContext(t.Context(), "UPDATE t_limit SET total_minor = total_minor + 100, version = version + 1 WHERE bucket = 1 AND id = 1")
				return err
			})
			if err == nil && first {
				took.Add(1)
			}
			return err
		})
		var total int64
		if err := db.Primary().QueryRowContext(t.Context(), "SELECT total_minor FROM t_limit").Scan(&total); err != nil {
			t.Fatal(err)
		}
		if ends[""] != workers || took.Load() != 1 || total != 100 {
			t.Fatalf("ends %v, taken in %d times, total %d", ends, took.Load(), total)
		}
	})
}

// Two rows changed in opposite orders deadlock on MySQL; the store runs the loser again.
func TestUnitsThatDeadlockAreRunAgain(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		for id := range 2 {
			run(t, db, "INSERT INTO t_limit (bucket, id, total_minor, used_minor, version) VALUES (1, ?, 0, 0, 1)", id)
		}
		ends := race(t, func(w int64) error {
			return db.Write(t.Context(), func(tx *store.Tx) error {
				for _, id := range []int64{w % 2, 1 - w%2} {
					if _, err := tx.ExecContext(t.Context(), "UPDATE t_limit SET used_minor = used_minor + 1, version = version + 1 WHERE bucket = 1 AND id = ?", id); err != nil {
						return err
					}
				}
				return nil
			})
		})
		for id := range 2 {
			var used int64
			if err := db.Primary().QueryRowContext(t.Context(), "SELECT used_minor FROM t_limit WHERE id = ?", id).Scan(&used); err != nil {
				t.Fatal(err)
			}
			if used != ends[""] {
				t.Fatalf("row %d was changed %d times, %d units were answered with success", id, used, ends[""])
			}
		}
		if ends[""] < workers*9/10 {
			t.Fatalf("too many gave up: %v", ends)
		}
	})
}

// A unit that updates first and inserts if there was nothing meets others that do the same.
func TestUpdateOrInsertByManyEndsInOneRow(t *testing.T) {
	storetest.Each(t, accounts(), func(t *testing.T, db *store.DB) {
		for round := range 5 {
			ends := race(t, func(int64) error {
				return db.Write(t.Context(), func(tx *store.Tx) error {
					res, err := tx.ExecContext(t.Context(), "UPDATE t_limit SET used_minor = used_minor + 1, version = version + 1 WHERE bucket = 2 AND id = ?", round)
					if err != nil {
						return err
					}
					if n, err := res.RowsAffected(); err != nil || n > 0 {
						return err
					}
					_, err = tx.ExecContext(t.Context(), "INSERT INTO t_limit (bucket, id, total_minor, used_minor, version) VALUES (2, ?, 0, 1, 1)", round)
					return err
				})
			})
			var used int64
			if err := db.Primary().QueryRowContext(t.Context(), "SELECT used_minor FROM t_limit WHERE bucket = 2 AND id = ?", round).Scan(&used); err != nil {
				t.Fatal(err)
			}
			if ends[""] != workers || used != workers {
				t.Fatal(fmt.Sprint("ends ", ends, " used ", used))
			}
		}
	})
}
