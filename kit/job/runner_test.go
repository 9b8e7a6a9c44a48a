package job_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

var logger = slog.New(slog.NewTextHandler(io.Discard, nil))

func work() store.Schema {
	lite := "-- +goose Up\nCREATE TABLE t_work (id INTEGER NOT NULL, done INTEGER NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (id)) STRICT;\n"
	my := "-- +goose Up\nCREATE TABLE t_work (id BIGINT NOT NULL, done BIGINT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (id));\n"
	return store.Schema{Name: "work", Files: fstest.MapFS{"sqlite/0001_init.sql": {Data: []byte(lite)}, "mysql/0001_init.sql": {Data: []byte(my)}}}
}

func open(t *testing.T) *store.DB { return storetest.Open(t, storetest.SQLite(t), work()) }

func add(t testing.TB, db *store.DB, id int64) {
	t.Helper()
	err := db.Write(context.Background(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(tx.Context(), "INSERT INTO t_work (id, done, version) VALUES (?, 0, 1)", id)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func count(t testing.TB, db *store.DB, where string) (n int) {
	t.Helper()
	if err := db.Primary().QueryRowContext(context.Background(), "SELECT COUNT(*) FROM t_work WHERE "+where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// finish is a step that does one piece of work at a time.
func finish(db *store.DB) job.Step {
	return func(ctx context.Context) (bool, error) {
		var id int64
		err := db.Primary().QueryRowContext(ctx, "SELECT COALESCE(MIN(id), 0) FROM t_work WHERE done = 0").Scan(&id)
		if err != nil || id == 0 {
			return false, err
		}
		return true, db.Write(ctx, func(tx *store.Tx) error {
			if err := job.Guard(tx); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "UPDATE t_work SET done = done + 1, version = version + 1 WHERE id = ?", id)
			return err
		})
	}
}

// start runs a runner until the test ends or stop is called.
func start(t testing.TB, r *job.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestACommitWakesAJobAtOnce(t *testing.T) {
	db := open(t)
	r := job.NewRunner(db, "one", logger)
	r.Add(job.Job{Name: "finish", Step: finish(db), Every: time.Hour})
	start(t, r)
	for id := range int64(50) {
		add(t, db, id+1)
	}
	eventually(t, "all done", func() bool { return count(t, db, "done = 1") == 50 })
	eventually(t, "idle", func() bool { idle, _, _ := r.Idle(t.Context()); return idle })
	if n := count(t, db, "done > 1"); n != 0 {
		t.Fatalf("%d pieces were done twice", n)
	}
}

func TestARunnerIsNotIdleBeforeItsJobsHaveLooked(t *testing.T) {
	db := open(t)
	r := job.NewRunner(db, "one", logger)
	var looked atomic.Int64
	gate := make(chan struct{})
	r.Add(job.Job{Name: "slow", Every: time.Hour, Step: func(context.Context) (bool, error) {
		<-gate
		looked.Add(1)
		return false, nil
	}})
	if idle, _, busy := r.Idle(t.Context()); idle || !slices.Equal(busy, []string{"slow"}) {
		t.Fatal("idle before it ran", busy)
	}
	start(t, r)
	close(gate)
	eventually(t, "idle", func() bool { idle, _, _ := r.Idle(t.Context()); return idle })
	for range 20 { // after each change, idle means that the job has looked since
		seen := looked.Load()
		_, before, _ := r.Idle(t.Context())
		db.Wake() // as after moving the clock
		eventually(t, "idle again", func() bool { idle, _, _ := r.Idle(t.Context()); return idle })
		_, after, _ := r.Idle(t.Context())
		if looked.Load() == seen || after == before {
			t.Fatal("idle although the job has not looked since the change")
		}
	}
}

func TestAFailingJobBacksOffAndAPanicIsAFailure(t *testing.T) {
	db := open(t)
	r := job.NewRunner(db, "one", logger)
	var runs atomic.Int64
	times := make(chan time.Time, 100)
	r.Add(job.Job{Name: "weak", Step: func(context.Context) (bool, error) {
		times <- time.Now()
		switch runs.Add(1) {
		case 1:
			panic("a fault")
		case 2, 3:
			return false, errors.New("no")
		}
		return false, nil
	}})
	start(t, r)
	eventually(t, "failing", func() bool { return runs.Load() >= 1 })
	if idle, _, busy := r.Idle(t.Context()); idle || len(busy) == 0 {
		t.Fatal("a failing job counts as idle")
	}
	eventually(t, "idle", func() bool { idle, _, _ := r.Idle(t.Context()); return idle })
	first, second, third, fourth := <-times, <-times, <-times, <-times
	for i, gap := range []time.Duration{second.Sub(first), third.Sub(second), fourth.Sub(third)} {
		if want := 100 * time.Millisecond << i; gap < want {
			t.Errorf("try %d came after %v, want at least %v", i+2, gap, want)
		}
	}
}

func TestARunnerDrainsItsStepsAndGivesItsLeasesBack(t *testing.T) {
	db := open(t)
	r := job.NewRunner(db, "one", logger)
	began, ended := make(chan struct{}), atomic.Bool{}
	r.Add(
		job.Job{Name: "long", Step: func(ctx context.Context) (bool, error) {
			close(began)
			time.Sleep(200 * time.Millisecond)
			if ctx.Err() != nil {
				t.Error("the step was cancelled although it would have finished")
			}
			ended.Store(true)
			return true, nil
		}},
		job.Job{Name: "waits", Follows: true, Step: func(ctx context.Context) (bool, error) {
			if job.Patience(ctx) == 0 {
				t.Error("a job that follows has no patience")
			}
			<-ctx.Done() // a long poll ends at once
			return false, ctx.Err()
		}},
	)
	stop := start(t, r)
	<-began
	at := time.Now()
	stop()
	if !ended.Load() || time.Since(at) > 5*time.Second {
		t.Fatalf("ended %v after %v", ended.Load(), time.Since(at))
	}
	// Another process has the leases at once.
	other := job.NewRunner(db, "two", logger)
	ran := make(chan struct{}, 100)
	other.Add(job.Job{Name: "long", Step: func(context.Context) (bool, error) { ran <- struct{}{}; return false, nil }})
	start(t, other)
	select {
	case <-ran:
	case <-time.After(10 * time.Second): // a lease lasts twice as long
		t.Fatal("the lease was not given back")
	}
}

// expire makes a lease end, as if its holder had been silent for its time.
func expire(t testing.TB, db *store.DB, name string) {
	t.Helper()
	err := db.WriteQuiet(context.Background(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(tx.Context(), "UPDATE kit_lease SET until_ms = 0, version = version + 1 WHERE name = ?", name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestALeaseIsTakenOverAfterItsEndAndTheStaleWorkerIsFenced(t *testing.T) {
	storetest.Each(t, work(), func(t *testing.T, db *store.DB) {
		add(t, db, 1)
		inStep, goOn := make(chan struct{}), make(chan struct{})
		staleErr := make(chan error, 1)
		var once sync.Once
		first, second := job.NewRunner(db, "one", logger), job.NewRunner(db, "two", logger)
		first.Add(job.Job{Name: "finish", Step: func(ctx context.Context) (bool, error) {
			once.Do(func() { close(inStep) })
			<-goOn // the worker hangs, and its lease runs out
			err := db.Write(ctx, func(tx *store.Tx) error {
				if err := job.Guard(tx); err != nil {
					return err
				}
				_, err := tx.ExecContext(ctx, "UPDATE t_work SET done = done + 100, version = version + 1 WHERE id = 1")
				return err
			})
			select {
			case staleErr <- err:
			default:
			}
			return false, err
		}})
		second.Add(job.Job{Name: "finish", Step: finish(db)})
		stopFirst := start(t, first)
		<-inStep
		start(t, second)
		time.Sleep(100 * time.Millisecond)
		if n := count(t, db, "done > 0"); n != 0 {
			t.Fatal("two processes ran one job")
		}
		if idle, _, busy := second.Idle(t.Context()); !idle {
			t.Fatal("a job that another process runs keeps this one busy", busy)
		}
		expire(t, db, "finish")
		eventually(t, "taken over", func() bool { return count(t, db, "done = 1") == 1 })
		close(goOn)
		if err := <-staleErr; errs.ReasonOf(err) != "job.lease_lost" {
			t.Fatalf("the stale worker got %v", err)
		}
		stopFirst()
		if n := count(t, db, "done = 1"); n != 1 {
			t.Fatal("the stale worker wrote")
		}
	})
}

func TestAProcessThatRestartsHasItsLeasesAtOnce(t *testing.T) {
	db := open(t)
	ran := make(chan string, 100)
	step := func(name string) job.Step {
		return func(context.Context) (bool, error) { ran <- name; return false, nil }
	}
	before := job.NewRunner(db, "loan-0", logger)
	before.Add(job.Job{Name: "j", Step: step("before"), Every: time.Hour})
	start(t, before) // and it is never told to stop: a crash
	if got := <-ran; got != "before" {
		t.Fatal(got)
	}
	after := job.NewRunner(db, "loan-0", logger)
	after.Add(job.Job{Name: "j", Step: step("after"), Every: time.Hour})
	start(t, after)
	select {
	case got := <-ran:
		if got != "after" {
			t.Fatal(got)
		}
	case <-time.After(10 * time.Second): // a lease lasts twice as long
		t.Fatal("it waits for its own lease to end")
	}
}

func TestAFollowingJobIsAtRestAsSoonAsItWorksAgain(t *testing.T) {
	db := open(t)
	r := job.NewRunner(db, "test", logger)
	var steps atomic.Int64
	r.Add(job.Job{Name: "follows", Follows: true, Step: func(ctx context.Context) (bool, error) {
		if steps.Add(1) <= 2 {
			return false, errors.New("the peer is away")
		}
		select { // nothing comes for as long as one waits
		case <-ctx.Done():
		case <-time.After(job.Patience(ctx)):
		}
		return false, nil
	}})
	start(t, r)
	eventually(t, "the job failed", func() bool { return steps.Load() >= 2 })
	began := time.Now()
	eventually(t, "the runner is idle", func() bool { idle, _, _ := r.Idle(t.Context()); return idle && steps.Load() > 2 })
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestAFollowingJobThatDoesNotWaitIsNotRunWithoutEnd(t *testing.T) {
	db := open(t)
	r := job.NewRunner(db, "one", logger)
	var runs atomic.Int64
	r.Add(job.Job{Name: "eager", Follows: true, Step: func(context.Context) (bool, error) { runs.Add(1); return false, nil }})
	start(t, r)
	time.Sleep(200 * time.Millisecond)
	if n := runs.Load(); n == 0 || n > 30 {
		t.Fatalf("it ran %d times in 200 ms", n)
	}
}
