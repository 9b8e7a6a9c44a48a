package task_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/kit/task"
)

const (
	queue = "review"
	anna  = 1
	bo    = 2
	hour  = time.Hour
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func do[T any](t *testing.T, db *store.DB, work func(tx *store.Tx) (T, error)) (T, error) {
	t.Helper()
	var out T
	err := db.Write(t.Context(), func(tx *store.Tx) (err error) {
		out, err = work(tx)
		return err
	})
	return out, err
}

func act(t *testing.T, db *store.DB, work func(tx *store.Tx) error) error {
	t.Helper()
	return db.Write(t.Context(), work)
}

func open(t *testing.T, db *store.DB, tk task.Task) int64 {
	t.Helper()
	tk.Queue, tk.Created = queue, noon
	taskID, err := do(t, db, func(tx *store.Tx) (int64, error) { return task.Open(tx, tk) })
	if err != nil {
		t.Fatal(err)
	}
	return taskID
}

func claim(t *testing.T, db *store.DB, by int64, lease time.Duration) (task.Task, error) {
	t.Helper()
	return do(t, db, func(tx *store.Tx) (task.Task, error) { return task.Claim(tx, queue, by, lease) })
}

func get(t *testing.T, db *store.DB, taskID int64) task.Task {
	t.Helper()
	tk, err := task.Get(t.Context(), db.Primary(), taskID)
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

func TestTheMostUrgentTaskComesFirst(t *testing.T) {
	storetest.Each(t, store.Schema{Name: "none"}, func(t *testing.T, db *store.DB) {
		open(t, db, task.Task{SubjectID: 1})
		later := open(t, db, task.Task{SubjectID: 2, Due: noon.Add(2 * hour)})
		sooner := open(t, db, task.Task{SubjectID: 3, Due: noon.Add(hour)})
		high := open(t, db, task.Task{SubjectID: 4, Priority: 9})
		for i, want := range []int64{high, sooner, later} {
			got, err := claim(t, db, int64(i+10), hour)
			if err != nil || got.ID != want {
				t.Fatalf("claim %d gives another task: %v", i, err)
			}
		}
	})
}

func TestOpeningTwiceIsOneTaskPerTurn(t *testing.T) {
	storetest.Each(t, store.Schema{Name: "none"}, func(t *testing.T, db *store.DB) {
		first := open(t, db, task.Task{SubjectID: 1})
		if again := open(t, db, task.Task{SubjectID: 1}); again != first {
			t.Fatal("a second task was opened")
		}
		if next := open(t, db, task.Task{SubjectID: 1, Turn: 1}); next == first {
			t.Fatal("the next turn has no task of its own")
		}
		found, err := task.Find(t.Context(), db.Primary(), queue, 1, 0)
		if err != nil || found.ID != first {
			t.Fatalf("not found by its subject: %v", err)
		}
	})
}

func TestManyPeopleNeverHoldOneTask(t *testing.T) {
	storetest.Each(t, store.Schema{Name: "none"}, func(t *testing.T, db *store.DB) {
		const tasks, people = 12, 32
		for i := range tasks {
			open(t, db, task.Task{SubjectID: int64(i + 1)})
		}
		var mu sync.Mutex
		holders := map[int64]int64{}
		var wg sync.WaitGroup
		for who := range people {
			wg.Go(func() {
				got, err := claim(t, db, int64(who+1), hour)
				if errors.Is(err, task.ErrNone) {
					return
				}
				if err != nil {
					t.Errorf("claiming: %v", err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if other, twice := holders[got.ID]; twice {
					t.Errorf("task held by %d and %d", other, who+1)
				}
				holders[got.ID] = int64(who + 1)
			})
		}
		wg.Wait()
		if len(holders) != tasks {
			t.Fatalf("%d of %d tasks were handed out", len(holders), tasks)
		}
	})
}

func TestASkippedTaskGoesToSomebodyElse(t *testing.T) {
	storetest.Each(t, store.Schema{Name: "none"}, func(t *testing.T, db *store.DB) {
		taskID := open(t, db, task.Task{SubjectID: 1})
		if _, err := claim(t, db, anna, hour); err != nil {
			t.Fatal(err)
		}
		if err := act(t, db, func(tx *store.Tx) error { return task.Skip(tx, taskID, anna, "") }); !errors.Is(err, task.ErrNoReason) {
			t.Fatalf("skipping without a reason: %v", err)
		}
		if err := act(t, db, func(tx *store.Tx) error { return task.Skip(tx, taskID, anna, "a relative") }); err != nil {
			t.Fatal(err)
		}
		if _, err := claim(t, db, anna, hour); !errors.Is(err, task.ErrNone) {
			t.Fatalf("it came back: %v", err)
		}
		if got, err := claim(t, db, bo, hour); err != nil || got.ID != taskID || got.Skips != 1 {
			t.Fatalf("nobody gets it: %v", err)
		}
	})
}

func TestALeaseThatRanOutGivesTheTaskBack(t *testing.T) {
	storetest.Each(t, store.Schema{Name: "none"}, func(t *testing.T, db *store.DB) {
		taskID := open(t, db, task.Task{SubjectID: 1})
		if _, err := claim(t, db, anna, -time.Second); err != nil {
			t.Fatal(err)
		}
		if got, err := claim(t, db, bo, hour); err != nil || got.ID != taskID {
			t.Fatalf("it is not handed on: %v", err)
		}
		if err := act(t, db, func(tx *store.Tx) error { return task.Done(tx, taskID, anna, noon) }); !errors.Is(err, task.ErrNotYours) {
			t.Fatalf("the first holder finishes it: %v", err)
		}
		if err := act(t, db, func(tx *store.Tx) error { return task.Done(tx, taskID, bo, noon) }); err != nil {
			t.Fatal(err)
		}
		if got := get(t, db, taskID); got.State != task.Finished || !got.DoneAt.Equal(noon) {
			t.Fatalf("it is %s", got.State)
		}
		if _, err := claim(t, db, bo, hour); !errors.Is(err, task.ErrNone) {
			t.Fatalf("a finished task is handed out: %v", err)
		}
	})
}

func TestTheHolderGetsHisOwnTaskAgain(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	first := open(t, db, task.Task{SubjectID: 1})
	if _, err := claim(t, db, anna, hour); err != nil {
		t.Fatal(err)
	}
	open(t, db, task.Task{SubjectID: 2, Priority: 5})
	if got, err := claim(t, db, anna, hour); err != nil || got.ID != first {
		t.Fatalf("another task is handed out while one is held: %v", err)
	}
}

func TestReleaseHandOverAndCancel(t *testing.T) {
	storetest.Each(t, store.Schema{Name: "none"}, func(t *testing.T, db *store.DB) {
		taskID := open(t, db, task.Task{SubjectID: 1})
		one := func(by int64) error {
			_, err := do(t, db, func(tx *store.Tx) (task.Task, error) { return task.ClaimOne(tx, taskID, by, hour) })
			return err
		}
		if err := one(anna); err != nil {
			t.Fatal(err)
		}
		if err := one(bo); !errors.Is(err, task.ErrTaken) {
			t.Fatalf("two hold it: %v", err)
		}
		if err := act(t, db, func(tx *store.Tx) error { return task.HandOver(tx, taskID, anna, bo, hour, "holiday") }); err != nil {
			t.Fatal(err)
		}
		if err := act(t, db, func(tx *store.Tx) error { return task.Release(tx, taskID, anna, "") }); !errors.Is(err, task.ErrNotYours) {
			t.Fatalf("who handed it over still has it: %v", err)
		}
		if err := act(t, db, func(tx *store.Tx) error { return task.Release(tx, taskID, bo, "wait for papers") }); err != nil {
			t.Fatal(err)
		}
		if got := get(t, db, taskID); got.State != task.Waiting || got.ClaimedBy != 0 || got.Note != "wait for papers" {
			t.Fatalf("it is %s", got.State)
		}
		for range 2 {
			if err := act(t, db, func(tx *store.Tx) error { return task.Cancel(tx, taskID, noon, "withdrawn") }); err != nil {
				t.Fatal(err)
			}
		}
		if err := one(anna); !errors.Is(err, task.ErrTaken) {
			t.Fatalf("a cancelled task is handed out: %v", err)
		}
	})
}

func TestListNarrows(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	late := open(t, db, task.Task{SubjectID: 1, Due: noon.Add(-hour)})
	open(t, db, task.Task{SubjectID: 2, Due: noon.Add(hour)})
	open(t, db, task.Task{SubjectID: 3})
	overdue, err := task.List(t.Context(), db.Primary(), task.Filter{Queue: queue, State: task.Waiting, DueBefore: noon, Limit: 10})
	if err != nil || len(overdue) != 1 || overdue[0].ID != late {
		t.Fatalf("%d are late: %v", len(overdue), err)
	}
	page, err := task.List(t.Context(), db.Primary(), task.Filter{Queue: queue, Limit: 2})
	if err != nil || len(page) != 2 {
		t.Fatal(err)
	}
	rest, err := task.List(t.Context(), db.Primary(), task.Filter{Queue: queue, Limit: 9, AfterMS: page[1].Created.UnixMilli(), AfterID: page[1].ID})
	if err != nil || len(rest) != 1 {
		t.Fatalf("%d on the second page: %v", len(rest), err)
	}
}
