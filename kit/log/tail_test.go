package log_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

// TestMemoryAndDatabaseTellTheSameEvents reads from every position, near the end and far behind it, from the log that numbered the
// events and from one that knows nothing but the database; in the middle another numberer takes over and gives way again.
func TestMemoryAndDatabaseTellTheSameEvents(t *testing.T) {
	storetest.Each(t, noSchema, func(t *testing.T, db *store.DB) {
		numberer, other := newLog(db), newLog(db)
		for i := range int64(700) {
			say(t, db, numberer, userIn(i%2*5, i+1), i)
			if i%50 != 49 {
				continue
			}
			if by := i / 50; by == 3 || by == 4 {
				number(t, other)
			} else {
				number(t, numberer)
			}
		}
		stranger := newLog(db)
		for from := int64(0); from <= 350; from += 7 {
			for _, both := range []bool{true, false} {
				want, got := readFrom(t, stranger, from, both), readFrom(t, numberer, from, both)
				if len(want) != len(got) {
					t.Fatalf("after %d: %d events of the database, %d of memory", from, len(want), len(got))
				}
				for i := range want {
					if !proto.Equal(want[i], got[i]) {
						t.Fatalf("after %d: %v of the database, %v of memory", from, want[i], got[i])
					}
				}
			}
		}
	})
}

// readFrom reads the two partitions in use from a position, or the second one from the end.
func readFrom(t *testing.T, l *eventlog.Log, from int64, both bool) []*logv1.Event {
	t.Helper()
	second := from
	if !both {
		second = 350
	}
	req := &logv1.ReadRequest{Limit: 40}
	for part := range int32(id.Partitions) {
		position := map[int32]int64{0: from, 5: second}[part]
		req.After = append(req.After, &logv1.Cursor{Partition: part, Position: position})
	}
	res, err := l.Read(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res.GetEvents()
}

// TestAUnitOfTheNumbererCostsTheSameForEveryPartition: an empty calendar day brings one event in each partition.
func TestAUnitOfTheNumbererCostsTheSameForEveryPartition(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	l := newLog(db)
	for part := range int64(id.Partitions) {
		say(t, db, l, userIn(part, part+1), part)
	}
	before := db.Stats()
	number(t, l)
	after := db.Stats()
	if n := after.Commits - before.Commits; n != 1 {
		t.Errorf("%d commits for events of %d partitions", n, id.Partitions)
	}
	if n := after.Statements - before.Statements; n > 24 {
		t.Errorf("%d statements for events of %d partitions", n, id.Partitions)
	}
	before = db.Stats()
	number(t, l)
	if n := db.Stats().Statements - before.Statements; n > 0 {
		t.Errorf("%d statements although nothing was added since", n)
	}
}
