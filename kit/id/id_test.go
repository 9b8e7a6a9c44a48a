package id_test

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func TestAnIdTellsItsBucketAndItsTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bucket := rapid.Int64Range(0, id.Buckets-1).Draw(t, "bucket")
		node := rapid.Int64Range(0, 63).Draw(t, "node")
		at := start.Add(time.Duration(rapid.Int64Range(0, 60*365*24*3600*1000).Draw(t, "ms")) * time.Millisecond)
		got := id.NewLocal(node, clock.NewManual(at)).New(bucket)
		if got <= 0 || id.Bucket(got) != bucket || !id.Time(got).Equal(at) {
			t.Fatalf("%d: bucket %d, time %v; want %d, %v", got, id.Bucket(got), id.Time(got), bucket, at)
		}
		if p := id.Partition(bucket); p != int32(bucket%16) {
			t.Fatalf("partition %d", p)
		}
	})
}

func TestKeysSpreadOverTheBuckets(t *testing.T) {
	var seen [id.Buckets]int
	for i := range 100 * id.Buckets {
		seen[id.BucketOf([]byte{byte(i), byte(i >> 8), byte(i >> 16)})]++
	}
	for b, n := range seen {
		if n < 40 || n > 180 {
			t.Fatalf("bucket %d has %d of %d keys", b, n, 100*id.Buckets)
		}
	}
	if got := id.BucketOf([]byte("fixed for ever")); got != 190 {
		t.Fatalf("the bucket of a key has changed to %d: users would not be found", got)
	}
}

func TestIdsGrowWhateverTheClockDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clk := clock.NewManual(start)
		g := id.NewLocal(3, clk)
		last := int64(0)
		for range rapid.IntRange(1, 300).Draw(t, "ids") {
			clk.Add(time.Duration(rapid.Int64Range(-5000, 5000).Draw(t, "step")) * time.Millisecond)
			next := g.New(last & 1023)
			if next>>10 <= last>>10 {
				t.Fatalf("%d came after %d", next, last)
			}
			last = next
		}
	})
}

func TestManyGoroutinesGetDifferentIds(t *testing.T) {
	g := id.NewLocal(1, clock.NewManual(start))
	var mu sync.Mutex
	seen := map[int64]bool{}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			mine := make([]int64, 2000)
			for i := range mine {
				mine[i] = g.New(7)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, n := range mine {
				if seen[n] {
					t.Errorf("%d came twice", n)
				}
				seen[n] = true
			}
		})
	}
	all.Wait()
}

func open(t *testing.T) *store.DB {
	return storetest.Open(t, storetest.SQLite(t))
}

func generator(t testing.TB, db *store.DB, clk clock.Clock) *id.Generator {
	t.Helper()
	g, err := id.NewGenerator(t.Context(), db, clk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// Restarts, with and without a proper end, a clock that is set back, and generators at the same time: no id comes twice.
func TestNoIdComesTwiceOverRestartsAndClockSteps(t *testing.T) {
	db := open(t)
	clk := clock.NewManual(start)
	seen := map[int64]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		var live []*id.Generator
		for range rapid.IntRange(1, 30).Draw(rt, "acts") {
			switch rapid.SampledFrom([]string{"start", "ids", "ids", "step", "jump", "close", "crash"}).Draw(rt, "act") {
			case "start":
				live = append(live, generator(t, db, clk))
			case "ids":
				for _, g := range live {
					last := int64(0)
					for range rapid.IntRange(1, 200).Draw(rt, "n") {
						n := g.New(5)
						if seen[n] {
							rt.Fatalf("%d came twice", n)
						}
						if n <= last {
							rt.Fatalf("%d came after %d", n, last)
						}
						seen[n], last = true, n
					}
				}
			case "step":
				clk.Add(time.Duration(rapid.IntRange(-20_000, 20_000).Draw(rt, "ms")) * time.Millisecond)
			case "jump":
				clk.Add(time.Duration(rapid.IntRange(1, 20).Draw(rt, "days")) * 24 * time.Hour)
			case "close":
				if len(live) > 0 {
					live[0].Close()
					live = live[1:]
				}
			case "crash": // the process ends without a word; its lease stays
				if len(live) > 0 {
					live = live[1:]
				}
			}
		}
		for _, g := range live {
			g.Close()
		}
	})
	if len(seen) == 0 {
		t.Fatal("nothing was tested")
	}
}

func TestEveryNodeNumberIsTakenOnceAndThenTakenOver(t *testing.T) {
	storetest.EachConfig(t, nil, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		clk := clock.NewManual(start)
		seen := map[int64]bool{}
		for i := range 70 { // more than there are numbers, and none is given back
			n := generator(t, db, clk).New(0)
			if seen[n] {
				t.Fatalf("generator %d gave %d, which another gave", i, n)
			}
			seen[n] = true
		}
	})
}

func TestABusinessClockThatJumpsYearsIsFollowedSoon(t *testing.T) {
	db := open(t)
	offset := &clock.Offset{}
	g := generator(t, db, clock.New(offset))
	g.New(0)
	offset.Advance(3 * 365 * 24 * time.Hour)
	want := offset.Value()
	for range 500 {
		if !id.Time(g.New(0)).Before(want.Truncate(time.Millisecond)) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("ids stay in the past")
}

func TestGeneratingIdsGoesOnWhenTheDatabaseIsGone(t *testing.T) {
	db := open(t)
	g := generator(t, db, clock.NewManual(start))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	for range 100_000 {
		n := g.New(1)
		if n <= last {
			t.Fatalf("%d came after %d", n, last)
		}
		last = n
	}
}

func BenchmarkNew(b *testing.B) {
	g := id.NewLocal(1, clock.New(nil))
	for b.Loop() {
		g.New(1)
	}
}
