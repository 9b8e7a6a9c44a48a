package job_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

var start2026 = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func enqueue(t testing.TB, db *store.DB, q *job.Queue, e job.Effect) {
	t.Helper()
	if err := db.Write(context.Background(), func(tx *store.Tx) error { return q.Add(tx, e) }); err != nil {
		t.Fatal(err)
	}
}

func step(t testing.TB, q *job.Queue) bool {
	t.Helper()
	more, err := q.Step(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return more
}

func TestAnEffectIsStoredOnceAndCarriedOutOnce(t *testing.T) {
	storetest.Each(t, work(), func(t *testing.T, db *store.DB) {
		q := job.NewQueue(db, clock.NewManual(start2026))
		var bodies atomic.Int64
		q.Handle("pay", func(_ context.Context, e job.Effect) error {
			if string(e.Body) == "first" && e.Bucket == 3 && e.ID == 9 && e.Tries == 0 {
				bodies.Add(1)
			}
			return nil
		})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { enqueue(t, db, q, job.Effect{Kind: "pay", Bucket: 3, ID: 9, Body: []byte("first")}) })
		}
		all.Wait()
		for step(t, q) {
		}
		enqueue(t, db, q, job.Effect{Kind: "pay", Bucket: 3, ID: 9, Body: []byte("again")})
		for step(t, q) {
		}
		if bodies.Load() != 1 {
			t.Fatalf("carried out %d times", bodies.Load())
		}
	})
}

func TestManyWorkersCarryOutEachEffectOnce(t *testing.T) {
	storetest.Each(t, work(), func(t *testing.T, db *store.DB) {
		const effects = 300
		var runs [effects]atomic.Int64
		clk := clock.NewManual(start2026)
		var queues []*job.Queue
		for range 3 { // processes
			q := job.NewQueue(db, clk)
			q.Handle("pay", func(_ context.Context, e job.Effect) error { runs[e.ID].Add(1); return nil })
			queues = append(queues, q)
		}
		for id := range int64(effects) {
			enqueue(t, db, queues[0], job.Effect{Kind: "pay", Bucket: id % 16, ID: id})
		}
		var all sync.WaitGroup
		for _, q := range queues {
			all.Go(func() {
				for {
					more, err := q.Step(context.Background())
					if err != nil {
						t.Error(err)
					}
					if !more {
						return
					}
				}
			})
		}
		all.Wait()
		for step(t, queues[0]) {
		}
		for id := range runs {
			if n := runs[id].Load(); n != 1 {
				t.Fatalf("effect %d was carried out %d times", id, n)
			}
		}
	})
}

func TestAFailingEffectBacksOffInRealTime(t *testing.T) {
	db := open(t)
	q := job.NewQueue(db, clock.NewManual(start2026))
	times := make(chan time.Time, 10)
	q.Handle("pay", func(_ context.Context, e job.Effect) error {
		times <- time.Now()
		switch e.Tries {
		case 0:
			return errs.New(errs.Unavailable, "test.down", "稍后。", "Later.")
		case 1:
			panic("a fault")
		}
		return nil
	})
	r := job.NewRunner(db, "one", logger)
	r.Add(job.Job{Name: "effects", Step: q.Step, Every: time.Hour})
	start(t, r)
	enqueue(t, db, q, job.Effect{Kind: "pay", Bucket: 1, ID: 1})
	first := <-times
	if idle, _, busy := r.Idle(t.Context()); idle {
		t.Fatal("idle although a retry is near", busy)
	}
	second, third := <-times, <-times
	if a, b := second.Sub(first), third.Sub(second); a < 190*time.Millisecond || b < 390*time.Millisecond || a > 2*time.Second || b > 2*time.Second {
		t.Fatalf("tries came after %v and %v", a, b)
	}
	eventually(t, "idle", func() bool { idle, _, _ := r.Idle(t.Context()); return idle })
}

func TestWhatCanNeverSucceedIsKeptForAPerson(t *testing.T) {
	storetest.Each(t, work(), func(t *testing.T, db *store.DB) {
		q := job.NewQueue(db, clock.NewManual(start2026))
		broken := true
		q.Handle("pay", func(context.Context, job.Effect) error {
			if broken {
				return errs.Wrap(errs.New(errs.Precondition, "test.card_closed", "卡已注销。", "The card is closed."), "paying out")
			}
			return nil
		})
		enqueue(t, db, q, job.Effect{Kind: "pay", Bucket: 1, ID: 7, Body: []byte("b")})
		for step(t, q) {
		}
		failed, err := q.List(t.Context(), 10)
		if err != nil || len(failed) != 1 || failed[0].Reason != "precondition test.card_closed" || failed[0].ID != 7 || string(failed[0].Body) != "b" {
			t.Fatalf("%+v, %v", failed, err)
		}
		retry := func(id int64) error {
			return db.Write(t.Context(), func(tx *store.Tx) error { return q.Retry(tx, 1, "pay", id) })
		}
		if err := retry(8); errs.CodeOf(err) != errs.NotFound {
			t.Fatalf("got %v", err)
		}
		broken = false
		if err := retry(7); err != nil {
			t.Fatal(err)
		}
		for step(t, q) {
		}
		if failed, err := q.List(t.Context(), 10); err != nil || len(failed) != 0 {
			t.Fatalf("%+v, %v", failed, err)
		}
	})
}

func TestEffectsFollowTheBusinessClock(t *testing.T) {
	db := open(t)
	clk := clock.NewManual(start2026)
	q := job.NewQueue(db, clk)
	var runs atomic.Int64
	q.Handle("remind", func(context.Context, job.Effect) error {
		if runs.Add(1) == 1 {
			return q.Again(clk.Now().Add(24 * time.Hour))
		}
		return nil
	})
	r := job.NewRunner(db, "one", logger)
	r.Add(job.Job{Name: "effects", Step: q.Step, Every: time.Hour})
	start(t, r)
	idle := func() {
		t.Helper()
		eventually(t, "idle", func() bool { idle, _, _ := r.Idle(t.Context()); return idle })
	}
	enqueue(t, db, q, job.Effect{Kind: "remind", Bucket: 1, ID: 1, NotBefore: clk.Now().Add(48 * time.Hour)})
	for day, want := range []int64{0, 0, 1, 2, 2} {
		idle()
		if got := runs.Load(); got != want {
			t.Fatalf("day %d: it ran %d times, want %d", day, got, want)
		}
		clk.Add(24 * time.Hour)
		db.Wake()
	}
}

func TestAWorkerThatLostItsClaimIsFenced(t *testing.T) {
	storetest.Each(t, work(), func(t *testing.T, db *store.DB) {
		q := job.NewQueue(db, clock.NewManual(start2026))
		held, goOn, lost := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		var runs atomic.Int64
		q.Handle("pay", func(ctx context.Context, e job.Effect) error {
			if runs.Add(1) == 1 {
				close(held)
				<-goOn // hangs beyond its claim
				err := db.Write(ctx, func(tx *store.Tx) error { return q.Hold(tx, e) })
				lost <- err
				return errors.New("whatever the stale worker answers must not count")
			}
			return db.Write(ctx, func(tx *store.Tx) error { return q.Hold(tx, e) })
		})
		enqueue(t, db, q, job.Effect{Kind: "pay", Bucket: 1, ID: 1})
		var all sync.WaitGroup
		all.Go(func() { step(t, q) })
		<-held
		if n := other(t, db, &runs); n != 1 {
			t.Fatalf("another worker ran it while it was claimed: %d runs", n)
		}
		err := db.WriteQuiet(t.Context(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(tx.Context(), "UPDATE kit_effect SET claimed_ms = 0, version = version + 1")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		second := job.NewQueue(db, clock.NewManual(start2026))
		second.Handle("pay", func(ctx context.Context, e job.Effect) error {
			runs.Add(1)
			return db.Write(ctx, func(tx *store.Tx) error { return second.Hold(tx, e) })
		})
		for step(t, second) {
		}
		close(goOn)
		if err := <-lost; errs.ReasonOf(err) != "job.claim_lost" {
			t.Fatalf("the stale worker got %v", err)
		}
		all.Wait()
		for step(t, second) {
		}
		if runs.Load() != 2 {
			t.Fatalf("%d runs", runs.Load())
		}
	})
}

// other lets another worker look for work and answers how often the effect ran.
func other(t testing.TB, db *store.DB, runs *atomic.Int64) int64 {
	t.Helper()
	q := job.NewQueue(db, clock.NewManual(start2026))
	q.Handle("pay", func(context.Context, job.Effect) error { runs.Add(1); return nil })
	for step(t, q) {
	}
	return runs.Load()
}

func TestAnEffectOfAFailedUnitIsNotCarriedOut(t *testing.T) {
	db := open(t)
	q := job.NewQueue(db, clock.NewManual(start2026))
	q.Handle("pay", func(context.Context, job.Effect) error { t.Error("it ran"); return nil })
	_ = db.Write(t.Context(), func(tx *store.Tx) error {
		if err := q.Add(tx, job.Effect{Kind: "pay", Bucket: 1, ID: 1}); err != nil {
			return err
		}
		return errors.New("no")
	})
	if step(t, q) {
		t.Fatal("there was something to do")
	}
}

func TestASlowEffectDoesNotHoldTheOthersUp(t *testing.T) {
	db := open(t)
	q := job.NewQueue(db, clock.NewManual(start2026))
	gate := make(chan struct{})
	var quick atomic.Int64
	q.Handle("slow", func(context.Context, job.Effect) error { <-gate; return nil })
	q.Handle("quick", func(context.Context, job.Effect) error { quick.Add(1); return nil })
	r := job.NewRunner(db, "one", logger)
	r.Add(job.Job{Name: "effects", Step: q.Step, Every: time.Hour})
	start(t, r)
	enqueue(t, db, q, job.Effect{Kind: "slow", Bucket: 1, ID: 1})
	time.Sleep(50 * time.Millisecond)
	for id := range int64(40) {
		enqueue(t, db, q, job.Effect{Kind: "quick", Bucket: 1, ID: id})
	}
	eventually(t, "the quick ones are done", func() bool { return quick.Load() == 40 })
	close(gate)
}

// An SQLite file has one process: claims of another are those of one that was killed.
func TestTheClaimsOfAKilledProcessAreFreeAtOnce(t *testing.T) {
	cfg := storetest.SQLite(t)
	before := storetest.Open(t, cfg, work())
	q := job.NewQueue(before, clock.NewManual(start2026))
	held, goOn := make(chan struct{}), make(chan struct{})
	q.Handle("pay", func(context.Context, job.Effect) error { close(held); <-goOn; return nil })
	enqueue(t, before, q, job.Effect{Kind: "pay", Bucket: 1, ID: 1})
	var all sync.WaitGroup
	all.Go(func() { step(t, q) })
	<-held // and it is killed here
	after := storetest.Open(t, cfg, work())
	q2 := job.NewQueue(after, clock.NewManual(start2026))
	ran := 0
	q2.Handle("pay", func(context.Context, job.Effect) error { ran++; return nil })
	for step(t, q2) {
	}
	if ran != 1 {
		t.Fatalf("it ran %d times", ran)
	}
	close(goOn)
	all.Wait()
}

// On a server others may be at work, but who comes back under the same name replaces who had it before.
func TestWhoComesBackTakesUpTheClaimsOfHisPredecessorOnly(t *testing.T) {
	cfg := storetest.MySQL(t, work())
	cfg.Owner = "pay@here"
	before := storetest.Open(t, cfg, work())
	q := job.NewQueue(before, clock.NewManual(start2026))
	held, goOn := make(chan struct{}, 2), make(chan struct{})
	q.Handle("pay", func(context.Context, job.Effect) error { held <- struct{}{}; <-goOn; return nil })
	enqueue(t, before, q, job.Effect{Kind: "pay", Bucket: 1, ID: 1})
	var all sync.WaitGroup
	all.Go(func() { step(t, q) })
	<-held // and it is killed here
	ran := func(owner string) (n int64) {
		cfg := cfg
		cfg.Owner = owner
		var runs atomic.Int64
		other(t, storetest.Open(t, cfg, work()), &runs)
		return runs.Load()
	}
	if n := ran("pay@there") + ran(""); n != 0 {
		t.Errorf("others took it up %d times while it was claimed", n)
	}
	if n := ran("pay@here"); n != 1 {
		t.Errorf("who came back ran it %d times", n)
	}
	close(goOn)
	all.Wait()
}

// Two under one name are a mistake of the operator; each keeps what he claims while both live.
func TestALiveNamesakeKeepsWhatHeClaims(t *testing.T) {
	cfg := storetest.MySQL(t, work())
	cfg.Owner = "pay@here"
	first, second := storetest.Open(t, cfg, work()), storetest.Open(t, cfg, work())
	q := job.NewQueue(first, clock.NewManual(start2026))
	held, goOn := make(chan struct{}), make(chan struct{})
	q.Handle("pay", func(context.Context, job.Effect) error { close(held); <-goOn; return nil })
	enqueue(t, first, q, job.Effect{Kind: "pay", Bucket: 1, ID: 1})
	time.Sleep(20 * time.Millisecond)
	var all sync.WaitGroup
	all.Go(func() { step(t, q) })
	<-held
	var runs atomic.Int64
	if other(t, second, &runs); runs.Load() != 0 {
		t.Errorf("the namesake ran it %d times while it was claimed after he came", runs.Load())
	}
	close(goOn)
	all.Wait()
}

func TestAClaimIsRenewedWhileItsHandlerWorks(t *testing.T) {
	storetest.Each(t, work(), func(t *testing.T, db *store.DB) {
		q := job.NewQueue(db, clock.NewManual(start2026))
		held, goOn := make(chan struct{}), make(chan struct{})
		q.Handle("pay", func(context.Context, job.Effect) error { close(held); <-goOn; return nil })
		enqueue(t, db, q, job.Effect{Kind: "pay", Bucket: 1, ID: 1})
		var all sync.WaitGroup
		all.Go(func() { step(t, q) })
		<-held
		claimed := func() (until int64) {
			if err := db.Primary().QueryRowContext(t.Context(), "SELECT claimed_ms FROM kit_effect").Scan(&until); err != nil {
				t.Fatal(err)
			}
			return until
		}
		first := claimed()
		time.Sleep(20 * time.Millisecond)
		if err := q.Extend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if second := claimed(); second <= first {
			t.Fatalf("it ends at %d, before it was renewed at %d", second, first)
		}
		close(goOn)
		all.Wait()
	})
}
