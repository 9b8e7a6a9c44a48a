package log_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

func protoUnmarshal(b []byte, m proto.Message) error { return proto.Unmarshal(b, m) }

func quiet(testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// taken is a database that keeps what a follower took in, in the order in which it did.
type taken struct {
	db *store.DB
	// fault is asked before each event; nil means take it.
	fault atomic.Pointer[func(m eventlog.Meta, n int64) error]
}

func takenSchema() store.Schema {
	lite := "-- +goose Up\nCREATE TABLE t_taken (part INTEGER NOT NULL, position INTEGER NOT NULL, user_id INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (part, position)) STRICT;\n" +
		"CREATE TABLE t_order (id INTEGER NOT NULL, user_id INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (id)) STRICT;\n"
	my := "-- +goose Up\nCREATE TABLE t_taken (part BIGINT NOT NULL, position BIGINT NOT NULL, user_id BIGINT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (part, position));\n" +
		"CREATE TABLE t_order (id BIGINT NOT NULL, user_id BIGINT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (id));\n"
	return store.Schema{Name: "taken", Files: fstest.MapFS{"sqlite/0001_init.sql": {Data: []byte(lite)}, "mysql/0001_init.sql": {Data: []byte(my)}}}
}

func newTaken(t testing.TB) *taken {
	return &taken{db: storetest.Open(t, storetest.SQLite(t), takenSchema())}
}

func (k *taken) handler() eventlog.Handler {
	return eventlog.On(func(ctx context.Context, tx *store.Tx, m eventlog.Meta, body *wrapperspb.Int64Value) error {
		// The row goes first: a fault must take it back.
		if _, err := tx.ExecContext(ctx, "INSERT INTO t_taken (part, position, user_id, n) VALUES (?, ?, ?, ?)", m.Partition, m.Position, m.UserID, body.GetValue()); err != nil {
			return err
		}
		if fault := k.fault.Load(); fault != nil {
			return (*fault)(m, body.GetValue())
		}
		return nil
	})
}

func (k *taken) failing(fault func(m eventlog.Meta, n int64) error) { k.fault.Store(&fault) }

func (k *taken) all(t testing.TB) []string {
	t.Helper()
	rows, err := k.db.Primary().QueryContext(context.Background(), "SELECT user_id, n FROM t_taken ORDER BY user_id, position")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	list := []string{}
	for rows.Next() {
		var user, n int64
		if err := rows.Scan(&user, &n); err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%d:%d", user>>22, n))
	}
	return list
}

func follow(t testing.TB, f *eventlog.Follower) {
	t.Helper()
	for {
		more, err := f.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
	}
}

func eachTaken(t *testing.T, fn func(t *testing.T, k *taken)) {
	t.Helper()
	storetest.Each(t, takenSchema(), func(t *testing.T, db *store.DB) { fn(t, &taken{db: db}) })
}

// changed is a client that changes what the log answers: a network that repeats or loses.
type changed struct {
	logv1connect.LogClient
	change func(events []*logv1.Event) []*logv1.Event
}

func (c changed) Read(ctx context.Context, req *logv1.ReadRequest) (*logv1.ReadResponse, error) {
	res, err := c.LogClient.Read(ctx, req)
	if err == nil {
		res.Events = c.change(res.GetEvents())
	}
	return res, err
}

func TestDuplicatesAreTakenInOnce(t *testing.T) {
	eachTaken(t, func(t *testing.T, k *taken) {
		l := newLog(k.db)
		var all []*logv1.Event
		again := changed{LogClient: l, change: func(events []*logv1.Event) []*logv1.Event {
			all = append(all, events...)
			slices.SortStableFunc(all, func(a, b *logv1.Event) int { return int(a.GetPosition() - b.GetPosition()) })
			return all // everything that ever came, again
		}}
		f := eventlog.Follow(k.db, "source", again, k.handler())
		for n := range int64(5) {
			say(t, k.db, l, userIn(1, 1), n)
			say(t, k.db, l, userIn(2, 2), n)
			number(t, l)
			if _, err := f.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			f = eventlog.Follow(k.db, "source", again, k.handler()) // also after a restart
		}
		want := []string{"1:0", "1:1", "1:2", "1:3", "1:4", "2:0", "2:1", "2:2", "2:3", "2:4"}
		if got := k.all(t); !slices.Equal(got, want) {
			t.Fatalf("got %v", got)
		}
	})
}

func TestAGapStopsItsPartitionAndNoOther(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	l := newLog(db)
	k := newTaken(t)
	lossy := true
	f := eventlog.Follow(k.db, "source", changed{LogClient: l, change: func(events []*logv1.Event) []*logv1.Event {
		return slices.DeleteFunc(events, func(e *logv1.Event) bool { return lossy && e.GetPartition() == 1 && e.GetPosition() == 3 })
	}}, k.handler())
	for n := range int64(5) {
		say(t, db, l, userIn(1, 1), n)
		say(t, db, l, userIn(2, 2), n)
	}
	number(t, l)
	if _, err := f.Step(t.Context()); errs.ReasonOf(err) != "log.gap" {
		t.Fatalf("got %v", err)
	}
	if got := k.all(t); !slices.Equal(got, []string{"1:0", "1:1", "2:0", "2:1", "2:2", "2:3", "2:4"}) {
		t.Fatalf("got %v", got)
	}
	if caught, err := f.CaughtUp(t.Context()); err != nil || caught {
		t.Fatal("a stopped partition counts as caught up", err)
	}
	lossy = false
	follow(t, f)
	if got := k.all(t); len(got) != 10 {
		t.Fatalf("got %v", got)
	}
}

func TestAPoisonEventParksItsUserAndNoOther(t *testing.T) {
	eachTaken(t, func(t *testing.T, k *taken) {
		l := newLog(k.db)
		f := eventlog.Follow(k.db, "source", l, k.handler())
		poison := userIn(17, 1)    // partition 1
		neighbour := userIn(17, 2) // the same bucket
		k.failing(func(m eventlog.Meta, n int64) error {
			if m.UserID == poison && n == 2 {
				return errs.New(errs.Internal, "test.poison", "不行。", "No.")
			}
			return nil
		})
		for n := range int64(5) {
			say(t, k.db, l, poison, n)
			say(t, k.db, l, neighbour, n)
		}
		number(t, l)
		follow(t, f)
		if got := k.all(t); !slices.Equal(got, []string{"1:0", "1:1", "2:0", "2:1", "2:2", "2:3", "2:4"}) {
			t.Fatalf("got %v", got)
		}
		parked, err := f.Parked(t.Context())
		if err != nil || len(parked) != 3 || parked[0].Reason != "internal test.poison" || parked[0].Tries == 0 || parked[1].Reason != "behind" || parked[0].UserID != poison {
			t.Fatalf("parked %+v, %v", parked, err)
		}
		// Later events wait behind it, also after a restart, and a retry that fails changes nothing but the count.
		say(t, k.db, l, poison, 5)
		number(t, l)
		f = eventlog.Follow(k.db, "source", l, k.handler())
		follow(t, f)
		if done, err := f.Retry(t.Context(), poison, 17); done != 0 || errs.ReasonOf(err) != "test.poison" {
			t.Fatal(done, err)
		}
		if parked, err := f.Parked(t.Context()); err != nil || len(parked) != 4 || parked[0].Tries < 2 {
			t.Fatalf("parked %+v, %v", parked, err)
		}
		readers, err := eventlog.Readers(t.Context(), k.db)
		if err != nil || len(readers) != 1 || readers[0].Source != "source" || readers[0].Parked != 4 || readers[0].Positions[1] != 11 {
			t.Fatalf("readers %+v, %v", readers, err)
		}
		// The fault is mended: all come in their order, and the user's events flow again.
		k.failing(func(eventlog.Meta, int64) error { return nil })
		if done, err := f.Retry(t.Context(), poison, 17); done != 4 || err != nil {
			t.Fatal(done, err)
		}
		say(t, k.db, l, poison, 6)
		number(t, l)
		follow(t, f)
		if got := k.all(t); !slices.Equal(got[:7], []string{"1:0", "1:1", "1:2", "1:3", "1:4", "1:5", "1:6"}) {
			t.Fatalf("got %v", got)
		}
		if parked, err := f.Parked(t.Context()); err != nil || len(parked) != 0 {
			t.Fatalf("parked %+v, %v", parked, err)
		}
	})
}

func TestAPanicInAHandlerIsAPoisonEvent(t *testing.T) {
	k := newTaken(t)
	l := newLog(k.db)
	k.failing(func(_ eventlog.Meta, n int64) error {
		if n == 1 {
			panic("a fault")
		}
		return nil
	})
	f := eventlog.Follow(k.db, "source", l, k.handler())
	for n := range int64(3) {
		say(t, k.db, l, userIn(1, n+1), n)
	}
	number(t, l)
	follow(t, f)
	if got := k.all(t); !slices.Equal(got, []string{"1:0", "3:2"}) {
		t.Fatalf("got %v", got)
	}
}

func TestAnUnavailablePartIsWaitedFor(t *testing.T) {
	k := newTaken(t)
	l := newLog(k.db)
	k.failing(func(eventlog.Meta, int64) error {
		return errs.New(errs.Unavailable, "test.later", "稍后。", "Later.")
	})
	f := eventlog.Follow(k.db, "source", l, k.handler())
	say(t, k.db, l, userIn(1, 1), 0)
	number(t, l)
	if _, err := f.Step(t.Context()); errs.CodeOf(err) != errs.Unavailable {
		t.Fatalf("got %v", err)
	}
	k.failing(func(eventlog.Meta, int64) error { return nil })
	follow(t, f)
	if parked, _ := f.Parked(t.Context()); len(parked) != 0 || len(k.all(t)) != 1 {
		t.Fatalf("parked %v, taken %v", parked, k.all(t))
	}
}

func TestUnknownKindsAndUndecodableBodies(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	l := newLog(db)
	k := newTaken(t)
	f := eventlog.Follow(k.db, "source", changed{LogClient: l, change: func(events []*logv1.Event) []*logv1.Event {
		for _, e := range events {
			if e.GetUserId() == userIn(1, 9) {
				e.Body = []byte{0xff}
			}
		}
		return events
	}}, k.handler())
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		return l.Append(tx, eventlog.Event{UserID: userIn(1, 1), Body: wrapperspb.String("nobody handles this")})
	})
	if err != nil {
		t.Fatal(err)
	}
	say(t, db, l, userIn(1, 9), 1)
	say(t, db, l, userIn(1, 2), 2)
	number(t, l)
	follow(t, f)
	if got := k.all(t); !slices.Equal(got, []string{"2:2"}) {
		t.Fatalf("got %v", got)
	}
	positions, err := f.Positions(t.Context())
	if err != nil || positions[1] != 3 {
		t.Fatal(positions, err)
	}
	if parked, err := f.Parked(t.Context()); err != nil || len(parked) != 1 || parked[0].Reason != "internal log.undecodable" {
		t.Fatal(parked, err)
	}
}

func TestARebuilderReplaysFromZero(t *testing.T) {
	eachTaken(t, func(t *testing.T, k *taken) {
		l := newLog(k.db)
		for n := range int64(200) {
			say(t, k.db, l, userIn(n%20, n%20+1), n)
		}
		number(t, l)
		f := eventlog.Follow(k.db, "source", l, k.handler())
		follow(t, f)
		first := k.all(t)
		err := f.Rewind(t.Context(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(t.Context(), "DELETE FROM t_taken")
			return err
		})
		if err != nil || len(k.all(t)) != 0 {
			t.Fatal(err)
		}
		follow(t, f)
		if got := k.all(t); !slices.Equal(got, first) || len(got) != 200 {
			t.Fatalf("%d events after the replay, %d before", len(got), len(first))
		}
	})
}

func TestARewindDoesNotWaitForEvents(t *testing.T) {
	k := newTaken(t)
	l := newLog(k.db)
	f := eventlog.Follow(k.db, "source", l, k.handler())
	say(t, k.db, l, userIn(1, 1), 1)
	number(t, l)
	runner := job.NewRunner(k.db, "test", quiet(t))
	runner.Add(job.Job{Name: "follow", Step: f.Step, Follows: true})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	for len(k.all(t)) == 0 {
		time.Sleep(time.Millisecond)
	}
	for range 3 {
		began := time.Now()
		err := f.Rewind(t.Context(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(tx.Context(), "DELETE FROM t_taken")
			return err
		})
		if took := time.Since(began); err != nil || took > 3*time.Second {
			t.Fatalf("a rewind took %v: %v", took, err)
		}
		for len(k.all(t)) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestTwoFollowersOfOneSourceTakeEachEventInOnce(t *testing.T) {
	eachTaken(t, func(t *testing.T, k *taken) {
		l := newLog(k.db)
		for n := range int64(300) {
			say(t, k.db, l, userIn(n%40, n%40+1), n)
		}
		number(t, l)
		done := make(chan error, 2)
		for range 2 {
			f := eventlog.Follow(k.db, "source", l, k.handler())
			go func() {
				for {
					more, err := f.Step(context.Background())
					if err != nil && errs.CodeOf(err) != errs.Unavailable || err == nil && !more {
						done <- err
						return
					}
				}
			}()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		f := eventlog.Follow(k.db, "source", l, k.handler())
		if parked, err := f.Parked(t.Context()); err != nil || len(parked) != 0 {
			t.Fatalf("parked %v, %v", parked, err)
		}
		if got := k.all(t); len(got) != 300 {
			t.Fatalf("%d events of 300", len(got))
		}
	})
}
