package job_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/job"
)

func TestAJobIsWokenByWhatItWaitsForAlone(t *testing.T) {
	db := open(t)
	r := job.NewRunner(db, "one", logger)
	var onCommit, onTime, never atomic.Int64
	counting := func(n *atomic.Int64) job.Step {
		return func(context.Context) (bool, error) { n.Add(1); return false, nil }
	}
	r.Add(job.Job{Name: "commit", Every: time.Hour, Step: counting(&onCommit)},
		job.Job{Name: "time", Every: time.Hour, Wakes: job.OnTime, Step: counting(&onTime)},
		job.Job{Name: "never", Every: time.Hour, Wakes: job.Never, Step: counting(&never)})
	start(t, r)
	atRest := func() {
		t.Helper()
		if idle, _, busy := r.Await(t.Context(), 10*time.Second, false); !idle {
			t.Fatalf("busy: %v", busy)
		}
	}
	atRest()
	commits, times, nevers := onCommit.Load(), onTime.Load(), never.Load()
	add(t, db, 1)
	atRest()
	if onCommit.Load() == commits || onTime.Load() != times || never.Load() != nevers {
		t.Fatalf("a commit woke %d, %d, %d", onCommit.Load()-commits, onTime.Load()-times, never.Load()-nevers)
	}
	commits = onCommit.Load()
	db.Wake() // as after moving the clock
	atRest()
	if onCommit.Load() == commits || onTime.Load() == times || never.Load() != nevers {
		t.Fatalf("time woke %d, %d, %d", onCommit.Load()-commits, onTime.Load()-times, never.Load()-nevers)
	}
}

func TestWaitingForRestEndsWithTheWorkOrTheWait(t *testing.T) {
	db := open(t)
	r := job.NewRunner(db, "one", logger)
	gate := make(chan struct{})
	r.Add(job.Job{Name: "slow", Every: time.Hour, Step: func(context.Context) (bool, error) {
		<-gate
		return false, nil
	}})
	start(t, r)
	if idle, _, busy := r.Await(t.Context(), 20*time.Millisecond, false); idle || len(busy) != 1 {
		t.Fatalf("idle %v, busy %v, while a job works", idle, busy)
	}
	if idle, _, _ := r.Await(t.Context(), 20*time.Millisecond, true); idle {
		t.Fatal("idle while a job works")
	}
	time.AfterFunc(20*time.Millisecond, func() { close(gate) })
	if idle, _, busy := r.Await(t.Context(), 30*time.Second, true); !idle {
		t.Fatalf("busy with %v when the work has ended", busy)
	}
}
