package log_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/types/known/wrapperspb"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

var noSchema = store.Schema{Name: "none"}

func newLog(db *store.DB) *eventlog.Log {
	clk := clock.New(nil)
	return eventlog.New(db, "source", id.NewLocal(1, clk), clk)
}

// userIn makes a user id in a bucket.
func userIn(bucket, n int64) int64 { return n<<22 | bucket }

func say(t testing.TB, db *store.DB, l *eventlog.Log, user, n int64) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		return l.Append(tx, eventlog.Event{UserID: user, Body: wrapperspb.Int64(n)})
	})
	if err != nil {
		t.Error(err)
	}
}

func number(t testing.TB, l *eventlog.Log) {
	t.Helper()
	for {
		more, err := l.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
	}
}

func all(t testing.TB, l logv1connect.LogClient) []*logv1.Event {
	t.Helper()
	var events []*logv1.Event
	after := map[int32]int64{}
	for {
		req := &logv1.ReadRequest{Limit: 100}
		for p := range int32(id.Partitions) {
			req.After = append(req.After, &logv1.Cursor{Partition: p, Position: after[p]})
		}
		res, err := l.Read(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if len(res.GetEvents()) == 0 {
			return events
		}
		for _, e := range res.GetEvents() {
			if e.GetPosition() != after[e.GetPartition()]+1 {
				t.Fatalf("partition %d: %d came after %d", e.GetPartition(), e.GetPosition(), after[e.GetPartition()])
			}
			after[e.GetPartition()]++
		}
		events = append(events, res.GetEvents()...)
	}
}

func value(t testing.TB, e *logv1.Event) int64 {
	t.Helper()
	var v wrapperspb.Int64Value
	if err := (protoUnmarshal(e.GetBody(), &v)); err != nil {
		t.Fatal(err)
	}
	return v.GetValue()
}

func TestPositionsAreDenseUnderManyWritersAndNumberers(t *testing.T) {
	storetest.Each(t, noSchema, func(t *testing.T, db *store.DB) {
		const writers, each = 32, 20
		l := newLog(db)
		ctx, stop := context.WithCancel(t.Context())
		var numberers, writing sync.WaitGroup
		for range 2 { // two at once, although one should be leased: the head decides
			numberers.Go(func() {
				for ctx.Err() == nil {
					_, _ = l.Step(ctx)
				}
			})
		}
		for w := range int64(writers) {
			writing.Go(func() {
				for n := range int64(each) {
					say(t, db, l, userIn(w*7%id.Buckets, w+1), n)
					if n%5 == 0 { // units that fail leave nothing behind
						_ = db.Write(ctx, func(tx *store.Tx) error {
							_ = l.Append(tx, eventlog.Event{UserID: userIn(w, w+1), Body: wrapperspb.Int64(-1)})
							return errs.New(errs.Precondition, "test.no", "不行。", "No.")
						})
					}
				}
			})
		}
		writing.Wait()
		stop()
		numberers.Wait()
		number(t, l)
		next := map[int64]int64{}
		events := all(t, l)
		for _, e := range events {
			v := value(t, e)
			if v != next[e.GetUserId()] {
				t.Fatalf("user %d: event %d came where %d was due", e.GetUserId(), v, next[e.GetUserId()])
			}
			next[e.GetUserId()]++
			if e.GetPartition() != id.Partition(e.GetBucket()) || e.GetKind() != "google.protobuf.Int64Value" || e.GetAtMs() == 0 {
				t.Fatalf("a wrong event: %v", e)
			}
		}
		if len(events) != writers*each {
			t.Fatalf("%d events of %d", len(events), writers*each)
		}
		if n, err := l.Unnumbered(t.Context()); err != nil || n != 0 {
			t.Fatal(n, err)
		}
	})
}

func TestAReaderWaitsUntilSomethingIsNumbered(t *testing.T) {
	storetest.Each(t, noSchema, func(t *testing.T, db *store.DB) {
		l := newLog(db)
		req := &logv1.ReadRequest{After: []*logv1.Cursor{{Partition: 3}}, Limit: 10, WaitMs: 10_000}
		got := make(chan *logv1.ReadResponse)
		began := time.Now()
		go func() {
			res, err := l.Read(t.Context(), req)
			if err != nil {
				t.Error(err)
			}
			got <- res
		}()
		time.Sleep(20 * time.Millisecond)
		say(t, db, l, userIn(3, 1), 42)
		number(t, l)
		res := <-got
		if len(res.GetEvents()) != 1 || time.Since(began) > 5*time.Second {
			t.Fatalf("%v after %v", res, time.Since(began))
		}
		req.After[0].Position = 1
		req.WaitMs = 50
		if res, err := l.Read(t.Context(), req); err != nil || len(res.GetEvents()) != 0 {
			t.Fatal(res, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		req.WaitMs = 10_000
		if _, err := l.Read(ctx, req); errs.CodeOf(err) != errs.Unavailable {
			t.Fatalf("got %v", err)
		}
	})
}

func TestReadingSharesItsLimitAndChecksItsPartitions(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	l := newLog(db)
	for n := range int64(10) {
		say(t, db, l, userIn(0, 1), n)
		say(t, db, l, userIn(1, 1), n)
	}
	number(t, l)
	res, err := l.Read(t.Context(), &logv1.ReadRequest{After: []*logv1.Cursor{{Partition: 0}, {Partition: 1}, {Partition: 2}}, Limit: 6})
	if err != nil || len(res.GetEvents()) != 6 || res.GetEvents()[3].GetPartition() != 1 {
		t.Fatal(res, err)
	}
	for _, p := range []int32{-1, 16} {
		if _, err := l.Read(t.Context(), &logv1.ReadRequest{After: []*logv1.Cursor{{Partition: p}}, Limit: 1}); errs.CodeOf(err) != errs.Invalid {
			t.Fatalf("partition %d: %v", p, err)
		}
	}
	heads, err := l.Heads(t.Context(), &logv1.HeadsRequest{})
	if err != nil || len(heads.GetHeads()) != 16 || heads.GetHeads()[1].GetPosition() != 10 || heads.GetHeads()[2].GetPosition() != 0 {
		t.Fatal(heads, err)
	}
}

func TestAnEventOfAWrongBucketIsRefused(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	l := newLog(db)
	for _, e := range []eventlog.Event{
		{UserID: userIn(5, 1), Bucket: 6, Body: wrapperspb.Int64(1)},
		{Bucket: 1024, Body: wrapperspb.Int64(1)},
		{Bucket: -1, Body: wrapperspb.Int64(1)},
	} {
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return l.Append(tx, e) }); err == nil {
			t.Fatalf("%+v was taken", e)
		}
	}
}

func TestATraceGoesThroughTheLog(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	l := newLog(db)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 2, 3}, SpanID: trace.SpanID{4}, TraceFlags: trace.FlagsSampled})
	ctx := trace.ContextWithSpanContext(t.Context(), span)
	err := db.Write(ctx, func(tx *store.Tx) error {
		return l.Append(tx, eventlog.Event{UserID: userIn(1, 1), Body: wrapperspb.Int64(1)})
	})
	if err != nil {
		t.Fatal(err)
	}
	number(t, l)
	var seen trace.TraceID
	f := eventlog.Follow(storetest.Open(t, storetest.SQLite(t)), "source", l,
		eventlog.On(func(ctx context.Context, _ *store.Tx, _ eventlog.Meta, _ *wrapperspb.Int64Value) error {
			seen = trace.SpanContextFromContext(ctx).TraceID()
			return nil
		}))
	follow(t, f)
	if seen != span.TraceID() {
		t.Fatalf("got %v", seen)
	}
}

func TestAFollowerReadsOverTheNetworkAsInProcess(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	l := newLog(db)
	path, handler := logv1connect.NewLogHandler(l)
	server := httptest.NewServer(handler)
	defer server.Close()
	_ = path
	taken := newTaken(t)
	f := eventlog.Follow(taken.db, "source", logv1connect.NewLogClient(server.Client(), server.URL), taken.handler())
	for n := range int64(100) {
		say(t, db, l, userIn(n, 1), n)
	}
	number(t, l)
	follow(t, f)
	if got := taken.all(t); len(got) != 100 {
		t.Fatalf("%d events of 100", len(got))
	}
	if lag, err := f.Lag(t.Context()); err != nil || lag != 0 {
		t.Fatal(lag, err)
	}
	server.Close()
	if _, err := f.Step(t.Context()); err == nil {
		t.Fatal("a dead peer went unnoticed")
	}
}

// The whole chain in one process: a commit wakes the numberer, it wakes the reader, no poll in between.
func TestAnEventArrivesWithoutAPollingDelay(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	l := newLog(db)
	taken := newTaken(t)
	f := eventlog.Follow(taken.db, "source", l, taken.handler())
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	source, sink := job.NewRunner(db, "a", quiet(t)), job.NewRunner(taken.db, "b", quiet(t))
	source.Add(job.Job{Name: "number", Step: l.Step, Every: time.Hour})
	sink.Add(job.Job{Name: "follow", Step: f.Step, Follows: true})
	running.Go(func() { _ = source.Run(ctx) })
	running.Go(func() { _ = sink.Run(ctx) })
	time.Sleep(100 * time.Millisecond)
	slowest := time.Duration(0)
	for n := range int64(20) {
		began := time.Now()
		say(t, db, l, userIn(n, 1), n)
		for len(taken.all(t)) != int(n)+1 {
			if time.Since(began) > 5*time.Second {
				t.Fatalf("event %d did not arrive", n)
			}
			time.Sleep(200 * time.Microsecond)
		}
		slowest = max(slowest, time.Since(began))
	}
	t.Logf("slowest of 20 from commit to commit: %v", slowest)
	if slowest > 4*time.Second {
		t.Fatalf("took %v", slowest)
	}
	for _, r := range []*job.Runner{source, sink} {
		waitIdle(t, r)
	}
	stop()
	running.Wait()
}

func waitIdle(t testing.TB, r *job.Runner) {
	t.Helper()
	for range 500 {
		if idle, _, _ := r.Idle(t.Context()); idle {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, _, busy := r.Idle(t.Context())
	t.Fatal(fmt.Sprint("never idle: ", busy))
}
