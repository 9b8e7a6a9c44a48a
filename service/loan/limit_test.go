package loan

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/loan/rows"
)

func TestALimitAlwaysCoversWhatIsFrozenAndUsed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c credit
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			amount := rapid.Int64Range(0, 1_000_000).Draw(t, "amount")
			before := c
			var next credit
			var err error
			switch rapid.IntRange(0, 4).Draw(t, "act") {
			case 0:
				next, err = c.grant(amount)
			case 1:
				next, err = c.freeze(amount)
			case 2:
				next, err = c.use(amount)
			case 3:
				next, err = c.release(limitFrozen, amount)
			default:
				next, err = c.release(limitUsed, amount)
			}
			if err != nil {
				continue
			}
			c = next
			if c.Frozen < 0 || c.Used < 0 || c.available() < 0 || c.Total != max(c.Granted, c.Frozen+c.Used) {
				t.Fatalf("%+v became %+v", before, c)
			}
		}
	})
}

// limits makes as much of the service as limits need.
func limits(t *testing.T, db *store.DB) (*Service, int64) {
	t.Helper()
	clk := clock.NewManual(time.Date(2026, 11, 2, 10, 0, 0, 0, clock.Shanghai))
	ids := id.NewLocal(1, clk)
	s := &Service{deps: Deps{DB: db, Clock: clk, IDs: ids, Log: eventlog.New(db, "loan", ids, clk)}}
	userID := ids.New(5)
	err := s.write(t.Context(), func(tx *store.Tx) error {
		return s.limitGrant(tx.Context(), tx, 5, userID, 1_000_000, 1, heldPrice{Grade: "A", RatePPM: 90_000, DecisionID: 3})
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, userID
}

func TestSixtyFourWorkersRacingForOneLimitTakeNoMoreThanItHolds(t *testing.T) {
	storetest.Each(t, Schema(), func(t *testing.T, db *store.DB) {
		s, userID := limits(t, db)
		var all sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 64 {
			all.Go(func() {
				err := s.write(context.Background(), func(tx *store.Tx) error {
					return s.limitFreeze(tx.Context(), tx, 5, userID, 100_000, int64(i+1))
				})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case !errors.Is(err, errLimitShort):
					t.Errorf("an unexpected refusal: %v", err)
				}
			})
		}
		all.Wait()
		row, err := s.limitOf(t.Context(), db.Primary(), userID)
		if err != nil {
			t.Fatal(err)
		}
		if won != 10 || row.FrozenMinor != 1_000_000 || creditOf(row).available() != 0 {
			t.Fatalf("%d of 64 won, the limit is %+v", won, row)
		}
		changes, err := rows.New(db.Primary()).CreditLimitChanges(t.Context(), rows.CreditLimitChangesParams{Bucket: 5, UserID: userID, Limit: 200})
		if err != nil || len(changes) != 11 || changes[0].Version != row.Version {
			t.Fatalf("%d changes were kept, %v", len(changes), err)
		}
	})
}

func TestALimitGoesFromFrozenToUsedAndBack(t *testing.T) {
	storetest.Each(t, Schema(), func(t *testing.T, db *store.DB) {
		s, userID := limits(t, db)
		do := func(work func(tx *store.Tx) error) error { return s.write(t.Context(), work) }
		steps := []func(tx *store.Tx) error{
			func(tx *store.Tx) error { return s.limitFreeze(tx.Context(), tx, 5, userID, 600_000, 1) },
			func(tx *store.Tx) error { return s.limitUse(tx.Context(), tx, 5, userID, 600_000, 1) },
			// A cut takes only what is free.
			func(tx *store.Tx) error {
				return s.limitGrant(tx.Context(), tx, 5, userID, 200_000, 2, heldPrice{Grade: "C", RatePPM: 162_000})
			},
			func(tx *store.Tx) error {
				return s.limitRelease(tx.Context(), tx, 5, userID, 500_000, 1, limitUsed, "")
			},
		}
		for i, step := range steps {
			if err := do(step); err != nil {
				t.Fatalf("step %d: %v", i, err)
			}
		}
		row, err := s.limitOf(t.Context(), db.Primary(), userID)
		if err != nil || row.TotalMinor != 200_000 || row.UsedMinor != 100_000 || row.Grade != "C" {
			t.Fatalf("%+v, %v", row, err)
		}
		err = do(func(tx *store.Tx) error {
			return s.limitRelease(tx.Context(), tx, 5, userID, 100_001, 1, limitUsed, "")
		})
		if errs.ReasonOf(err) != "limit.inconsistent" {
			t.Fatalf("more was released than was used: %v", err)
		}
		// The database itself refuses what the code must never write.
		err = db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(tx.Context(), "UPDATE credit_limit SET total_minor = 0 WHERE bucket = 5 AND user_id = ?", userID)
			return err
		})
		if err == nil {
			t.Fatal("the database took a limit below what is used")
		}
	})
}
